/* image_apply.c: the changes of a frame in an index that is being opened.
 *
 * Checked here is what keeps a change within the arrays; what the values lead
 * to is checked once, when all frames have been applied (image_check.c). A
 * record of a large section is written only after its block was checked: the
 * checksum of that block holds no longer then.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "index/hnsw.h"
#include "index/image.h"

typedef struct part {
    uint32_t kind, which, what, count;
    mdg_reader in;
} part;

typedef struct applying {
    midge_index *index;
    midge_error *err;
    uint32_t before; /* rows before this frame */
    unsigned whole;  /* bits of kinds whose new rows are all there */
} applying;

static midge_status bad(const applying *a, const part *p) {
    char name[MDG_SECTION_NAME];
    return midge_fail(a->err, MIDGE_E_CORRUPT, "%s: a change has no meaning",
                      mdg_section_name(p->kind, p->which, name));
}

static midge_status no_memory(const applying *a) {
    return mdg_no_memory("the changes", a->err);
}

/* ---- Records ------------------------------------------------------------- */

/* Row numbers: ascending, below the number of rows, and every new row among
 * them. */
static const uint32_t *get_numbers(const applying *a, part *p) {
    const uint32_t n = a->index->n_rows;
    const uint32_t n_new = n - a->before;
    size_t size = (size_t)p->count * 4;
    const uint32_t *numbers = NULL;
    if (p->count <= n) {
        numbers = (const uint32_t *)(const void *)mdg_get_bytes(
            &p->in, (size + 7) / 8 * 8);
    }
    if (!numbers) {
        return NULL;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (numbers[i] >= n || (i > 0 && numbers[i] <= numbers[i - 1])) {
            return NULL;
        }
    }
    int complete = n_new == 0 || (p->count >= n_new &&
                                  numbers[p->count - n_new] == a->before);
    return complete ? numbers : NULL;
}

/* Is the section one whose blocks are checked lazily? Then they are, now. */
static midge_status touch(const applying *a, uint32_t kind, uint32_t row) {
    return kind - MDG_LAZY_FIRST < MDG_LAZY_COUNT
               ? mdg_image_touch(a->index, kind, row, a->err)
               : MIDGE_OK;
}

static midge_status apply_records(const applying *a, part *p, void *data,
                                  size_t record_bytes) {
    const uint32_t *numbers = get_numbers(a, p);
    if (!numbers || !data ||
        (uint64_t)p->count * record_bytes > mdg_reader_left(&p->in)) {
        return bad(a, p);
    }
    const uint8_t *records = mdg_get_bytes(&p->in, p->count * record_bytes);
    for (uint32_t i = 0; i < p->count; i++) {
        MIDGE_TRY(touch(a, p->kind, numbers[i]));
        memcpy((uint8_t *)data + numbers[i] * record_bytes,
               records + i * record_bytes, record_bytes);
    }
    return MIDGE_OK;
}

static midge_status apply_bits(const applying *a, part *p, uint8_t *bits) {
    const uint8_t *in = mdg_get_bytes(&p->in, (size_t)p->count * 4);
    if (!in || !bits) {
        return bad(a, p);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t row = mdg_load_u32(in + 4 * (size_t)i) >> 1;
        uint8_t bit = (uint8_t)(1u << (row & 7));
        if (row >= a->index->n_rows) {
            return bad(a, p);
        }
        bits[row >> 3] =
            (uint8_t)(in[4 * (size_t)i] & 1 ? bits[row >> 3] | bit
                                            : bits[row >> 3] & ~bit);
    }
    return MIDGE_OK;
}

static midge_status apply_links(const applying *a, part *p) {
    midge_index *index = a->index;
    if (!index->has_graph) {
        return bad(a, p);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t row = mdg_get_u32(&p->in);
        uint32_t n = mdg_get_u32(&p->in);
        const uint8_t *links =
            n <= index->graph.m0 ? mdg_get_bytes(&p->in, (size_t)n * 4) : NULL;
        if (!links || p->in.failed || row >= index->n_rows) {
            return bad(a, p);
        }
        MIDGE_TRY(touch(a, MDG_SECTION_LINKS, row));
        uint32_t *list = mdg_links(index, row);
        list[0] = n;
        memcpy(list + 1, links, (size_t)n * 4);
        if (!mdg_check_list(list, index->graph.m0, index->n_rows)) {
            return bad(a, p);
        }
    }
    return MIDGE_OK;
}

