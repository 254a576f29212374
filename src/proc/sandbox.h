/* Taking from this process, for good, all that it was not told to need: capabilities, system calls
 * (seccomp), files and TCP ports (Landlock), signals and abstract sockets beyond itself (Landlock).
 *
 * Who needs what, and why, is said by its caller: src/proc/worker.c and src/proc/clerk.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* System calls that go together, and why they are needed. Numbers are libseccomp's (SCMP_SYS),
 * ended by SANDBOX_END. Some are let through with some arguments only, see sandbox.c. */
#define SANDBOX_END (-1000000)

struct sandbox_calls {
    const char *why;
    const int *numbers;
};

enum sandbox_access {
    SANDBOX_READ,   /* files, and what folders hold */
    SANDBOX_WRITE,  /* and make, rename, link and remove files */
    SANDBOX_FOLDERS /* and make folders */
};

struct sandbox_path {
    const char *path; /* a folder, with all below it */
    enum sandbox_access access;
};

/* Sets all its members; what they point to is the caller's. */
struct sandbox {
    const struct sandbox_calls *calls; /* ended by one without `why` */
    const struct sandbox_path *paths;
    size_t path_count;
    const uint16_t *ports; /* of TCP: where connections may go */
    size_t port_count;
    bool internet; /* sockets of IPv4 and IPv6 may be made */
    bool unix_domain;
    bool private_memory; /* no file is mapped so that writing to memory would change it */
};

/* What was there to be had of this kernel. */
struct sandbox_level {
    bool seccomp;
    int landlock; /* the ABI that is used, 0: none */
};

/* ABIs of Landlock from which on it bounds what we want to be bounded: files (without 2 a message
 * could not be renamed from one folder into another), ports, signals. */
#define SANDBOX_LANDLOCK_FILES   2
#define SANDBOX_LANDLOCK_PORTS   4
#define SANDBOX_LANDLOCK_SIGNALS 6

/* What this kernel offers. */
struct sandbox_level sandbox_offered(void);

/* Enters it; the process must have one thread. A folder that is not there is left out: *ret_missing
 * is the first of them, or NULL. 0 and what it got; or a negative errno, and then the process must
 * not go on. */
int sandbox_enter(const struct sandbox *s, struct sandbox_level *ret, const char **ret_missing);
