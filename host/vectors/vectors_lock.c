/* vectors_lock.c: the lock that writers in other runtimes see: a file beside
 * the index, NAME.lock, with the writer's process in it. Node has no flock, and
 * who only has flock is not seen there; so a native writer has both. What
 * counts as held is in spec/formats/index.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vectors/vectors_file.h"

#define SUFFIX     ".lock"
#define TEXT_BYTES 64
#define TRIES      50u
#define WAIT_MS    10

/* ---- Processes ----------------------------------------------------------- */

/* The beginning of a small file; 0 when there is none. */
static size_t read_text(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, room - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
    return n > 0 ? (size_t)n : 0;
}

/* What the system says of a process: the letter of its state, and when it
 * began, in ticks; 0 when it says nothing. */
static char look_at(long pid, unsigned long long *began) {
    char name[40];
    char text[1024];
    char state = 0;
    *began = 0;
    (void)snprintf(name, sizeof name, "/proc/%ld/stat", pid);
    (void)read_text(name, text, sizeof text);
    const char *at = strrchr(text, ')'); /* ends its name */
    if (!at || sscanf(at + 1,
                      " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                      "%*s %*s %*s %*s %*s %*s %llu",
                      &state, began) != 2) {
        return 0;
    }
    return state;
}

static int runs(long pid, unsigned long long began) {
    unsigned long long now;
    const char state = look_at(pid, &now);
    if (state == 0) {
        return kill((pid_t)pid, 0) == 0 || errno == EPERM;
    }
    return state != 'Z' && state != 'X' && (began == 0 || began == now);
}

/* ---- The file ------------------------------------------------------------ */

typedef enum held { HELD_NOT, HELD_BEGUN, HELD } held;

static held who_holds(const char *text, long *pid) {
    unsigned long long began = 0;
    const char *end = strchr(text, '\n');
    if (!end) {
        return HELD_BEGUN; /* it is being written, or its writer was killed */
    }
    if (sscanf(text, "%ld %llu", pid, &began) < 1 || *pid <= 0) {
        return HELD_NOT;
    }
    return runs(*pid, began) ? HELD : HELD_NOT;
}

/* Takes a lock that is nobody's away, and only that one: by now it may be
 * another's. */
static void take_away(const char *path, const char *lock, const char *judged) {
    char aside[PATH_MAX];
    char text[TEXT_BYTES];
    int n = snprintf(aside, sizeof aside, "%s" MDG_TEMPORARY "%ld.0", path,
                     (long)gettid());
    if (n < 0 || n >= PATH_MAX || rename(lock, aside) != 0) {
        return;
    }
    (void)read_text(aside, text, sizeof text);
    if (strcmp(text, judged) != 0 && link(aside, lock) != 0) {
        /* Somebody has it by now. */
    }
    unlink(aside);
}

/* 1 when the file is made; 0 and errno. */
static int make_lock(const char *lock) {
    char text[TEXT_BYTES];
    unsigned long long began;
    (void)look_at((long)getpid(), &began);
    int size = snprintf(text, sizeof text, "%ld %llu\n", (long)getpid(), began);
    int fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return 0;
    }
    const int fine = write(fd, text, (size_t)size) == size;
    const int code = errno;
    close(fd);
    if (!fine) {
        unlink(lock);
        errno = code;
    }
    return fine;
}

static midge_status try_lock(const char *path, const char *lock,
                             midge_error *err) {
    const struct timespec wait = {0, WAIT_MS * 1000000L};
    for (unsigned i = 0; i < TRIES; i++) {
        char text[TEXT_BYTES];
        long pid = 0;
        if (make_lock(lock)) {
            return MIDGE_OK;
        }
        if (errno != EEXIST) {
            return mdg_vectors_fail(err, "cannot be locked", path);
        }
        (void)read_text(lock, text, sizeof text);
        const held how = who_holds(text, &pid);
        if (how == HELD) {
            return midge_fail(err, MIDGE_E_BUSY,
                              "%s: process %ld has it open to write; it can be "
                              "opened read-only",
                              path, pid);
        }
        if (how == HELD_NOT || i == TRIES / 2) {
            take_away(path, lock, text);
        } else {
            (void)nanosleep(&wait, NULL);
        }
    }
    return midge_fail(err, MIDGE_E_BUSY, "%s" SUFFIX ": changes all the time",
                      path);
}

midge_status mdg_vectors_lock(const char *path, char **out, midge_error *err) {
    const size_t size = strlen(path) + sizeof SUFFIX;
    char *lock = malloc(size);
    *out = NULL;
    if (!lock) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for a lock");
    }
    (void)snprintf(lock, size, "%s" SUFFIX, path);
    midge_status status = try_lock(path, lock, err);
    if (status == MIDGE_OK) {
        *out = lock;
    } else {
        free(lock);
    }
    return status;
}

void mdg_vectors_unlock(char *lock) {
    if (lock) {
        unlink(lock);
        free(lock);
    }
}
