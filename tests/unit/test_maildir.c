/* The Maildir hop: who is known, what a file looks like, what is left when a system call fails. */
#include "hop_world.h"

#include <stdio.h>

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/sys.h"

#define TRACE "Received: from a by b\n"

static const char text[] = "Subject: hi\r\n\r\nhello\r\n.\r\n";
static const char stored[] = "Return-Path: <a@x.example>\n" TRACE "Subject: hi\n\nhello\n.\n";

static char root[64];
static char folder[128];

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/gatepost-maildir-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    snprintf(folder, sizeof folder, "%s/%%{rcpt.domain}/mail-%%{rcpt.local_part}/box", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sys_fault = NULL;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    assert_int_equal(mkdir(whole, 0700), 0);
}

static void make_mailboxes(void)
{
    make_folder("y.example/mail-r/box");
    make_folder("y.example/mail-s/box");
    make_folder("y.example/mail-t/box");
}

/* The content of the only file below `path`, which the caller frees; NULL when there is none. */
static char *only_file(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    DIR *dir = opendir(whole);
    char *content = NULL;
    if (dir == NULL) {
        return NULL;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') {
            continue;
        }
        assert_null(content);
        assert_null(strpbrk(e->d_name, ":/"));
        assert_non_null(strstr(e->d_name, ".mx\\057x\\072.example"));
        char file[1024];
        snprintf(file, sizeof file, "%s/%s", whole, e->d_name);
        FILE *f = fopen(file, "r");
        assert_non_null(f);
        size_t n;
        content = calloc(1, 1 << 20);
        n = fread(content, 1, (1 << 20) - 1, f);
        content[n] = '\0';
        fclose(f);
    }
    closedir(dir);
    return content;
}

static void assert_file(const char *path, const char *want)
{
    char *content = only_file(path);
    if (want == NULL) {
        assert_null(content);
        return;
    }
    assert_non_null(content);
    assert_string_equal(content, want);
    free(content);
}

static struct hop_world *maildir_world(void)
{
    struct hop_world *w = world_new();
    w->route = (struct conf_route){.kind = CONF_ROUTE_MAILDIR,
                                   .folder = folder,
                                   .junk_folder = (char *)"Junk",
                                   .name = folder};
    w->conf.hostname = (char *)"mx/x:.example";
    return w;
}

/* ---- a message ---- */

static struct {
    struct slice octets;
    bool by_bdat;
    bool give_up;
    bool junk; /* for the first recipient */
    size_t count;
    int prepared;
    int committed;
} o;

static void deliver(struct hop_world *w)
{
    struct hop *h = begin(w);
    load_octets(w, o.octets, o.by_bdat);
    size_t yes = ask(w, h, o.count);
    if (yes != o.count) {
        fail_hop(w, "%zu of %zu known", yes, o.count);
    }
    w->r[0]->junk = o.junk;
    o.prepared = prepare(w, h, o.count);
    bool ready = o.prepared == 0 && !o.give_up;
    for (size_t i = 0; i < o.count; i++) {
        ready = ready && answer_is_yes(&w->r[i]->answer);
    }
    if (ready) {
        o.committed = commit(w, h, o.count);
    }
    if (strcmp(hop_kind(h), "maildir") != 0) {
        fail_hop(w, "kind %s", hop_kind(h));
    }
    hop_end(h);
}

static struct hop_world *play(const char *octets, size_t count)
{
    struct hop_world *w = maildir_world();
    bool give_up = o.give_up;
    bool by_bdat = o.by_bdat;
    bool junk = o.junk;
    memset(&o, 0, sizeof o);
    o.octets = slice_of(octets);
    o.count = count;
    o.give_up = give_up;
    o.by_bdat = by_bdat;
    o.junk = junk;
    o.committed = 1;
    world_play(w, deliver, NULL, 0);
    o.give_up = o.by_bdat = o.junk = false;
    return w;
}

static void test_delivered(void **state)
{
    (void)state;
    make_mailboxes();
    struct hop_world *w = play(text, 2);
    assert_int_equal(o.committed, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(w->r[i]->committed && w->r[i]->confirmed);
        assert_answer(w->r[i], 250, "2.0.0", NULL);
    }
    assert_file("y.example/mail-r/box/new", stored);
    assert_file("y.example/mail-s/box/new", stored);
    assert_file("y.example/mail-t/box/new", NULL);
    assert_file("y.example/mail-r/box/tmp", NULL);
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/y.example/mail-r/box/cur", root);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    world_free(w);
}

