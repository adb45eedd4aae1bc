/* image_golden_test.c: a file that was made from the page of the format, by a
 * program that shares nothing with this one, for ever readable. */
#include <stdio.h>

#include "image_support.h"

static struct image_bytes read_golden(const char *name) {
    struct image_bytes file = {0};
    char path[512];
    char buffer[4096];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    while ((n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        image_bytes_put(&file, file.size, buffer, n);
    }
    fclose(in);
    return file;
}

static void check_row(midge_index *index, const midge_env *env, uint64_t id,
                      const char *metadata) {
    midge_buf out;
    midge_json_writer w;
    uint32_t row = midge_index_find(index, id);
    assert_int_not_equal(row, MIDGE_INDEX_NO_ROW);
    midge_buf_init(&out, env, 0);
    midge_json_writer_init(&w, &out, 0);
    assert_int_equal(midge_index_metadata(index, row, &w, NULL), MIDGE_OK);
    assert_int_equal(midge_buf_terminate(&out), MIDGE_OK);
    assert_string_equal(out.data, metadata);
    midge_buf_deinit(&out);
}

static void check_search(midge_index *index, int exact) {
    const float x[] = {0, 0.5f, 2.75f};
    const struct {
        uint64_t id;
        float distance;
    } want[] = {{40, 0.3125f}, {10, 7.8125f}, {30, 9.8125f}, {50, 50.3125f}};
    midge_searcher *s = NULL;
    midge_query q = {.count = 1, .vectors = x, .k = 9, .exact = exact};
    size_t n;
    assert_int_equal(midge_searcher_new(index, &s, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(s, &q, NULL), MIDGE_OK);
    const midge_neighbour *found = midge_searcher_found(s, 0, &n);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(midge_index_id(index, found[i].row), want[i].id);
        assert_true(found[i].distance == want[i].distance);
    }
    midge_searcher_free(s);
}

static void version_1(void **state) {
    (void)state;
    struct test_env t;
    struct image_bytes file = read_golden("index_v1.midx");
    midge_index_info info;
    midge_index_image_info image;
    test_env_init(&t);
    midge_index *index = image_open_well(&t.env, &file, 0);
    midge_index_info_get(index, &info);
    assert_int_equal(info.count, 4);
    assert_int_equal(info.n_deleted, 1);
    assert_int_equal(info.options.dim, 3);
    assert_int_equal(info.options.metric, MIDGE_METRIC_L2SQ);
    assert_int_equal(info.options.kind, MIDGE_INDEX_HNSW);
    assert_int_equal(info.options.m, 2);
    assert_int_equal(info.options.ef_construction, 50);
    assert_int_equal(info.options.ef, 20);
    assert_int_equal(info.options.seed, 7);
    midge_index_image_info_get(index, &image);
    assert_int_equal(image.sequence, 2);
    assert_int_equal(image.frames, 1);
    assert_int_equal(image.length, file.size);
    check_row(index, &t.env, 10, "{\"year\":1990,\"tags\":[\"a\",\"red\"]}");
    assert_int_equal(midge_index_find(index, 20), MIDGE_INDEX_NO_ROW);
    check_row(index, &t.env, 30, "{\"year\":1099511627776}");
    check_row(index, &t.env, 40, "{}");
    check_row(index, &t.env, 50, "{\"year\":2026,\"tags\":[\"blue\",\"red\"]}");
    check_search(index, 0);
    check_search(index, 1);
    midge_index_free(index);

    midge_error err = {.text = ""};
    const midge_index_bytes bytes = {.data = file.data, .size = file.size};
    if (midge_index_image_verify(&t.env, &bytes, NULL, NULL, NULL, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(t.held_bytes, 0);
    image_bytes_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
