/* See proc/identity.h. */
#include "proc/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct passwd *account_for_workers(const struct conf *conf, bool *ret_guessed)
{
    const struct passwd *account;

    *ret_guessed = false;
    if (conf->user != NULL) {
        return getpwnam(conf->user);
    }
    account = getpwnam("gatepost");
    if (account == NULL) {
        *ret_guessed = true;
        account = getpwnam("nobody");
    }
    return account;
}

static int find_as_root(const struct conf *conf, struct identity *who, char *why, size_t why_size)
{
    int count = IDENTITY_GROUPS_MAX;
    const struct passwd *account = account_for_workers(conf, &who->guessed);
    const char *name = conf->user != NULL ? conf->user : "nobody";

    if (account == NULL) {
        (void)snprintf(why, why_size, "there is no user %s", name);
        return -EINVAL;
    }
    who->root = account->pw_uid == 0;
    who->change = !who->root;
    who->uid = account->pw_uid;
    who->gid = account->pw_gid;
    (void)snprintf(who->name, sizeof(who->name), "%s", account->pw_name);
    if (getgrouplist(who->name, who->gid, who->groups, &count) < 0) {
        (void)snprintf(why, why_size, "user %s is in more than %d groups", who->name,
                       IDENTITY_GROUPS_MAX);
        return -EINVAL;
    }
    who->group_count = (size_t)count;
    return 0;
}

static int find_as_other(const struct conf *conf, struct identity *who, char *why, size_t why_size)
{
    who->uid = geteuid();
    who->gid = getegid();
    if (conf->user != NULL) {
        const struct passwd *account = getpwnam(conf->user);
        if (account == NULL || account->pw_uid != who->uid) {
            (void)snprintf(why, why_size, "only root can start workers as user %s", conf->user);
            return -EINVAL;
        }
    }
    return 0;
}

int identity_find(const struct conf *conf, struct identity *ret, char *ret_why, size_t why_size)
{
    struct identity who = {0};
    int r = geteuid() == 0 ? find_as_root(conf, &who, ret_why, why_size)
                           : find_as_other(conf, &who, ret_why, why_size);

    if (r == 0) {
        *ret = who;
    }
    return r;
}

static bool is_proven(const struct identity *who)
{
    uid_t u[3];
    gid_t g[3];

    if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (u[i] != who->uid || g[i] != who->gid) {
            return false;
        }
    }
    return setuid(0) < 0 && setgid(0) < 0;
}

/* Also what systemd has given an ordinary user: a worker binds nothing. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* So that nothing that is executed later, whoever owns it, has a capability again. Asks for one
 * itself, so it comes first. */
static void empty_bounding_set(void)
{
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
        (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    }
}

int identity_become(const struct identity *who)
{
    empty_bounding_set();
    if (who->change && (setgroups(who->group_count, who->groups) < 0 ||
                        setresgid(who->gid, who->gid, who->gid) < 0 ||
                        setresuid(who->uid, who->uid, who->uid) < 0)) {
        return -errno;
    }
    if (who->change && !is_proven(who)) {
        return -EPERM;
    }
    int r = who->root ? 0 : drop_capabilities();
    return r < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? r : -errno;
}
