/* image_damage_test.c: files cut short at every byte and with a bit flipped in
 * every byte. What is damaged is refused by name; what opens gives the answers
 * that it gave before, or says while searching what is damaged. */
#include "image_support.h"
#include "test_share.h"

enum { ROWS = 60, DIM = 8, QUERIES = 4, K = 5 };

/* Under sanitizers not every byte behind the header; an odd step, so that every
 * bit of a byte has its turn. */
enum { STEP = TEST_SHARE == 1 ? 1 : 7 };

static size_t after(size_t at) {
    return at < MDG_IMAGE_HEADER ? at + 1 : at + STEP;
}

struct sample {
    struct test_env t;
    struct image_bytes file;
    struct image_bytes scratch;
    size_t base; /* where the first frame begins */
    float queries[QUERIES * DIM];
    midge_neighbour want[QUERIES * K];
    mdg_section_list list; /* of the base */
    midge_index *base_index;
};

static midge_index *make_index(struct sample *s, midge_storage storage,
                               midge_walk walk) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    midge_index *index = NULL;
    uint64_t ids[ROWS];
    midge_error err = {.text = ""};
    o.dim = DIM;
    o.metric = MIDGE_METRIC_L2SQ;
    o.kind = MIDGE_INDEX_HNSW;
    o.id_type = MIDGE_ID_TEXT;
    o.storage = storage;
    o.walk = walk;
    o.m = 3;
    for (uint64_t i = 0; i < ROWS; i++) {
        ids[i] = i;
    }
    assert_int_equal(midge_index_new(&s->t.env, &o, &index, NULL), MIDGE_OK);
    assert_int_equal(maker_columns(index), MIDGE_OK);
    if (maker_put(&s->t.env, index, ROWS, ids, 0, 1, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return index;
}

/* The answers of an index, or why there are none. */
static midge_status ask(const struct sample *s, const midge_index *index,
                        int exact, midge_neighbour *out, midge_error *err) {
    midge_searcher *searcher = NULL;
    midge_query q = {
        .count = QUERIES, .vectors = s->queries, .k = K, .exact = exact};
    assert_int_equal(midge_searcher_new(index, &searcher, NULL), MIDGE_OK);
    midge_status status = midge_searcher_run(searcher, &q, err);
    for (size_t i = 0; status == MIDGE_OK && i < QUERIES; i++) {
        size_t n;
        const midge_neighbour *found = midge_searcher_found(searcher, i, &n);
        assert_int_equal(n, K);
        memcpy(out + i * K, found, n * sizeof *found);
    }
    midge_searcher_free(searcher);
    return status;
}

static void make_sample(struct sample *s, midge_storage storage,
                        midge_walk walk) {
    midge_index_written written;
    const uint64_t more[] = {3, 7, 500, 501, 502};
    memset(s, 0, sizeof *s);
    test_env_init(&s->t);
    midge_index *index = make_index(s, storage, walk);
    s->file = image_of(index, &written);
    s->base = s->file.size;
    s->base_index = image_open_well(&s->t.env, &s->file, 0);
    assert_int_equal(mdg_section_list_init(&s->list, s->base_index), MIDGE_OK);
    for (uint32_t i = 0; i < s->list.count; i++) {
        s->list.sections[i].at = s->base_index->image->sections[i].at;
    }
    assert_int_equal(midge_index_track(index, &written, NULL), MIDGE_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            maker_put(&s->t.env, index, 5 - i, more, i + 1, 1, NULL), MIDGE_OK);
        image_commit(index, &s->file, &s->t.env);
    }
    for (size_t i = 0; i < QUERIES; i++) {
        maker_vector(70000 + i, DIM, 0, s->queries + i * DIM);
    }
    assert_int_equal(ask(s, index, 1, s->want, NULL), MIDGE_OK);
    s->scratch = image_bytes_copy(&s->file);
    midge_index_free(index);
}

static void drop_sample(struct sample *s) {
    mdg_section_list_deinit(&s->list);
    midge_index_free(s->base_index);
    assert_int_equal(s->t.held_bytes, 0);
    image_bytes_free(&s->file);
    image_bytes_free(&s->scratch);
}

