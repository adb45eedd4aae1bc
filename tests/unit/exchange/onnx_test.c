/* onnx_test.c: the bytes of an ONNX model, taken apart by a reader of its own:
 * every length fits, and versions, shapes and weights are where they belong.
 * That a runtime gives the same outputs is in tests/js/onnx.test.mjs. */
#include "exchange_support.h"

typedef struct part {
    const uint8_t *at;
    size_t size;
} part;

static uint64_t take_varint(part *p) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(p->size > 0 && shift < 64);
        const uint8_t byte = *p->at++;
        p->size--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            return value;
        }
    }
}

/* The next field: its number, and its number or bytes. 0 at the end. */
static uint64_t take_field(part *p, uint64_t *number, part *bytes) {
    if (p->size == 0) {
        return 0;
    }
    const uint64_t key = take_varint(p);
    *number = take_varint(p);
    memset(bytes, 0, sizeof *bytes);
    assert_true((key & 7) == 0 || (key & 7) == 2);
    if ((key & 7) == 2) {
        assert_true(*number <= p->size);
        *bytes = (part){p->at, (size_t)*number};
        p->at += *number;
        p->size -= (size_t)*number;
    }
    return key >> 3;
}

/* The n-th field of this number, which there must be. */
static part find(part p, uint64_t field, int n, uint64_t *number) {
    part bytes;
    uint64_t got;
    while ((got = take_field(&p, number, &bytes)) != 0) {
        if (got == field && n-- == 0) {
            return bytes;
        }
    }
    fail_msg("no field %d", (int)field);
    return p;
}

static int is_text(part p, const char *text) {
    return p.size == strlen(text) && memcmp(p.at, text, p.size) == 0;
}

/* Initializer i of a graph: a tensor of these dimensions with these floats. */
static void check_tensor(part graph, int i, const uint64_t *dims, int n_dims,
                         const float *values, size_t count) {
    uint64_t number;
    const part tensor = find(graph, 5, i, &number);
    for (int d = 0; d < n_dims; d++) {
        find(tensor, 1, d, &number);
        assert_int_equal(number, dims[d]);
    }
    find(tensor, 2, 0, &number);
    assert_int_equal(number, 1); /* FLOAT */
    const part raw = find(tensor, 9, 0, &number);
    assert_int_equal(raw.size, count * sizeof(float));
    assert_memory_equal(raw.at, values, raw.size); /* on little-endian CPUs */
}

static void a_model_is_laid_out(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    midge_net *net =
        make_net(&t.env, NET_LAYERS, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX, 1);
    midge_buf buf;
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(midge_net_write_onnx(net, "digits", &buf, NULL), MIDGE_OK);
    const part model = {(const uint8_t *)buf.data, buf.size};
    uint64_t number;
    find(model, 1, 0, &number);
    assert_int_equal(number, 8);
    find(find(model, 8, 0, &number), 2, 0, &number);
    assert_int_equal(number, 17);
    const part graph = find(model, 7, 0, &number);
    assert_true(is_text(find(graph, 2, 0, &number), "digits"));
    assert_true(is_text(find(find(graph, 11, 0, &number), 1, 0, &number), "x"));
    assert_true(is_text(find(find(graph, 12, 0, &number), 1, 0, &number), "y"));
    check_tensor(graph, 0, (uint64_t[]){5, 7}, 2, net->weights, 35);
    check_tensor(graph, 1, (uint64_t[]){7}, 1, net->weights + 35, 7);
    const float steepness = 0.75f;
    check_tensor(graph, 2, NULL, 0, &steepness, 1);
    static const char *const operators[] = {
        "Gemm", "Mul",  "Relu", "Gemm",    "Mul",
        "Relu", "Gemm", "Mul",  "Softmax", "Identity"};
    for (int i = 0; i < 10; i++) {
        const part node = find(graph, 1, i, &number);
        assert_true(is_text(find(node, 4, 0, &number), operators[i]));
    }
    midge_buf_deinit(&buf);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    midge_net *net =
        make_net(&t.env, NET_SPARSE_SHORTCUT, MIDGE_ACT_GELU, MIDGE_ACT_COS, 1);
    assert_int_equal(
        midge_net_set_activation(net, 1, 2, MIDGE_ACT_SIN, 1.0f, NULL),
        MIDGE_OK);
    const size_t held = t.held_bytes;
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        midge_buf buf;
        midge_error err = {.status = MIDGE_OK};
        t.calls = 0;
        t.fail_at = n;
        midge_buf_init(&buf, &t.env, 0);
        status = midge_net_write_onnx(net, "net", &buf, &err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(err.status, status);
        midge_buf_deinit(&buf);
        assert_int_equal(t.held_bytes, held);
        assert_true(n < 100);
    }
    t.fail_at = 0;
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_laid_out),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
