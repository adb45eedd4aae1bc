/* image.h: what the image_*.c files share. The format is in
 * spec/formats/index.md.
 *
 *   image_list.c    which sections an index has, and where they lie in memory
 *   image_write.c   an index as the bytes of a new file
 *   image_open.c    header, slots, directory; the parts of an index in place
 *   image_check.c   what is in the small sections: nothing points outside
 *   image_room.c    the large sections with room to grow
 *   image_need.c    the large sections, block by block when first touched
 *   image_track.c   what changed since the last commit
 *   image_frame.c   the changes as a frame
 *   image_apply.c   a frame's changes in an index
 *   image_verify.c  everything
 */
#ifndef MDG_IMAGE_H
#define MDG_IMAGE_H

#include "base/bytes.h"
#include "index/index_internal.h"
#include "midge/index_image.h"

#define MDG_IMAGE_PAGE        4096u
#define MDG_IMAGE_MAGIC       "MIDGEVEC"
#define MDG_IMAGE_VERSION     1u
#define MDG_IMAGE_ALIGN       64u
#define MDG_IMAGE_HEADER      80u
#define MDG_IMAGE_ENTRY       48u
#define MDG_IMAGE_STATE       64u
#define MDG_IMAGE_COLUMN      80u
#define MDG_IMAGE_BLOCK_BYTES 4096u

#define MDG_FRAME_MAGIC     "MIDGEFRM"
#define MDG_FRAME_HEAD      96u
#define MDG_FRAME_STATE     32u /* where the state begins */
#define MDG_FRAME_PART_HEAD 24u

/* Kinds of sections; values are in files. */
enum {
    MDG_SECTION_STATE = 1,
    MDG_SECTION_ROWS = 2,
    MDG_SECTION_CODES = 3,
    MDG_SECTION_LINKS = 4,
    MDG_SECTION_DEAD = 5,
    MDG_SECTION_IDS = 6,
    MDG_SECTION_KEY_AT = 7,
    MDG_SECTION_KEY_SIZE = 8,
    MDG_SECTION_KEYS = 9,
    MDG_SECTION_LEVEL_ROWS = 10,
    MDG_SECTION_LEVEL_DOWN = 11,
    MDG_SECTION_LEVEL_LINKS = 12,
    MDG_SECTION_COLUMNS = 13,
    MDG_SECTION_MISSING = 14,
    MDG_SECTION_VALUES = 15,
    MDG_SECTION_WORD_AT = 16,
    MDG_SECTION_WORDS = 17,
    MDG_SECTION_ELEMENTS = 18,
    MDG_SECTION_KINDS = 19
};

/* How a part of a frame changes a section; values are in files. */
enum {
    MDG_PART_RECORDS = 0,
    MDG_PART_LISTS = 1,
    MDG_PART_BITS = 2,
    MDG_PART_WORDS = 3,
    MDG_PART_TEXTS = 4,
    MDG_PART_NODES = 5
};

/* The large sections, whose blocks are checked when they are touched. */
#define MDG_LAZY_FIRST MDG_SECTION_ROWS
#define MDG_LAZY_COUNT 3u

typedef struct mdg_section {
    uint32_t kind;
    uint32_t which;
    uint64_t at;    /* in the file */
    uint64_t count; /* records */
    uint32_t record_bytes;
    uint32_t shift; /* a block is 1 << shift records */
    uint64_t first_sum;
    uint8_t *memory; /* where the records lie */
} mdg_section;

/* The counts of an index that are no section of their own. */
typedef struct mdg_image_state {
    uint32_t n_rows;
    uint32_t n_dead;
    uint32_t has_graph;
    uint32_t n_levels;
    uint32_t entry;
    uint32_t ef;
    uint64_t next_id;
    uint32_t n_dropped;
    uint32_t n_columns;
} mdg_image_state;

/* ---- image_list.c -------------------------------------------------------- */

/* The sections of an index, in the order of the file. The states and columns
 * are encoded into memory of the list; all else is borrowed. */
typedef struct mdg_section_list {
    const midge_env *env;
    mdg_section *sections;
    uint32_t count;
    uint32_t capacity;
    uint8_t *columns; /* (n_columns, MDG_IMAGE_COLUMN) */
    uint32_t n_columns;
    uint64_t *no_words; /* a 0: where the first word would begin */
    uint8_t state[MDG_IMAGE_STATE];
} mdg_section_list;

midge_status mdg_section_list_init(mdg_section_list *list,
                                   const midge_index *index);
void mdg_section_list_deinit(mdg_section_list *list);

uint64_t mdg_section_blocks(const mdg_section *section);
uint64_t mdg_section_bytes(const mdg_section *section);
/* The shift for records of that size. */
uint32_t mdg_section_shift(uint32_t record_bytes);
/* The place and size of block `b`. */
const uint8_t *mdg_section_block(const mdg_section *section, uint64_t b,
                                 size_t *size);
/* "links", or "column 3: values"; into `out` of MDG_SECTION_NAME. */
#define MDG_SECTION_NAME 48
const char *mdg_section_name(uint32_t kind, uint32_t which,
                             char out[MDG_SECTION_NAME]);

void mdg_state_of(const midge_index *index, mdg_image_state *state);
void mdg_state_put(const mdg_image_state *state, uint8_t out[MDG_IMAGE_STATE]);
void mdg_state_get(mdg_image_state *state, const uint8_t in[MDG_IMAGE_STATE]);

