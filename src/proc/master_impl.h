/* What the files of the master share. Internal to master.c, generation.c, reload.c, upgrade.c,
 * certificates.c and master_clerk.c. */
#pragma once

#include "base/list.h"
#include "base/time.h"
#include "proc/clerk_keeper.h"
#include "proc/configuration.h"
#include "proc/control_socket.h"
#include "proc/identity.h"
#include "proc/inspector_keeper.h"
#include "proc/listen.h"
#include "proc/master.h"
#include "proc/notify.h"
#include "proc/records.h"
#include "proc/shared.h"
#include "proc/trial.h"
#include "rt/tls.h"

/* A place for a worker; its number goes into decision ids and owns marks. A worker that drains
 * keeps its own to the end. */
struct slot {
    struct generation *generation; /* whose worker is, was, or is to be here; NULL: free */
    pid_t pid;                     /* 0: none lives */
    struct owner owner;            /* of the living one, or of the next where `renewed` */
    bool renewed;                  /* what the one before left behind is void already */
    bool served;                   /* some worker of this generation has been ready here */
    usec_t started_at;
    usec_t ready_at;   /* 0: not yet */
    usec_t start_at;   /* when the next one is due, while none lives */
    usec_t delay;      /* the last wait before a start */
    usec_t aborted_at; /* when it was told to die because it hung; 0: it was not */
};

enum generation_state {
    GENERATION_STARTING, /* its workers are not all ready yet */
    GENERATION_SERVING,  /* the one whose workers are replaced when they die */
    GENERATION_RETIRING, /* its workers accept no more, and end when their sessions have */
};

/* A file as it was when looked at. */
struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    int error;
};

/* Loaded once for all workers of a generation, so that one which is replaced has what the others
 * have, whatever the files hold by then; and a client may resume with any of them. */
struct certificate {
    struct tls_context *context; /* NULL: STARTTLS is not offered */
    struct file_stamp files[2];  /* certificate and key, not younger than what was loaded */
};

/* The workers of one configuration. */
struct generation {
    struct list link; /* in struct master */
    unsigned number;  /* counts from 1 */
    uint64_t run;     /* of its workers' records; 0: of a program before this one */
    enum generation_state state;
    struct configuration *configuration; /* NULL: of a program before this one, by an upgrade */
    struct identity who;
    int *listeners; /* NULL once they are given back */
    size_t listener_count;
    unsigned workers; /* that it is to have */
    /* STARTING: to be ready; RETIRING: then they are told to end, and if they were, killed */
    usec_t deadline;
    bool told_to_end;
    struct certificate certificate;
    usec_t hang_time; /* a worker whose loop stands still for so long is ended */
    struct inspector_keeper
        *inspectors; /* NULL: none are wanted, or of a program before this one */
};

enum reload_state {
    RELOAD_NONE,
    RELOAD_TRYING,   /* another process reads the configuration */
    RELOAD_STARTING, /* the new generation's workers are starting */
    RELOAD_RETIRING, /* they serve, and the old ones have been told to accept no more */
};

enum reload_cause { RELOAD_ASKED, RELOAD_CERTIFICATES, RELOAD_UPGRADE };

/* Who wants to hear what became of it. */
struct waiter {
    struct list link;
    enum reload_cause cause;
    master_done *done;
    void *arg;
};

struct reload {
    enum reload_state state;
    enum reload_cause cause;        /* of the one that runs */
    struct trial trial;             /* TRYING */
    int program;                    /* the next one, open, while an upgrade runs; else -1 */
    struct generation *next;        /* STARTING */
    unsigned old;                   /* RETIRING: number of the generation before */
    usec_t deadline;                /* RETIRING: not to be waited for any longer */
    bool asked[RELOAD_UPGRADE + 1]; /* by cause: one more is wanted */
    const char *waits_for;          /* no room: why, until a worker has ended; else NULL */
    bool told_waiting;
    usec_t not_before;   /* when the next may begin */
    struct list waiters; /* for the next */
    struct list current; /* for the one that runs */
};

/* Certificate and key, in this order. */
struct certificates {
    struct file_stamp seen[2]; /* at the last look */
    usec_t not_before;         /* when a reload may be asked for with these; 0: none was yet */
    usec_t delay;              /* the last wait between two */
};

struct master {
    const char *file; /* the configuration's name */
    char **argv;      /* for the program that takes over */
    char *program;    /* its path, absolute; NULL: not known */
    char *state;      /* the store's folder, the same for all generations */
    int state_lock;   /* or -1 */
    struct shared shared;
    struct listeners listeners;
    struct slot slots[OWNER_SLOTS];
    struct list generations;
    struct generation *serving; /* NULL: none yet */
    unsigned generation_count;  /* numbers given until now */
    struct reload reload;
    struct certificates certificates;
    struct notify notify;
    struct control_socket control;
    struct records records;
    struct clerk_keeper clerk;
    struct identity clerk_who;
    bool has_clerk; /* clerk_begin was called */
    int signals;
    int ready[2];
    usec_t tick_at;     /* when to look around again */
    usec_t awake_since; /* the last time that the master had stood still */
    bool ending;
    int status;
};

