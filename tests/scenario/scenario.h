/* Scenarios: scripted dialogues in the simulated world. README.md describes the language.
 *
 * script.c reads files into cases, runner.c runs each in a house of its own; the statements are in
 * client.c (what clients do and hear), hop.c (how the next hop behaves), expect.c (what must be
 * true), world.c (time, faults, endings). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/sim/house.h"
#include "tests/sim/mail_hop.h"

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
struct rule {
    enum hop_point point;
    char containing[80];
    char reply[600];
    struct hop_move move;
    bool once;
    bool used_up;
};

struct run {
    const struct scenario *scenario;
    const struct step *step; /* the present one */
    struct house *house;
    struct mail_hop *hop;
    struct buf conf;
    bool own_routes;
    bool tls;
    struct client clients[CLIENTS_MAX + 1]; /* from 1 */
    unsigned current;
    struct rule rules[RULES_MAX];
    unsigned rule_count;
    unsigned connects;
    bool killed;
    bool done;
    bool failed;
    char why[3000];
    bool quiet; /* replies are not noted */
    size_t memory_mark;
    struct buf log;       /* the dialogue, for a person to read */
    struct buf reply_ids; /* "ID.N\n" of negative replies */
};

/* ---- script.c ---- */

/* Appends the file's cases; false, and says why with file and line, when it cannot be read. */
bool script_read(struct script *s, const char *file);
void script_free(struct script *s);

/* ---- statements ---- */
extern const struct statement client_statements[];
extern const struct statement hop_statements[];
extern const struct statement expect_statements[];
extern const struct statement world_statements[];

/* The first reason stays; the run ends after the present statement. */
void fail(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds to the dialogue. */
void note(struct run *r, const char *prefix, struct slice text);

/* ---- client.c ---- */
struct client *this_client(struct run *r);
void client_end(struct run *r, struct client *c);

/* ---- hop.c: a struct mail_hop's script with the run as `arg` ---- */
void hop_script(void *arg, enum hop_point point, const char *line, struct hop_move *ret);

/* ---- expect.c ---- */

/* What must hold after every case, when everything has come to its end. */
void check_end(struct run *r);

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
