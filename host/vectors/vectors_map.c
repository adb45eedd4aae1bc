/* vectors_map.c: files mapped privately.
 *
 * A private mapping shares its pages with the page cache until one is written
 * to; then the process has that page for itself. So an index changes its links
 * in place, the file does not, and an index of gigabytes is open at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vectors/vectors_file.h"

#define COPY_BYTES_MIN 64u /* smaller blocks are not aligned to 64 */

static size_t page_bytes(void) {
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (size_t)page : 4096;
}

static size_t round_up(size_t size, size_t page) {
    return (size + page - 1) / page * page;
}

static midge_status size_of(int fd, const char *path, size_t *size,
                            midge_error *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return mdg_vectors_fail(err, "cannot be looked at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: is not a regular file",
                          path);
    }
    if ((uint64_t)st.st_size > SIZE_MAX / 2) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s: is too large to be mapped",
                          path);
    }
    *size = (size_t)st.st_size;
    return MIDGE_OK;
}

midge_status mdg_vectors_map(int fd, const char *path, mdg_mapped *out,
                             midge_error *err) {
    size_t size = 0;
    *out = (mdg_mapped){NULL, -1, NULL, 0};
    MIDGE_TRY(size_of(fd, path, &size, err));
    out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (out->fd < 0) {
        return mdg_vectors_fail(err, "cannot be kept open", path);
    }
    if (size == 0) {
        return MIDGE_OK;
    }
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_NORESERVE, out->fd, 0);
    if (data == MAP_FAILED) {
        midge_status status = mdg_vectors_fail(err, "cannot be mapped", path);
        mdg_vectors_unmap(out);
        return status;
    }
    out->data = data;
    out->size = size;
    return MIDGE_OK;
}

/* A file that is being written may grow meanwhile: what it was is read. */
static midge_status read_all(int fd, const char *path, char *to, size_t size,
                             midge_error *err) {
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, to + at, size - at, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return mdg_vectors_fail(err, "cannot be read", path);
        }
        if (n == 0) {
            return midge_fail(err, MIDGE_E_IO, "%s: was cut short", path);
        }
        at += (size_t)n;
    }
    return MIDGE_OK;
}

midge_status mdg_vectors_load(const midge_env *env, int fd, const char *path,
                              mdg_mapped *out, midge_error *err) {
    size_t size = 0;
    *out = (mdg_mapped){env, -1, NULL, 0};
    MIDGE_TRY(size_of(fd, path, &size, err));
    if (size == 0) {
        return MIDGE_OK;
    }
    out->size = size < COPY_BYTES_MIN ? COPY_BYTES_MIN : size;
    out->data = env->realloc_fn(env->alloc_ctx, NULL, 0, out->size);
    if (!out->data) {
        return midge_fail(err, MIDGE_E_NOMEM, "%s: no memory for %zu bytes",
                          path, size);
    }
    memset((char *)out->data + size, 0, out->size - size);
    midge_status status = read_all(fd, path, out->data, size, err);
    if (status != MIDGE_OK) {
        mdg_vectors_unmap(out);
    }
    return status;
}

void mdg_vectors_unmap(mdg_mapped *mapped) {
    if (mapped->data && mapped->env) {
        mapped->env->realloc_fn(mapped->env->alloc_ctx, mapped->data,
                                mapped->size, 0);
    } else if (mapped->data) {
        munmap(mapped->data, mapped->size);
    }
    if (mapped->fd >= 0) {
        close(mapped->fd);
    }
    *mapped = (mdg_mapped){NULL, -1, NULL, 0};
}

/* Pages of nobody, and over the first of them the file's. What follows in the
 * last page of the section is something else: zeros instead. */
static void *map_room(void *ctx, uint64_t at, size_t size, size_t room) {
    const mdg_mapped *mapped = ctx;
    const size_t page = page_bytes();
    if (at % page != 0 || room < size || room > SIZE_MAX / 2) {
        return NULL;
    }
    const size_t whole = round_up(room, page);
    char *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (mmap(memory, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, mapped->fd,
             (off_t)at) == MAP_FAILED) {
        munmap(memory, whole);
        return NULL;
    }
    if (size % page != 0) {
        memset(memory + size, 0, page - size % page);
    }
    return memory;
}

static void unmap_room(void *ctx, void *memory, size_t room) {
    (void)ctx;
    munmap(memory, round_up(room, page_bytes()));
}

midge_index_bytes mdg_vectors_bytes(mdg_mapped *mapped) {
    return (midge_index_bytes){.data = mapped->data,
                               .size = mapped->size,
                               .map_fn = mapped->env ? NULL : map_room,
                               .unmap_fn = unmap_room,
                               .ctx = mapped};
}
