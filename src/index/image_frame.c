/* image_frame.c: the changes since the last commit as a frame. */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "index/image.h"

typedef struct framing {
    midge_index *index;
    midge_buf *out;
    size_t start;   /* of the frame in `out` */
    size_t part_at; /* of the part that is written */
    uint32_t n_parts;
    uint32_t *rows; /* flagged with the same change */
    uint32_t n_rows;
} framing;

/* ---- Which rows ---------------------------------------------------------- */

static uint32_t count_rows(const midge_index *index, unsigned flag) {
    uint32_t count = 0;
    uint32_t row = mdg_track_next(index, 0, flag);
    for (; row < index->n_rows; row = mdg_track_next(index, row + 1, flag)) {
        count++;
    }
    return count;
}

static void choose_rows(framing *f, unsigned flag) {
    const midge_index *index = f->index;
    uint32_t row = mdg_track_next(index, 0, flag);
    f->n_rows = 0;
    for (; row < index->n_rows; row = mdg_track_next(index, row + 1, flag)) {
        f->rows[f->n_rows++] = row;
    }
}

/* ---- Parts --------------------------------------------------------------- */

static midge_status pad(midge_buf *out, size_t start, size_t to) {
    static const uint8_t zeros[MDG_IMAGE_ALIGN];
    size_t over = (out->size - start) % to;
    return midge_buf_append(out, zeros, over ? to - over : 0);
}

static void begin_part(framing *f, uint32_t kind, uint32_t which, uint32_t what,
                       uint32_t count) {
    (void)pad(f->out, f->start, 8);
    f->part_at = f->out->size;
    f->n_parts++;
    (void)mdg_put_u32(f->out, kind);
    (void)mdg_put_u32(f->out, which);
    (void)mdg_put_u32(f->out, what);
    (void)mdg_put_u32(f->out, count);
    (void)mdg_put_u64(f->out, 0);
}

static void end_part(framing *f) {
    if (f->out->status == MIDGE_OK) {
        mdg_store_u64((uint8_t *)f->out->data + f->part_at + 16,
                      f->out->size - f->part_at - MDG_FRAME_PART_HEAD);
    }
}

static void put_numbers(framing *f) {
    (void)midge_buf_append(f->out, f->rows, f->n_rows * sizeof *f->rows);
    (void)pad(f->out, f->start, 8);
}

/* A record of each chosen row. */
static void put_records(framing *f, uint32_t kind, uint32_t which,
                        const void *data, size_t record_bytes) {
    if (f->n_rows == 0 || !data) {
        return;
    }
    begin_part(f, kind, which, MDG_PART_RECORDS, f->n_rows);
    put_numbers(f);
    (void)midge_buf_reserve(f->out, f->n_rows * record_bytes);
    for (uint32_t i = 0; i < f->n_rows; i++) {
        (void)midge_buf_append(f->out,
                               (const char *)data + f->rows[i] * record_bytes,
                               record_bytes);
    }
    end_part(f);
}

static void put_bits(framing *f, uint32_t kind, uint32_t which,
                     const uint8_t *bits) {
    if (f->n_rows == 0) {
        return;
    }
    begin_part(f, kind, which, MDG_PART_BITS, f->n_rows);
    for (uint32_t i = 0; i < f->n_rows; i++) {
        uint32_t row = f->rows[i];
        (void)mdg_put_u32(f->out, row << 1 | (bits[row >> 3] >> (row & 7) & 1));
    }
    end_part(f);
}

static void put_links(framing *f) {
    if (f->n_rows == 0) {
        return;
    }
    begin_part(f, MDG_SECTION_LINKS, 0, MDG_PART_LISTS, f->n_rows);
    for (uint32_t i = 0; i < f->n_rows; i++) {
        const uint32_t *list = mdg_links(f->index, f->rows[i]);
        (void)mdg_put_u32(f->out, f->rows[i]);
        (void)midge_buf_append(f->out, list, (1 + (size_t)list[0]) * 4);
    }
    end_part(f);
}