/* ---- Levels -------------------------------------------------------------- */

static midge_status apply_node(const applying *a, part *p, mdg_level *level) {
    const uint32_t m = a->index->graph.m;
    uint32_t node = mdg_get_u32(&p->in);
    uint32_t row = mdg_get_u32(&p->in);
    uint32_t down = mdg_get_u32(&p->in);
    uint32_t n = mdg_get_u32(&p->in);
    const uint8_t *links = n <= m ? mdg_get_bytes(&p->in, (size_t)n * 4) : NULL;
    if (!links || p->in.failed || node >= level->count) {
        return bad(a, p);
    }
    uint32_t *list = mdg_level_links(level, m, node);
    level->row[node] = row;
    level->down[node] = down;
    list[0] = n;
    memcpy(list + 1, links, (size_t)n * 4);
    return MIDGE_OK;
}

static midge_status apply_nodes(const applying *a, part *p) {
    midge_index *index = a->index;
    uint64_t count = mdg_get_u64(&p->in);
    if (p->in.failed || p->which >= index->graph.n_levels ||
        count > index->n_rows) {
        return bad(a, p);
    }
    mdg_level *level = &index->graph.upper[p->which];
    uint32_t before = level->count;
    if (count > before &&
        mdg_level_reserve(index, p->which, (uint32_t)count - before) !=
            MIDGE_OK) {
        return no_memory(a);
    }
    level->count = (uint32_t)count;
    for (uint32_t node = before; node < level->count; node++) {
        level->row[node] = MDG_NO_NODE; /* until its own record comes */
        level->down[node] = MDG_NO_NODE;
        mdg_level_links(level, index->graph.m, node)[0] = 0;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        MIDGE_TRY(apply_node(a, p, level));
    }
    return MIDGE_OK;
}

/* ---- Ids ----------------------------------------------------------------- */

static midge_status apply_ids(const applying *a, part *p) {
    mdg_ids *ids = &a->index->ids;
    if (ids->type != MIDGE_ID_U64) {
        return bad(a, p);
    }
    if (mdg_ids_reserve_numbers(ids, a->index->capacity, a->before) !=
        MIDGE_OK) {
        return no_memory(a);
    }
    return apply_records(a, p, ids->numbers, sizeof *ids->numbers);
}

/* Rows and sizes first, then the texts of all. */
static midge_status apply_keys(const applying *a, part *p) {
    mdg_ids *ids = &a->index->ids;
    const uint8_t *in = p->count <= mdg_reader_left(&p->in) / 8
                            ? mdg_get_bytes(&p->in, (size_t)p->count * 8)
                            : NULL;
    uint64_t texts = mdg_reader_left(&p->in);
    if (!in || ids->type != MIDGE_ID_TEXT) {
        return bad(a, p);
    }
    if (mdg_ids_reserve(ids, a->index->capacity, texts, 0) != MIDGE_OK) {
        return no_memory(a);
    }
    for (uint32_t i = 0; i < p->count; i++, in += 8) {
        uint32_t row = mdg_load_u32(in);
        uint32_t size = mdg_load_u32(in + 4);
        const uint8_t *text =
            size <= MIDGE_INDEX_KEY_MAX ? mdg_get_bytes(&p->in, size) : NULL;
        if (!text || row >= a->index->n_rows) {
            return bad(a, p);
        }
        memcpy(ids->texts + ids->texts_size, text, size);
        ids->text_at[row] = ids->texts_size;
        ids->text_size[row] = size;
        ids->texts_size += size;
    }
    return MIDGE_OK;
}

/* ---- Columns ------------------------------------------------------------- */

