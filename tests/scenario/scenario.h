/* Scripted dialogues in the simulated world. README.md describes the language.
 *
 * script.c reads files into cases, play.c plays each in a house of its own; the statements are in
 * client.c (what clients do), hear.c (what they hear), hop.c (how the next hop behaves), scanner.c
 * (what outside scanners say), expect.c (what must be true), world.c (configuration, time, faults),
 * remember.c (what is known of others). Two programs are made of these: the scenarios (runner.c),
 * where replies are held against patterns, and the golden dialogues of tests/policy, where all that
 * happens is written down and held against a file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/sim/house.h"
#include "tests/sim/mail_hop.h"
#include "tests/sim/mail_scanner.h"

#define CLIENTS_MAX 9
#define RULES_MAX   40
/* Virtual time that nothing in a scenario may need: a reply that has not come by then never will.
 */
#define PATIENCE (700 * USEC_SEC)

struct run;

struct statement {
    const char *name;
    void (*run)(struct run *r, const char *rest); /* NULL: setup, done before the house stands */
    void (*setup)(struct run *r, const char *rest);
    bool block; /* goes on, line by line, until all its braces are closed */
};

struct step {
    unsigned line;
    const struct statement *statement;
    char *rest; /* what is behind the statement's name */
};

struct scenario {
    const char *file;
    unsigned line;
    char *name;
    struct step *steps;
    size_t count;
};

struct script {
    const struct statement *const *tables; /* what there is; NULL behind the last, the first wins */
    char **files;
    size_t file_count;
    struct scenario *cases;
    size_t count;
};

struct client {
    struct stream *stream;
    struct buf in;
    struct buf reply;  /* the last one, its lines separated by " | " */
    usec_t spoke_at;   /* the client, last */
    usec_t replied_at; /* when the last reply was there as a whole */
    bool ended;        /* the server has ended its side */
    bool blocked;      /* the server reads no more */
    bool tls;
};

/* What the hop does at one point; see hop.c. */
struct hop_rule {
    const struct mail_hop *hop;
    enum hop_point point;
    char containing[80];
    char reply[600];
    struct hop_move move;
    bool once;
    bool used_up;
};

/* What a scanner does with messages; see scanner.c. */
struct scanner_rule {
    enum conf_scanner_kind kind;
    char containing[80];
    struct scanner_move move;
    char text[600], score[20], names[200], action[40]; /* what the move points to */
    bool once;
    bool used_up;
};

/* The scanners there are: their scripts' arguments. */
struct scanner_asks {
    struct run *run;
    struct mail_scanner *scanner;
};

/* The next hops there are: their scripts' arguments. */
struct hop_asks {
    struct run *run;
    struct mail_hop *hop;
};

struct run {
    const struct scenario *scenario;
    const struct step *step; /* the present one */
    bool golden;             /* no reply is a wrong one: the dialogue is written down */
    struct house *house;
    struct mail_hop *hop; /* the present one of these */
    struct hop_asks hops[MAIL_HOPS];
    struct buf conf;
    char folder[64];    /* of the case's own files, "@FILES@"; "" before there is one */
    bool files_changed; /* of the case's own */
    bool own_routes;
    bool tls;
    struct client clients[CLIENTS_MAX + 1]; /* from 1 */
    unsigned current;
    struct hop_rule rules[RULES_MAX];
    unsigned rule_count;
    struct scanner_asks scanners[CONF_SCANNERS];
    struct scanner_rule scanner_rules[RULES_MAX];
    unsigned scanner_rule_count;
    unsigned connects;
    bool killed;
    bool done;
    bool failed;
    char why[3000];
    bool quiet; /* replies are not noted */
    size_t memory_mark;
    struct buf log;          /* the dialogue, for a person to read */
    unsigned messages_noted; /* of the hop's: those that are in it already */
    size_t copies_noted;
    struct buf reply_ids; /* "ID.N\n" of negative replies */
};

/* ---- what the program gives ---- */

/* Adds to the dialogue. */
void note(struct run *r, const char *prefix, struct slice text);

/* ---- script.c ---- */

