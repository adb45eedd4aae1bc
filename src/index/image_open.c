/* image_open.c: the bytes of a file as an index, in place.
 *
 * The chain of trust begins at the header's checksum: it vouches for the
 * directory, the directory for the blocks of the sections, the header again for
 * the commit slots, they for how many frames there are, and each frame for the
 * one before it. What a number from the file is used for is checked all the
 * same.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "index/image.h"

#define SECTIONS_MAX (10u + 3u * MDG_LEVELS_MAX + 5u * MIDGE_INDEX_COLUMNS_MAX)
#define ANY          UINT64_MAX

typedef struct opening {
    const midge_env *env;
    const midge_index_bytes *from;
    const uint8_t *bytes;
    size_t size;
    int track;
    midge_error *err;
    midge_index_options options;
    uint32_t header_crc;
    uint32_t directory_crc;
    uint64_t directory_size;
    uint64_t base_length;
    uint32_t n_sections;
    mdg_slot slot;
    int slot_damaged;
    int heal;
    mdg_image *image;
    midge_index *index;
    mdg_image_state state;
    uint32_t next; /* section that is looked at */
} opening;

/* ---- Header -------------------------------------------------------------- */

static midge_status read_header(opening *o) {
    const uint8_t *h = o->bytes;
    if (o->size < MDG_IMAGE_HEADER || memcmp(h, MDG_IMAGE_MAGIC, 8) != 0) {
        return midge_fail(o->err, MIDGE_E_PARSE, "this is no index file");
    }
    if (mdg_load_u32(h + 8) != MDG_IMAGE_VERSION) {
        return midge_fail(
            o->err, MIDGE_E_VERSION,
            "the index file has version %u, this program reads %u",
            mdg_load_u32(h + 8), MDG_IMAGE_VERSION);
    }
    o->header_crc = mdg_load_u32(h + 76);
    if (o->header_crc != mdg_crc32c(0, h, 76)) {
        return midge_fail(o->err, MIDGE_E_CORRUPT, "header: it is damaged");
    }
    o->options = (midge_index_options){
        .dim = mdg_load_u32(h + 12),
        .metric = (midge_metric)mdg_load_u32(h + 16),
        .kind = (midge_index_kind)mdg_load_u32(h + 20),
        .storage = (midge_storage)mdg_load_u32(h + 24),
        .walk = (midge_walk)mdg_load_u32(h + 28),
        .id_type = (midge_id_type)mdg_load_u32(h + 32),
        .m = mdg_load_u32(h + 36),
        .ef_construction = mdg_load_u32(h + 40),
        .seed = mdg_load_u64(h + 48),
    };
    o->n_sections = mdg_load_u32(h + 44);
    o->directory_size = mdg_load_u64(h + 56);
    o->base_length = mdg_load_u64(h + 64);
    o->directory_crc = mdg_load_u32(h + 72);
    if (o->size < MIDGE_INDEX_HEAD_BYTES) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "header: the file ends within it");
    }
    return MIDGE_OK;
}

/* ---- Slots --------------------------------------------------------------- */

static int slot_fits(const opening *o, const mdg_slot *slot, uint64_t parity) {
    return slot->header_crc == o->header_crc &&
           (slot->sequence & 1) == parity && slot->length >= o->base_length &&
           slot->length % MDG_IMAGE_ALIGN == 0 &&
           slot->frames <= slot->sequence;
}

/* The size of a frame at `at` that follows a commit; 0: there is none, or it is
 * not whole. */
static size_t whole_frame(const opening *o, uint64_t at, uint64_t end,
                          uint64_t sequence, uint32_t chain, uint32_t *crc) {
    const uint8_t *f = o->bytes + at;
    if (end - at < MDG_FRAME_HEAD + 4 || memcmp(f, MDG_FRAME_MAGIC, 8) != 0 ||
        mdg_load_u64(f + 8) != sequence || mdg_load_u32(f + 24) != chain) {
        return 0;
    }
    uint64_t size = mdg_load_u64(f + 16);
    if (size % MDG_IMAGE_ALIGN != 0 || size < MDG_FRAME_HEAD + 4 ||
        size > end - at) {
        return 0;
    }
    *crc = mdg_load_u32(f + size - 4);
    const mdg_kernels *kernels = mdg_kernels_select(o->env->cpu);
    return MDG_KERNEL(kernels, crc32c)(0, f, (size_t)size - 4) == *crc
               ? (size_t)size
               : 0;
}