/* The junk folder is made, for the one whose message is junk; and where it is there, it is used. */
static void test_junk(void **state)
{
    (void)state;
    make_mailboxes();
    make_folder("y.example/mail-t/box/.Junk");
    o.junk = true;
    struct hop_world *w = play(text, 2);
    assert_true(w->r[0]->confirmed && w->r[1]->confirmed);
    assert_file("y.example/mail-r/box/new", NULL);
    assert_file("y.example/mail-r/box/.Junk/new", stored);
    assert_file("y.example/mail-r/box/.Junk/tmp", NULL);
    assert_file("y.example/mail-s/box/new", stored);
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/y.example/mail-r/box/.Junk/maildirfolder", root);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    snprintf(path, sizeof path, "%s/y.example/mail-r/box/.Junk/cur", root);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/y.example/mail-s/box/.Junk", root);
    assert_int_equal(stat(path, &st), -1);
    world_free(w);
}

static void test_junk_given_up(void **state)
{
    (void)state;
    make_mailboxes();
    o.junk = o.give_up = true;
    struct hop_world *w = play(text, 1);
    assert_file("y.example/mail-r/box/.Junk/tmp", NULL);
    assert_file("y.example/mail-r/box/.Junk/new", NULL);
    world_free(w);
}

/* No folder can be made there: the message is put off, and stored nowhere. */
static void test_no_junk_folder(void **state)
{
    (void)state;
    char path[256];
    make_mailboxes();
    snprintf(path, sizeof path, "%s/y.example/mail-r/box/.Junk", root);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    o.junk = true;
    struct hop_world *w = play(text, 1);
    assert_answer(w->r[0], 451, "4.3.0", NULL);
    assert_file("y.example/mail-r/box/new", NULL);
    world_free(w);
}

static void test_given_up(void **state)
{
    (void)state;
    make_mailboxes();
    o.give_up = true;
    struct hop_world *w = play(text, 3);
    assert_int_equal(o.prepared, 0);
    assert_false(w->r[0]->committed || w->r[0]->confirmed);
    assert_file("y.example/mail-r/box/new", NULL);
    assert_file("y.example/mail-r/box/tmp", NULL);
    assert_file("y.example/mail-t/box/tmp", NULL);
    world_free(w);
}

static void test_line_ends(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        const char *body;
    } cases[] = {
        {"", ""},
        {"a", "a\n"},
        {"a\r\n\r\nb", "a\n\nb\n"},
        {"\r\n", "\n"},
        {"\xff\x01\r\n", "\xff\x01\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[256];
        snprintf(want, sizeof want, "Return-Path: <a@x.example>\n%s%s", TRACE, cases[i].body);
        make_folder("y.example/mail-r/box");
        struct hop_world *w = play(cases[i].sent, 1);
        assert_true(w->r[0]->confirmed);
        assert_file("y.example/mail-r/box/new", want);
        world_free(w);
        tear_down(NULL);
        set_up(NULL);
    }
}

/* CRLF split between two pieces of the spool, in memory and in its file; with a bare one, which
 * does not get here. */
