/* words_read_test.c: every way in which word vectors can be right or wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "embed/words.h"
#include "midge/os.h"
#include "test_env.h"

static midge_status open_copy(struct test_env *t, const char *bytes,
                              size_t size, const midge_words_options *options,
                              midge_embedder **out, midge_error *err) {
    char *copy = malloc(size ? size : 1); /* a sanitizer sees one byte more */
    memcpy(copy, bytes, size);
    midge_status status =
        midge_embedder_words_new(&t->env, copy, size, options, out, err);
    free(copy);
    return status;
}

static midge_embedder *open_text(struct test_env *t, const char *text) {
    midge_embedder *e;
    midge_error err = {.text = ""};
    test_env_init(t);
    if (open_copy(t, text, strlen(text), NULL, &e, &err) != MIDGE_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return e;
}

/* The vector of a text of one word: its weight times its vector. */
static int look_up(midge_embedder *e, const char *text, float *v) {
    midge_text one = {text, strlen(text)};
    midge_embed_batch batch = {.count = 1, .texts = &one};
    return midge_embedder_embed(e, &batch, v, NULL) == MIDGE_OK;
}

struct wrong {
    const char *text;
    int64_t line;
    midge_status status;
    const char *says;
};

static const struct wrong wrongs[] = {
    {"a 1 2\nb 1\n", 2, MIDGE_E_PARSE, "1 numbers, where the first line has 2"},
    {"a 1 2\nb 1 2 3\n", 2, MIDGE_E_PARSE, "3 numbers"},
    {"a 1 2\nb\n", 2, MIDGE_E_PARSE, "0 numbers"},
    {"a 1 2\n\nb 1 2\n", 2, MIDGE_E_PARSE, "nothing in it"},
    {"a 1 2\nb 1 2\n\n", 3, MIDGE_E_PARSE, "nothing in it"},
    {"a 1 2\nb 1 nan\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb inf 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 1e39 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 1e999 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 0x1 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 01 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb .5 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 5. 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb +5 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb - 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 1,5 2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\nb 1  2\n", 2, MIDGE_E_PARSE, "finite"},
    {"a 1 2\n 1 2\n", 2, MIDGE_E_PARSE, "no word"},
    {"a 1 2\n1 2\n", 2, MIDGE_E_PARSE, "1 numbers"},
    {"a 1 2\nb 1 2\na 3 4\n", 3, MIDGE_E_PARSE, "stands in line 1 already"},
    {"3 2\na 1 2\nb 1 2\na 3 4\n", 4, MIDGE_E_PARSE, "in line 2 already"},
    {"3 2\na 1 2\nb 1 2\n", 1, MIDGE_E_PARSE, "says 3 words, and there are 2"},
    {"1 2\na 1 2\nb 1 2\n", 1, MIDGE_E_PARSE, "says 1 words, and there are 2"},
    {"2 3\na 1 2\nb 1 2\n", 2, MIDGE_E_PARSE, "where the first line has 3"},
    {"2 0\na\nb\n", 1, MIDGE_E_PARSE, "no word vectors"},
    {"2 2\n", 2, MIDGE_E_PARSE, "no words"},
    {"2 70000\na 1\n", 1, MIDGE_E_LIMIT, "65536"},
    {"a\nb\n", 1, MIDGE_E_PARSE, "no numbers"},
    {"\n", 1, MIDGE_E_PARSE, "nothing in it"},
    {"\na 1\n", 1, MIDGE_E_PARSE, "nothing in it"},
};

static void wrong_files_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const struct wrong *w = &wrongs[i];
        struct test_env t;
        midge_error err = {.text = ""};
        midge_embedder *e = (midge_embedder *)&t;
        test_env_init(&t);
        midge_status status =
            open_copy(&t, w->text, strlen(w->text), NULL, &e, &err);
        if (status != w->status || err.line != w->line ||
            !strstr(err.text, w->says)) {
            fail_msg("case %zu: %d, line %lld: %s", i, status,
                     (long long)err.line, err.text);
        }
        assert_null(e);
        assert_int_equal(t.held_bytes, 0);
        assert_int_equal(
            open_copy(&t, w->text, strlen(w->text), NULL, &e, NULL), w->status);
    }
}