/* One slot is damaged: was it the newer one? */
static midge_status look_behind(opening *o) {
    mdg_slot *slot = &o->slot;
    uint32_t crc;
    o->slot_damaged = 1;
    if (o->size <= slot->length) {
        return MIDGE_OK;
    }
    size_t size = whole_frame(o, slot->length, o->size, slot->sequence + 1,
                              slot->chain, &crc);
    if (size == 0) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "commit slots: one is damaged, and what follows the "
                          "other's commit is not whole");
    }
    *slot = (mdg_slot){slot->sequence + 1, slot->length + size,
                       slot->header_crc, crc, slot->frames + 1};
    o->heal = 1;
    return MIDGE_OK;
}

static midge_status read_slots(opening *o) {
    mdg_slot slots[2];
    int valid[2];
    for (uint64_t i = 0; i < 2; i++) {
        valid[i] = mdg_slot_get(&slots[i], o->bytes + mdg_slot_at(i)) &&
                   slot_fits(o, &slots[i], i);
    }
    if (!valid[0] && !valid[1]) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "commit slots: both are damaged");
    }
    int newer =
        !valid[0] || (valid[1] && slots[1].sequence > slots[0].sequence);
    o->slot = slots[newer];
    if (!valid[!newer]) {
        MIDGE_TRY(look_behind(o));
    }
    if (o->slot.length > o->size) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "the file ends early: %llu bytes are committed, %zu "
                          "are there",
                          (unsigned long long)o->slot.length, o->size);
    }
    return MIDGE_OK;
}

/* ---- Directory ----------------------------------------------------------- */

static midge_status bad_directory(const opening *o, const char *why) {
    return midge_fail(o->err, MIDGE_E_CORRUPT, "directory: %s", why);
}

static int is_large(uint32_t kind) {
    return kind - MDG_LAZY_FIRST < MDG_LAZY_COUNT;
}

/* A section that lies within the base, behind `from`. */
static int read_entry(const opening *o, const uint8_t *e, mdg_section *s,
                      uint64_t from, uint64_t n_sums) {
    *s = (mdg_section){.kind = mdg_load_u32(e),
                       .which = mdg_load_u32(e + 4),
                       .at = mdg_load_u64(e + 8),
                       .count = mdg_load_u64(e + 16),
                       .record_bytes = mdg_load_u32(e + 24),
                       .shift = mdg_load_u32(e + 28),
                       .first_sum = mdg_load_u64(e + 32)};
    uint64_t align =
        is_large(s->kind) && s->count ? MDG_IMAGE_PAGE : MDG_IMAGE_ALIGN;
    if (s->record_bytes == 0 ||
        s->shift != mdg_section_shift(s->record_bytes) || s->at % align != 0 ||
        s->at < from || s->at > o->base_length ||
        s->count > (o->base_length - s->at) / s->record_bytes) {
        return 0;
    }
    s->memory = (uint8_t *)(uintptr_t)o->bytes + s->at;
    uint64_t blocks = mdg_section_blocks(s);
    return s->first_sum <= n_sums && blocks <= n_sums - s->first_sum;
}

static midge_status read_directory(opening *o) {
    const uint8_t *d = o->bytes + MIDGE_INDEX_HEAD_BYTES;
    mdg_image *image = o->image;
    uint64_t entries = (uint64_t)o->n_sections * MDG_IMAGE_ENTRY;
    uint64_t end = MIDGE_INDEX_HEAD_BYTES + o->directory_size;
    if (o->base_length > o->size || o->directory_size > o->base_length ||
        end > o->base_length || o->n_sections > SECTIONS_MAX ||
        entries > o->directory_size) {
        return bad_directory(o, "it does not fit into the file");
    }
    if (MDG_KERNEL(image->kernels, crc32c)(0, d, (size_t)o->directory_size) !=
        o->directory_crc) {
        return bad_directory(o, "it is damaged");
    }
    image->sections = mdg_alloc(o->env, o->n_sections, sizeof *image->sections);
    if (!image->sections) {
        return mdg_no_memory("a directory", o->err);
    }
    image->n_sections = o->n_sections;
    image->sums = d + entries;
    for (uint32_t i = 0; i < o->n_sections; i++) {
        mdg_section *s = &image->sections[i];
        if (!read_entry(o, d + (size_t)i * MDG_IMAGE_ENTRY, s, end,
                        (o->directory_size - entries) / 4)) {
            return bad_directory(o, "a section does not lie where it may");
        }
        end = s->at + mdg_section_bytes(s);
    }
    return MIDGE_OK;
}

/* ---- Sections ------------------------------------------------------------ */

