/* A whole session: any octets, in any pieces, at a server with an SMTP hop and a Maildir behind it.
 * Afterwards nothing may be left over, and what the hop has must be what was committed. */
#include "fuzz.h"

#include <sys/stat.h>

#include "base/fatal.h"
#include "sim/house.h"
#include "sim/mail_hop.h"

static const char conf_text[] = "hostname mx.example\n"
                                "listen 192.0.2.10:25\n"
                                "route example.org to smtp://" HOUSE_HOP "\n"
                                "route maildir.example to maildir:@DIR@/mail/%{rcpt.local_part}\n"
                                "limit message_size 65536\nlimit message_memory 16384\n";

static struct house *house;
static struct mail_hop *hop;

struct input {
    const uint8_t *p;
    size_t n;
    struct fuzz_pieces pieces;
    struct stream *stream;
};

/* Reads replies until there are none, so that the server never has to wait for us. */
static void reader(void *arg)
{
    char buffer[4096];
    struct input *in = arg;
    while (stream_read(in->stream, buffer, sizeof buffer, rt_now() + 1000 * USEC_SEC) > 0) {
    }
    in->stream = stream_close(in->stream);
}

static void writer(void *arg)
{
    struct input *in = arg;
    struct addr to = house_address(0);
    FUZZ_CHECK(stream_connect(&to, rt_now() + USEC_SEC, &in->stream) == 0);
    while (in->n > 0) {
        size_t n = fuzz_pieces_next(&in->pieces, in->n);
        struct iovec iov = {(void *)(uintptr_t)in->p, n};
        if (stream_write(in->stream, &iov, 1, rt_now() + USEC_SEC, NULL) < 0) {
            break;
        }
        in->p += n;
        in->n -= n;
    }
    reader(in);
}

static void start(void)
{
    char path[128];
    house = house_new(1, conf_text, 1, true);
    hop = mail_hop_new(house);
    snprintf(path, sizeof path, "%s/mail/a", house->folder);
    FUZZ_CHECK(mkdir(path, 0700) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (house == NULL) {
        start();
    }
    struct input in = {0};
    fuzz_pieces_take(&data, &size, &in.pieces);
    hop->chunking = in.pieces.count & 1;
    in.p = data;
    in.n = size;
    FUZZ_CHECK(task_spawn(house->outside, rt_root_of(house->outside), writer, &in) == 0);
    sim_run(house->sim, sim_now(house->sim) + 2000 * USEC_SEC);
    const struct worker *w = house_worker(house, 0);
    FUZZ_CHECK(in.stream == NULL);
    FUZZ_CHECK(w->server.session_count == 0);
    FUZZ_CHECK(w->server.budget.used == 0);
    FUZZ_CHECK(marks_count(house->marks, sim_now(house->sim)) == 0);
    FUZZ_CHECK(hop->messages <= w->deliveries.stats.committed);
    house->decisions.n = 0;
    hop->copies.n = hop->content.n = 0;
    return 0;
}
