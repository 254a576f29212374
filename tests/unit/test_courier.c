/* The way of decision lines from worker to clerk, both ends of it: lines that are short, long, too
 * many; a clerk that stands still, workers that die half-way, and what no worker of ours would say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "journal/courier.h"
#include "journal/reception.h"
#include "store/shm.h"

static int ends[2];
static _Atomic uint64_t settled;
static struct courier *courier;

/* What has arrived: all lines, each with a line feed. */
static struct buf got;
static size_t got_count;
static size_t room; /* lines that can be taken */
static struct reception *reception;
static char datagram[COURIER_DATAGRAM + 1];

static bool take(void *arg, struct slice line)
{
    (void)arg;
    assert_true(line.n > 0);
    if (room == 0) {
        return false;
    }
    room--;
    buf_append_slice(&got, line);
    buf_append(&got, "\n", 1);
    got_count++;
    return true;
}

static int setup(void **state)
{
    int least = 1;

    (void)state;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) < 0 ||
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) < 0) {
        return -1;
    }
    least = 262144;
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
    settled = 0;
    courier = courier_new(ends[0], 258, &settled);
    room = SIZE_MAX;
    got_count = 0;
    reception = reception_new(take, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(ends[1]);
    courier = courier_free(courier);
    reception = reception_free(reception);
    buf_free(&got);
    return 0;
}

/* Reads until the socket is empty, or the lines of a datagram cannot be taken. */
static size_t receive(void)
{
    size_t datagrams = 0;
    ssize_t n;

    while ((n = recv(ends[1], datagram, sizeof(datagram), 0)) > 0) {
        assert_true((size_t)n <= COURIER_DATAGRAM);
        datagrams++;
        if (!reception_take(reception, (struct slice){datagram, (size_t)n})) {
            break;
        }
    }
    return datagrams;
}

static void add(const char *line, uint64_t number)
{
    courier_add(courier, slice_of(line), number);
}

/* A line of so many octets, its line feed among them, in memory of its own. */
static struct slice long_line(size_t n, char octet)
{
    char *p = xmalloc(n);

    memset(p, octet, n - 1);
    p[n - 1] = '\n';
    return (struct slice){p, n};
}

static void assert_got(const char *text)
{
    assert_true(slice_eq(buf_slice(&got), slice_of(text)));
}

static void several_in_one(void **state)
{
    (void)state;
    add("{\"a\":1}\n", 7);
    add("{\"b\":2}\n", 8);
    assert_int_equal(settled, 0);
    assert_int_equal(courier_waiting(courier), 16);
    courier_flush(courier);
    assert_int_equal(settled, 9);
    assert_int_equal(courier_waiting(courier), 0);
    assert_int_equal(receive(), 1);
    assert_got("{\"a\":1}\n{\"b\":2}\n");
    courier_flush(courier); /* nothing, and no empty datagram */
    assert_int_equal(receive(), 0);
}

/* A few lines wait for more, but not for long; many do not wait. */
static void lines_gather(void **state)
{
    struct slice line = long_line(COURIER_SEND_AT / 8, 'x');
    uint64_t n = 0;

    (void)state;
    add("{}\n", n++);
    courier_turn(courier);
    assert_int_equal(receive(), 0);
    while (courier_waiting(courier) > 0) {
        (void)poll(NULL, 0, 1);
        courier_turn(courier);
    }
    assert_int_equal(receive(), 1);
    assert_int_equal(settled, n);
    while (courier_waiting(courier) < COURIER_SEND_AT) {
        courier_add(courier, line, n++);
    }
    courier_turn(courier);
    assert_int_equal(courier_waiting(courier), 0);
    assert_int_equal(receive(), 1);
    assert_int_equal(got_count, n);
    free((char *)(uintptr_t)line.p);
}

static void long_lines_in_pieces(void **state)
{
    static const size_t sizes[] = {COURIER_DATAGRAM - COURIER_HEAD - 1,
                                   COURIER_DATAGRAM - COURIER_HEAD,
                                   COURIER_DATAGRAM - COURIER_HEAD + 1, 200000};
    struct buf said = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct slice line = long_line(sizes[i], (char)('a' + i));
        courier_add(courier, line, i);
        courier_add(courier, SLICE_LIT("{}\n"), i);
        buf_append_slice(&said, line);
        buf_append_slice(&said, SLICE_LIT("{}\n"));
        free((char *)(uintptr_t)line.p);
        while (courier_waiting(courier) > 0) {
            courier_flush(courier);
            assert_true(receive() > 0);
        }
    }
    (void)receive();
    assert_int_equal(got_count, 8);
    assert_true(slice_eq(buf_slice(&got), buf_slice(&said)));
    buf_free(&said);
}

/* Nobody reads: the socket fills, then the buffer, then lines are dropped, and it is no secret
 * which have arrived. Every line is either there or counted. */
static void nobody_reads(void **state)
{
    struct slice line = long_line(1000, 'x');
    uint64_t n = 0;

    (void)state;
    while (courier_lost(courier) < 10) {
        courier_add(courier, line, n++);
        assert_true(courier_waiting(courier) <= COURIER_WAITING_MAX + line.n);
        assert_true(n < 100000);
    }
    /* Nothing that still waits is settled. */
    assert_true(settled + courier_waiting(courier) / line.n + courier_lost(courier) <= n);
    while (courier_waiting(courier) > 0) {
        assert_true(receive() > 0);
        courier_flush(courier);
    }
    (void)receive();
    assert_int_equal(settled, n);
    assert_int_equal(got_count + courier_lost(courier), n);
    free((char *)(uintptr_t)line.p);
}

