/* embed_words.c: word vectors of a file. It is mapped, since it is read from
 * end to end once and may be larger than what is kept of it; the pages behind
 * are given back by the system when it needs them. A list of frequencies
 * likewise.
 */
#include "embed/embed_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mapping {
    void *bytes; /* NULL when the file is empty */
    size_t size;
} mapping;

static midge_status fail_errno(midge_error *err, const char *what,
                               const char *path) {
    int code = errno;
    return midge_fail(
        err, code == ENOENT || code == ENOTDIR ? MIDGE_E_NOT_FOUND : MIDGE_E_IO,
        "%s: %s: %s", path, what, strerror(code));
}

static midge_status map_open_file(int fd, const char *path, mapping *out,
                                  midge_error *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return fail_errno(err, "cannot look at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: is not a regular file",
                          path);
    }
    if ((uint64_t)st.st_size > SIZE_MAX / 2) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s: is too large", path);
    }
    out->size = (size_t)st.st_size;
    if (out->size == 0) {
        return MIDGE_OK;
    }
    void *bytes = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return fail_errno(err, "cannot map", path);
    }
    (void)madvise(bytes, out->size, MADV_SEQUENTIAL);
    out->bytes = bytes;
    return MIDGE_OK;
}

static midge_status map_file(const char *path, mapping *out, midge_error *err) {
    *out = (mapping){0};
    /* O_NONBLOCK: opening a fifo must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fail_errno(err, "cannot open", path);
    }
    midge_status status = map_open_file(fd, path, out, err);
    close(fd);
    return status;
}

static void unmap(mapping *map) {
    if (map->bytes) {
        (void)munmap(map->bytes, map->size);
    }
}

/* What people download is compressed: say so, instead of "not a number". */
static midge_status refuse_compressed(const char *path, const mapping *map,
                                      midge_error *err) {
    static const struct {
        const char *magic;
        size_t size;
        const char *command;
    } kinds[] = {
        {"\x1F\x8B", 2, "gunzip"},
        {"PK\x03\x04", 4, "unzip"},
        {"BZh", 3, "bunzip2"},
        {"\xFD"
         "7zXZ",
         5, "unxz"},
        {"\x28\xB5\x2F\xFD", 4, "unzstd"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (map->size >= kinds[i].size &&
            memcmp(map->bytes, kinds[i].magic, kinds[i].size) == 0) {
            return midge_fail(err, MIDGE_E_PARSE,
                              "%s: is compressed; unpack it first: %s %s", path,
                              kinds[i].command, path);
        }
    }
    return MIDGE_OK;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static midge_status make_words(const midge_env *env, const char *path,
                               const mapping *words,
                               const char *frequencies_path,
                               const mapping *frequencies,
                               const midge_words_options *given,
                               midge_embedder **out, midge_error *err) {
    midge_words_options options = {0};
    if (given) {
        options = *given;
    }
    if (!options.name) {
        options.name = base_name(path);
    }
    if (frequencies_path) {
        options.frequencies = frequencies->bytes ? frequencies->bytes : "";
        options.frequencies_size = frequencies->size;
        options.frequencies_name = base_name(frequencies_path);
    }
    return midge_embedder_words_new(env, words->bytes, words->size, &options,
                                    out, err);
}

midge_status midge_embed_open_words(const midge_env *env, const char *path,
                                    const char *frequencies_path,
                                    const midge_words_options *options,
                                    midge_embedder **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!path || (options && options->frequencies)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "no path, or frequencies given twice");
    }
    mapping words;
    mapping frequencies = {0};
    MIDGE_TRY(map_file(path, &words, err));
    midge_status status = refuse_compressed(path, &words, err);
    if (status == MIDGE_OK && frequencies_path) {
        status = map_file(frequencies_path, &frequencies, err);
    }
    if (status == MIDGE_OK) {
        status = make_words(env, path, &words, frequencies_path, &frequencies,
                            options, out, err);
    }
    unmap(&frequencies);
    unmap(&words);
    return status;
}
