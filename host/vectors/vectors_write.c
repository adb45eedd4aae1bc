/* vectors_write.c: whole files, written under a temporary name; and commits.
 *
 * 1. A file has its name only when every byte of it is durable.
 * 2. A commit's slot is written only when its frame is durable, and the commit
 *    is reported only when the slot is.
 * 3. A commit that failed before its slot was touched left the file as it was:
 *    the frame lies behind what is committed. It may be tried again, also after
 *    an fsync that failed, because the same bytes are written anew.
 * 4. A slot that may or may not be on the disk can not be taken back: a crash
 *    would find this commit or the one before, and another frame in the place
 *    of its own would be damage. So the next commit writes a whole file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "midge/os.h"
#include "vectors/vectors_file.h"

#define FRAMES_MIN ((uint64_t)1 << 20) /* bytes of frames that never matter */
#define SHARE      0.5

midge_status mdg_vectors_fail(midge_error *err, const char *what,
                              const char *path) {
    const int code = errno;
    midge_status status = MIDGE_E_IO;
    if (code == ENOENT || code == ENOTDIR) {
        status = MIDGE_E_NOT_FOUND;
    } else if (code == ENOMEM) {
        status = MIDGE_E_NOMEM;
    } else if (code == EEXIST) {
        status = MIDGE_E_EXISTS;
    } else if (code == ENAMETOOLONG || code == EISDIR) {
        status = MIDGE_E_INVALID;
    }
    return midge_fail(err, status, "%s: %s: %s", path, what, strerror(code));
}

midge_status mdg_vectors_write_at(int fd, const char *path, uint64_t at,
                                  const void *bytes, size_t size,
                                  midge_error *err) {
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return mdg_vectors_fail(err, "cannot be written", path);
        }
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return MIDGE_OK;
}

/* fdatasync also makes the new size of a file durable. */
midge_status mdg_vectors_sync(int fd, const char *path, int no_sync,
                              midge_error *err) {
    if (no_sync || fdatasync(fd) == 0) {
        return MIDGE_OK;
    }
    return mdg_vectors_fail(err, "cannot be made durable", path);
}

/* ---- Whole files --------------------------------------------------------- */

typedef struct sink {
    int fd;
    const char *path;
    uint64_t at;
    midge_error *err;
} sink;

static midge_status take(void *ctx, const void *bytes, size_t size) {
    sink *s = ctx;
    MIDGE_TRY(mdg_vectors_write_at(s->fd, s->path, s->at, bytes, size, s->err));
    s->at += size;
    return MIDGE_OK;
}

/* A new file beside `path`, locked: nobody else can have it. */
static int open_temporary(const char *path, char name[PATH_MAX]) {
    for (unsigned i = 0; i < 1000; i++) {
        int n = snprintf(name, PATH_MAX, "%s" MDG_TEMPORARY "%ld.%u", path,
                         (long)gettid(), i);
        if (n < 0 || n >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            (void)flock(fd, LOCK_EX | LOCK_NB);
            return fd;
        }
        if (errno != EEXIST) {
            return -1;
        }
    }
    return -1;
}

/* A link refuses to replace; a rename does not. */
static midge_status give_name(const char *name, const char *path,
                              mdg_place_in where, midge_error *err) {
    if (where == MDG_REPLACE) {
        return rename(name, path) == 0
                   ? MIDGE_OK
                   : mdg_vectors_fail(err, "cannot be replaced", path);
    }
    if (link(name, path) != 0) {
        return mdg_vectors_fail(err, "cannot be created", path);
    }
    unlink(name);
    return MIDGE_OK;
}

static midge_status fill(const midge_index *index, int fd, const char *path,
                         const midge_index_file_options *options,
                         midge_index_written *written, midge_error *err) {
    midge_error why = {.text = ""};
    sink s = {fd, path, 0, &why};
    const midge_index_writer writer = {.write_fn = take,
                                       .ctx = &s,
                                       .progress = options->progress,
                                       .progress_ctx = options->progress_ctx};
    midge_status status = midge_index_image_write(index, &writer, written, err);
    if (status != MIDGE_OK) {
        return why.status != MIDGE_OK ? midge_fail(err, status, "%s", why.text)
                                      : status;
    }
    return mdg_vectors_sync(fd, path, options->no_sync, err);
}

midge_status mdg_vectors_write_file(const midge_index *index, const char *path,
                                    mdg_place_in where,
                                    const midge_index_file_options *options,
                                    int *fd, int *named,
                                    midge_index_written *written,
                                    midge_error *err) {
    char name[PATH_MAX];
    *named = 0;
    *fd = open_temporary(path, name);
    if (*fd < 0) {
        return mdg_vectors_fail(err, "cannot be created", path);
    }
    midge_status status = fill(index, *fd, path, options, written, err);
    if (status == MIDGE_OK) {
        status = give_name(name, path, where, err);
        *named = status == MIDGE_OK;
    }
    if (status == MIDGE_OK && !options->no_sync) {
        status = midge_os_sync_parent(path, err);
    }
    if (!*named) {
        unlink(name);
        close(*fd);
        *fd = -1;
    }
    return status;
}

