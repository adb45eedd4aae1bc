/* image_list.c: the sections of an index, in the order of its file, and the
 * small records of the format.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "index/image.h"

#define FIXED_SECTIONS  11u
#define LEVEL_SECTIONS  3u
#define COLUMN_SECTIONS 5u

/* ---- Sections ------------------------------------------------------------ */

uint32_t mdg_section_shift(uint32_t record_bytes) {
    uint32_t shift = 0;
    while (((uint64_t)record_bytes << (shift + 1)) <= MDG_IMAGE_BLOCK_BYTES) {
        shift++;
    }
    return shift;
}

uint64_t mdg_section_blocks(const mdg_section *section) {
    uint64_t block = (uint64_t)1 << section->shift;
    return section->count / block + (section->count % block != 0);
}

uint64_t mdg_section_bytes(const mdg_section *section) {
    return section->count * section->record_bytes;
}

const uint8_t *mdg_section_block(const mdg_section *section, uint64_t b,
                                 size_t *size) {
    uint64_t first = b << section->shift;
    uint64_t left = section->count - first;
    uint64_t block = (uint64_t)1 << section->shift;
    uint64_t records = left < block ? left : block;
    *size = (size_t)(records * section->record_bytes);
    return section->memory + first * section->record_bytes;
}

static const struct {
    const char *name;
    const char *owner; /* what `which` counts */
} names[MDG_SECTION_KINDS] = {
    [MDG_SECTION_STATE] = {"state", NULL},
    [MDG_SECTION_ROWS] = {"rows", NULL},
    [MDG_SECTION_CODES] = {"codes", NULL},
    [MDG_SECTION_LINKS] = {"links", NULL},
    [MDG_SECTION_DEAD] = {"dead", NULL},
    [MDG_SECTION_IDS] = {"ids", NULL},
    [MDG_SECTION_KEY_AT] = {"key places", NULL},
    [MDG_SECTION_KEY_SIZE] = {"key sizes", NULL},
    [MDG_SECTION_KEYS] = {"keys", NULL},
    [MDG_SECTION_LEVEL_ROWS] = {"level rows", "level"},
    [MDG_SECTION_LEVEL_DOWN] = {"level down", "level"},
    [MDG_SECTION_LEVEL_LINKS] = {"level links", "level"},
    [MDG_SECTION_COLUMNS] = {"columns", NULL},
    [MDG_SECTION_MISSING] = {"missing", "column"},
    [MDG_SECTION_VALUES] = {"values", "column"},
    [MDG_SECTION_WORD_AT] = {"word places", "column"},
    [MDG_SECTION_WORDS] = {"words", "column"},
    [MDG_SECTION_ELEMENTS] = {"elements", "column"},
};