static void test_long(void **state)
{
    (void)state;
    static char sent[150001];
    static char want[150001];
    for (size_t shift = 0; shift < 2; shift++) {
        make_mailboxes();
        memset(sent, 0, sizeof sent);
        memset(want, 0, sizeof want);
        size_t n = shift;
        memset(sent, 'x', shift);
        size_t m =
            (size_t)sprintf(want, "Return-Path: <a@x.example>\n%s%s", TRACE, shift ? "x" : "");
        for (; n + 2 < sizeof sent; n += 2) {
            memcpy(sent + n, n % 14 < 2 ? "ab" : "\r\n", 2);
            m += (size_t)sprintf(want + m, "%s", n % 14 < 2 ? "ab" : "\n");
        }
        strcpy(want + m, want[m - 1] == '\n' ? "" : "\n");
        struct hop_world *w = play(sent, 1);
        assert_true(w->r[0]->confirmed);
        assert_file("y.example/mail-r/box/new", want);
        world_free(w);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void test_bare(void **state)
{
    (void)state;
    make_mailboxes();
    o.by_bdat = true;
    struct hop_world *w = play("a\nb\r\n", 2);
    assert_answer(w->r[0], 550, "5.6.11", NULL);
    assert_answer(w->r[1], 550, "5.6.11", NULL);
    assert_int_equal(o.committed, 1);
    assert_file("y.example/mail-r/box/new", NULL);
    world_free(w);
}

/* ---- recipients ---- */

static unsigned known(const char *local_part, const char *domain)
{
    struct hop_world *w = maildir_world();
    set_recipient(w, 0, local_part, domain);
    world_play(w, ask_one, NULL, 0);
    unsigned code = w->r[0]->answer.code;
    if (code == 550) {
        assert_answer(w->r[0], 550, "5.1.1", NULL);
    }
    world_free(w);
    return code;
}

static void test_known(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    long_name[256] = '\0';
    make_mailboxes();
    make_folder("y.example/mail-Bo/box");
    make_folder("y.example/mail-a b/box");
    make_folder("y.example/mail-.hid/box");
    make_folder("y.example/mail-../box");
    make_folder("y.example/mail-x/y/box");
    make_folder("y.example/mail-/box");
    make_folder(".z/mail-r/box");
    assert_int_equal(known("r", "y.example"), 250);
    assert_int_equal(known("R", "Y.eXample"), 250);
    assert_int_equal(known("Bo", "y.example"), 250);
    assert_int_equal(known("bo", "y.example"), 550);
    assert_int_equal(known("BO", "y.example"), 550);
    assert_int_equal(known("a b", "y.example"), 250);
    assert_int_equal(known("nobody", "y.example"), 550);
    assert_int_equal(known("r", "z.example"), 550);
    assert_int_equal(known(".hid", "y.example"), 550);
    assert_int_equal(known("..", "y.example"), 550);
    assert_int_equal(known("x/y", "y.example"), 550);
    assert_int_equal(known("../mail-r", "y.example"), 550);
    assert_int_equal(known("", "y.example"), 550);
    assert_int_equal(known("r", ".z"), 550);
    assert_int_equal(known("r", "../y.example"), 550);
    assert_int_equal(known(long_name, "y.example"), 550);
    long_name[253] = '\0';
    assert_int_equal(known(long_name, "y.example"), 550); /* longer than a name with its "mail-" */
    long_name[3] = '\n';
    long_name[4] = '\0';
    assert_int_equal(known(long_name, "y.example"), 553);
}

/* Without the route's first folder nobody's mailbox is missing; the operator hears of it, once. */
static void test_no_root(void **state)
{
    (void)state;
    char away[80], told[256];
    make_mailboxes();
    snprintf(away, sizeof away, "%s.away", root);
    assert_int_equal(rename(root, away), 0);
    struct hop_world *w = maildir_world();
    for (int i = 0; i < 2; i++) {
        set_recipient(w, 0, "r", "y.example");
        world_play(w, ask_one, NULL, 0);
        assert_answer(w->r[0], 451, "4.3.0", NULL);
    }
    snprintf(told, sizeof told, "!%s: mail is put off: %s/: No such file or directory\n", folder,
             root);
    assert_true(slice_eq(buf_slice(&w->told), slice_of(told)));
    world_free(w);
    assert_int_equal(rename(away, root), 0);
    assert_int_equal(known("r", "y.example"), 250);
}

static void test_root(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/var/mail/%{rcpt.domain}/%{rcpt.local_part}", "/var/mail/"},
        {"/var/mail/box-%{rcpt.local_part}/x", "/var/mail/"},
        {"/var/mail/all", "/var/mail/"},
        {"/%{rcpt.local_part}", "/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(slice_eq(hop_maildir_root(rows[i][0]), slice_of(rows[i][1])));
    }
}

/* The exact name wins over the lower-case one. */
static void test_case(void **state)
{
    (void)state;
    make_mailboxes();
    make_folder("y.example/mail-R/box");
    struct hop_world *w = maildir_world();
    set_recipient(w, 0, "R", "y.example");
    o.octets = slice_of(text);
    o.count = 1;
    world_play(w, deliver, NULL, 0);
    assert_true(w->r[0]->confirmed);
    assert_file("y.example/mail-R/box/new", stored);
    assert_file("y.example/mail-r/box/new", NULL);
    world_free(w);
}

/* ---- faults ---- */

static struct {
    unsigned calls;
    unsigned at;
    int error;
    enum sys_op op; /* that failed */
} fault;

static int fail_nth(enum sys_op op)
{
    if (++fault.calls != fault.at) {
        return 0;
    }
    fault.op = op;
    return fault.error;
}

/* Each system call in turn fails: what was not said to be delivered is not there, and what is there
 * was committed; nothing stays in tmp, but where the unlink itself failed. */
static void sweep(int error, unsigned code, const char *enhanced)
{
    unsigned failures = 0;
    bool more = true;
    for (unsigned at = 3; more; at++) { /* the first two are the looks at RCPT */
        make_mailboxes();
        memset(&fault, 0, sizeof fault);
        fault.at = at;
        fault.error = error;
        sys_fault = fail_nth;
        struct hop_world *w = play(text, 2);
        sys_fault = NULL;
        more = fault.calls >= at;
        bool refused = false;
        for (size_t i = 0; i < 2; i++) {
            const struct hop_recipient *r = w->r[i];
            assert_file(i == 0 ? "y.example/mail-r/box/new" : "y.example/mail-s/box/new",
                        r->committed ? stored : NULL);
            assert_file(i == 0 ? "y.example/mail-r/box/tmp" : "y.example/mail-s/box/tmp", NULL);
            assert_true(r->committed || !r->confirmed);
            if (!answer_is_yes(&r->answer)) {
                refused = true;
                assert_false(r->confirmed);
                assert_int_equal(r->answer.code, r->committed ? 451 : code);
                assert_true(
                    slice_eq(r->answer.enhanced, slice_of(r->committed ? "4.3.0" : enhanced)));
            } else {
                assert_int_equal(r->confirmed, o.committed == 0);
            }
        }
        assert_int_equal(refused, more);
        failures += refused;
        world_free(w);
        tear_down(NULL);
        set_up(NULL);
    }
    assert_true(failures >= 20);
}

static void test_faults(void **state)
{
    (void)state;
    sweep(-ENOSPC, 452, "4.3.1");
    sweep(-EDQUOT, 452, "4.3.1");
    sweep(-EIO, 451, "4.3.0");
}

static void test_lookup_fails(void **state)
{
    (void)state;
    make_mailboxes();
    memset(&fault, 0, sizeof fault);
    fault.at = 1;
    fault.error = -EIO;
    sys_fault = fail_nth;
    assert_int_equal(known("r", "y.example"), 451);
}

/* ---- order ---- */

static char order[64];

static int note_order(enum sys_op op)
{
    static const char letters[] = "owrfRmsu";
    size_t n = strlen(order);
    if (n + 1 < sizeof order) {
        order[n] = letters[op];
    }
    return 0;
}

/* An open at RCPT; three folders looked for and made, and their parent synced; the file written and
 * synced before the rename, the folder synced after it. */
static void test_order(void **state)
{
    (void)state;
    make_mailboxes();
    sys_fault = note_order;
    memset(order, 0, sizeof order);
    world_free(play(text, 1));
    assert_string_equal(order, "o"
                               "smsmsmof"
                               "owf"
                               "Rof");
    memset(order, 0, sizeof order);
    world_free(play(text, 1));
    assert_string_equal(order, "o"
                               "sss"
                               "owf"
                               "Rof");
}

/* ---- cancelled ---- */

struct cancel {
    struct hop_world *w;
    uint64_t at;
    uint64_t awaits;
};

static void cancel_at(void *arg, uint64_t n)
{
    struct cancel *c = arg;
    c->awaits = n;
    if (n == c->at) {
        scope_cancel(&c->w->scope, -ECONNRESET);
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    uint64_t awaits = 1;
    unsigned delivered = 0;
    for (uint64_t at = 1; at <= awaits + 1; at++) {
        make_mailboxes();
        struct hop_world *w = maildir_world();
        struct cancel c = {.w = w, .at = at};
        sim_on_await(w->worker, cancel_at, &c);
        memset(&o, 0, sizeof o);
        o.octets = slice_of(text);
        o.count = 2;
        world_play(w, deliver, NULL, 0);
        awaits = c.awaits > awaits ? c.awaits : awaits;
        assert_int_equal(w->r[0]->committed, w->r[1]->committed);
        assert_int_equal(w->r[0]->committed, w->r[0]->confirmed);
        assert_file("y.example/mail-r/box/new", w->r[0]->confirmed ? stored : NULL);
        assert_file("y.example/mail-s/box/new", w->r[1]->confirmed ? stored : NULL);
        assert_file("y.example/mail-r/box/tmp", NULL);
        assert_file("y.example/mail-s/box/tmp", NULL);
        delivered += w->r[0]->confirmed;
        w->failure[0] = '\0';
        world_free(w);
        tear_down(NULL);
        set_up(NULL);
    }
    assert_true(awaits >= 6);
    assert_true(delivered >= 2);
    assert_true(delivered < awaits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_junk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_junk_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_junk_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_line_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_root, set_up, tear_down),
        cmocka_unit_test(test_root),
        cmocka_unit_test_setup_teardown(test_case, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lookup_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