/* The clerk can take no more: it goes on where it stopped. */
static void clerk_is_full(void **state)
{
    (void)state;
    add("1\n", 0);
    add("2\n", 1);
    add("3\n", 2);
    courier_flush(courier);
    room = 1;
    (void)receive();
    assert_got("1\n");
    assert_false(reception_go(reception));
    assert_got("1\n");
    room = 1;
    assert_false(reception_go(reception));
    room = 1;
    assert_true(reception_go(reception));
    assert_got("1\n2\n3\n");
    struct slice line = long_line(100000, 'y');
    courier_add(courier, line, 3);
    courier_flush(courier);
    room = 0;
    (void)receive();
    assert_int_equal(got_count, 3);
    room = 1;
    assert_true(reception_go(reception));
    assert_int_equal(got_count, 4);
    free((char *)(uintptr_t)line.p);
}

static void nobody_will_ever_read(void **state)
{
    (void)state;
    close(ends[1]);
    add("{}\n", 0);
    add("{}\n", 1);
    courier_flush(courier);
    assert_int_equal(courier_lost(courier), 2);
    assert_int_equal(courier_waiting(courier), 0);
    ends[1] = dup(ends[0]);
}

static bool datagram_of(unsigned version, unsigned flags, unsigned slot, const char *body)
{
    size_t n = strlen(body);

    datagram[0] = (char)version;
    datagram[1] = (char)flags;
    datagram[2] = (char)(slot >> 8);
    datagram[3] = (char)slot;
    memcpy(datagram + COURIER_HEAD, body, n);
    return reception_take(reception, (struct slice){datagram, COURIER_HEAD + n});
}

#define WHOLE (COURIER_FIRST | COURIER_LAST)

/* A worker that died within a line takes nothing along but that line, nor do two disturb each
 * other. */
static void half_lines(void **state)
{
    (void)state;
    assert_true(datagram_of(COURIER_VERSION, COURIER_FIRST, 1, "half "));
    assert_true(datagram_of(COURIER_VERSION, COURIER_FIRST, 2, "a "));
    assert_true(datagram_of(COURIER_VERSION, WHOLE, 1, "next\n"));
    assert_true(datagram_of(COURIER_VERSION, 0, 2, "whole "));
    assert_true(datagram_of(COURIER_VERSION, COURIER_LAST, 1, "rest\n"));
    assert_true(datagram_of(COURIER_VERSION, COURIER_LAST, 2, "line\n"));
    assert_got("next\na whole line\n");
    /* The next worker's first line is a long one, too. */
    assert_true(datagram_of(COURIER_VERSION, COURIER_FIRST, 1, "half "));
    assert_true(datagram_of(COURIER_VERSION, COURIER_FIRST, 1, "all "));
    assert_true(datagram_of(COURIER_VERSION, COURIER_LAST, 1, "of it\n"));
    assert_got("next\na whole line\nall of it\n");
    assert_int_equal(reception_held(reception), 0);
}

static void nonsense(void **state)
{
    (void)state;
    assert_true(reception_take(reception, (struct slice){datagram, 0}));
    assert_true(reception_take(reception, (struct slice){datagram, COURIER_HEAD - 1}));
    assert_true(datagram_of(COURIER_VERSION + 1, WHOLE, 0, "version\n"));
    assert_true(datagram_of(COURIER_VERSION, WHOLE, OWNER_SLOTS, "slot\n"));
    assert_true(datagram_of(COURIER_VERSION, WHOLE, 0, "no line feed"));
    assert_true(datagram_of(COURIER_VERSION, WHOLE, 0, "\n\n\n"));
    assert_true(datagram_of(COURIER_VERSION, 0, 0, "the middle of nothing\n"));
    assert_true(datagram_of(COURIER_VERSION, WHOLE, OWNER_SLOTS - 1, "line\n\nno line"));
    assert_got("line\n");
}

/* A datagram full of a line of that slot. */
static void endless(unsigned slot, unsigned flags)
{
    memset(datagram, 'z', sizeof(datagram));
    datagram[0] = COURIER_VERSION;
    datagram[1] = (char)flags;
    datagram[2] = 0;
    datagram[3] = (char)slot;
    assert_true(reception_take(reception, (struct slice){datagram, COURIER_DATAGRAM}));
    assert_true(reception_held(reception) <= RECEPTION_HELD_MOST);
}

/* A line without end is dropped at the bound, also where many of them share the room. */
static void endless_lines(void **state)
{
    size_t most = 0;

    (void)state;
    for (unsigned slot = 0; slot < 64; slot++) {
        unsigned flags = COURIER_FIRST;
        for (size_t n = 0; n <= RECEPTION_LINE_MOST + COURIER_DATAGRAM; n += COURIER_DATAGRAM) {
            endless(slot, flags);
            flags = 0;
        }
        assert_true(datagram_of(COURIER_VERSION, COURIER_LAST, slot, "end\n"));
    }
    assert_int_equal(reception_held(reception), 0);
    assert_int_equal(got_count, 0);
    for (unsigned slot = 0; slot < 64; slot++) {
        for (size_t n = 0; n + COURIER_DATAGRAM <= RECEPTION_LINE_MOST; n += COURIER_DATAGRAM) {
            endless(slot, n == 0 ? COURIER_FIRST : 0);
            most = reception_held(reception) > most ? reception_held(reception) : most;
        }
    }
    assert_true(most > RECEPTION_HELD_MOST / 2);
    assert_true(datagram_of(COURIER_VERSION, WHOLE, 3, "fine\n"));
    assert_got("fine\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_in_one, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_gather, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(clerk_is_full, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_will_ever_read, setup, teardown),
        cmocka_unit_test_setup_teardown(half_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_lines, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
