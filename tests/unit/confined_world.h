/* A worker's confinement as tests enter it: a configuration with its folders and ports, somebody
 * who listens on another, and children that confine themselves before they try something. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "proc/worker.h"

struct confined_world {
    char folder[64];
    char outside[64];
    int hop;     /* listening on a port that is in the configuration */
    int scanner; /* and on a scanner's */
    int other;   /* and on one that is not */
    uint16_t hop_port;
    uint16_t scanner_port;
    uint16_t other_port;
    char abstract[64]; /* name of an abstract socket that somebody listens on */
    int abstract_fd;
    struct conf *conf;
    struct policy *policy;
    struct sandbox_level level;
};

extern struct confined_world w;

int make_world(void **state);
int free_world(void **state);

/* The path of what has this name in the world's folder; valid until the next call. */
const char *inside(const char *name);
struct sockaddr_un abstract_name(socklen_t *ret_n);

/* An attempt: 0 when it was possible. */
typedef int attempt_fn(void);
int open_file(const char *path, int flags);
int make_socket(int domain, int type, int protocol);
int connect_to(uint16_t port);
int read_passwd(void);

/* How a child ended. */
enum outcome { DONE = 0, REFUSED = 1, NOT_CONFINED = 2 };

/* Waits for it. Being killed for a system call is a refusal, by any other signal a mistake. */
enum outcome outcome_of(pid_t child);

/* Has a child try it that is confined as a worker is. */
enum outcome try_confined(attempt_fn *attempt);
