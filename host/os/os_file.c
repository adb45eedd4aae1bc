/* os_file.c: files read with a bound, written whole or not at all.
 *
 * 1. Nothing is read before the kind and the size of the file are known: a
 *    sparse file of 10 GB, a fifo or /dev/zero is refused at once.
 * 2. A file is written under a temporary name, fsynced, renamed, and its folder
 *    fsynced: after a crash there is the old file or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "midge/os.h"

static midge_status fail_errno(midge_error *err, const char *what,
                               const char *path) {
    int code = errno;
    midge_status status = MIDGE_E_IO;
    if (code == ENOENT || code == ENOTDIR) {
        status = MIDGE_E_NOT_FOUND;
    } else if (code == ENOMEM) {
        status = MIDGE_E_NOMEM;
    } else if (code == ENAMETOOLONG || code == EISDIR) {
        status = MIDGE_E_INVALID;
    }
    return midge_fail(err, status, "%s: %s: %s", path, what, strerror(code));
}

static midge_status check_kind(const char *path, const struct stat *st,
                               size_t max_bytes, midge_error *err) {
    if (S_ISDIR(st->st_mode)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: is a directory", path);
    }
    if (!S_ISREG(st->st_mode)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: is not a regular file",
                          path);
    }
    if (st->st_size < 0 || (uint64_t)st->st_size > max_bytes) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%s: has %lld bytes, more than the limit of %zu",
                          path, (long long)st->st_size, max_bytes);
    }
    return MIDGE_OK;
}

/* Reads to the end of the file, which may have grown or shrunk since fstat. The
 * end is looked for with one byte on the side, so that a file that just fits
 * into the buffer's maximum is not refused. */
static midge_status read_all(int fd, const char *path, size_t want,
                             size_t max_bytes, midge_buf *out,
                             midge_error *err) {
    const size_t start = out->size;
    for (;;) {
        char probe;
        if (want > 0 && midge_buf_reserve(out, want) != MIDGE_OK) {
            return midge_fail(err, out->status, "%s: %s", path,
                              midge_status_text(out->status));
        }
        ssize_t n = want > 0 ? read(fd, out->data + out->size, want)
                             : read(fd, &probe, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(err, "cannot read", path);
        }
        if (n == 0) {
            return MIDGE_OK;
        }
        if (out->size - start + (size_t)n > max_bytes) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "%s: grew past the limit of %zu bytes", path,
                              max_bytes);
        }
        if (want > 0) {
            out->size += (size_t)n;
            want -= (size_t)n;
        } else if (midge_buf_append(out, &probe, 1) != MIDGE_OK) {
            return midge_fail(err, out->status, "%s: %s", path,
                              midge_status_text(out->status));
        } else {
            want = max_bytes - (out->size - start);
            want = want < 4096 ? want : 4096;
        }
    }
}

midge_status midge_os_read_file(const char *path, size_t max_bytes,
                                midge_buf *out, midge_error *err) {
    if (!path || !out) {
        return midge_fail(err, MIDGE_E_INVALID, "no path or no buffer");
    }
    const size_t start = out->size;
    /* O_NONBLOCK: opening a fifo must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fail_errno(err, "cannot open", path);
    }
    struct stat st;
    midge_status status;
    if (fstat(fd, &st) != 0) {
        status = fail_errno(err, "cannot look at", path);
        goto done;
    }
    status = check_kind(path, &st, max_bytes, err);
    if (status == MIDGE_OK) {
        status = read_all(fd, path, (size_t)st.st_size, max_bytes, out, err);
    }
done:
    close(fd);
    if (status != MIDGE_OK) {
        out->size = start;
    }
    return status;
}

static midge_status write_all(int fd, const char *path, const char *bytes,
                              size_t size, midge_error *err) {
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(err, "cannot write", path);
        }
        bytes += n;
        size -= (size_t)n;
    }
    return fsync(fd) == 0 ? MIDGE_OK : fail_errno(err, "cannot sync", path);
}

/* The folder part of `path` ("." when there is none). */
static midge_status parent_of(const char *path, char out[PATH_MAX],
                              midge_error *err) {
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (size >= PATH_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "a path is too long");
    }
    if (size == 0) {
        memcpy(out, slash ? "/" : ".", 2);
    } else {
        memcpy(out, path, size);
        out[size] = '\0';
    }
    return MIDGE_OK;
}

midge_status midge_os_sync_parent(const char *path, midge_error *err) {
    char parent[PATH_MAX];
    MIDGE_TRY(parent_of(path, parent, err));
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, "cannot open the folder", parent);
    }
    midge_status status = MIDGE_OK;
    if (fsync(fd) != 0) {
        status = fail_errno(err, "cannot sync the folder", parent);
    }
    close(fd);
    return status;
}

/* A new file beside `path`; two threads or processes never share one. */
static int open_temporary(const char *path, char name[PATH_MAX]) {
    for (unsigned i = 0; i < 1000; i++) {
        int n =
            snprintf(name, PATH_MAX, "%s.tmp.%ld.%u", path, (long)gettid(), i);
        if (n < 0 || n >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

midge_status midge_os_write_file(const char *path, const void *bytes,
                                 size_t size, midge_error *err) {
    if (!path || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "no path or no bytes");
    }
    char name[PATH_MAX];
    int fd = open_temporary(path, name);
    if (fd < 0) {
        return fail_errno(err, "cannot create", path);
    }
    midge_status status = write_all(fd, path, bytes, size, err);
    if (close(fd) != 0 && status == MIDGE_OK) {
        status = fail_errno(err, "cannot write", path);
    }
    if (status == MIDGE_OK && rename(name, path) != 0) {
        status = fail_errno(err, "cannot rename to", path);
    }
    if (status != MIDGE_OK) {
        unlink(name);
        return status;
    }
    return midge_os_sync_parent(path, err);
}

/* One folder; that it is there already is well. */
static midge_status make_dir(const char *path, midge_error *err) {
    if (mkdir(path, 0700) == 0) {
        return midge_os_sync_parent(path, err);
    }
    struct stat st;
    if (errno == EEXIST && stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode)
                   ? MIDGE_OK
                   : midge_fail(err, MIDGE_E_INVALID,
                                "%s: exists and is not a directory", path);
    }
    return fail_errno(err, "cannot make the directory", path);
}

midge_status midge_os_make_dirs(const char *path, midge_error *err) {
    size_t size = path ? strlen(path) : 0;
    if (size == 0 || size >= PATH_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the path of a directory is empty or too long");
    }
    char part[PATH_MAX];
    for (size_t i = 1; i <= size; i++) {
        if ((path[i] == '/' || path[i] == '\0') && path[i - 1] != '/') {
            memcpy(part, path, i);
            part[i] = '\0';
            MIDGE_TRY(make_dir(part, err));
        }
    }
    return MIDGE_OK;
}