/* ---- master.c ---- */

/* One with nothing in it yet, and the signals and pipes that it hears. Its end is master_serve's.
 */
struct master *master_new(const char *file, char **argv);

/* Serves to the end, frees, and returns the exit status. */
int master_serve(struct master *m);

/* Says that clients are served from now on. */
void master_tell_ready(struct master *m);

/* Says what is not as it should be with the account of workers. */
void master_warn_of(const struct identity *who);

/* Begins to end, with this exit status if nothing worse happens. */
void master_end(struct master *m, int status);

/* ---- generation.c ---- */

/* What a generation is made of. */
struct generation_parts {
    struct configuration *configuration;
    struct identity who;
    struct certificate certificate;
    int *listeners; /* taken for this configuration */
};

/* Makes one whose workers start at the next generations_step, and which owns its parts from then
 * on. 0; or -EAGAIN where there are not enough free slots, and then all is the caller's still. */
int generation_new(struct master *m, const struct generation_parts *parts, struct generation **ret);

/* Tells its workers to accept no more; they end when their sessions have, or at the deadline. */
void generation_retire(struct master *m, struct generation *g, usec_t deadline);

/* Has every worker of this generation that lives stopped to accept? */
bool generation_has_retired(const struct master *m, unsigned number);

/* When workers of this one, told to end now, will have: none still lives for a good reason. */
usec_t generation_end_deadline(const struct generation *g);

/* Tells all workers of all generations to end. */
void generations_end(struct master *m);

/* Starts every worker that is due, ends what is overdue. Returns when there will be something to do
 * again, or USEC_NEVER. */
usec_t generations_step(struct master *m);

/* What workers have said, and which have died. */
void generations_hear_ready(struct master *m);
void generations_bury(struct master *m);

/* Kills those whose loop has stood still for too long. True when a worker of the serving generation
 * is alive and moves. */
bool generations_check_hearts(struct master *m);

bool generation_is_ready(const struct master *m, const struct generation *g);
bool generations_any_lives(const struct master *m);
size_t generations_retiring(const struct master *m);

/* In a child of the master's: closes all doors of inspectors, but for the workers' end of that
 * one's; NULL: none. */
void generations_close_doors(struct master *m, const struct generation *kept);

/* When all workers have ended. */
void generations_free(struct master *m);

/* ---- reload.c ---- */

void reload_init(struct master *m);

/* Asks for one more; see master_reload. */
void reload_ask(struct master *m, enum reload_cause cause, master_done *done, void *arg);

/* Goes on with it as far as it can. Returns when it is to be called again at the latest, or
 * USEC_NEVER. */
usec_t reload_step(struct master *m);

/* A child of the master's that is no worker has ended. */
void reload_child_ended(struct master *m, pid_t pid, int status);

/* The generation that was starting never will. */
void reload_gave_up(struct master *m, const char *why);

/* A worker has ended: there may be room. */
void reload_room(struct master *m);

/* Makes the first generation of a program that has taken over, from the configuration's files. */
void reload_take_over(struct master *m, int files);

/* Tells those who wait for the one that runs that it has succeeded: before the program is replaced,
 * which cannot any more. */
void reload_tell_done(struct master *m);

/* In a worker: what is open for a trial, which could be changed through it. */
void reload_close_in_child(const struct master *m);

/* Whatever is under way is over: the end has begun. */
void reload_cancel(struct master *m);

/* ---- certificates.c ---- */

/* Loads what the configuration names: 0, or a negative errno with a sentence in `ret_why`. */
int certificate_load(const struct conf *conf, struct certificate *ret, char *ret_why,
                     size_t why_size);

/* Asks for a reload when certificate and key have changed. */
void certificates_look(struct master *m);

/* ---- upgrade.c ---- */

/* Has the program at its path tried: 0, or a negative errno with a sentence in `ret_why`. */
int upgrade_begin(struct master *m, char *ret_why, size_t why_size);

/* Executes what has been tried. Returns only when that is not possible. */
void upgrade_go(struct master *m, char *ret_why, size_t why_size);

/* ---- master_clerk.c ---- */

/* There will be a clerk from now on, who becomes `who`. Harmless when there is. */
void clerk_begin(struct master *m, const struct identity *who);

/* Starts one when it is due, and ends the last one when all workers have ended. Returns when there
 * will be something to do again, or USEC_NEVER. */
usec_t clerk_step(struct master *m);

/* Carries out what it has passed on. */
void clerk_hear(struct master *m);

/* Kills one that hangs. */
void clerk_check(struct master *m);

/* In another child of the master. */
void clerk_close_in_child(struct master *m);

/* Puts the master's own figures on the status board. */
void clerk_tell(struct master *m);

/* Another configuration is in force, and there will be a clerk that has it. It may want another
 * control socket, or the one that somebody has removed again, and another user. */
void clerk_follow(struct master *m);
