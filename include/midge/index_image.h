/* index_image.h: an index as bytes (spec/formats/index.md), and back. No files
 * here: index_file.h keeps an index in a file natively; a browser does the same
 * over these functions with its own files.
 *
 * A file is an image, and behind it frames with the changes since. To keep one:
 *   new file    midge_index_image_write; make durable; midge_index_track
 *   open        midge_index_image_open with `track`
 *   commit      midge_index_changes_write; write `frame` at frame_at; make
 *               durable; write `slot` at slot_at; make durable;
 *               midge_index_changes_done
 *   too much    (midge_index_changes_bytes says so, or the frames have grown
 *               too long) as a new file, under another name, and rename it
 */
#ifndef MIDGE_INDEX_IMAGE_H
#define MIDGE_INDEX_IMAGE_H

#include "midge/buf.h"
#include "midge/index.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_INDEX_SLOT_BYTES 64u
/* Header and commit slots: what a file has at least. */
#define MIDGE_INDEX_HEAD_BYTES 12288u

/* ---- Writing ------------------------------------------------------------- */

/* Takes the next bytes of a file, in order. Another status than MIDGE_OK ends
 * the writing with it. */
typedef midge_status (*midge_index_write_fn)(void *ctx, const void *bytes,
                                             size_t size);

typedef struct midge_index_writer {
    midge_index_write_fn write_fn;
    void *ctx;
    /* Called with bytes written and total, some hundred times; non-zero ends
     * with MIDGE_E_CANCELLED. May be NULL. */
    midge_progress_fn progress;
    void *progress_ctx;
} midge_index_writer;

/* What an image came to; for midge_index_track. */
typedef struct midge_index_written {
    uint64_t length;   /* bytes of the image */
    uint64_t sequence; /* of its newer slot */
    uint32_t chain;
} midge_index_written;

/* Writes the whole index as it is now. Cost: two passes over its memory, the
 * first (checksums) shared among the env's workers. Reading what lies in
 * another file checks it: MIDGE_E_CORRUPT. `written` may be NULL. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_image_write(
    const midge_index *index, const midge_index_writer *writer,
    midge_index_written *written, midge_error *err);

/* From now on what changes is noted, against the image that was just written
 * from this index. May be called again after another image. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_track(
    midge_index *index, const midge_index_written *written, midge_error *err);

/* 1 when something changed since the last commit (or the image). */
MIDGE_API int midge_index_changed(const midge_index *index);
/* Bytes that a frame with the changes takes, about (never less);
 * UINT64_MAX when only a new image can tell them: rows have new numbers, or a
 * graph was made. */
MIDGE_API uint64_t midge_index_changes_bytes(const midge_index *index);

/* Where a commit is written. All fields are for the caller to read. */
typedef struct midge_index_commit {
    uint64_t frame_at; /* the frame goes here, over whatever lies there */
    uint64_t slot_at;  /* then, when that is durable, the slot here */
    uint8_t slot[MIDGE_INDEX_SLOT_BYTES];
    uint64_t length; /* of the file after the commit */
    uint64_t sequence;
    uint32_t chain;
    uint32_t frames;
} midge_index_commit;

/* Appends a frame with all changes to `frame` (empty, its maximum large
 * enough). MIDGE_E_STATE when the index is not tracked, nothing changed or only
 * a new image can tell what did. The index stays as it is: without
 * midge_index_changes_done the next frame has the same changes again.
 *
 * A frame that was not written whole may be written again or differently. After
 * a slot whose writing failed nobody knows which commit a crash would find:
 * write a new image then. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_changes_write(midge_index *index, midge_buf *frame,
                          midge_index_commit *commit, midge_error *err);
/* The commit is durable: its changes are no longer noted. */
MIDGE_API void midge_index_changes_done(midge_index *index,
                                        const midge_index_commit *commit);

/* What the tracked file has. */
typedef struct midge_index_image_info {
    uint64_t sequence;    /* grows with every commit */
    uint64_t length;      /* committed bytes */
    uint64_t base_length; /* of the image; the rest are frames */
    uint32_t frames;
    /* 1: a slot was damaged, and what was committed has been found all the
     * same; write `slot` at slot_at before the next commit. */
    int heal;
    uint64_t slot_at;
    uint8_t slot[MIDGE_INDEX_SLOT_BYTES];
} midge_index_image_info;
/* Zeros when the index was not opened from an image and is not tracked. */
MIDGE_API void midge_index_image_info_get(const midge_index *index,
                                          midge_index_image_info *info);

/* ---- Opening ------------------------------------------------------------- */

/* The bytes of a file, which the index uses in place: `data` is borrowed for
 * its life, aligned to 64 bytes, and written to when the index changes (map a
 * file privately). Bytes behind what is committed are not touched. */
typedef struct midge_index_bytes {
    void *data;
    size_t size;
    /* May be NULL. Maps `size` bytes of the file from `at` (a multiple of 4096)
     * once more, privately, with zeros behind them, `room` bytes in all: so an
     * index grows without being copied. NULL: no memory. unmap_fn gives them
     * back before the index is gone. */
    void *(*map_fn)(void *ctx, uint64_t at, size_t size, size_t room);
    void (*unmap_fn)(void *ctx, void *memory, size_t room);
    void *ctx;
} midge_index_bytes;

/* Opens the last commit. Everything is checked before it is used: the vectors,
 * codes and links block by block when they are first touched, the rest here
 * (see the page for which status). `track` 1: changes are noted, so that they
 * can be committed to this file. Cost: the small sections, and the frames'
 * bytes. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_image_open(const midge_env *env, const midge_index_bytes *bytes,
                       int track, midge_index **out, midge_error *err);

typedef struct midge_index_report {
    uint64_t bytes;  /* that were checked */
    uint64_t blocks; /* of sections */
    uint64_t damaged_blocks;
    uint32_t sections;
    uint32_t frames;
    uint64_t rows;
    int slot_damaged; /* one of the two commit slots; nothing is lost */
} midge_index_report;

/* Checks every byte that is committed, every link, that rows are finite numbers
 * and that no id is there twice. MIDGE_E_CORRUPT names the first damage; the
 * report goes on to count damaged blocks. `data` may be written to. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_image_verify(const midge_env *env, const midge_index_bytes *bytes,
                         midge_progress_fn progress, void *progress_ctx,
                         midge_index_report *report, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