/* Opens the scratch file and asks it everything; then it is whole again. */
static midge_status use(struct sample *s, size_t size, midge_error *err) {
    midge_neighbour found[QUERIES * K];
    midge_index *index = NULL;
    struct image_bytes cut = s->scratch;
    cut.size = size;
    midge_status status = image_open(&s->t.env, &cut, 0, &index, err);
    assert_int_equal(status == MIDGE_OK, index != NULL);
    if (status == MIDGE_OK) {
        status = ask(s, index, 0, found, err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_CORRUPT);
        status = ask(s, index, 1, found, err);
    }
    if (status == MIDGE_OK) {
        assert_memory_equal(found, s->want, sizeof found);
        status = mdg_image_need_all(index, err);
    }
    midge_index_free(index);
    memcpy(s->scratch.data, s->file.data, s->file.size);
    return status;
}

static void cut_short_it_does_not_open(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    for (size_t size = 0; size < s.file.size; size = after(size)) {
        midge_error err = {.text = ""};
        midge_status status = use(&s, size, &err);
        assert_int_equal(status, size < MDG_IMAGE_HEADER ? MIDGE_E_PARSE
                                                         : MIDGE_E_CORRUPT);
        assert_true(strlen(err.text) > 10);
    }
    midge_error err = {.text = ""};
    assert_int_equal(use(&s, s.file.size, &err), MIDGE_OK);
    drop_sample(&s);
}

/* The section of the base that a byte lies in; NULL: between two. */
static const char *section_at(const struct sample *s, size_t at,
                              char name[MDG_SECTION_NAME]) {
    for (uint32_t i = 0; i < s->list.count; i++) {
        const mdg_section *section = &s->list.sections[i];
        if (at >= section->at &&
            at < section->at + mdg_section_bytes(section)) {
            return mdg_section_name(section->kind, section->which, name);
        }
    }
    return NULL;
}

/* What must be told of a flipped byte; "" when nothing is lost by it. */
static const char *expected(const struct sample *s, size_t at,
                            char name[MDG_SECTION_NAME]) {
    if (at < MDG_IMAGE_PAGE) {
        return at < 8                  ? "no index file"
               : at < 12               ? "version"
               : at < MDG_IMAGE_HEADER ? "header"
                                       : "";
    }
    if (at < MIDGE_INDEX_HEAD_BYTES) {
        return "";
    }
    if (at < MIDGE_INDEX_HEAD_BYTES + mdg_load_u64(s->file.data + 56)) {
        return "directory";
    }
    if (at >= s->base) {
        return "frame";
    }
    const char *section = section_at(s, at, name);
    return section ? section : "";
}

static void flip_all(struct sample *s) {
    char name[MDG_SECTION_NAME];
    size_t harmless = 0;
    for (size_t at = 0; at < s->file.size; at = after(at)) {
        midge_error err = {.text = ""};
        const char *want = expected(s, at, name);
        s->scratch.data[at] ^= (uint8_t)(1u << at % 8);
        midge_status status = use(s, s->file.size, &err);
        if (want[0] == '\0') {
            if (status != MIDGE_OK) {
                fail_msg("byte %zu: %s", at, err.text);
            }
            harmless++;
        } else if (status == MIDGE_OK || !strstr(err.text, want)) {
            fail_msg("byte %zu, %s: %s: %s", at, want,
                     midge_status_name(status), err.text);
        }
    }
    assert_true(STEP * harmless > 3 * MDG_IMAGE_PAGE - 256 - MDG_IMAGE_HEADER);
}

static void a_flipped_bit_is_told_by_name(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    flip_all(&s);
    drop_sample(&s);
    make_sample(&s, MIDGE_STORAGE_F16, MIDGE_WALK_INT8);
    flip_all(&s);
    drop_sample(&s);
}

/* Of the newer slot and the frame behind it one may be lost, not both. */
static void a_lost_slot_is_healed_by_its_frame(void **state) {
    (void)state;
    struct sample s;
    midge_error err = {.text = ""};
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    midge_index_image_info info;
    midge_index *index = image_open_well(&s.t.env, &s.scratch, 0);
    midge_index_image_info_get(index, &info);
    assert_int_equal(info.frames, 2);
    assert_false(info.heal);
    const size_t slot_at = (size_t)info.slot_at;
    midge_index_free(index);
    memcpy(s.scratch.data, s.file.data, s.file.size);

    s.scratch.data[slot_at + 9] ^= 4;
    index = image_open_well(&s.t.env, &s.scratch, 0);
    midge_index_image_info_get(index, &info);
    assert_true(info.heal);
    assert_int_equal(info.frames, 2);
    assert_int_equal(info.slot_at, slot_at);
    assert_memory_equal(info.slot, s.file.data + slot_at, sizeof info.slot);
    midge_index_free(index);
    memcpy(s.scratch.data, s.file.data, s.file.size);

    s.scratch.data[slot_at + 9] ^= 4;
    s.scratch.data[s.file.size - 70] ^= 1;
    assert_int_equal(use(&s, s.file.size, &err), MIDGE_E_CORRUPT);
    assert_non_null(strstr(err.text, "commit slots"));

    s.scratch.data[4096] ^= 1;
    s.scratch.data[8192] ^= 1;
    assert_int_equal(use(&s, s.file.size, &err), MIDGE_E_CORRUPT);
    assert_non_null(strstr(err.text, "commit slots"));
    drop_sample(&s);
}