midge_status midge_index_file_save(const midge_index *index, const char *path,
                                   int replace,
                                   const midge_index_file_options *file_options,
                                   midge_error *err) {
    const midge_index_file_options defaults = MIDGE_INDEX_FILE_DEFAULTS;
    midge_index_written written;
    int fd;
    int named;
    if (!index || !path) {
        return midge_fail(err, MIDGE_E_INVALID, "index or path missing");
    }
    midge_status status = mdg_vectors_write_file(
        index, path, replace ? MDG_REPLACE : MDG_NEW_NAME,
        file_options ? file_options : &defaults, &fd, &named, &written, err);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* ---- Commits ------------------------------------------------------------- */

/* The whole file anew; the index goes on under it. */
static midge_status rewrite(midge_index_file *file, midge_error *err) {
    midge_index_written written;
    int fd;
    int named;
    midge_status status =
        mdg_vectors_write_file(file->index, file->path, MDG_REPLACE,
                               &file->options, &fd, &named, &written, err);
    if (!named) {
        return status;
    }
    close(file->fd);
    file->fd = fd;
    file->uncertain = status != MIDGE_OK;
    midge_status tracked = midge_index_track(file->index, &written, err);
    if (tracked != MIDGE_OK) {
        file->uncertain = 1;
    }
    return status != MIDGE_OK ? status : tracked;
}

static int wants_rewrite(const midge_index_file *file) {
    midge_index_image_info info;
    const uint64_t more = midge_index_changes_bytes(file->index);
    const double share = file->options.rewrite_share;
    if (file->uncertain || more == UINT64_MAX) {
        return 1;
    }
    if (share < 0) {
        return 0;
    }
    midge_index_image_info_get(file->index, &info);
    const uint64_t frames = info.length - info.base_length + more;
    return frames > FRAMES_MIN && (double)frames > (share > 0 ? share : SHARE) *
                                                       (double)info.base_length;
}

static midge_status append(midge_index_file *file, const midge_buf *frame,
                           const midge_index_commit *commit, midge_error *err) {
    const int no_sync = file->options.no_sync;
    midge_status status = mdg_vectors_write_at(
        file->fd, file->path, commit->frame_at, frame->data, frame->size, err);
    if (status == MIDGE_OK) {
        status = mdg_vectors_sync(file->fd, file->path, no_sync, err);
    }
    if (status != MIDGE_OK) {
        /* Room on a full disk; what is left behind is ignored. */
        if (ftruncate(file->fd, (off_t)commit->frame_at) != 0) {
            return status;
        }
        return status;
    }
    file->uncertain = 1;
    MIDGE_TRY(mdg_vectors_write_at(file->fd, file->path, commit->slot_at,
                                   commit->slot, sizeof commit->slot, err));
    MIDGE_TRY(mdg_vectors_sync(file->fd, file->path, no_sync, err));
    file->uncertain = 0;
    return MIDGE_OK;
}

static midge_status commit_frame(midge_index_file *file, midge_error *err) {
    midge_buf frame;
    midge_index_commit commit;
    midge_buf_init(&frame, file->env, SIZE_MAX / 2);
    midge_status status =
        midge_index_changes_write(file->index, &frame, &commit, err);
    if (status == MIDGE_OK) {
        status = append(file, &frame, &commit, err);
    }
    if (status == MIDGE_OK) {
        midge_index_changes_done(file->index, &commit);
    }
    midge_buf_deinit(&frame);
    return status;
}

static midge_status check_writable(const midge_index_file *file,
                                   midge_error *err) {
    if (!file) {
        return midge_fail(err, MIDGE_E_INVALID, "file missing");
    }
    return file->options.read_only
               ? midge_fail(err, MIDGE_E_STATE,
                            "%s: was opened to be read only", file->path)
               : MIDGE_OK;
}

midge_status midge_index_file_commit(midge_index_file *file, midge_error *err) {
    MIDGE_TRY(check_writable(file, err));
    if (!file->uncertain && !midge_index_changed(file->index)) {
        return MIDGE_OK;
    }
    return wants_rewrite(file) ? rewrite(file, err) : commit_frame(file, err);
}

midge_status midge_index_file_compact(midge_index_file *file,
                                      midge_error *err) {
    MIDGE_TRY(check_writable(file, err));
    MIDGE_TRY(midge_index_compact(file->index, err));
    return rewrite(file, err);
}
