/* fuzz_index.c: index files that somebody wrote on purpose: bytes are changed
 * anywhere in a good file, and then every checksum is made right again. What
 * opens must be usable: searched, asked, changed and written, without leaving
 * its memory.
 *
 * An input is a number (which file), then edits of five bytes: an area (header,
 * directory, a section, a frame), a place in it, what to do, a value.
 */
#include "base/bytes.h"
#include "fuzz_support.h"
#include "index/image.h"
#include "index_maker.h"

enum { MODELS = 6, EDITS_MAX = 64, ROWS = 50, DIM = 16 };

typedef struct area {
    size_t at, size;
} area;

typedef struct model {
    uint8_t *bytes;
    size_t size;
    size_t base;
    area *areas;
    size_t n_areas;
    mdg_section *sections;
    uint32_t n_sections;
} model;

static model models[MODELS];
static midge_env env;

/* ---- Good files ---------------------------------------------------------- */

static midge_status grow(void *ctx, const void *bytes, size_t size) {
    model *m = ctx;
    m->bytes = realloc(m->bytes, m->size + size);
    FUZZ_CHECK(m->bytes != NULL || m->size + size == 0);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
    return MIDGE_OK;
}

static midge_index_options options_of(unsigned i) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = DIM;
    o.metric = i == 4 ? MIDGE_METRIC_HAMMING : MIDGE_METRIC_L2SQ;
    o.storage = i == 4   ? MIDGE_STORAGE_BINARY
                : i == 3 ? MIDGE_STORAGE_INT8
                         : MIDGE_STORAGE_F32;
    o.walk = i == 2 ? MIDGE_WALK_INT8 : MIDGE_WALK_ROWS;
    o.kind = i == 0 ? MIDGE_INDEX_FLAT : MIDGE_INDEX_HNSW;
    o.id_type = i % 2 ? MIDGE_ID_TEXT : MIDGE_ID_U64;
    o.m = 3;
    o.ef_construction = 20;
    return o;
}

static void put(midge_index *index, uint64_t first, size_t count) {
    uint64_t ids[ROWS];
    for (size_t i = 0; i < count; i++) {
        ids[i] = first + i;
    }
    FUZZ_CHECK(maker_put(&env, index, count, ids, (uint32_t)first, 1, NULL) ==
               MIDGE_OK);
}

static void add_frame(model *m, midge_index *index) {
    midge_buf frame;
    midge_index_commit commit;
    midge_buf_init(&frame, &env, 0);
    FUZZ_CHECK(midge_index_changes_write(index, &frame, &commit, NULL) ==
               MIDGE_OK);
    FUZZ_CHECK(grow(m, frame.data, frame.size) == MIDGE_OK);
    memcpy(m->bytes + commit.slot_at, commit.slot, sizeof commit.slot);
    midge_index_changes_done(index, &commit);
    midge_buf_deinit(&frame);
}

static void add_area(model *m, size_t at, size_t size) {
    m->areas = realloc(m->areas, (m->n_areas + 1) * sizeof *m->areas);
    FUZZ_CHECK(m->areas != NULL);
    m->areas[m->n_areas++] = (area){at, size};
}

static void list_areas(model *m) {
    add_area(m, 8, 68);
    add_area(m, MIDGE_INDEX_HEAD_BYTES,
             (size_t)m->n_sections * MDG_IMAGE_ENTRY);
    for (uint32_t i = 0; i < m->n_sections; i++) {
        const mdg_section *s = &m->sections[i];
        if (s->count > 0) {
            add_area(m, (size_t)s->at, (size_t)mdg_section_bytes(s));
        }
    }
    for (size_t at = m->base; at < m->size;) {
        size_t size = (size_t)mdg_load_u64(m->bytes + at + 16);
        add_area(m, at + MDG_FRAME_STATE, MDG_IMAGE_STATE);
        add_area(m, at + MDG_FRAME_HEAD, size - MDG_FRAME_HEAD - 4);
        at += size;
    }
}

static void read_sections(model *m) {
    m->n_sections = mdg_load_u32(m->bytes + 44);
    m->sections = calloc(m->n_sections, sizeof *m->sections);
    FUZZ_CHECK(m->sections != NULL);
    for (uint32_t i = 0; i < m->n_sections; i++) {
        const uint8_t *e =
            m->bytes + MIDGE_INDEX_HEAD_BYTES + (size_t)i * MDG_IMAGE_ENTRY;
        m->sections[i] = (mdg_section){.at = mdg_load_u64(e + 8),
                                       .count = mdg_load_u64(e + 16),
                                       .record_bytes = mdg_load_u32(e + 24),
                                       .shift = mdg_load_u32(e + 28),
                                       .first_sum = mdg_load_u64(e + 32)};
    }
}