/* Appends the file's cases; false, and says why with file and line, when it cannot be read. */
bool script_read(struct script *s, const char *file);
/* The same for a file, or for all of a folder's files whose names end in `suffix`. */
bool script_read_path(struct script *s, const char *path, const char *suffix);
void script_free(struct script *s);

/* ---- play.c ---- */

/* `times N` and `again`: the statements between them N times, with the turn's number in the place
 * of each "{turn}". */
extern const struct statement loop_statements[];

/* Plays r->scenario to its end. Between its last statement and the end of the house `finish` is
 * called, when nothing can happen any more. r->failed says whether something was wrong. */
void run_case(struct run *r, void (*finish)(struct run *r));

/* The first reason stays; the run ends after the present statement. */
void fail(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes r->folder. */
void make_folder(struct run *r);

/* ---- statements ---- */
extern const struct statement client_statements[];
extern const struct statement
    hear_statements[]; /* and others that hold a reply against a pattern */
extern const struct statement hop_statements[];
extern const struct statement scanner_statements[];
extern const struct statement scanner_expect_statements[];
extern const struct statement expect_statements[];
extern const struct statement world_statements[];
extern const struct statement memory_statements[];

/* ---- client.c ---- */
struct client *this_client(struct run *r);
/* Fails the case when there is no connection. */
bool client_connected(struct run *r);
void client_end(struct run *r, struct client *c);
void client_say(struct run *r, struct slice line);
/* `deaf` clients do not read meanwhile. Stops early when the server reads no more. */
void client_send(struct run *r, struct slice octets, bool deaf);
void client_connect(struct run *r, const char *rest);
/* DATA, 354, a message, the final dot; false when it did not come to that. */
bool client_data(struct run *r, const char *rest);

/* ---- hear.c ---- */

/* Waits for more; false at the end of the stream or at the deadline. */
bool client_hear_more(struct client *c, usec_t deadline);
/* The next whole reply into c->reply, and noted; false when none comes. */
bool client_hear(struct run *r, usec_t deadline);
/* The next reply; false when it does not fit the pattern, which fails the case but where the run is
 * golden. */
bool client_expect(struct run *r, const char *pattern);
/* closed [anyhow]: the server has closed, without a further word or with any. */
void client_closed(struct run *r, const char *rest);
/* Golden: writes down whatever comes at once behind a reply: another one, or the end. */
void client_settle(struct run *r);

/* ---- hop.c: a struct mail_hop's script, with a struct hop_asks as `arg` ---- */
void hop_script(void *arg, enum hop_point point, const char *line, struct hop_move *ret);

/* ---- scanner.c ---- */
/* Those of the configuration, each at its place; and their end. */
void scanners_begin(struct run *r);
void scanners_end(struct run *r);
/* What must hold of them at the end of a case. */
void scanners_check(struct run *r);

/* ---- expect.c ---- */

/* The whole text as a number; the case fails where it is none. */
unsigned expected_number(struct run *r, const char *text);

/* What must hold after every case, when everything has come to its end. */
void check_end(struct run *r);

/* ---- replayed.c ---- */
/* Judges all decisions anew, by the policy that made them: they must come out the same. */
void check_replayed(struct run *r);

/* Calls fn for each decision line so far. */
void each_decision(struct run *r, void (*fn)(void *arg, const json_t *line), void *arg);

/* ---- world.c ---- */
void world_reset_faults(void);

/* ---- text.c ---- */

/* Does `text` match? "*" stands for any run of octets. With `whole` to its end, else a "$" at the
 * pattern's end asks for that. */
bool text_matches(const char *pattern, struct slice text, bool whole);

/* Appends `text` with each "{X*N}" in it repeated. */
void text_expand(struct buf *ret, struct slice text);

/* Appends a string in double quotes at the start of `text`, its escapes and repetitions undone;
 * returns what follows, or NULL. */
const char *text_string(struct buf *ret, const char *text);

/* "300s", "5m", "2h", "6d", "10ms": -1 for anything else; *ret_rest is what follows. */
usec_t text_duration(const char *text, const char **ret_rest);

/* A number with K or M behind it; -1 for anything else. */
int64_t text_size(const char *text);

/* Takes the next word off: false at the end. */
bool text_word(const char **text, char *ret, size_t size);
