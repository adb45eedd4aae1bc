/* embedder_test.c: what every embedder does alike, with a source of the test's
 * own; and the state of word vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "midge/embed.h"
#include "midge/os.h"
#include "test_env.h"

/* ---- A source of the test's own ------------------------------------------ */

typedef struct fake {
    int freed;
    size_t calls;
    float value; /* what it writes */
} fake;

static midge_status fake_embed(void *self, const midge_embed_batch *batch,
                               float *out, midge_error *err) {
    fake *f = self;
    (void)err;
    f->calls++;
    for (size_t i = 0; i < batch->count; i++) {
        const midge_text *t = &batch->texts[i];
        batch->skipped[i] |= t->size > 0 && t->data[0] == '!';
        out[2 * i] = batch->skipped[i] ? 0 : f->value;
        out[2 * i + 1] = batch->skipped[i] ? 0 : (float)t->size;
        if (t->size > 0 && t->data[0] == '0') {
            out[2 * i] = out[2 * i + 1] = 0;
        }
    }
    return MIDGE_OK;
}

static midge_status fake_write(const void *self, midge_buf *out) {
    (void)self;
    return midge_buf_puts(out, "part");
}

static midge_status fake_read(void *self, const void *bytes, size_t size,
                              midge_error *err) {
    (void)self;
    return size == 4 && memcmp(bytes, "part", 4) == 0
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_MISMATCH, "another part");
}

static void fake_free(void *self) {
    ((fake *)self)->freed++;
}

static const midge_embedder_port fake_port = {
    "fake",     "it begins with !", fake_embed, NULL,
    fake_write, fake_read,          fake_free};

static midge_embedder *open_fake(struct test_env *t, fake *f) {
    midge_embedder *e;
    midge_error err;
    test_env_init(t);
    *f = (fake){.value = 7};
    assert_int_equal(
        midge_embedder_new_take(&t->env, &fake_port, f, 2, "a fake", &e, &err),
        MIDGE_OK);
    return e;
}

static void close_fake(struct test_env *t, fake *f, midge_embedder *e) {
    midge_embedder_free(e);
    assert_int_equal(f->freed, 1);
    assert_int_equal(t->held_bytes, 0);
}

#define TEXT(s) {s, sizeof(s) - 1}

static void vectors_come_through(void **state) {
    (void)state;
    struct test_env t;
    fake f;
    midge_embedder *e = open_fake(&t, &f);
    const midge_text texts[] = {TEXT("ab"),
                                TEXT("\xC3\xA4"
                                     "bc"),
                                TEXT("d")};
    midge_embed_report report = {0};
    midge_embed_batch batch = {.count = 3, .texts = texts, .report = &report};
    float v[6];
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL), MIDGE_OK);
    const float wanted[6] = {7, 2, 7, 4, 7, 1};
    assert_memory_equal(v, wanted, sizeof v);
    assert_int_equal(report.n_texts, 3);
    assert_int_equal(report.n_skipped, 0);
    assert_int_equal(midge_embedder_dim(e), 2);
    assert_string_equal(midge_embedder_name(e), "a fake");
    int fitted = 1;
    assert_int_equal(midge_embedder_fit(e, 3, texts, &fitted, NULL), MIDGE_OK);
    assert_int_equal(fitted, 0);
    batch.count = 0;
    assert_int_equal(midge_embedder_embed(e, &batch, NULL, NULL), MIDGE_OK);
    assert_int_equal(f.calls, 1);
    close_fake(&t, &f, e);
}

