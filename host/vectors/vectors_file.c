/* vectors_file.c: index files opened and closed.
 *
 * A writer has two locks. flock on the file itself ends with the process, and
 * keeps native writers apart whatever happens. A file may be replaced while
 * somebody waits for it or opens it, so whoever has that lock looks whether the
 * name still leads to that file. Then the lock file beside it (vectors_lock.c),
 * for those who have no flock.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vectors/vectors_file.h"

#define TRIES 100u

static const midge_index_file_options defaults = MIDGE_INDEX_FILE_DEFAULTS;

void midge_index_file_close(midge_index_file *file) {
    if (!file) {
        return;
    }
    midge_index_free(file->index);
    mdg_vectors_unmap(&file->mapped);
    mdg_vectors_unlock(file->lock);
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file->path);
    free(file);
}

static midge_status new_file(const midge_env *env, const char *path,
                             const midge_index_file_options *options,
                             midge_index_file **out, midge_error *err) {
    *out = NULL;
    if (!env || !path || path[0] == '\0') {
        return midge_fail(err, MIDGE_E_INVALID, "env or path missing");
    }
    midge_index_file *file = calloc(1, sizeof *file);
    if (file) {
        file->fd = -1;
        file->mapped.fd = -1;
        file->env = env;
        file->options = options ? *options : defaults;
        file->path = strdup(path);
    }
    if (!file || !file->path) {
        midge_index_file_close(file);
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for a file");
    }
    *out = file;
    return MIDGE_OK;
}

/* ---- New files ----------------------------------------------------------- */

static midge_status create(midge_index_file *file,
                           const midge_index_options *options,
                           midge_error *err) {
    midge_index_written written;
    int named;
    if (file->options.read_only) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a new file cannot be read only");
    }
    /* Asked first: it is cheaper, and no temporary file is seen. The link that
     * gives the name asks again. */
    if (access(file->path, F_OK) == 0) {
        errno = EEXIST;
        return mdg_vectors_fail(err, "cannot be created", file->path);
    }
    MIDGE_TRY(midge_index_new(file->env, options, &file->index, err));
    MIDGE_TRY(mdg_vectors_lock(file->path, &file->lock, err));
    MIDGE_TRY(mdg_vectors_write_file(file->index, file->path, MDG_NEW_NAME,
                                     &file->options, &file->fd, &named,
                                     &written, err));
    return midge_index_track(file->index, &written, err);
}

midge_status
midge_index_file_create(const midge_env *env, const char *path,
                        const midge_index_options *options,
                        const midge_index_file_options *file_options,
                        midge_index_file **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    MIDGE_TRY(new_file(env, path, file_options, out, err));
    midge_status status = create(*out, options, err);
    if (status != MIDGE_OK) {
        midge_index_file_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- Opening ------------------------------------------------------------- */

/* Does the name lead to the file that is open? */
static int still_named(int fd, const char *path) {
    struct stat a;
    struct stat b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static midge_status lock(int fd, const char *path, midge_error *err) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return MIDGE_OK;
    }
    return errno == EWOULDBLOCK
               ? midge_fail(err, MIDGE_E_BUSY,
                            "%s: another process has it open to write; it can "
                            "be opened read-only",
                            path)
               : mdg_vectors_fail(err, "cannot be locked", path);
}

/* O_NONBLOCK: opening a fifo must not wait for its writer. */
static midge_status open_fd(const char *path, int read_only, int *out,
                            midge_error *err) {
    for (unsigned i = 0; i < TRIES; i++) {
        *out = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC |
                              O_NONBLOCK | O_NOCTTY);
        if (*out < 0) {
            return mdg_vectors_fail(err, "cannot be opened", path);
        }
        midge_status status = read_only ? MIDGE_OK : lock(*out, path, err);
        if (status == MIDGE_OK && (read_only || still_named(*out, path))) {
            return MIDGE_OK;
        }
        close(*out);
        *out = -1;
        MIDGE_TRY(status);
    }
    return midge_fail(err, MIDGE_E_BUSY, "%s: is replaced all the time", path);
}

static midge_status open_index(midge_index_file *file, midge_error *err) {
    midge_error why = {.text = ""};
    MIDGE_TRY(file->options.load
                  ? mdg_vectors_load(file->env, file->fd, file->path,
                                     &file->mapped, err)
                  : mdg_vectors_map(file->fd, file->path, &file->mapped, err));
    const midge_index_bytes bytes = mdg_vectors_bytes(&file->mapped);
    midge_status status = midge_index_image_open(
        file->env, &bytes, !file->options.read_only, &file->index, &why);
    if (status != MIDGE_OK) {
        mdg_vectors_unmap(&file->mapped);
        return midge_fail(err, status, "%s: %s", file->path, why.text);
    }
    return MIDGE_OK;
}

/* Nobody is shut out while a file is read: its writer may commit between the
 * look at its size and the look at its slots. What seems damaged then has
 * another size than before, and another look shows it whole. */
static int has_moved(int fd, off_t *size) {
    struct stat st;
    const off_t before = *size;
    *size = fd >= 0 && fstat(fd, &st) == 0 ? st.st_size : before;
    return *size != before;
}

