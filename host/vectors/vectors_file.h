/* vectors_file.h: what the files of this folder share: an index file that is
 * open.
 */
#ifndef MDG_VECTORS_FILE_H
#define MDG_VECTORS_FILE_H

#include "midge/index_file.h"

/* What stands between a file's name and two numbers while it is written. */
#define MDG_TEMPORARY ".tmp."

/* A file as it was mapped: privately, so that writing into it changes memory
 * only. Or a copy of it. */
typedef struct mdg_mapped {
    const midge_env *env; /* NULL: mapped; else it gave the memory of a copy */
    int fd;               /* -1 of a copy */
    void *data;           /* NULL for an empty file */
    size_t size;
} mdg_mapped;

struct midge_index_file {
    const midge_env *env;
    midge_index_file_options options;
    char *path;
    char *lock;        /* the file beside it; NULL: not held */
    int fd;            /* of the newest file under that name; locked to write */
    mdg_mapped mapped; /* the file that was opened: its fd is another one */
    midge_index *index;
    /* Nobody knows which commit a crash would find, or whether a new file is
     * durable: the next commit writes the whole file. */
    int uncertain;
};

/* MIDGE_E_NOT_FOUND, MIDGE_E_NOMEM, ...: what errno says of `path`. */
midge_status mdg_vectors_fail(midge_error *err, const char *what,
                              const char *path);

/* ---- vectors_lock.c ------------------------------------------------------ */

/* Makes the lock file beside `path`: MIDGE_E_BUSY when a living process has it.
 * What is in *out goes to mdg_vectors_unlock, which removes it. */
midge_status mdg_vectors_lock(const char *path, char **out, midge_error *err);
void mdg_vectors_unlock(char *lock); /* NULL is accepted */

/* ---- vectors_map.c ------------------------------------------------------- */

/* Maps the file behind `fd`, which is duplicated. */
midge_status mdg_vectors_map(int fd, const char *path, mdg_mapped *out,
                             midge_error *err);
/* Reads all of it. */
midge_status mdg_vectors_load(const midge_env *env, int fd, const char *path,
                              mdg_mapped *out, midge_error *err);
void mdg_vectors_unmap(mdg_mapped *mapped);
/* `mapped` is borrowed for the life of what is opened from the bytes. */
midge_index_bytes mdg_vectors_bytes(mdg_mapped *mapped);

/* ---- vectors_write.c ----------------------------------------------------- */

typedef enum mdg_place_in {
    MDG_NEW_NAME, /* MIDGE_E_EXISTS when there is such a file */
    MDG_REPLACE
} mdg_place_in;

/* Writes the index as a whole file, durable, and then gives it its name. The
 * open, locked file is in *fd; *named tells whether it has the name by now,
 * which it may have on failure too. */
midge_status mdg_vectors_write_file(const midge_index *index, const char *path,
                                    mdg_place_in where,
                                    const midge_index_file_options *options,
                                    int *fd, int *named,
                                    midge_index_written *written,
                                    midge_error *err);
/* All of it, at `at`. */
midge_status mdg_vectors_write_at(int fd, const char *path, uint64_t at,
                                  const void *bytes, size_t size,
                                  midge_error *err);
/* Does nothing with no_sync. */
midge_status mdg_vectors_sync(int fd, const char *path, int no_sync,
                              midge_error *err);

#endif