/* A commit slot for the file whose header has the checksum `header_crc`. */
typedef struct mdg_slot {
    uint64_t sequence;
    uint64_t length;
    uint32_t header_crc;
    uint32_t chain;
    uint32_t frames;
} mdg_slot;
void mdg_slot_put(const mdg_slot *slot, uint8_t out[MIDGE_INDEX_SLOT_BYTES]);
/* 0 when it is damaged. */
int mdg_slot_get(mdg_slot *slot, const uint8_t in[MIDGE_INDEX_SLOT_BYTES]);
static inline uint64_t mdg_slot_at(uint64_t sequence) {
    return MDG_IMAGE_PAGE * (1 + (sequence & 1));
}

/* ---- The file under an index --------------------------------------------- */

/* What an opened index lies in. */
typedef struct mdg_image {
    const midge_env *env;
    const mdg_kernels *kernels;
    midge_index_bytes bytes;
    mdg_section *sections;
    uint32_t n_sections;
    const uint8_t *sums;  /* checksums of blocks, four bytes each */
    uint32_t n_links_max; /* rows that links of the base may point at */
    mdg_section *lazy[MDG_LAZY_COUNT];
    uint32_t *seen[MDG_LAZY_COUNT]; /* bits of blocks that were checked */
    uint32_t unseen[MDG_LAZY_COUNT];
    struct {
        void *memory; /* the section, and room behind it; or NULL */
        size_t bytes;
    } rooms[MDG_LAZY_COUNT];
} mdg_image;

/* Is block `b` what its checksum says? */
int mdg_image_block_ok(const mdg_image *image, const mdg_section *section,
                       uint64_t b);
midge_status mdg_image_damaged(const mdg_section *section, uint64_t b,
                               midge_error *err);
/* Checks the block of a record of a large section, if nobody did yet. */
midge_status mdg_image_touch(const midge_index *index, uint32_t kind,
                             uint32_t record, midge_error *err);
/* All blocks of a section that were not yet seen. Large sections: marked. */
midge_status mdg_image_touch_all(const midge_index *index,
                                 const mdg_section *section, midge_error *err);
/* Maps rows, codes and links once more, with room for `capacity` rows. What
 * cannot be mapped stays where it is. */
void mdg_image_map_rooms(midge_index *index, uint32_t capacity);
/* Nothing was seen yet. */
midge_status mdg_image_watch(mdg_image *image);
void mdg_image_free(mdg_image *image);

/* ---- What changed -------------------------------------------------------- */

/* What the file has, as far as an index cannot tell by itself. */
typedef struct mdg_track {
    int tracking; /* else only what was opened is known */
    int stale;    /* there was no memory to note a commit: only an image tells
                     what changed since */
    int heal;
    int slot_damaged;
    mdg_slot slot;
    uint64_t base_length;
    uint8_t state[MDG_IMAGE_STATE];
    midge_walk walk;
    uint32_t n_columns;
    uint32_t words[MIDGE_INDEX_COLUMNS_MAX]; /* in each column */
    mdg_level levels[MDG_LEVELS_MAX];        /* copies; `capacity` nodes each */
} mdg_track;

midge_status mdg_track_opened(midge_index *index, const mdg_track *opened,
                              int tracking);
void mdg_track_free(midge_index *index);
/* 1 when a frame cannot tell what changed. */
int mdg_track_needs_image(const midge_index *index);
/* The first row from `row` on with one of the flags, or n_rows. */
uint32_t mdg_track_next(const midge_index *index, uint32_t row, unsigned flags);
/* Is the node another than in the file? */
int mdg_level_changed(const midge_index *index, uint32_t level, uint32_t node);

/* ---- image_check.c ------------------------------------------------------- */

/* Deleted rows, keys and levels of an index that was read; its columns:
 * MIDGE_E_CORRUPT names what points outside. Counts that follow from the parts
 * (bytes of dropped keys, elements left over) are set. */
midge_status mdg_check_parts(midge_index *index, midge_error *err);
midge_status mdg_check_columns(midge_index *index, midge_error *err);
midge_status mdg_check_words(const mdg_column *column, uint32_t which,
                             uint64_t words_bytes, midge_error *err);
/* A list of 1 + max numbers: at most max links, all below `bound`. */
int mdg_check_list(const uint32_t *list, uint32_t max, uint32_t bound);

/* ---- image_apply.c ------------------------------------------------------- */

/* How many rows there are after the last frame: no more than fit into the bytes
 * of all frames. */
midge_status mdg_frame_rows(const midge_index *index, const uint8_t *last,
                            uint64_t frame_bytes, uint32_t *n_rows,
                            midge_error *err);
/* Room for so many. */
midge_status mdg_frame_reserve(midge_index *index, uint32_t n_rows,
                               midge_error *err);
/* Applies one frame, whose head and checksum are right. */
midge_status mdg_frame_apply(midge_index *index, const uint8_t *frame,
                             size_t size, midge_error *err);

/* ---- image_open.c -------------------------------------------------------- */

/* Takes the counts over, once they are within their bounds. */
midge_status mdg_state_use(midge_index *index, const mdg_image_state *state,
                           midge_error *err);

#endif
