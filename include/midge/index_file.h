/* index_file.h: an index kept in a file (spec/formats/index.md): mapped when it
 * is opened, changes appended and committed, kept whole through a crash at any
 * moment.
 *
 * One process writes a file at a time: it holds a lock on it (flock) and the
 * file NAME.lock beside it, which programs in Node see and make too. What a
 * process that was killed left of these keeps nobody out. Any number read the
 * file meanwhile, and go on seeing the commit that they opened.
 *
 * An object belongs to one thread at a time; its index may be searched by
 * several (index.h). A file must not be cut short by others while it is mapped.
 */
#ifndef MIDGE_INDEX_FILE_H
#define MIDGE_INDEX_FILE_H

#include "midge/index_image.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_index_file midge_index_file;

typedef struct midge_index_file_options {
    int read_only; /* open: no lock; the index may change in memory, but not be
                      committed */
    int no_sync;   /* 1: commits are safe from a kill, not from a power loss */
    /* A commit writes the whole file anew instead of appending when the frames
     * would be more than this share of the image (and more than 1 MiB). 0: a
     * half; negative: never by itself. */
    double rewrite_share;
    /* Of writing a whole file: bytes done and total; non-zero cancels. */
    midge_progress_fn progress;
    void *progress_ctx;
    int load; /* open: 1 reads the whole file into memory of the env instead of
                 mapping it. Opening takes the time of reading it; searching is
                 some 15 % faster then, where the env's memory lies in large
                 pages (midge_os_env) */
} midge_index_file_options;

#define MIDGE_INDEX_FILE_DEFAULTS {0, 0, 0.0, NULL, NULL, 0}

/* Makes a file with an empty index and opens it. MIDGE_E_EXISTS when there is a
 * file of that name already, MIDGE_E_BUSY when somebody is about to make it;
 * after a crash there is no file or a whole one. `file_options` NULL: the
 * defaults. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_file_create(
    const midge_env *env, const char *path, const midge_index_options *options,
    const midge_index_file_options *file_options, midge_index_file **out,
    midge_error *err);

/* Opens the last commit. MIDGE_E_NOT_FOUND, MIDGE_E_BUSY when it is open to
 * write already, MIDGE_E_PARSE when it is some other kind of file,
 * MIDGE_E_CORRUPT naming the part. Cost: independent of the vectors and links,
 * which are mapped; see midge_index_image_open. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_file_open(const midge_env *env, const char *path,
                      const midge_index_file_options *file_options,
                      midge_index_file **out, midge_error *err);

/* Writes an index as a file of its own: a copy, an export. An existing file of
 * that name is replaced only with `replace`; else MIDGE_E_EXISTS. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_file_save(
    const midge_index *index, const char *path, int replace,
    const midge_index_file_options *file_options, midge_error *err);

/* The index, to search and to change; it lives as long as the file is open. */
MIDGE_API midge_index *midge_index_file_index(midge_index_file *file);

/* Makes all changes since the last commit durable: when this returns MIDGE_OK
 * they survive a crash. Cost: the bytes of the changes and two fsyncs, so
 * commit many rows at once; now and then the whole file (rewrite_share). On
 * failure (disk full) the file is as it was, the changes are still in memory,
 * and the commit may be tried again. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_file_commit(midge_index_file *file, midge_error *err);

/* midge_index_compact, then writes the whole file anew. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_file_compact(midge_index_file *file, midge_error *err);

typedef struct midge_index_file_info {
    uint64_t bytes;       /* committed */
    uint64_t frame_bytes; /* of them: changes behind the image */
    uint32_t frames;
    uint64_t sequence; /* grows with every commit */
    int read_only;
    int changed; /* there is something to commit */
} midge_index_file_info;
MIDGE_API void midge_index_file_info_get(const midge_index_file *file,
                                         midge_index_file_info *info);

/* Checks every byte of a file that is committed (midge_index_image_verify);
 * takes no lock. The report may be NULL. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_file_verify(
    const midge_env *env, const char *path, midge_progress_fn progress,
    void *progress_ctx, midge_index_report *report, midge_error *err);

/* Closes the file and frees the index; what was not committed is lost. NULL is
 * accepted. */
MIDGE_API void midge_index_file_close(midge_index_file *file);

#ifdef __cplusplus
}
#endif
#endif