static void put_keys(framing *f) {
    const mdg_ids *ids = &f->index->ids;
    if (f->n_rows == 0 || ids->type != MIDGE_ID_TEXT) {
        return;
    }
    begin_part(f, MDG_SECTION_KEYS, 0, MDG_PART_TEXTS, f->n_rows);
    for (uint32_t i = 0; i < f->n_rows; i++) {
        (void)mdg_put_u32(f->out, f->rows[i]);
        (void)mdg_put_u32(f->out, (uint32_t)mdg_ids_key(ids, f->rows[i]).size);
    }
    for (uint32_t i = 0; i < f->n_rows; i++) {
        midge_text key = mdg_ids_key(ids, f->rows[i]);
        (void)midge_buf_append(f->out, key.data, key.size);
    }
    end_part(f);
}

static void put_words(framing *f, uint32_t which) {
    const mdg_dictionary *words = &f->index->columns.columns[which].words;
    const uint32_t before = f->index->track->words[which];
    if (words->count == before) {
        return;
    }
    begin_part(f, MDG_SECTION_WORDS, which, MDG_PART_WORDS,
               words->count - before);
    (void)mdg_put_u64(f->out, before);
    for (uint32_t i = before; i < words->count; i++) {
        (void)mdg_put_u32(f->out, (uint32_t)mdg_dictionary_text(words, i).size);
    }
    const uint64_t from = before ? words->at[before] : 0;
    (void)midge_buf_append(f->out, words->texts + from,
                           (size_t)(words->at[words->count] - from));
    end_part(f);
}

static void put_sets(framing *f, uint32_t which) {
    const mdg_column *c = &f->index->columns.columns[which];
    if (f->n_rows == 0) {
        return;
    }
    begin_part(f, MDG_SECTION_VALUES, which, MDG_PART_LISTS, f->n_rows);
    for (uint32_t i = 0; i < f->n_rows; i++) {
        const uint64_t set = c->of.sets[f->rows[i]];
        (void)mdg_put_u32(f->out, f->rows[i]);
        (void)mdg_put_u32(f->out, (uint32_t)(set & 0xffff));
        if (set & 0xffff) { /* else there may be no elements at all */
            (void)midge_buf_append(f->out, c->elements + (set >> 16),
                                   (size_t)(set & 0xffff) *
                                       sizeof *c->elements);
        }
    }
    end_part(f);
}

static void put_column(framing *f, uint32_t which) {
    const mdg_column *c = &f->index->columns.columns[which];
    put_words(f, which);
    put_bits(f, MDG_SECTION_MISSING, which, c->missing);
    if (c->kind == MIDGE_META_SET) {
        put_sets(f, which);
    } else {
        put_records(f, MDG_SECTION_VALUES, which, c->of.any,
                    mdg_column_stride(c->kind));
    }
}

/* The nodes of a level that are others than in the file, and how many there are
 * now. */
static void put_level(framing *f, uint32_t which) {
    const mdg_level *level = &f->index->graph.upper[which];
    uint32_t count = 0;
    begin_part(f, MDG_SECTION_LEVEL_ROWS, which, MDG_PART_NODES, 0);
    (void)mdg_put_u64(f->out, level->count);
    for (uint32_t node = 0; node < level->count; node++) {
        if (mdg_level_changed(f->index, which, node)) {
            const uint32_t *list =
                mdg_level_links(level, f->index->graph.m, node);
            (void)mdg_put_u32(f->out, node);
            (void)mdg_put_u32(f->out, level->row[node]);
            (void)mdg_put_u32(f->out, level->down[node]);
            (void)midge_buf_append(f->out, list, (1 + (size_t)list[0]) * 4);
            count++;
        }
    }
    end_part(f);
    if (f->out->status == MIDGE_OK) {
        mdg_store_u32((uint8_t *)f->out->data + f->part_at + 12, count);
    }
}

static void put_parts(framing *f) {
    const midge_index *index = f->index;
    choose_rows(f, MDG_CHANGED_ROW);
    put_records(f, MDG_SECTION_ROWS, 0, index->rows.data,
                index->rows.row_bytes);
    put_records(f, MDG_SECTION_CODES, 0, index->codes.data,
                index->codes.row_bytes);
    put_records(f, MDG_SECTION_IDS, 0, index->ids.numbers, sizeof(uint64_t));
    put_keys(f);
    for (uint32_t i = 0; i < index->columns.count; i++) {
        put_column(f, i);
    }
    choose_rows(f, MDG_CHANGED_DEAD);
    put_bits(f, MDG_SECTION_DEAD, 0, index->dead);
    if (!index->has_graph) {
        return;
    }
    choose_rows(f, MDG_CHANGED_LINKS);
    put_links(f);
    for (uint32_t i = 0; i < index->graph.n_levels; i++) {
        put_level(f, i);
    }
}

