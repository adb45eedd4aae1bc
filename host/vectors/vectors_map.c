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

static size_t page_bytes(void) {
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (size_t)page : 4096;
}

static size_t round_up(size_t size, size_t page) {
    return (size + page - 1) / page * page;
}

midge_status mdg_vectors_map(int fd, const char *path, mdg_mapped *out,
                             midge_error *err) {
    struct stat st;
    *out = (mdg_mapped){-1, NULL, 0};
    if (fstat(fd, &st) != 0) {
        return mdg_vectors_fail(err, "cannot look at it", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: is not a regular file",
                          path);
    }
    if ((uint64_t)st.st_size > SIZE_MAX / 2) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s: is too large to be mapped",
                          path);
    }
    out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (out->fd < 0) {
        return mdg_vectors_fail(err, "cannot be kept open", path);
    }
    if (st.st_size == 0) {
        return MIDGE_OK;
    }
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_NORESERVE, out->fd, 0);
    if (data == MAP_FAILED) {
        midge_status status = mdg_vectors_fail(err, "cannot be mapped", path);
        mdg_vectors_unmap(out);
        return status;
    }
    out->data = data;
    out->size = (size_t)st.st_size;
    return MIDGE_OK;
}

void mdg_vectors_unmap(mdg_mapped *mapped) {
    if (mapped->data) {
        munmap(mapped->data, mapped->size);
    }
    if (mapped->fd >= 0) {
        close(mapped->fd);
    }
    *mapped = (mdg_mapped){-1, NULL, 0};
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
                               .map_fn = map_room,
                               .unmap_fn = unmap_room,
                               .ctx = mapped};
}
