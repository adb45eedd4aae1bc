/* words_some_test.c: an embedder that keeps the words of some texts only makes
 * the vectors of these texts that one of the whole file makes, bit by bit, and
 * its state is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "embed/words.h"
#include "midge/os.h"
#include "test_env.h"

#define TEXT(s) {s, sizeof(s) - 1}

enum { DIM = 3, TEXTS = 6 };

static const midge_text texts[TEXTS] = {
    TEXT("w7 and W12, then w399!"),
    TEXT("New York"),
    TEXT("unknown"),
    TEXT("w1 w1 w1"),
    TEXT(""),
    TEXT("STRASSE w200 w5"),
};

struct file {
    char *text;
    size_t size;
};

/* `words` words, three of them with spaces, one of which looks as if it were
 * wanted; some numbers are not short. */
static struct file make_file(unsigned words, int has_head, const char *end) {
    struct file f = {malloc((size_t)words * 200 + 100), 0};
    mdg_rng rng;
    mdg_rng_seed(&rng, 5);
    if (has_head) {
        f.size += (size_t)sprintf(f.text, "%u %d%s", words, DIM, end);
    }
    for (unsigned i = 0; i < words; i++) {
        const char *odd[] = {"new", "new york", ". . .", "strasse", "w7 b"};
        char word[32];
        sprintf(word, "w%u", i);
        f.size += (size_t)sprintf(f.text + f.size, "%s %.9g %g %de-2%s",
                                  i >= 20 && i < 25 ? odd[i - 20] : word,
                                  mdg_rng_double(&rng), -mdg_rng_double(&rng),
                                  (int)(i % 90) - 40, end);
    }
    return f;
}

static midge_embedder *open_file(const midge_env *env, const struct file *f,
                                 const midge_words_options *options,
                                 int is_whole) {
    midge_words_options all = *options;
    midge_embedder *e;
    midge_error err = {.text = ""};
    all.texts = is_whole ? NULL : texts;
    all.n_texts = is_whole ? 0 : TEXTS;
    if (midge_embedder_words_new(env, f->text, f->size, &all, &e, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return e;
}

static void embed(midge_embedder *e, float out[TEXTS][DIM],
                  midge_embed_report *report) {
    uint8_t skipped[TEXTS];
    const midge_embed_batch batch = {
        .count = TEXTS, .texts = texts, .skipped = skipped, .report = report};
    memset(report, 0, sizeof *report);
    assert_int_equal(midge_embedder_embed(e, &batch, out[0], NULL), MIDGE_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(skipped[i], i == 2 || i == 4);
        for (size_t j = 0; skipped[i] && j < DIM; j++) {
            out[i][j] = 0; /* NaN */
        }
    }
}

static void write_state(const midge_env *env, const midge_embedder *e,
                        midge_buf *out) {
    midge_buf_init(out, env, 0);
    assert_int_equal(midge_embedder_state_write(e, out), MIDGE_OK);
}

static void compare(const midge_env *env, const struct file *f,
                    const midge_words_options *options) {
    float a[TEXTS][DIM], b[TEXTS][DIM];
    midge_embed_report of_a, of_b;
    midge_buf state_a, state_b;
    midge_embedder *whole = open_file(env, f, options, 1);
    midge_embedder *some = open_file(env, f, options, 0);
    embed(whole, a, &of_a);
    embed(some, b, &of_b);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_equal(&of_a, &of_b, sizeof of_a);
    assert_string_equal(midge_embedder_name(whole), midge_embedder_name(some));
    write_state(env, whole, &state_a);
    write_state(env, some, &state_b);
    assert_int_equal(state_a.size, state_b.size);
    assert_memory_equal(state_a.data, state_b.data, state_a.size);
    assert_int_equal(
        midge_embedder_state_read(some, state_a.data, state_a.size, NULL),
        MIDGE_OK);
    midge_buf_deinit(&state_a);
    midge_buf_deinit(&state_b);
    midge_embedder_free(whole);
    midge_embedder_free(some);
}

static void the_same_vectors(void **state) {
    (void)state;
    static const char list[] = "w7 100\nw399 5\nother 70\nstrasse 1\n";
    const midge_words_options all[] = {
        {.max_words = 0},
        {.max_words = 450, .name = "a file"},
        {.a = 0.1},
        {.frequencies = list, .frequencies_size = sizeof list - 1},
    };
    for (int head = 0; head < 2; head++) {
        for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
            struct test_env t;
            struct file f = make_file(500, head, i % 2 ? "\r\n" : " \n");
            test_env_init(&t);
            compare(&t.env, &f, &all[i / 2]);
            assert_int_equal(t.held_bytes, 0);
            free(f.text);
        }
    }
}

/* More bytes than are looked at at once, by several threads; the memory is that
 * of the words wanted. */
static void a_large_file(void **state) {
    (void)state;
    struct file f = make_file(40000, 1, "\n");
    const midge_words_options options = {.max_words = 0};
    struct test_env t;
    midge_env env = midge_os_env();
    midge_os_pool *pool;
    assert_true(f.size > (size_t)1 << 20);
    assert_int_equal(midge_os_pool_new(3, &pool, NULL), MIDGE_OK);
    midge_os_pool_attach(pool, &env);
    compare(&env, &f, &options);
    midge_os_pool_free(pool);
    test_env_init(&t);
    midge_embedder_free(open_file(&t.env, &f, &options, 0));
    assert_int_equal(t.held_bytes, 0);
    assert_true(t.peak_bytes < 100000);
    free(f.text);
}

static void what_is_wanted_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t line;
        const char *says;
    } wrongs[] = {
        {"a 1\nw7 2\nb 3\nw7 4\n", 4, "stands in line 2 already"},
        {"4 1\na 1\nw7 2\nb 3\nw7 4\n", 5, "stands in line 3 already"},
        {"a 1\nw7 x\n", 2, "not a number"},
        {"a 1\nw7 1 2\n", 2, "2 numbers, where the first line has 1"},
        {"a 1\nw7\n", 2, "0 numbers"},
        {"9 1\na 1\nw7 2\n", 1, "it says 9 words, and there are 2"},
        {"w7\n", 1, "no word vectors"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct test_env t;
        midge_embedder *e;
        midge_error err = {.text = ""};
        const midge_words_options options = {.texts = texts, .n_texts = TEXTS};
        test_env_init(&t);
        assert_int_equal(midge_embedder_words_new(&t.env, wrongs[i].text,
                                                  strlen(wrongs[i].text),
                                                  &options, &e, &err),
                         MIDGE_E_PARSE);
        assert_int_equal(err.line, wrongs[i].line);
        assert_non_null(strstr(err.text, wrongs[i].says));
        assert_int_equal(t.held_bytes, 0);
    }
}