static midge_status open_to_read(midge_index_file *file, midge_error *err) {
    off_t size = 0;
    midge_status status = MIDGE_E_CORRUPT;
    (void)has_moved(file->fd, &size);
    for (unsigned i = 0; i < TRIES && status == MIDGE_E_CORRUPT; i++) {
        status = open_index(file, err);
        if (!has_moved(file->fd, &size)) {
            break;
        }
    }
    return status;
}

/* A process that was killed while it wrote a whole file left it under its
 * temporary name. Whoever writes one has it locked before its first byte, so
 * one that has bytes and no lock is nobody's. */
static void remove_left_over(int folder, const char *name) {
    struct stat st;
    int fd = folder < 0 ? -1
                        : openat(folder, name,
                                 O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

static void remove_left_overs(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const size_t size = strlen(name);
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    DIR *dir = opendir(folder ? folder : ".");
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        const char *rest = entry->d_name + size;
        if (strncmp(entry->d_name, name, size) == 0 &&
            strncmp(rest, MDG_TEMPORARY, strlen(MDG_TEMPORARY)) == 0 &&
            strspn(rest + strlen(MDG_TEMPORARY), "0123456789.") ==
                strlen(rest + strlen(MDG_TEMPORARY))) {
            remove_left_over(dirfd(dir), entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
}

/* A slot that a power loss damaged is written again, and what was not committed
 * is cut off, before anything is appended. */
static midge_status mend(midge_index_file *file, midge_error *err) {
    midge_index_image_info info;
    midge_index_image_info_get(file->index, &info);
    if (info.heal) {
        MIDGE_TRY(mdg_vectors_write_at(file->fd, file->path, info.slot_at,
                                       info.slot, sizeof info.slot, err));
        MIDGE_TRY(mdg_vectors_sync(file->fd, file->path, 0, err));
    }
    if (file->mapped.size > info.length &&
        ftruncate(file->fd, (off_t)info.length) != 0) {
        return mdg_vectors_fail(err, "cannot be cut to what is committed",
                                file->path);
    }
    return MIDGE_OK;
}

static midge_status open_file(midge_index_file *file, midge_error *err) {
    MIDGE_TRY(open_fd(file->path, file->options.read_only, &file->fd, err));
    if (file->options.read_only) {
        return open_to_read(file, err);
    }
    MIDGE_TRY(mdg_vectors_lock(file->path, &file->lock, err));
    if (!still_named(file->fd, file->path)) { /* replaced by who had it */
        close(file->fd);
        MIDGE_TRY(open_fd(file->path, 0, &file->fd, err));
    }
    MIDGE_TRY(open_index(file, err));
    remove_left_overs(file->path);
    return mend(file, err);
}

midge_status midge_index_file_open(const midge_env *env, const char *path,
                                   const midge_index_file_options *file_options,
                                   midge_index_file **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    MIDGE_TRY(new_file(env, path, file_options, out, err));
    midge_status status = open_file(*out, err);
    if (status != MIDGE_OK) {
        midge_index_file_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- The rest ------------------------------------------------------------ */

midge_index *midge_index_file_index(midge_index_file *file) {
    return file->index;
}

void midge_index_file_info_get(const midge_index_file *file,
                               midge_index_file_info *info) {
    midge_index_image_info image;
    midge_index_image_info_get(file->index, &image);
    *info = (midge_index_file_info){
        .bytes = image.length,
        .frame_bytes = image.length - image.base_length,
        .frames = image.frames,
        .sequence = image.sequence,
        .read_only = file->options.read_only,
        .changed = file->uncertain || midge_index_changed(file->index),
    };
}

static midge_status verify_once(const midge_env *env, int fd, const char *path,
                                midge_progress_fn progress, void *progress_ctx,
                                midge_index_report *report, midge_error *err) {
    mdg_mapped mapped;
    midge_error why = {.text = ""};
    memset(report, 0, sizeof *report);
    MIDGE_TRY(mdg_vectors_map(fd, path, &mapped, err));
    const midge_index_bytes bytes = mdg_vectors_bytes(&mapped);
    midge_status status = midge_index_image_verify(env, &bytes, progress,
                                                   progress_ctx, report, &why);
    if (status != MIDGE_OK) {
        (void)midge_fail(err, status, "%s: %s", path, why.text);
    }
    mdg_vectors_unmap(&mapped);
    return status;
}

midge_status midge_index_file_verify(const midge_env *env, const char *path,
                                     midge_progress_fn progress,
                                     void *progress_ctx,
                                     midge_index_report *report,
                                     midge_error *err) {
    midge_index_report local;
    off_t size = 0;
    int fd;
    if (!env || !path) {
        return midge_fail(err, MIDGE_E_INVALID, "env or path missing");
    }
    MIDGE_TRY(open_fd(path, 1, &fd, err));
    (void)has_moved(fd, &size);
    midge_status status = MIDGE_E_CORRUPT;
    for (unsigned i = 0; i < TRIES && status == MIDGE_E_CORRUPT; i++) {
        status = verify_once(env, fd, path, progress, progress_ctx,
                             report ? report : &local, err);
        if (!has_moved(fd, &size)) {
            break;
        }
    }
    close(fd);
    return status;
}