static char *put_text(char *at, const char *text) {
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

const char *mdg_section_name(uint32_t kind, uint32_t which,
                             char out[MDG_SECTION_NAME]) {
    char *at = out;
    if (kind == 0 || kind >= MDG_SECTION_KINDS) {
        return "an unknown section";
    }
    if (names[kind].owner) {
        at = put_text(at, names[kind].owner);
        *at++ = ' ';
        uint32_t unit = 1;
        while (which / unit >= 10) {
            unit *= 10;
        }
        for (; unit > 0; unit /= 10) {
            *at++ = (char)('0' + which / unit % 10);
        }
        at = put_text(at, ": ");
    }
    at = put_text(at, names[kind].name);
    *at = '\0';
    return out;
}

/* ---- State and slots ----------------------------------------------------- */

void mdg_state_of(const midge_index *index, mdg_image_state *state) {
    *state = (mdg_image_state){
        .n_rows = index->n_rows,
        .n_dead = index->n_dead,
        .has_graph = index->has_graph != 0,
        .n_levels = index->graph.n_levels,
        .entry = index->graph.entry,
        .ef = index->options.ef,
        .next_id = index->ids.next,
        .n_dropped = index->ids.n_dropped,
        .n_columns = index->columns.count,
    };
}

void mdg_state_put(const mdg_image_state *state, uint8_t out[MDG_IMAGE_STATE]) {
    memset(out, 0, MDG_IMAGE_STATE);
    mdg_store_u32(out, state->n_rows);
    mdg_store_u32(out + 4, state->n_dead);
    mdg_store_u32(out + 8, state->has_graph);
    mdg_store_u32(out + 12, state->n_levels);
    mdg_store_u32(out + 16, state->entry);
    mdg_store_u32(out + 20, state->ef);
    mdg_store_u64(out + 24, state->next_id);
    mdg_store_u32(out + 36, state->n_dropped);
    mdg_store_u32(out + 40, state->n_columns);
}

void mdg_state_get(mdg_image_state *state, const uint8_t in[MDG_IMAGE_STATE]) {
    state->n_rows = mdg_load_u32(in);
    state->n_dead = mdg_load_u32(in + 4);
    state->has_graph = mdg_load_u32(in + 8);
    state->n_levels = mdg_load_u32(in + 12);
    state->entry = mdg_load_u32(in + 16);
    state->ef = mdg_load_u32(in + 20);
    state->next_id = mdg_load_u64(in + 24);
    state->n_dropped = mdg_load_u32(in + 36);
    state->n_columns = mdg_load_u32(in + 40);
}

void mdg_slot_put(const mdg_slot *slot, uint8_t out[MIDGE_INDEX_SLOT_BYTES]) {
    memset(out, 0, MIDGE_INDEX_SLOT_BYTES);
    mdg_store_u64(out, slot->sequence);
    mdg_store_u64(out + 8, slot->length);
    mdg_store_u32(out + 16, slot->header_crc);
    mdg_store_u32(out + 20, slot->chain);
    mdg_store_u32(out + 24, slot->frames);
    mdg_store_u32(out + 60, mdg_crc32c(0, out, 60));
}

int mdg_slot_get(mdg_slot *slot, const uint8_t in[MIDGE_INDEX_SLOT_BYTES]) {
    slot->sequence = mdg_load_u64(in);
    slot->length = mdg_load_u64(in + 8);
    slot->header_crc = mdg_load_u32(in + 16);
    slot->chain = mdg_load_u32(in + 20);
    slot->frames = mdg_load_u32(in + 24);
    return mdg_load_u32(in + 60) == mdg_crc32c(0, in, 60);
}

/* ---- The list ------------------------------------------------------------ */

static void put(mdg_section_list *list, uint32_t kind, uint32_t which,
                const void *memory, uint64_t count, size_t record_bytes) {
    list->sections[list->count++] = (mdg_section){
        .kind = kind,
        .which = which,
        .count = memory ? count : 0,
        .record_bytes = (uint32_t)record_bytes,
        .shift = mdg_section_shift((uint32_t)record_bytes),
        .memory = (uint8_t *)(uintptr_t)memory,
    };
}

static void put_large(mdg_section_list *list, const midge_index *index) {
    const uint32_t n = index->n_rows;
    const mdg_graph *g = &index->graph;
    put(list, MDG_SECTION_ROWS, 0, index->rows.data, n, index->rows.row_bytes);
    put(list, MDG_SECTION_CODES, 0, index->codes.data, n,
        index->codes.row_bytes);
    put(list, MDG_SECTION_LINKS, 0, index->has_graph ? g->links : NULL, n,
        (1 + (size_t)g->m0) * sizeof(uint32_t));
}

static void put_ids(mdg_section_list *list, const midge_index *index) {
    const mdg_ids *ids = &index->ids;
    const uint32_t n = index->n_rows;
    put(list, MDG_SECTION_DEAD, 0, index->dead, ((uint64_t)n + 7) / 8, 1);
    put(list, MDG_SECTION_IDS, 0, ids->numbers, n, sizeof *ids->numbers);
    put(list, MDG_SECTION_KEY_AT, 0, ids->text_at, n, sizeof *ids->text_at);
    put(list, MDG_SECTION_KEY_SIZE, 0, ids->text_size, n,
        sizeof *ids->text_size);
    put(list, MDG_SECTION_KEYS, 0, ids->texts, ids->texts_size, 1);
}

static void put_levels(mdg_section_list *list, const mdg_graph *g) {
    for (uint32_t i = 0; i < g->n_levels; i++) {
        const mdg_level *l = &g->upper[i];
        put(list, MDG_SECTION_LEVEL_ROWS, i, l->row, l->count, sizeof *l->row);
        put(list, MDG_SECTION_LEVEL_DOWN, i, l->down, l->count,
            sizeof *l->down);
        put(list, MDG_SECTION_LEVEL_LINKS, i, l->links, l->count,
            (1 + (size_t)g->m) * sizeof *l->links);
    }
}

static void put_column(mdg_section_list *list, const midge_index *index,
                       uint32_t i) {
    const mdg_column *c = &index->columns.columns[i];
    const mdg_dictionary *words = &c->words;
    const uint32_t n = index->n_rows;
    uint8_t *record = list->columns + (size_t)i * MDG_IMAGE_COLUMN;
    size_t size = strlen(c->name);
    memset(record, 0, MDG_IMAGE_COLUMN);
    mdg_store_u32(record, (uint32_t)c->kind);
    mdg_store_u32(record + 4, (uint32_t)size);
    memcpy(record + 8, c->name, size);
    put(list, MDG_SECTION_MISSING, i, c->missing, ((uint64_t)n + 7) / 8, 1);
    put(list, MDG_SECTION_VALUES, i, c->of.any, n, mdg_column_stride(c->kind));
    put(list, MDG_SECTION_WORD_AT, i, words->count ? words->at : list->no_words,
        (uint64_t)words->count + 1, sizeof *words->at);
    put(list, MDG_SECTION_WORDS, i, words->texts,
        words->count ? words->at[words->count] : 0, 1);
    put(list, MDG_SECTION_ELEMENTS, i, c->elements, c->elements_size,
        sizeof *c->elements);
}

void mdg_section_list_deinit(mdg_section_list *list) {
    mdg_release(list->env, list->sections, list->capacity,
                sizeof *list->sections);
    mdg_release(list->env, list->columns, list->n_columns, MDG_IMAGE_COLUMN);
    mdg_release(list->env, list->no_words, 1, sizeof *list->no_words);
    *list = (mdg_section_list){.env = list->env};
}

static int make_room(mdg_section_list *list, const midge_index *index) {
    list->n_columns = index->columns.count;
    list->capacity = FIXED_SECTIONS + LEVEL_SECTIONS * index->graph.n_levels +
                     COLUMN_SECTIONS * list->n_columns;
    list->sections =
        mdg_alloc(list->env, list->capacity, sizeof *list->sections);
    list->columns = mdg_alloc(list->env, list->n_columns, MDG_IMAGE_COLUMN);
    list->no_words = mdg_alloc_zero(list->env, 1, sizeof *list->no_words);
    return list->sections && list->no_words &&
           (list->columns || list->n_columns == 0);
}

midge_status mdg_section_list_init(mdg_section_list *list,
                                   const midge_index *index) {
    mdg_image_state state;
    *list = (mdg_section_list){.env = index->env};
    if (!make_room(list, index)) {
        mdg_section_list_deinit(list);
        return MIDGE_E_NOMEM;
    }
    mdg_state_of(index, &state);
    mdg_state_put(&state, list->state);
    put(list, MDG_SECTION_STATE, 0, list->state, 1, MDG_IMAGE_STATE);
    put_large(list, index);
    put_ids(list, index);
    put_levels(list, &index->graph);
    put(list, MDG_SECTION_COLUMNS, 0, list->columns, list->n_columns,
        MDG_IMAGE_COLUMN);
    for (uint32_t i = 0; i < list->n_columns; i++) {
        put_column(list, index, i);
    }
    return MIDGE_OK;
}