/* No text at all, or none with a word of the file: an embedder that finds
 * nothing. */
static void nothing_is_wanted(void **state) {
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        struct test_env t;
        midge_embedder *e;
        midge_error err = {.text = ""};
        float v;
        const midge_text one = TEXT("w7");
        const midge_words_options options = {.texts = &one, .n_texts = n};
        const midge_embed_batch batch = {.count = 1, .texts = &one};
        test_env_init(&t);
        assert_int_equal(midge_embedder_words_new(&t.env, "a 1\nb 2\n", 8,
                                                  &options, &e, &err),
                         MIDGE_OK);
        assert_string_equal(midge_embedder_name(e), "2 words of 1 dimensions");
        assert_int_equal(midge_embedder_embed(e, &batch, &v, &err),
                         MIDGE_E_NOT_FOUND);
        midge_embedder_free(e);
        assert_int_equal(t.held_bytes, 0);
    }
    const midge_words_options options = {.n_texts = 1};
    midge_env env = midge_os_env();
    midge_embedder *e;
    assert_int_equal(
        midge_embedder_words_new(&env, "a 1", 3, &options, &e, NULL),
        MIDGE_E_INVALID);
}

static void memory_may_end_anywhere(void **state) {
    (void)state;
    struct file f = make_file(500, 1, "\n");
    int failed = 0;
    for (long n = 1;; n++) {
        struct test_env t;
        midge_embedder *e;
        const midge_words_options options = {.texts = texts, .n_texts = TEXTS};
        test_env_init(&t);
        t.fail_at = n;
        midge_status status = midge_embedder_words_new(&t.env, f.text, f.size,
                                                       &options, &e, NULL);
        midge_embedder_free(e);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            break;
        }
        /* an arena that gets no large block asks for a smaller one */
        assert_true(status == MIDGE_E_NOMEM || status == MIDGE_OK);
        failed += status == MIDGE_E_NOMEM;
    }
    assert_true(failed >= 8);
    free(f.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_vectors),
        cmocka_unit_test(a_large_file),
        cmocka_unit_test(what_is_wanted_is_checked),
        cmocka_unit_test(nothing_is_wanted),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