static midge_status apply_words(const applying *a, part *p, mdg_column *c) {
    const mdg_columns *columns = &a->index->columns;
    uint64_t before = mdg_get_u64(&p->in);
    const uint8_t *sizes = mdg_get_bytes(&p->in, (size_t)p->count * 4);
    if (!sizes || before != c->words.count) {
        return bad(a, p);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t size = mdg_load_u32(sizes + 4 * (size_t)i);
        const uint8_t *text =
            size <= MDG_COLUMN_STRING_MAX ? mdg_get_bytes(&p->in, size) : NULL;
        if (!text) {
            return bad(a, p);
        }
        if (mdg_dictionary_put(&c->words, columns->env, columns->seed,
                               (midge_text){(const char *)text, size}) !=
            MIDGE_OK) {
            return no_memory(a);
        }
    }
    return c->words.count == before + p->count ? MIDGE_OK : bad(a, p);
}

static midge_status apply_sets(const applying *a, part *p, mdg_column *c) {
    uint64_t more = mdg_reader_left(&p->in) / 4;
    if (c->elements_size + more > c->elements_capacity &&
        mdg_column_reserve_elements(&a->index->columns, c, more, 0) !=
            MIDGE_OK) {
        return no_memory(a);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t row = mdg_get_u32(&p->in);
        uint32_t n = mdg_get_u32(&p->in);
        const uint8_t *elements = n <= MDG_COLUMN_SET_MAX
                                      ? mdg_get_bytes(&p->in, (size_t)n * 4)
                                      : NULL;
        if (!elements || p->in.failed || row >= a->index->n_rows) {
            return bad(a, p);
        }
        memcpy(c->elements + c->elements_size, elements, (size_t)n * 4);
        c->of.sets[row] = n ? c->elements_size << 16 | n : 0;
        c->elements_size += n;
    }
    return MIDGE_OK;
}

/* ---- Parts --------------------------------------------------------------- */

/* A section and how it changes. */
enum {
    KINDS = 32,
    ROWS = MDG_PART_RECORDS * KINDS + MDG_SECTION_ROWS,
    CODES = MDG_PART_RECORDS * KINDS + MDG_SECTION_CODES,
    IDS = MDG_PART_RECORDS * KINDS + MDG_SECTION_IDS,
    VALUES = MDG_PART_RECORDS * KINDS + MDG_SECTION_VALUES,
    LINKS = MDG_PART_LISTS * KINDS + MDG_SECTION_LINKS,
    SETS = MDG_PART_LISTS * KINDS + MDG_SECTION_VALUES,
    DEAD = MDG_PART_BITS * KINDS + MDG_SECTION_DEAD,
    MISSING = MDG_PART_BITS * KINDS + MDG_SECTION_MISSING,
    WORDS = MDG_PART_WORDS * KINDS + MDG_SECTION_WORDS,
    KEYS = MDG_PART_TEXTS * KINDS + MDG_SECTION_KEYS,
    LEVEL = MDG_PART_NODES * KINDS + MDG_SECTION_LEVEL_ROWS
};

static midge_status apply_column(const applying *a, part *p, uint32_t change) {
    const mdg_columns *columns = &a->index->columns;
    if (p->which >= columns->count) {
        return bad(a, p);
    }
    mdg_column *c = &columns->columns[p->which];
    int sets = c->kind == MIDGE_META_SET;
    if (change == MISSING) {
        return apply_bits(a, p, c->missing);
    }
    if (change == WORDS && (sets || c->kind == MIDGE_META_STRING)) {
        return apply_words(a, p, c);
    }
    if (change == SETS && sets) {
        return apply_sets(a, p, c);
    }
    return change == VALUES && !sets
               ? apply_records(a, p, c->of.any, mdg_column_stride(c->kind))
               : bad(a, p);
}

static midge_status apply_part(applying *a, part *p) {
    midge_index *index = a->index;
    if (p->kind >= KINDS || p->what > MDG_PART_NODES) {
        return bad(a, p);
    }
    const uint32_t change = p->what * KINDS + p->kind;
    a->whole |= 1u << p->kind;
    switch (change) {
    case ROWS:
        return apply_records(a, p, index->rows.data, index->rows.row_bytes);
    case CODES:
        return apply_records(a, p, index->codes.data, index->codes.row_bytes);
    case LINKS:
        return apply_links(a, p);
    case DEAD:
        return apply_bits(a, p, index->dead);
    case IDS:
        return apply_ids(a, p);
    case KEYS:
        return apply_keys(a, p);
    case LEVEL:
        return apply_nodes(a, p);
    default:
        return apply_column(a, p, change);
    }
}