static void what_has_no_vector_is_told_or_marked(void **state) {
    (void)state;
    static const struct {
        midge_text text;
        const char *says;
        size_t calls; /* of the source, when it is an error */
    } cases[] = {
        {TEXT(""), "text 41: has no vector: it is blank", 0},
        {{NULL, 0}, "text 41: has no vector: it is blank", 0},
        {TEXT(" \t\r\n"), "text 41: has no vector: it is blank", 0},
        {TEXT("!x"), "text 41: has no vector: it begins with !", 1},
        {TEXT("0"), "text 41: has no vector: it begins with !", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_env t;
        fake f;
        midge_error err = {.text = ""};
        midge_embedder *e = open_fake(&t, &f);
        const midge_text texts[] = {TEXT("a"), cases[i].text, TEXT("b")};
        midge_embed_report report = {0};
        midge_embed_batch batch = {
            .count = 3, .texts = texts, .first = 40, .report = &report};
        float v[6];
        assert_int_equal(midge_embedder_embed(e, &batch, v, &err),
                         MIDGE_E_NOT_FOUND);
        assert_string_equal(err.text, cases[i].says);
        assert_int_equal(err.line, 2);
        assert_int_equal(f.calls, cases[i].calls);
        uint8_t skipped[3] = {9, 9, 9};
        batch.skipped = skipped;
        assert_int_equal(midge_embedder_embed(e, &batch, v, &err), MIDGE_OK);
        assert_true(skipped[0] == 0 && skipped[1] == 1 && skipped[2] == 0);
        assert_true(v[2] != v[2] && v[3] != v[3]); /* NaN: no index takes it */
        assert_true(v[0] == 7 && v[4] == 7);
        assert_int_equal(report.n_texts, 2);
        assert_int_equal(report.n_skipped, 1);
        close_fake(&t, &f, e);
    }
}

static void texts_are_looked_at_first(void **state) {
    (void)state;
    struct test_env t;
    fake f;
    midge_error err;
    midge_embedder *e = open_fake(&t, &f);
    const midge_text texts[] = {TEXT("a"), TEXT("b\xFF")};
    midge_embed_batch batch = {.count = 2, .texts = texts};
    float v[4];
    assert_int_equal(midge_embedder_embed(e, &batch, v, &err), MIDGE_E_INVALID);
    assert_string_equal(err.text, "text 1: is not UTF-8");
    assert_int_equal(err.line, 2);
    assert_int_equal(midge_embedder_fit(e, 2, texts, NULL, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(f.calls, 0);
    batch.texts = NULL;
    assert_int_equal(midge_embedder_embed(e, &batch, v, &err), MIDGE_E_INVALID);
    batch.texts = texts;
    assert_int_equal(midge_embedder_embed(e, &batch, NULL, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_embedder_embed(NULL, &batch, v, &err),
                     MIDGE_E_INVALID);
    close_fake(&t, &f, e);
}

static void infinite_vectors_are_refused(void **state) {
    (void)state;
    const float values[] = {__builtin_inff(), -__builtin_inff(),
                            __builtin_nanf("")};
    for (size_t i = 0; i < 3; i++) {
        struct test_env t;
        fake f;
        midge_error err;
        midge_embedder *e = open_fake(&t, &f);
        const midge_text text = TEXT("a");
        uint8_t skipped;
        midge_embed_batch batch = {
            .count = 1, .texts = &text, .skipped = &skipped};
        float v[2];
        f.value = values[i];
        assert_int_equal(midge_embedder_embed(e, &batch, v, &err),
                         MIDGE_E_INVALID);
        assert_int_equal(err.line, 1);
        close_fake(&t, &f, e);
    }
}

static void what_is_taken_is_freed(void **state) {
    (void)state;
    struct test_env t;
    midge_embedder *e;
    fake f = {0};
    test_env_init(&t);
    assert_int_equal(
        midge_embedder_new_take(&t.env, &fake_port, &f, 0, "n", &e, NULL),
        MIDGE_E_INVALID);
    assert_int_equal(
        midge_embedder_new_take(&t.env, &fake_port, &f, 65537, "n", &e, NULL),
        MIDGE_E_INVALID);
    assert_int_equal(f.freed, 2);
    for (long n = 1; n <= 2; n++) {
        t.calls = 0;
        t.fail_at = n;
        assert_int_equal(
            midge_embedder_new_take(&t.env, &fake_port, &f, 2, "n", &e, NULL),
            MIDGE_E_NOMEM);
        assert_null(e);
        assert_int_equal(f.freed, 2 + n);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* ---- State --------------------------------------------------------------- */

static const char file[] = "one 1 0 0.5\ntwo 0 1 0.25\nsix 1 1 0\nten 3 1 2\n";

static midge_embedder *open_words(const midge_env *env, const char *bytes,
                                  const midge_words_options *options) {
    midge_embedder *e;
    midge_error err;
    if (midge_embedder_words_new(env, bytes, strlen(bytes), options, &e,
                                 &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return e;
}

static int fit_to_all(midge_embedder *e, size_t count) {
    static const char *const words[] = {"one two", "two", "six one ten", "ten"};
    static midge_text texts[MIDGE_EMBED_FIT_MIN];
    int fitted;
    for (size_t i = 0; i < count; i++) {
        texts[i] = (midge_text){words[i % 4], strlen(words[i % 4])};
    }
    assert_int_equal(midge_embedder_fit(e, count, texts, &fitted, NULL),
                     MIDGE_OK);
    return fitted;
}

static void embed_one(midge_embedder *e, const char *text, float v[3]) {
    midge_text one = {text, strlen(text)};
    midge_embed_batch batch = {.count = 1, .texts = &one};
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL), MIDGE_OK);
}

static void write_state(const midge_env *env, const midge_embedder *e,
                        midge_buf *out) {
    midge_buf_init(out, env, 0);
    assert_int_equal(midge_embedder_state_write(e, out), MIDGE_OK);
}

static void a_state_makes_the_same_vectors(void **state) {
    (void)state;
    struct test_env t;
    midge_buf bytes, again;
    float v[3], w[3], unfitted[3];
    midge_error err;
    test_env_init(&t);
    midge_embedder *a = open_words(&t.env, file, NULL);
    embed_one(a, "one ten", unfitted);
    assert_int_equal(fit_to_all(a, MIDGE_EMBED_FIT_MIN - 1), 0);
    embed_one(a, "one ten", v);
    assert_memory_equal(v, unfitted, sizeof v);
    assert_int_equal(fit_to_all(a, MIDGE_EMBED_FIT_MIN), 1);
    embed_one(a, "one ten", v);
    assert_memory_not_equal(v, unfitted, sizeof v);
    write_state(&t.env, a, &bytes);

    midge_embedder *b = open_words(&t.env, file, NULL);
    assert_int_equal(midge_embedder_state_read(b, bytes.data, bytes.size, &err),
                     MIDGE_OK);
    embed_one(b, "one ten", w);
    assert_memory_equal(v, w, sizeof v);
    write_state(&t.env, b, &again);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    /* a state without a component takes it away again */
    midge_buf_deinit(&again);
    midge_embedder *c = open_words(&t.env, file, NULL);
    write_state(&t.env, c, &again);
    assert_int_equal(midge_embedder_state_read(b, again.data, again.size, &err),
                     MIDGE_OK);
    embed_one(b, "one ten", w);
    assert_memory_equal(w, unfitted, sizeof w);
    midge_embedder_free(a);
    midge_embedder_free(b);
    midge_embedder_free(c);
    midge_buf_deinit(&bytes);
    midge_buf_deinit(&again);
    assert_int_equal(t.held_bytes, 0);
}

static void expect_mismatch(const midge_buf *bytes, midge_embedder *e,
                            const char *says) {
    midge_error err = {.text = ""};
    assert_int_equal(
        midge_embedder_state_read(e, bytes->data, bytes->size, &err),
        MIDGE_E_MISMATCH);
    if (!strstr(err.text, says)) {
        fail_msg("%s", err.text);
    }
    midge_embedder_free(e);
}

static void another_source_is_refused(void **state) {
    (void)state;
    static const char other[] =
        "one 1 0 0.5\ntwo 0 1 0.25\nsix 1 1 0\nten 3 1 3\n";
    static const char flat[] = "one 1 0\ntwo 0 1\n";
    static const char list[] = "one 1\n";
    static const char list_2[] = "one 2\n";
    midge_words_options a = {.a = 0.01};
    midge_words_options few = {.max_words = 3};
    midge_words_options listed = {.frequencies = list,
                                  .frequencies_size = sizeof list - 1};
    midge_words_options listed_2 = {.frequencies = list_2,
                                    .frequencies_size = sizeof list_2 - 1};
    struct test_env t;
    fake f = {0};
    midge_buf bytes;
    midge_embedder *e = open_fake(&t, &f);
    midge_embedder *mine = open_words(&t.env, file, NULL);
    write_state(&t.env, mine, &bytes);
    expect_mismatch(&bytes, open_words(&t.env, other, NULL), "other word");
    expect_mismatch(&bytes, open_words(&t.env, file, &few), "4 words");
    expect_mismatch(&bytes, open_words(&t.env, flat, NULL), "3 dimensions");
    expect_mismatch(&bytes, open_words(&t.env, file, &a), "a = 0.001");
    expect_mismatch(&bytes, open_words(&t.env, file, &listed), "no list");
    expect_mismatch(&bytes, e, "\"words\"");
    midge_buf_deinit(&bytes);
    midge_embedder_free(mine);
    mine = open_words(&t.env, file, &listed);
    write_state(&t.env, mine, &bytes);
    expect_mismatch(&bytes, open_words(&t.env, file, NULL), "needed again");
    expect_mismatch(&bytes, open_words(&t.env, file, &listed_2), "another");
    midge_buf_deinit(&bytes);
    midge_embedder_free(mine);
    assert_int_equal(t.held_bytes, 0);
}

/* Cut at any byte or with any bit flipped it is refused, and the embedder makes
 * the vectors that it made. */
static void damage_is_found(void **state) {
    (void)state;
    struct test_env t;
    midge_buf bytes;
    float v[3], w[3];
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, file, NULL);
    assert_int_equal(fit_to_all(e, MIDGE_EMBED_FIT_MIN), 1);
    write_state(&t.env, e, &bytes);
    embed_one(e, "two six", v);
    for (size_t size = 0; size < bytes.size; size++) {
        midge_error err = {.text = ""};
        char *copy = malloc(size ? size : 1);
        memcpy(copy, bytes.data, size);
        midge_status status = midge_embedder_state_read(e, copy, size, &err);
        assert_true(status == MIDGE_E_PARSE || status == MIDGE_E_CORRUPT);
        assert_true(err.text[0] != '\0');
        free(copy);
    }
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        midge_error err = {.text = ""};
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        midge_status status =
            midge_embedder_state_read(e, bytes.data, bytes.size, &err);
        assert_true(status == MIDGE_E_PARSE || status == MIDGE_E_CORRUPT ||
                    status == MIDGE_E_VERSION);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    embed_one(e, "two six", w);
    assert_memory_equal(v, w, sizeof v);
    midge_embedder_free(e);
    midge_buf_deinit(&bytes);
    assert_int_equal(t.held_bytes, 0);
}

/* Written by tests/golden/make_embedder_v1.py, which knows only the format
 * page: it is taken, written again as it was, and its component is what is
 * taken out.
 */
static void the_golden_file_reads(void **state) {
    (void)state;
    static const char list[] = "one 3\ntwo 1\n";
    midge_words_options options = {
        .frequencies = list, .frequencies_size = sizeof list - 1, .a = 0.25};
    midge_env env = midge_os_env();
    midge_buf bytes, again;
    midge_error err = {.text = ""};
    float v[3];
    midge_buf_init(&bytes, &env, 0);
    assert_int_equal(midge_os_read_file(GOLDEN_DIR "/embedder_v1.membed", 4096,
                                        &bytes, &err),
                     MIDGE_OK);
    midge_embedder *e = open_words(&env, file, &options);
    if (midge_embedder_state_read(e, bytes.data, bytes.size, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    write_state(&env, e, &again);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    /* "two": p = 1/4, so half of (0, 1, 0.25), less its part along the
     * component */
    embed_one(e, "two", v);
    const double u[3] = {0.5, -0.5, 0.70710678};
    double along = 0.5 * u[1] + 0.125 * u[2];
    for (size_t j = 0; j < 3; j++) {
        double wanted = (j == 1 ? 0.5 : j == 2 ? 0.125 : 0) - along * u[j];
        assert_float_equal(v[j], (float)wanted, 1e-6);
    }
    midge_embedder_free(e);
    midge_buf_deinit(&bytes);
    midge_buf_deinit(&again);
}

/* ---- Word vectors through the port --------------------------------------- */

static void unknown_words_are_counted(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, file, NULL);
    const midge_text texts[] = {TEXT("one two three"), TEXT("zebra, gnu!"),
                                TEXT(""), TEXT("ten six")};
    uint8_t skipped[4];
    float v[12];
    midge_error err;
    midge_embed_report report = {0};
    midge_embed_batch batch = {.count = 4, .texts = texts, .report = &report};
    assert_int_equal(midge_embedder_embed(e, &batch, v, &err),
                     MIDGE_E_NOT_FOUND);
    assert_int_equal(err.line, 3); /* the blank one is seen before the work */
    batch.skipped = skipped;
    assert_int_equal(midge_embedder_embed(e, &batch, v, &err), MIDGE_OK);
    assert_true(!skipped[0] && skipped[1] && skipped[2] && !skipped[3]);
    assert_int_equal(report.n_texts, 2);
    assert_int_equal(report.n_skipped, 2);
    assert_int_equal(report.n_words, 4);
    assert_int_equal(report.n_unknown, 3);
    batch.count = 2;
    batch.skipped = NULL;
    assert_int_equal(midge_embedder_embed(e, &batch, v, &err),
                     MIDGE_E_NOT_FOUND);
    assert_string_equal(
        err.text, "text 1: has no vector: none of its words has a vector");
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

/* Zeros in the file, and what is nothing but the common component. */
static void zeros_are_no_vectors(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    midge_embedder *e =
        open_words(&t.env, "pad 0 0 0\none 1 2 3\nelf 0 1 0\n", NULL);
    enum { N = MIDGE_EMBED_FIT_MIN + 1 };
    static midge_text texts[N];
    static uint8_t skipped[N];
    static float v[3 * N];
    int fitted;
    for (size_t i = 0; i < N; i++) {
        texts[i] = (midge_text)TEXT("one one");
    }
    texts[0] = (midge_text)TEXT("pad");
    midge_embed_batch batch = {.count = N, .texts = texts, .skipped = skipped};
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL), MIDGE_OK);
    assert_true(skipped[0] && !skipped[1] && !skipped[N - 1]);
    assert_int_equal(midge_embedder_fit(e, N, texts, &fitted, NULL), MIDGE_OK);
    assert_int_equal(fitted, 1);
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL), MIDGE_OK);
    assert_true(skipped[0] && skipped[1] && skipped[N - 1]);
    texts[0] = (midge_text)TEXT("one elf");
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL), MIDGE_OK);
    assert_true(!skipped[0] && skipped[1]);
    assert_float_equal(v[0] + 2 * v[1] + 3 * v[2], 0, 1e-5);
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

static int stop(void *ctx, size_t done, size_t total) {
    size_t *seen = ctx;
    assert_int_equal(total, 9000);
    *seen = done;
    return done > 5000;
}

static void it_can_be_ended(void **state) {
    (void)state;
    static midge_text texts[9000];
    static float v[27000];
    struct test_env t;
    size_t seen = 0;
    midge_embed_report report = {0};
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, file, NULL);
    for (size_t i = 0; i < 9000; i++) {
        texts[i] = (midge_text)TEXT("two");
    }
    midge_embed_batch batch = {.count = 9000,
                               .texts = texts,
                               .report = &report,
                               .progress = stop,
                               .progress_ctx = &seen};
    assert_int_equal(midge_embedder_embed(e, &batch, v, NULL),
                     MIDGE_E_CANCELLED);
    assert_true(seen > 5000 && seen < 9000);
    assert_int_equal(report.n_words, seen);
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

static void memory_may_end_anywhere(void **state) {
    (void)state;
    midge_status status = MIDGE_E_NOMEM;
    struct test_env t;
    enum { N = MIDGE_EMBED_FIT_MIN };
    static midge_text texts[N];
    static float v[3 * N];
    midge_buf bytes;
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, file, NULL);
    for (size_t i = 0; i < N; i++) {
        texts[i] =
            i % 2 ? (midge_text)TEXT("two one") : (midge_text)TEXT("ten");
    }
    midge_embed_batch batch = {.count = N, .texts = texts};
    long n;
    for (n = 1; status == MIDGE_E_NOMEM; n++) {
        midge_error err = {.text = ""};
        t.calls = 0;
        t.fail_at = n;
        status = midge_embedder_embed(e, &batch, v, &err);
        if (status == MIDGE_OK) {
            status = midge_embedder_fit(e, N, texts, NULL, &err);
        }
        midge_buf_init(&bytes, &t.env, 0);
        if (status == MIDGE_OK) {
            status = midge_embedder_state_write(e, &bytes);
        } else {
            assert_int_equal(err.status, MIDGE_E_NOMEM);
        }
        if (status == MIDGE_OK) {
            status = midge_embedder_state_read(e, bytes.data, bytes.size, &err);
        } else {
            assert_int_equal(bytes.size, 0);
        }
        midge_buf_deinit(&bytes);
    }
    assert_int_equal(status, MIDGE_OK);
    assert_true(n > 10);
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_come_through),
        cmocka_unit_test(what_has_no_vector_is_told_or_marked),
        cmocka_unit_test(texts_are_looked_at_first),
        cmocka_unit_test(infinite_vectors_are_refused),
        cmocka_unit_test(what_is_taken_is_freed),
        cmocka_unit_test(a_state_makes_the_same_vectors),
        cmocka_unit_test(another_source_is_refused),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(the_golden_file_reads),
        cmocka_unit_test(unknown_words_are_counted),
        cmocka_unit_test(zeros_are_no_vectors),
        cmocka_unit_test(it_can_be_ended),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
