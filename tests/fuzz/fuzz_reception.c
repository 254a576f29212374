/* What workers send to the clerk, of whom any may be anybody's by now: lines come out that are
 * whole, without line feeds and not empty, nothing is held beyond the bounds, and what is full for
 * a moment loses nothing. */
#include "fuzz.h"

#include "base/buf.h"
#include "journal/courier.h"
#include "journal/reception.h"

struct taken {
    struct buf text;
    bool full; /* says no to every second line, the first time */
    bool no;
};

static bool take(void *arg, struct slice line)
{
    struct taken *t = arg;

    FUZZ_CHECK(line.n > 0 && memchr(line.p, '\n', line.n) == NULL);
    t->no = t->full && !t->no;
    if (t->no) {
        return false;
    }
    buf_append_slice(&t->text, line);
    buf_append(&t->text, "\n", 1);
    return true;
}

/* Each datagram stands behind its length in two octets. */
static void receive(const uint8_t *data, size_t size, struct taken *t)
{
    struct reception *r = reception_new(take, t);

    while (size > 2) {
        size_t n = ((size_t)data[0] << 8 | data[1]) % (size - 2 + 1);
        char *copy = fuzz_copy(data + 2, n);
        bool all = reception_take(r, (struct slice){copy, n});
        while (!all) {
            all = reception_go(r);
        }
        FUZZ_CHECK(reception_held(r) <= RECEPTION_HELD_MOST);
        free(copy);
        data += n + 2;
        size -= n + 2;
    }
    reception_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct taken straight = {0}, halting = {.full = true};

    receive(data, size, &straight);
    receive(data, size, &halting);
    FUZZ_CHECK(slice_eq(buf_slice(&straight.text), buf_slice(&halting.text)));
    buf_free(&straight.text);
    buf_free(&halting.text);
    return 0;
}