static void zero_bytes_are_no_text(void **state) {
    (void)state;
    static const char *const texts[] = {"a 1 2\nb 1 \0\n", "a 1 2\nb\0 1 2\n",
                                        "1 2\nab \0\1\2\3"};
    static const size_t sizes[] = {12, 13, 11};
    static const int64_t lines[] = {2, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        struct test_env t;
        midge_error err = {.text = ""};
        midge_embedder *e;
        test_env_init(&t);
        assert_int_equal(open_copy(&t, texts[i], sizes[i], NULL, &e, &err),
                         MIDGE_E_PARSE);
        assert_non_null(strstr(err.text, "zero byte"));
        assert_int_equal(err.line, lines[i]);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void arguments_are_checked(void **state) {
    (void)state;
    struct test_env t;
    midge_error err;
    midge_embedder *e;
    test_env_init(&t);
    assert_int_equal(midge_embedder_words_new(&t.env, "", 0, NULL, &e, &err),
                     MIDGE_E_PARSE);
    assert_non_null(strstr(err.text, "empty"));
    assert_int_equal(midge_embedder_words_new(NULL, "a 1", 3, NULL, &e, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_embedder_words_new(&t.env, NULL, 3, NULL, &e, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(
        midge_embedder_words_new(&t.env, "a 1", 3, NULL, NULL, &err),
        MIDGE_E_INVALID);
    midge_words_options wrong_a = {.a = -1};
    assert_int_equal(
        midge_embedder_words_new(&t.env, "a 1", 3, &wrong_a, &e, &err),
        MIDGE_E_INVALID);
    wrong_a.a = (double)__builtin_inff();
    assert_int_equal(
        midge_embedder_words_new(&t.env, "a 1", 3, &wrong_a, &e, &err),
        MIDGE_E_INVALID);
    assert_int_equal(t.held_bytes, 0);
    midge_embedder_free(NULL);
}

/* The same two words, written in many ways. */
static void forms_of_the_same_file(void **state) {
    (void)state;
    static const char *const same[] = {
        "a 0.5 -2\nb 1e1 0.25\n",
        "a 0.5 -2\nb 1e1 0.25",
        "a\t0.5\t-2\nb\t10\t0.25\n",
        "a 0.5 -2 \r\nb 10.0 0.250 \r\n",
        "2 2\na 0.5 -2\nb 10 0.25\n",
        "2 2\r\na 0.5 -2\r\nb 10 0.25",
        "\xEF\xBB\xBF"
        "a 0.5 -2\nb 10 2.5E-1\n",
        "\xEF\xBB\xBF"
        "2 2\na 5e-1 -2.0\nb 10 0.250000000000000000000000000000\n",
    };
    float first[4];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct test_env t;
        midge_embedder *e = open_text(&t, same[i]);
        float v[4];
        assert_int_equal(midge_embedder_dim(e), 2);
        assert_string_equal(midge_embedder_name(e), "2 words of 2 dimensions");
        assert_true(look_up(e, "a", v) && look_up(e, "b", v + 2));
        if (i == 0) {
            memcpy(first, v, sizeof v);
            assert_true(v[1] == -4 * v[0] && v[2] == 40 * v[3]);
        }
        assert_memory_equal(v, first, sizeof v);
        midge_embedder_free(e);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* Numbers by the short way are those of the long way, bit for bit. */
static void numbers_are_the_nearest(void **state) {
    (void)state;
    struct test_env t;
    char text[8192] = "";
    size_t at = 0;
    double wanted[200];
    uint64_t seed = 7;
    for (size_t i = 0; i < 200; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int digits = (int)(seed >> 60) + 1;
        wanted[i] = (double)(int64_t)(seed << 8) / 1e18 / (double)(i % 7 + 1);
        char number[40];
        snprintf(number, sizeof number, i % 3 ? "%.*f" : "%.*g", digits,
                 wanted[i]);
        wanted[i] = strtod(number, NULL);
        at += (size_t)snprintf(text + at, sizeof text - at, "w%zu %s\n", i,
                               number);
    }
    mdg_words w = {0};
    midge_words_options options = {0};
    test_env_init(&t);
    w.env = &t.env;
    w.kernels = mdg_kernels_select(0);
    midge_error err;
    assert_int_equal(mdg_words_read(&w, text, at, &options, &err), MIDGE_OK);
    assert_int_equal(w.count, 200);
    for (size_t i = 0; i < 200; i++) {
        float f = (float)wanted[i];
        if (memcmp(&w.vectors[i], &f, sizeof f) != 0) {
            fail_msg("%zu: %.17g, not %.17g", i, (double)w.vectors[i],
                     wanted[i]);
        }
    }
    mdg_words_deinit(&w);
    assert_int_equal(t.held_bytes, 0);
}

static void words_with_spaces_are_kept_apart(void **state) {
    (void)state;
    struct test_env t;
    float v[2];
    midge_embedder *e = open_text(&t, "a 1 2\n. . . 3 4\nat b@c 5 6\n\xff 1 "
                                      "1\nb 1 0\n");
    assert_string_equal(midge_embedder_name(e), "5 words of 2 dimensions");
    assert_true(look_up(e, "a", v));
    assert_false(look_up(e, "at", v));
    assert_false(look_up(e, "...", v));
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

static void only_so_many_words(void **state) {
    (void)state;
    static const char text[] = "4 1\na 1\nb 2\nc 3\nthis is 1 not 2 read\n";
    struct test_env t;
    midge_embedder *e;
    midge_error err;
    float v;
    midge_words_options options = {.max_words = 3, .name = "file"};
    test_env_init(&t);
    assert_int_equal(open_copy(&t, text, sizeof text - 1, &options, &e, &err),
                     MIDGE_OK);
    assert_string_equal(midge_embedder_name(e),
                        "3 words of 1 dimensions (file)");
    assert_true(look_up(e, "c", &v));
    assert_false(look_up(e, "this", &v));
    midge_embedder_free(e);
    options.max_words = 5;
    assert_int_equal(open_copy(&t, text, sizeof text - 1, &options, &e, &err),
                     MIDGE_E_PARSE);
    assert_int_equal(t.held_bytes, 0);
}

/* A file of many lines for its bytes must not get room for them all. */
static void memory_is_in_proportion(void **state) {
    (void)state;
    enum { DIM = 1000, LINES = 100000 };
    size_t size = 1 + 2 * DIM + 1 + LINES;
    char *text = malloc(size);
    struct test_env t;
    midge_error err;
    midge_embedder *e;
    text[0] = 'a';
    for (size_t i = 0; i < DIM; i++) {
        memcpy(text + 1 + 2 * i, " 1", 2);
    }
    memset(text + 1 + 2 * DIM, '\n', LINES + 1);
    test_env_init(&t);
    assert_int_equal(
        midge_embedder_words_new(&t.env, text, size, NULL, &e, &err),
        MIDGE_E_PARSE);
    assert_int_equal(err.line, 2);
    assert_true(t.peak_bytes < 10 * size);
    assert_int_equal(t.held_bytes, 0);
    free(text);
}

static int stop_at_second(void *ctx, size_t done, size_t total) {
    int *calls = ctx;
    assert_true(done <= total);
    return ++*calls == 2;
}

/* More lines than are read at once, by several threads, and all of them found
 * again; the wrong one of them is told, whoever read it. */
static void many_words(void **state) {
    (void)state;
    enum { WORDS = 40000 };
    char *text = malloc(WORDS * 32);
    size_t at = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        at += (size_t)sprintf(text + at, "w%u %u -%u.5\n", i, i + 1, i);
    }
    midge_env env = midge_os_env();
    midge_os_pool *pool;
    midge_embedder *e;
    midge_error err;
    assert_int_equal(midge_os_pool_new(4, &pool, &err), MIDGE_OK);
    midge_os_pool_attach(pool, &env);
    assert_int_equal(midge_embedder_words_new(&env, text, at, NULL, &e, &err),
                     MIDGE_OK);
    for (unsigned i = 0; i < WORDS; i += 37) {
        char word[16];
        float v[2];
        sprintf(word, "w%u", i);
        assert_true(look_up(e, word, v));
        assert_float_equal(v[1] / v[0], -((float)i + 0.5f) / ((float)i + 1),
                           1e-5);
    }
    midge_embedder_free(e);
    char *late = strstr(text, "\nw30000 ");
    late[1] = ' ';
    assert_int_equal(midge_embedder_words_new(&env, text, at, NULL, &e, &err),
                     MIDGE_E_PARSE);
    assert_int_equal(err.line, 30001);
    int calls = 0;
    midge_words_options options = {.progress = stop_at_second,
                                   .progress_ctx = &calls};
    assert_int_equal(
        midge_embedder_words_new(&env, text, at, &options, &e, &err),
        MIDGE_E_CANCELLED);
    assert_int_equal(calls, 2);
    midge_os_pool_free(pool);
    free(text);
}

static void memory_may_end_anywhere(void **state) {
    (void)state;
    static const char text[] = "3 2\nthe 1 2\ncat 3 4\nsat 5 6\n";
    static const char list[] = "the 100\ncat 3\ndog 4\n";
    midge_words_options options = {
        .name = "n", .frequencies = list, .frequencies_size = sizeof list - 1};
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status == MIDGE_E_NOMEM; n++) {
        struct test_env t;
        midge_error err = {.text = ""};
        midge_embedder *e;
        test_env_init(&t);
        t.fail_at = n;
        status = midge_embedder_words_new(&t.env, text, sizeof text - 1,
                                          &options, &e, &err);
        if (status == MIDGE_OK) {
            assert_true(n > 8);
        } else {
            assert_int_equal(status, MIDGE_E_NOMEM);
            assert_int_equal(err.status, MIDGE_E_NOMEM);
        }
        midge_embedder_free(e);
        assert_int_equal(t.held_bytes, 0);
    }
    assert_int_equal(status, MIDGE_OK);
}

/* Cut at any byte, a file is read or refused, and never half. */
static void cut_anywhere(void **state) {
    (void)state;
    static const char text[] = "3 2\nthe 1.5 2\ncat -3 4e1\nsat 5 6\n";
    for (size_t size = 0; size < sizeof text; size++) {
        struct test_env t;
        midge_embedder *e;
        midge_error err = {.text = ""};
        test_env_init(&t);
        midge_status status = open_copy(&t, text, size, NULL, &e, &err);
        int whole = size >= strlen(text) - 1;
        assert_int_equal(status, whole ? MIDGE_OK : MIDGE_E_PARSE);
        midge_embedder_free(e);
        assert_int_equal(t.held_bytes, 0);
    }
}

static const struct wrong wrong_lists[] = {
    {"the 5\ncat\n", 2, MIDGE_E_PARSE, "whole number"},
    {"the 5\ncat -1\n", 2, MIDGE_E_PARSE, "whole number"},
    {"the 5\ncat 1.5\n", 2, MIDGE_E_PARSE, "whole number"},
    {"the 5\ncat 1234567890123456\n", 2, MIDGE_E_PARSE, "whole number"},
    {"the 5\n 3\n", 2, MIDGE_E_PARSE, "whole number"},
    {"the 5\n\ncat 3\n", 2, MIDGE_E_PARSE, "nothing in it"},
    {"the 5\nzebra 3\nzebra 3\n", 3, MIDGE_E_PARSE, "already"},
    {"the 0\n", -1, MIDGE_E_PARSE, "counts nothing"},
    {"", -1, MIDGE_E_PARSE, "counts nothing"},
};

static void wrong_frequencies_are_named(void **state) {
    (void)state;
    static const char text[] = "the 1 2\ncat 3 4\n";
    for (size_t i = 0; i < sizeof wrong_lists / sizeof wrong_lists[0]; i++) {
        const struct wrong *w = &wrong_lists[i];
        struct test_env t;
        midge_error err = {.line = -1, .text = ""};
        midge_embedder *e;
        midge_words_options options = {.frequencies = w->text,
                                       .frequencies_size = strlen(w->text)};
        test_env_init(&t);
        midge_status status = midge_embedder_words_new(
            &t.env, text, sizeof text - 1, &options, &e, &err);
        if (status != w->status || err.line != w->line ||
            !strstr(err.text, w->says)) {
            fail_msg("case %zu: %d, line %lld: %s", i, status,
                     (long long)err.line, err.text);
        }
        assert_int_equal(t.held_bytes, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(zero_bytes_are_no_text),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(forms_of_the_same_file),
        cmocka_unit_test(numbers_are_the_nearest),
        cmocka_unit_test(words_with_spaces_are_kept_apart),
        cmocka_unit_test(only_so_many_words),
        cmocka_unit_test(memory_is_in_proportion),
        cmocka_unit_test(many_words),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(wrong_frequencies_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