/* Each thing that a part counts takes four bytes or more. */
static midge_status next_part(const applying *a, mdg_reader *in, part *p) {
    while (in->at % 8 != 0) {
        (void)mdg_get_bytes(in, 1);
    }
    p->kind = mdg_get_u32(in);
    p->which = mdg_get_u32(in);
    p->what = mdg_get_u32(in);
    p->count = mdg_get_u32(in);
    uint64_t size = mdg_get_u64(in);
    const uint8_t *bytes =
        size <= mdg_reader_left(in) ? mdg_get_bytes(in, (size_t)size) : NULL;
    if (!bytes || in->failed || p->count > size / 4) {
        return midge_fail(a->err, MIDGE_E_CORRUPT, "a part ends outside");
    }
    mdg_reader_init(&p->in, bytes, (size_t)size);
    return MIDGE_OK;
}

/* ---- Rows that are new --------------------------------------------------- */

/* What no part tells of a new row: its own number as id, no key, no links. Its
 * vector must be there. */
static midge_status check_new(const applying *a) {
    const midge_index *index = a->index;
    if (index->n_rows == a->before) {
        return MIDGE_OK;
    }
    int good = a->whole >> MDG_SECTION_ROWS & 1;
    good = good && (!index->codes.data || (a->whole >> MDG_SECTION_CODES & 1));
    return good ? MIDGE_OK
                : midge_fail(a->err, MIDGE_E_CORRUPT,
                             "rows: a new one is missing");
}

static void make_new(const applying *a) {
    midge_index *index = a->index;
    for (uint32_t row = a->before; row < index->n_rows; row++) {
        if (index->ids.numbers) {
            index->ids.numbers[row] = row;
        }
        if (index->ids.type == MIDGE_ID_TEXT) {
            index->ids.text_at[row] = 0;
            index->ids.text_size[row] = 0;
        }
    }
}

midge_status mdg_frame_rows(const midge_index *index, const uint8_t *last,
                            uint64_t frame_bytes, uint32_t *n_rows,
                            midge_error *err) {
    mdg_image_state state;
    mdg_state_get(&state, last + MDG_FRAME_STATE);
    *n_rows = state.n_rows;
    if (state.n_rows > MIDGE_INDEX_ROWS_MAX || state.n_rows < index->n_rows ||
        state.n_rows - index->n_rows > frame_bytes / index->rows.row_bytes) {
        return midge_fail(
            err, MIDGE_E_CORRUPT,
            "frames: they do not hold the rows that they tell of");
    }
    return MIDGE_OK;
}

midge_status mdg_frame_reserve(midge_index *index, uint32_t n_rows,
                               midge_error *err) {
    if (n_rows == index->n_rows) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_index_reserve(index, n_rows, err));
    mdg_ids *ids = &index->ids;
    if (ids->type != MIDGE_ID_TEXT && !ids->numbers) {
        return MIDGE_OK;
    }
    return mdg_ids_reserve(ids, index->capacity, 0, 0) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("ids", err);
}

midge_status mdg_frame_apply(midge_index *index, const uint8_t *frame,
                             size_t size, midge_error *err) {
    mdg_image_state state;
    mdg_reader in;
    applying a = {.index = index, .err = err, .before = index->n_rows};
    const uint32_t columns = index->columns.count;
    const int has_graph = index->has_graph;
    mdg_state_get(&state, frame + MDG_FRAME_STATE);
    if (state.n_rows < a.before || state.n_rows > index->capacity ||
        state.n_columns != columns || (int)state.has_graph != has_graph) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "state: it does not follow the one before");
    }
    for (uint32_t i = state.n_levels; i < MDG_LEVELS_MAX; i++) {
        mdg_level_free(index, i);
    }
    MIDGE_TRY(mdg_state_use(index, &state, err));
    make_new(&a);
    mdg_reader_init(&in, frame + MDG_FRAME_HEAD, size - MDG_FRAME_HEAD - 4);
    for (uint32_t i = mdg_load_u32(frame + 28); i > 0; i--) {
        part p;
        MIDGE_TRY(next_part(&a, &in, &p));
        MIDGE_TRY(apply_part(&a, &p));
    }
    return check_new(&a);
}