/* The next section, which must be this one. Small ones are checked. */
static midge_status take(opening *o, uint32_t kind, uint32_t which,
                         size_t record_bytes, uint64_t count,
                         const mdg_section **out) {
    char name[MDG_SECTION_NAME];
    mdg_section *s = &o->image->sections[o->next];
    if (o->next >= o->image->n_sections || s->kind != kind ||
        s->which != which || s->record_bytes != record_bytes ||
        (count != ANY && s->count != count)) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "%s: the section is missing or has another size",
                          mdg_section_name(kind, which, name));
    }
    o->next++;
    *out = s;
    if (is_large(kind)) {
        o->image->lazy[kind - MDG_LAZY_FIRST] = s;
        return MIDGE_OK;
    }
    return mdg_image_touch_all(o->index, s, o->err);
}

static void *place(const mdg_section *s) {
    return s->count ? s->memory : NULL;
}

static midge_status read_state(opening *o) {
    const mdg_section *s = NULL;
    mdg_image_state *state = &o->state;
    MIDGE_TRY(take(o, MDG_SECTION_STATE, 0, MDG_IMAGE_STATE, 1, &s));
    mdg_state_get(state, s->memory);
    return mdg_state_use(o->index, state, o->err);
}

midge_status mdg_state_use(midge_index *index, const mdg_image_state *state,
                           midge_error *err) {
    if (state->n_rows > MIDGE_INDEX_ROWS_MAX || state->n_dead > state->n_rows ||
        state->has_graph > 1 || state->n_levels > MDG_LEVELS_MAX ||
        state->ef == 0 || state->ef > MIDGE_INDEX_EF_MAX ||
        state->n_columns > MIDGE_INDEX_COLUMNS_MAX) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "state: a number is beyond its bounds");
    }
    index->n_rows = state->n_rows;
    index->n_dead = state->n_dead;
    index->has_graph = (int)state->has_graph;
    index->graph.n_levels = state->n_levels;
    index->graph.entry = state->entry;
    index->options.ef = state->ef;
    index->ids.next = state->next_id;
    index->ids.n_dropped = state->n_dropped;
    index->ids.n_rows = state->n_rows;
    index->columns.n_rows = state->n_rows;
    return MIDGE_OK;
}

static midge_status read_large(opening *o) {
    midge_index *index = o->index;
    const uint32_t n = o->state.n_rows;
    const mdg_section *s = NULL;
    uint32_t codes = index->options.walk == MIDGE_WALK_INT8 ? n : 0;
    MIDGE_TRY(take(o, MDG_SECTION_ROWS, 0, index->rows.row_bytes, n, &s));
    index->rows.data = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_CODES, 0, index->codes.row_bytes, codes, &s));
    index->codes.data = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_LINKS, 0,
                   (1 + (size_t)index->graph.m0) * sizeof(uint32_t),
                   index->has_graph ? n : 0, &s));
    index->graph.links = place(s);
    return MIDGE_OK;
}

static midge_status read_ids(opening *o) {
    mdg_ids *ids = &o->index->ids;
    const uint32_t n = o->state.n_rows;
    const uint64_t texts = ids->type == MIDGE_ID_TEXT ? n : 0;
    const mdg_section *s = NULL;
    MIDGE_TRY(take(o, MDG_SECTION_DEAD, 0, 1, ((uint64_t)n + 7) / 8, &s));
    o->index->dead = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_IDS, 0, sizeof(uint64_t), ANY, &s));
    if (s->count != 0 && (s->count != n || texts)) {
        return midge_fail(o->err, MIDGE_E_CORRUPT, "ids: not one for each row");
    }
    ids->numbers = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_KEY_AT, 0, sizeof(uint64_t), texts, &s));
    ids->text_at = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_KEY_SIZE, 0, sizeof(uint32_t), texts, &s));
    ids->text_size = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_KEYS, 0, 1, texts ? ANY : 0, &s));
    ids->texts = place(s);
    ids->texts_size = s->count;
    return MIDGE_OK;
}

static midge_status read_levels(opening *o) {
    const mdg_graph *g = &o->index->graph;
    for (uint32_t i = 0; i < o->state.n_levels; i++) {
        const mdg_section *s[3];
        MIDGE_TRY(take(o, MDG_SECTION_LEVEL_ROWS, i, 4, ANY, &s[0]));
        if (s[0]->count > MIDGE_INDEX_ROWS_MAX) {
            return midge_fail(o->err, MIDGE_E_CORRUPT, "level %u: too large",
                              i);
        }
        MIDGE_TRY(take(o, MDG_SECTION_LEVEL_DOWN, i, 4, s[0]->count, &s[1]));
        MIDGE_TRY(take(o, MDG_SECTION_LEVEL_LINKS, i, (1 + (size_t)g->m) * 4,
                       s[0]->count, &s[2]));
        o->index->graph.upper[i] = (mdg_level){
            (uint32_t)s[0]->count, 0, place(s[0]), place(s[1]), place(s[2])};
    }
    return MIDGE_OK;
}