/* Every allocation may fail: nothing is held, and the status says it. */
static void without_memory_nothing_is_held(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_INT8);
    const size_t held = s.t.held_bytes;
    for (int track = 0; track < 2; track++) {
        midge_status status = MIDGE_E_NOMEM;
        for (long n = 1; status != MIDGE_OK; n++) {
            midge_index *index = NULL;
            midge_error err = {.text = ""};
            s.t.calls = 0;
            s.t.fail_at = n;
            status = image_open(&s.t.env, &s.scratch, track, &index, &err);
            s.t.fail_at = 0;
            assert_int_equal(status == MIDGE_OK, index != NULL);
            assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
            midge_index_free(index);
            assert_int_equal(s.t.held_bytes, held);
            memcpy(s.scratch.data, s.file.data, s.file.size);
            assert_true(n < 1000);
        }
    }
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        struct image_bytes out = {0};
        midge_index_writer writer = {.write_fn = image_bytes_write,
                                     .ctx = &out};
        s.t.calls = 0;
        s.t.fail_at = n;
        status = midge_index_image_write(s.base_index, &writer, NULL, NULL);
        s.t.fail_at = 0;
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(s.t.held_bytes, held);
        image_bytes_free(&out);
    }
    drop_sample(&s);
}

static int stop_half_way(void *ctx, size_t done, size_t total) {
    int *calls = ctx;
    ++*calls;
    return done * 2 > total;
}

static void writing_and_verifying_can_be_cancelled(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    struct image_bytes out = {0};
    int calls = 0;
    midge_index_writer writer = {image_bytes_write, &out, stop_half_way,
                                 &calls};
    midge_error err = {.text = ""};
    assert_int_equal(midge_index_image_write(s.base_index, &writer, NULL, &err),
                     MIDGE_E_CANCELLED);
    assert_true(calls > 3 && out.size > s.base / 3 && out.size < s.base);
    image_bytes_free(&out);
    const midge_index_bytes bytes = {.data = s.scratch.data,
                                     .size = s.scratch.size};
    assert_int_equal(midge_index_image_verify(&s.t.env, &bytes, stop_half_way,
                                              &calls, NULL, &err),
                     MIDGE_E_CANCELLED);
    drop_sample(&s);
}

/* Several damaged blocks are counted, and the first is named. */
static void a_report_counts_the_damage(void **state) {
    (void)state;
    struct sample s;
    midge_index_report report;
    midge_error err = {.text = ""};
    make_sample(&s, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    struct image_bytes file = image_of(s.base_index, NULL);
    const midge_index_bytes bytes = {.data = file.data, .size = file.size};
    assert_int_equal(
        midge_index_image_verify(&s.t.env, &bytes, NULL, NULL, &report, &err),
        MIDGE_OK);
    assert_int_equal(report.frames, 0);
    assert_int_equal(report.rows, ROWS);
    assert_int_equal(report.sections, s.list.count);
    assert_int_equal(report.bytes, file.size);
    for (uint32_t i = 0; i < s.list.count; i++) {
        const mdg_section *section = &s.list.sections[i];
        if (section->kind == MDG_SECTION_ROWS ||
            section->kind == MDG_SECTION_LINKS) {
            file.data[section->at + mdg_section_bytes(section) - 9] ^= 2;
        }
    }
    assert_int_equal(
        midge_index_image_verify(&s.t.env, &bytes, NULL, NULL, &report, &err),
        MIDGE_E_CORRUPT);
    assert_int_equal(report.damaged_blocks, 2);
    assert_non_null(strstr(err.text, "rows: block 0"));
    image_bytes_free(&file);
    drop_sample(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_short_it_does_not_open),
        cmocka_unit_test(a_flipped_bit_is_told_by_name),
        cmocka_unit_test(a_lost_slot_is_healed_by_its_frame),
        cmocka_unit_test(without_memory_nothing_is_held),
        cmocka_unit_test(writing_and_verifying_can_be_cancelled),
        cmocka_unit_test(a_report_counts_the_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
