/* See proc/state_lock.h. */
#include "proc/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/environment.h"

int state_lock(const struct conf *conf, const char *file, int *ret, struct conf_error *ret_error)
{
    int fd = open(conf->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return environment_refuse(conf, file, "state", ret_error, "%s: %s", conf->state,
                                  strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret = fd;
        return 0;
    }
    int error = errno;
    close(fd);
    if (error == EWOULDBLOCK) {
        return environment_refuse(conf, file, "state", ret_error,
                                  "%s: another Gatepost works there", conf->state);
    }
    log_line(LOG_WARNING,
             "%s: cannot be locked: %s; nothing keeps a second Gatepost from working there",
             conf->state, strerror(error));
    *ret = -1;
    return 0;
}