/* ---- Columns ------------------------------------------------------------- */

static midge_status add_column(const opening *o, const uint8_t *record,
                               uint32_t i) {
    char name[MDG_COLUMN_NAME_MAX + 1] = "";
    midge_error why = {.text = ""};
    uint32_t size = mdg_load_u32(record + 4);
    if (size > MDG_COLUMN_NAME_MAX) {
        return midge_fail(o->err, MIDGE_E_CORRUPT, "columns: a name too long");
    }
    memcpy(name, record + 8, size);
    midge_status status =
        mdg_columns_add(&o->index->columns, name,
                        (midge_column_kind)mdg_load_u32(record), &why);
    if (status == MIDGE_E_NOMEM) {
        return mdg_no_memory("a column", o->err);
    }
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(o->err, MIDGE_E_CORRUPT, "columns: column %u: %s",
                            i, why.text);
}

static midge_status read_column(opening *o, uint32_t i) {
    mdg_column *c = &o->index->columns.columns[i];
    const uint32_t n = o->state.n_rows;
    const int texts = c->kind == MIDGE_META_STRING || c->kind == MIDGE_META_SET;
    const mdg_section *s = NULL;
    const mdg_section *words = NULL;
    MIDGE_TRY(take(o, MDG_SECTION_MISSING, i, 1, ((uint64_t)n + 7) / 8, &s));
    c->missing = place(s);
    MIDGE_TRY(
        take(o, MDG_SECTION_VALUES, i, mdg_column_stride(c->kind), n, &s));
    c->of.any = place(s);
    MIDGE_TRY(take(o, MDG_SECTION_WORD_AT, i, 8, texts ? ANY : 1, &s));
    if (s->count == 0 || s->count > (uint64_t)1 << 30) {
        return midge_fail(o->err, MIDGE_E_CORRUPT,
                          "column %u: word places: too few or too many", i);
    }
    c->words.count = (uint32_t)(s->count - 1);
    c->words.at = c->words.count ? place(s) : NULL;
    MIDGE_TRY(take(o, MDG_SECTION_WORDS, i, 1, ANY, &words));
    c->words.texts = place(words);
    MIDGE_TRY(mdg_check_words(c, i, words->count, o->err));
    MIDGE_TRY(take(o, MDG_SECTION_ELEMENTS, i, 4,
                   c->kind == MIDGE_META_SET ? ANY : 0, &s));
    c->elements = place(s);
    c->elements_size = s->count;
    return MIDGE_OK;
}

/* The columns are made while there are no rows, so that they take no memory. */
static midge_status read_columns(opening *o) {
    mdg_columns *columns = &o->index->columns;
    const mdg_section *s = NULL;
    MIDGE_TRY(take(o, MDG_SECTION_COLUMNS, 0, MDG_IMAGE_COLUMN,
                   o->state.n_columns, &s));
    columns->n_rows = 0;
    midge_status status = MIDGE_OK;
    for (uint32_t i = 0; status == MIDGE_OK && i < s->count; i++) {
        status = add_column(o, s->memory + (size_t)i * MDG_IMAGE_COLUMN, i);
    }
    columns->n_rows = o->state.n_rows;
    columns->capacity = o->state.n_rows;
    for (uint32_t i = 0; status == MIDGE_OK && i < o->state.n_columns; i++) {
        status = read_column(o, i);
    }
    return status;
}

/* ---- Frames -------------------------------------------------------------- */

/* Every frame is proved before the first is applied. */
static midge_status prove_frames(const opening *o, const uint8_t **last) {
    uint64_t at = o->base_length;
    uint64_t sequence = o->slot.sequence - o->slot.frames;
    uint32_t chain = o->header_crc;
    *last = NULL;
    for (uint32_t i = 1; i <= o->slot.frames; i++) {
        size_t size =
            whole_frame(o, at, o->slot.length, sequence + i, chain, &chain);
        if (size == 0) {
            return midge_fail(o->err, MIDGE_E_CORRUPT,
                              "frame %u of %u: it is damaged", i,
                              o->slot.frames);
        }
        *last = o->bytes + at;
        at += size;
    }
    return at == o->slot.length && chain == o->slot.chain
               ? MIDGE_OK
               : midge_fail(o->err, MIDGE_E_CORRUPT,
                            "commit slots: the frames end elsewhere");
}