static void make_model(model *m, unsigned i) {
    const midge_index_options o = options_of(i);
    const midge_index_writer writer = {.write_fn = grow, .ctx = m};
    midge_index_written written;
    midge_index *index = NULL;
    FUZZ_CHECK(midge_index_new(&env, &o, &index, NULL) == MIDGE_OK);
    FUZZ_CHECK(maker_columns(index) == MIDGE_OK);
    put(index, 0, ROWS);
    FUZZ_CHECK(midge_index_image_write(index, &writer, &written, NULL) ==
               MIDGE_OK);
    m->base = m->size;
    FUZZ_CHECK(midge_index_track(index, &written, NULL) == MIDGE_OK);
    put(index, 45, 12);
    add_frame(m, index);
    const uint64_t gone[] = {3, 4, 50};
    size_t n;
    FUZZ_CHECK(maker_delete(index, 3, gone, &n, NULL) == MIDGE_OK && n == 3);
    put(index, 100, 2);
    add_frame(m, index);
    midge_index_free(index);
    read_sections(m);
    list_areas(m);
}

/* ---- Edits --------------------------------------------------------------- */

static void edit(const model *m, uint8_t *bytes, const uint8_t *e) {
    const area *a = &m->areas[e[0] % m->n_areas];
    size_t at = a->at + ((size_t)e[1] << 8 | e[2]) % a->size;
    switch (e[3] % 5) {
    case 0:
        bytes[at] = e[4];
        break;
    case 1:
        bytes[at] = (uint8_t)(bytes[at] + (e[4] & 1 ? 1 : -1));
        break;
    case 2: /* a number of four bytes: few, or very many */
        at -= at % 4;
        mdg_store_u32(bytes + at,
                      e[4] & 0x80 ? UINT32_MAX - (e[4] & 0x7f) : e[4]);
        break;
    case 3:
        at -= at % 8;
        mdg_store_u64(bytes + at,
                      e[4] & 0x80 ? UINT64_MAX >> (e[4] & 0x3f) : e[4]);
        break;
    default:
        bytes[at] ^= (uint8_t)(1u << (e[4] & 7));
    }
}

/* Every checksum, from the blocks up, and along the frames. */
static void mend(const model *m, uint8_t *bytes) {
    uint8_t *sums = bytes + MIDGE_INDEX_HEAD_BYTES +
                    (size_t)m->n_sections * MDG_IMAGE_ENTRY;
    for (uint32_t i = 0; i < m->n_sections; i++) {
        mdg_section s = m->sections[i];
        s.memory = bytes + s.at;
        for (uint64_t b = 0; b < mdg_section_blocks(&s); b++) {
            size_t size;
            const uint8_t *block = mdg_section_block(&s, b, &size);
            mdg_store_u32(sums + 4 * (s.first_sum + b),
                          mdg_crc32c(0, block, size));
        }
    }
    uint64_t directory = mdg_load_u64(m->bytes + 56);
    mdg_store_u32(bytes + 72, mdg_crc32c(0, bytes + MIDGE_INDEX_HEAD_BYTES,
                                         (size_t)directory));
    uint32_t chain = mdg_crc32c(0, bytes, 76);
    mdg_store_u32(bytes + 76, chain);
    const uint32_t header = chain;
    uint32_t frames = 0;
    for (size_t at = m->base; at < m->size; frames++) {
        size_t size = (size_t)mdg_load_u64(m->bytes + at + 16);
        mdg_store_u32(bytes + at + 24, chain);
        chain = mdg_crc32c(0, bytes + at, size - 4);
        mdg_store_u32(bytes + at + size - 4, chain);
        at += size;
    }
    for (uint64_t i = 0; i < 2; i++) {
        mdg_slot slot;
        uint8_t *at = bytes + mdg_slot_at(i);
        (void)mdg_slot_get(&slot, at);
        slot.header_crc = header;
        slot.chain = slot.frames == frames ? chain : slot.chain;
        mdg_slot_put(&slot, at);
    }
}

/* ---- Use ----------------------------------------------------------------- */