/* ---- The frame ----------------------------------------------------------- */

static void begin_frame(framing *f) {
    const mdg_slot *slot = &f->index->track->slot;
    mdg_image_state state;
    uint8_t head[MDG_FRAME_HEAD] = {0};
    mdg_state_of(f->index, &state);
    memcpy(head, MDG_FRAME_MAGIC, 8);
    mdg_store_u64(head + 8, slot->sequence + 1);
    mdg_store_u32(head + 24, slot->chain);
    mdg_state_put(&state, head + MDG_FRAME_STATE);
    (void)midge_buf_append(f->out, head, sizeof head);
}

/* The checksum is the last number of the last 64 bytes. */
static midge_status end_frame(framing *f, midge_index_commit *commit) {
    static const uint8_t room[4];
    const mdg_slot *last = &f->index->track->slot;
    size_t size = f->out->size - f->start + sizeof room;
    size_t over = size % MDG_IMAGE_ALIGN;
    static const uint8_t zeros[MDG_IMAGE_ALIGN];
    (void)midge_buf_append(f->out, zeros, over ? MDG_IMAGE_ALIGN - over : 0);
    (void)midge_buf_append(f->out, room, sizeof room);
    MIDGE_TRY(f->out->status);
    uint8_t *frame = (uint8_t *)f->out->data + f->start;
    size = f->out->size - f->start;
    mdg_store_u64(frame + 16, size);
    mdg_store_u32(frame + 28, f->n_parts);
    uint32_t crc =
        MDG_KERNEL(f->index->kernels, crc32c)(0, frame, size - sizeof room);
    mdg_store_u32(frame + size - sizeof room, crc);
    const mdg_slot slot = {last->sequence + 1, last->length + size,
                           last->header_crc, crc, last->frames + 1};
    *commit = (midge_index_commit){.frame_at = last->length,
                                   .slot_at = mdg_slot_at(slot.sequence),
                                   .length = slot.length,
                                   .sequence = slot.sequence,
                                   .chain = slot.chain,
                                   .frames = slot.frames};
    mdg_slot_put(&slot, commit->slot);
    return MIDGE_OK;
}

midge_status midge_index_changes_write(midge_index *index, midge_buf *frame,
                                       midge_index_commit *commit,
                                       midge_error *err) {
    if (!index || !frame || !commit) {
        return midge_fail(err, MIDGE_E_INVALID, "index or frame missing");
    }
    memset(commit, 0, sizeof *commit);
    if (!midge_index_changed(index)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "nothing changed, or the index is not tracked");
    }
    if (mdg_track_needs_image(index)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "rows were renumbered, or parts are new: only a new "
                          "image can tell what changed");
    }
    framing f = {.index = index, .out = frame, .start = frame->size};
    const size_t room = count_rows(index, UINT8_MAX);
    f.rows = mdg_alloc(index->env, room + 1, sizeof *f.rows);
    midge_status status = MIDGE_E_NOMEM;
    if (f.rows) {
        begin_frame(&f);
        put_parts(&f);
        status = end_frame(&f, commit);
    }
    mdg_release(index->env, f.rows, room + 1, sizeof *f.rows);
    if (status != MIDGE_OK) {
        frame->size = f.start;
        return midge_fail(err, status, "no memory for a frame");
    }
    return MIDGE_OK;
}

/* ---- How much ------------------------------------------------------------ */

static uint64_t row_bytes(const midge_index *index) {
    uint64_t bytes = 64 + index->rows.row_bytes + MIDGE_INDEX_KEY_MAX / 16;
    bytes += index->codes.data ? index->codes.row_bytes : 0;
    for (uint32_t i = 0; i < index->columns.count; i++) {
        bytes += 32;
    }
    return bytes;
}

uint64_t midge_index_changes_bytes(const midge_index *index) {
    if (!index || !index->track || !index->track->tracking) {
        return 0;
    }
    if (mdg_track_needs_image(index)) {
        return UINT64_MAX;
    }
    uint64_t links = (2 + (uint64_t)index->graph.m0) * sizeof(uint32_t);
    return 4096 + count_rows(index, MDG_CHANGED_ROW) * row_bytes(index) +
           count_rows(index, MDG_CHANGED_LINKS) * links +
           count_rows(index, MDG_CHANGED_DEAD) * (uint64_t)4;
}
