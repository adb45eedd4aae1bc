/* os_lock.c: one process per swarm.
 *
 * flock belongs to the open file description: the kernel drops it when the
 * process dies, however it dies, so there is no stale lock to guess about, and
 * a second open in the same process is refused too. The file itself stays: to
 * remove it would let a third process lock a file nobody else can see. The pid
 * inside is for the message only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "midge/os.h"

static midge_status fail_busy(int fd, const char *path, midge_error *err) {
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    if (pid > 0) {
        return midge_fail(err, MIDGE_E_BUSY,
                          "%s: the swarm is in use by process %ld", path, pid);
    }
    return midge_fail(err, MIDGE_E_BUSY,
                      "%s: the swarm is in use by another process", path);
}

midge_status midge_os_lock_file(const char *path, midge_os_lock *lock,
                                midge_error *err) {
    if (!path || !lock) {
        return midge_fail(err, MIDGE_E_INVALID, "no path or no lock");
    }
    lock->fd = -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return midge_fail(err, MIDGE_E_IO, "%s: cannot open: %s", path,
                          strerror(errno));
    }
    midge_status status = MIDGE_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? fail_busy(fd, path, err)
                     : midge_fail(err, MIDGE_E_IO, "%s: cannot lock: %s", path,
                                  strerror(errno));
        goto failed;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        status = midge_fail(err, MIDGE_E_IO, "%s: cannot write: %s", path,
                            strerror(errno));
        goto failed;
    }
    lock->fd = fd;
    return MIDGE_OK;
failed:
    close(fd);
    return status;
}

void midge_os_unlock(midge_os_lock *lock) {
    if (lock && lock->fd >= 0) {
        if (ftruncate(lock->fd, 0) != 0) {
            /* Only the pid in a message would be old. */
        }
        close(lock->fd);
        lock->fd = -1;
    }
}