static void search(midge_index *index) {
    midge_searcher *s = NULL;
    float x[DIM];
    midge_error err = {.text = ""};
    maker_vector(777, DIM, 0, x);
    memset(x, 0, index->options.metric == MIDGE_METRIC_HAMMING ? 4 : 0);
    FUZZ_CHECK(midge_searcher_new(index, &s, NULL) == MIDGE_OK);
    for (int exact = 0; exact < 2; exact++) {
        midge_query q = {
            .count = 1, .vectors = x, .k = 8, .ef = 20, .exact = exact};
        midge_status status = midge_searcher_run(s, &q, &err);
        fuzz_check_error(status, &err);
        size_t n = 0;
        const midge_neighbour *found =
            status == MIDGE_OK ? midge_searcher_found(s, 0, &n) : NULL;
        for (size_t i = 0; i < n; i++) {
            FUZZ_CHECK(midge_index_has_row(index, found[i].row));
        }
    }
    midge_searcher_free(s);
}

static void filter(midge_index *index) {
    static const char text[] = "lang = \"en\" and year > 1950 or tags in "
                               "(\"t1\",\"u2\") and not draft";
    midge_filter *f = NULL;
    midge_searcher *s = NULL;
    float x[DIM] = {0};
    if (midge_filter_new(index, text, sizeof text - 1, &f, NULL) != MIDGE_OK) {
        return;
    }
    midge_query q = {.count = 1, .vectors = x, .k = 3, .filter = f};
    FUZZ_CHECK(midge_searcher_new(index, &s, NULL) == MIDGE_OK);
    (void)!midge_searcher_run(s, &q, NULL);
    midge_searcher_free(s);
    midge_filter_free(f);
}

static void ask(midge_index *index) {
    midge_index_info info;
    midge_index_info_get(index, &info);
    for (uint32_t row = 0; row < info.count + info.n_deleted; row++) {
        midge_buf out;
        midge_json_writer w;
        uint8_t vector[DIM * 4];
        midge_buf_init(&out, &env, 0);
        midge_json_writer_init(&w, &out, 0);
        (void)!midge_index_metadata(index, row, &w, NULL);
        (void)!midge_index_vector(index, row, vector, NULL);
        (void)midge_index_key(index, row);
        midge_buf_deinit(&out);
    }
    for (uint64_t id = 0; id < 60; id++) {
        uint32_t row = maker_find(index, id);
        FUZZ_CHECK(row == MIDGE_INDEX_NO_ROW ||
                   midge_index_has_row(index, row));
    }
}

static void change(midge_index *index) {
    const uint64_t ids[] = {1, 2, 3, 200, 201};
    size_t n;
    (void)!maker_put(&env, index, 5, ids, 9, 1, NULL);
    (void)!maker_delete(index, 4, ids, &n, NULL);
    search(index);
    (void)!midge_index_compact(index, NULL);
    search(index);
}

static midge_status forget(void *ctx, const void *bytes, size_t size) {
    (void)ctx;
    (void)bytes;
    (void)size;
    return MIDGE_OK;
}

static void use(uint8_t *bytes, size_t size, int track) {
    const midge_index_bytes from = {.data = bytes, .size = size};
    const midge_index_writer writer = {.write_fn = forget};
    midge_index *index = NULL;
    midge_error err = {.text = ""};
    midge_status status =
        midge_index_image_open(&env, &from, track, &index, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (index != NULL));
    if (!index) {
        return;
    }
    search(index);
    filter(index);
    ask(index);
    if (track) {
        change(index);
    }
    (void)!midge_index_image_write(index, &writer, NULL, &err);
    midge_index_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    env = midge_os_env();
    if (size < 1) {
        return 0;
    }
    model *m = &models[data[0] % MODELS];
    if (!m->bytes) {
        make_model(m, (unsigned)(m - models));
    }
    uint8_t *bytes = aligned_alloc(64, (m->size + 63) / 64 * 64);
    FUZZ_CHECK(bytes != NULL);
    for (int pass = 0; pass < 3; pass++) {
        memcpy(bytes, m->bytes, m->size);
        for (size_t i = 0; i < EDITS_MAX && 6 + 5 * i <= size; i++) {
            edit(m, bytes, data + 1 + 5 * i);
        }
        mend(m, bytes);
        if (pass < 2) {
            use(bytes, m->size, pass);
        } else {
            const midge_index_bytes from = {.data = bytes, .size = m->size};
            midge_error err = {.text = ""};
            fuzz_check_error(
                midge_index_image_verify(&env, &from, NULL, NULL, NULL, &err),
                &err);
        }
    }
    free(bytes);
    return 0;
}