/* Room for the rows there are in the end, and to grow: once by a half, as an
 * index does (change.c), and some more. Memory is taken when it is used. */
static void map_rooms(const opening *o, uint32_t n_rows) {
    if (o->track || n_rows > o->state.n_rows) {
        mdg_image_map_rooms(o->index, n_rows + n_rows / 2 + 4096);
    }
}

static midge_status apply_frames(opening *o) {
    const uint8_t *last;
    midge_error why = {.text = ""};
    MIDGE_TRY(prove_frames(o, &last));
    uint32_t n_rows = o->state.n_rows;
    if (last) {
        MIDGE_TRY(mdg_frame_rows(
            o->index, last, o->slot.length - o->base_length, &n_rows, o->err));
    }
    map_rooms(o, n_rows);
    if (!last) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_frame_reserve(o->index, n_rows, o->err));
    const uint8_t *frame = o->bytes + o->base_length;
    for (uint32_t i = 1; i <= o->slot.frames; i++) {
        size_t size = (size_t)mdg_load_u64(frame + 16);
        midge_status status = mdg_frame_apply(o->index, frame, size, &why);
        if (status != MIDGE_OK) {
            return midge_fail(o->err, status, "frame %u of %u: %s", i,
                              o->slot.frames, why.text);
        }
        frame += size;
    }
    return MIDGE_OK;
}

/* ---- Opening ------------------------------------------------------------- */

static midge_status make_index(opening *o) {
    midge_error why = {.text = ""};
    midge_status status = midge_index_new(o->env, &o->options, &o->index, &why);
    if (status != MIDGE_OK) {
        return midge_fail(o->err,
                          status == MIDGE_E_INVALID ? MIDGE_E_CORRUPT : status,
                          "header: %s", why.text);
    }
    o->image = mdg_alloc_zero(o->env, 1, sizeof *o->image);
    if (!o->image) {
        return mdg_no_memory("a file", o->err);
    }
    o->image->env = o->env;
    o->image->kernels = o->index->kernels;
    o->image->bytes = *o->from;
    o->index->image = o->image;
    return MIDGE_OK;
}

/* Nothing of what was not checked may be looked at, not even to free it. */
static midge_status read_base(opening *o) {
    MIDGE_TRY(read_directory(o));
    MIDGE_TRY(read_state(o));
    MIDGE_TRY(read_large(o));
    MIDGE_TRY(read_ids(o));
    MIDGE_TRY(read_levels(o));
    MIDGE_TRY(read_columns(o));
    if (o->next != o->n_sections) {
        return bad_directory(o, "it has sections that do not belong here");
    }
    o->index->capacity = o->state.n_rows;
    o->image->n_links_max = o->state.n_rows;
    return mdg_image_watch(o->image) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("a file", o->err);
}

static midge_status open_all(opening *o) {
    MIDGE_TRY(read_header(o));
    MIDGE_TRY(read_slots(o));
    MIDGE_TRY(make_index(o));
    MIDGE_TRY(read_base(o));
    MIDGE_TRY(apply_frames(o));
    MIDGE_TRY(mdg_check_parts(o->index, o->err));
    MIDGE_TRY(mdg_check_columns(o->index, o->err));
    const mdg_track opened = {.slot = o->slot,
                              .base_length = o->base_length,
                              .heal = o->heal,
                              .slot_damaged = o->slot_damaged};
    midge_status status = mdg_track_opened(o->index, &opened, o->track);
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(o->err, status, "no memory to note changes");
}

midge_status midge_index_image_open(const midge_env *env,
                                    const midge_index_bytes *bytes, int track,
                                    midge_index **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !bytes || (!bytes->data && bytes->size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    if ((uintptr_t)bytes->data % MDG_IMAGE_ALIGN != 0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the bytes are not aligned to %u", MDG_IMAGE_ALIGN);
    }
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "index files are used in place on little-endian "
                          "machines only");
    }
    opening o = {.env = env,
                 .from = bytes,
                 .track = track,
                 .bytes = bytes->data,
                 .size = bytes->size,
                 .err = err};
    midge_status status = open_all(&o);
    if (status != MIDGE_OK) {
        midge_index_free(o.index);
        return status;
    }
    *out = o.index;
    return MIDGE_OK;
}
