/* A whole session: any octets, in any pieces, at a server with an SMTP hop and a Maildir behind it,
 * straight or through a proxy, judged by a policy that asks for every kind of fact. Afterwards
 * nothing may be left over, and what the hop has must be what was committed. */
#include "fuzz.h"

#include <sys/stat.h>

#include "base/fatal.h"
#include "sim/house.h"
#include "sim/mail_hop.h"

static const char conf_text[] = "hostname mx.example\n"
                                "listen 192.0.2.10:25\n"
                                "route example.org to smtp://" HOUSE_HOP "\n"
                                "route maildir.example to maildir:@DIR@/mail/%{rcpt.local_part}\n"
                                "limit message_size 65536\nlimit message_memory 16384\n"
                                "proxy 198.51.100.0/24\n"
                                "policy {\n"
                                "at connect {\n"
                                "trust all when client.ip == 203.0.113.1\n"
                                "drop \"banned\" when client.banned\n"
                                "wait 2s unless client.early\n"
                                "doubt 1 \"early %{client.ip}\" when client.early\n"
                                "}\n"
                                "at helo {\n"
                                "reject now 550 5.7.1 \"%{helo}\" when helo ~ \"(a+)+b\"\n"
                                "drop silent when helo == \"drop\"\n"
                                "doubt 1 \"%{helo.form}\" unless helo.form == domain\n"
                                "wait 3s when doubt > 1\n"
                                "mark \"X-Helo: %{helo}\" when helo.mine\n"
                                "}\n"
                                "at mail {\n"
                                "reject \"%{sender}\" when sender.domain in { .test, /x+y/ }\n"
                                "defer now 421 4.7.0 \"later\" when sender == \"a@b\"\n"
                                "wait 1s when size.declared > 1K\n"
                                "}\n"
                                "at rcpt {\n"
                                "pass when rcpt in { a@maildir.example }\n"
                                "trust all when rcpt == \"b@example.org\"\n"
                                "ban 1s when rcpt.failures > 3\n"
                                "reject \"%{rcpt.answer}\" when rcpt.known == false\n"
                                "defer \"%{why}\" when unknown(rcpt.known)\n"
                                "mark when rcpt.count > 2\n"
                                "}\n"
                                "at message {\n"
                                "observe reject \"no\" when message.binary\n"
                                "doubt 2 \"%{header(\\\"Subject\\\")}\" when header(\"Subject\") ~ "
                                "\"(.*)*x\" or header.count(\"From\") != 1\n"
                                "junk when header.missing(\"To\") and client.unpipelined\n"
                                "drop 554 5.7.1 \"%{why}\" when doubt >= 4\n"
                                "}\n"
                                "}\n";

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
    static const char *const from[] = {"192.0.2.1", "198.51.100.7", "203.0.113.1"};
    struct addr address;
    hop->chunking = in.pieces.count & 1;
    FUZZ_CHECK(addr_parse(slice_of(from[size % 3]), &address) == 0);
    sim_set_address(house->outside, &address);
    in.p = data;
    in.n = size;
    FUZZ_CHECK(task_spawn(house->outside, rt_root_of(house->outside), writer, &in) == 0);
    sim_run(house->sim, sim_now(house->sim) + 2000 * USEC_SEC);
    const struct worker *w = house_worker(house, 0);
    FUZZ_CHECK(in.stream == NULL);
    FUZZ_CHECK(smtp_server_clients(&w->server) == 0);
    FUZZ_CHECK(presence_total(house->shared_memory.presence) == 0 &&
               presence_waiting(house->shared_memory.presence) == 0);
    FUZZ_CHECK(w->server.budget.used == 0);
    FUZZ_CHECK(marks_count(house->marks, sim_now(house->sim)) == 0);
    FUZZ_CHECK(hop->messages <= w->counts.commits);
    house->decisions.n = 0;
    hop->copies.n = hop->content.n = 0;
    return 0;
}
