/* os_blob.c: values kept once, under the name of their content.
 *
 * dir/ab/cdef...: the first two digits of the SHA-256 are a folder, so that no
 * folder grows past a few thousand names. A blob is written like every file:
 * whole or not at all; what is there under a name of the right size is taken to
 * be that content, and reading proves it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "midge/os.h"

#define PREFIX       "sha256:"
#define PREFIX_BYTES 7u

static midge_status blob_path(const char *dir, const char *hex, int folder_only,
                              char out[PATH_MAX], midge_error *err) {
    int n = folder_only
                ? snprintf(out, PATH_MAX, "%s/%.2s", dir, hex)
                : snprintf(out, PATH_MAX, "%s/%.2s/%s", dir, hex, hex + 2);
    if (n < 0 || n >= PATH_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the path of a blob is too long");
    }
    return MIDGE_OK;
}

midge_status midge_os_blob_put(const char *dir, const void *bytes, size_t size,
                               char ref[72], midge_error *err) {
    ref[0] = '\0';
    if (!dir || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "no blob folder or no bytes");
    }
    char hex[MIDGE_SHA256_HEX];
    char path[PATH_MAX];
    struct stat st;
    midge_sha256_hex(bytes, size, hex);
    MIDGE_TRY(blob_path(dir, hex, 0, path, err));
    char folder[PATH_MAX];
    MIDGE_TRY(blob_path(dir, hex, 1, folder, err));
    if (stat(path, &st) != 0 || (uint64_t)st.st_size != size) {
        MIDGE_TRY(midge_os_make_dirs(folder, err));
        MIDGE_TRY(midge_os_write_file(path, bytes, size, err));
    } else {
        /* Whoever renamed it there may have died before this. */
        MIDGE_TRY(midge_os_sync_parent(path, err));
        MIDGE_TRY(midge_os_sync_parent(folder, err));
    }
    memcpy(ref, PREFIX, PREFIX_BYTES);
    memcpy(ref + PREFIX_BYTES, hex, MIDGE_SHA256_HEX);
    return MIDGE_OK;
}

/* A name from outside must not become a path: 64 lower-case digits, no more. */
static int is_ref(const char *ref) {
    if (!ref || strncmp(ref, PREFIX, PREFIX_BYTES) != 0) {
        return 0;
    }
    const char *hex = ref + PREFIX_BYTES;
    return strspn(hex, "0123456789abcdef") == MIDGE_SHA256_HEX - 1 &&
           hex[MIDGE_SHA256_HEX - 1] == '\0';
}

midge_status midge_os_blob_get(const char *dir, const char *ref, midge_buf *out,
                               midge_error *err) {
    if (!dir || !out || !is_ref(ref)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "not a blob reference (sha256: and 64 digits)");
    }
    const char *hex = ref + PREFIX_BYTES;
    char path[PATH_MAX];
    char found[MIDGE_SHA256_HEX];
    const size_t start = out->size;
    MIDGE_TRY(blob_path(dir, hex, 0, path, err));
    MIDGE_TRY(midge_os_read_file(path, out->max_bytes - start, out, err));
    const char *bytes = out->size > start ? out->data + start : "";
    midge_sha256_hex(bytes, out->size - start, found);
    if (strcmp(found, hex) != 0) {
        out->size = start;
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "%s: the blob's content does not match its name",
                          path);
    }
    return MIDGE_OK;
}
