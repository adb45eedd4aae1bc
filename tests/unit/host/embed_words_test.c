/* embed_words_test.c: word vectors from files, and what is no such file. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "embed/embed_open.h"
#include "midge/os.h"
#include "temp_dir_test.h"
#include "test_env.h"

static const char *write_file(const char *name, const void *bytes,
                              size_t size) {
    const char *path = temp_dir_file(&dir, name);
    assert_int_equal(midge_os_write_file(path, bytes, size, NULL), MIDGE_OK);
    return path;
}

static const char vectors[] = "the 1 0\ncat 0 1\n";

static void files_become_embedders(void **state) {
    (void)state;
    struct test_env t;
    midge_embedder *e;
    midge_error err;
    float v[2];
    const char *path = write_file("v.txt", vectors, sizeof vectors - 1);
    const char *list = write_file("f.txt", "the 3\ncat 1\n", 12);
    const midge_text text = {"cat", 3};
    midge_embed_batch batch = {.count = 1, .texts = &text};
    test_env_init(&t);
    for (int with = 0; with < 2; with++) {
        assert_int_equal(midge_embed_open_words(
                             &t.env, path, with ? list : NULL, NULL, &e, &err),
                         MIDGE_OK);
        assert_string_equal(midge_embedder_name(e),
                            "2 words of 2 dimensions (v.txt)");
        assert_int_equal(midge_embedder_embed(e, &batch, v, &err), MIDGE_OK);
        double p = with ? 0.25 : 1.0 / 3;
        assert_true(v[0] == 0 && v[1] == (float)(0.001 / (0.001 + p)));
        midge_embedder_free(e);
    }
    midge_words_options options = {.max_words = 1, .name = "mine"};
    assert_int_equal(
        midge_embed_open_words(&t.env, path, NULL, &options, &e, &err),
        MIDGE_OK);
    assert_string_equal(midge_embedder_name(e),
                        "1 words of 2 dimensions (mine)");
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

static void expect_wrong(const char *path, const char *list,
                         midge_status status, const char *says) {
    struct test_env t;
    midge_error err = {.text = ""};
    midge_embedder *e = (midge_embedder *)&t;
    test_env_init(&t);
    midge_status found =
        midge_embed_open_words(&t.env, path, list, NULL, &e, &err);
    if (found != status || !strstr(err.text, says)) {
        fail_msg("%d: %s, not: %s", found, err.text, says);
    }
    assert_null(e);
    assert_int_equal(t.held_bytes, 0);
}

static void wrong_files_are_named(void **state) {
    (void)state;
    const char *good = write_file("v.txt", vectors, sizeof vectors - 1);
    const char *empty = write_file("empty", "", 0);
    const char *fifo = temp_dir_file(&dir, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_wrong(temp_dir_file(&dir, "none"), NULL, MIDGE_E_NOT_FOUND,
                 "none: ");
    expect_wrong(dir.path, NULL, MIDGE_E_INVALID, "not a regular file");
    expect_wrong(fifo, NULL, MIDGE_E_INVALID, "not a regular file");
    expect_wrong(empty, NULL, MIDGE_E_PARSE, "empty: the file is empty");
    expect_wrong(write_file("a.gz", "\x1F\x8B\x08", 3), NULL, MIDGE_E_PARSE,
                 "gunzip");
    expect_wrong(write_file("a.zip", "PK\x03\x04", 4), NULL, MIDGE_E_PARSE,
                 "unzip");
    expect_wrong(write_file("bad", "a 1\nb x\n", 8), NULL, MIDGE_E_PARSE,
                 "bad: line 2: ");
    expect_wrong(good, write_file("list", "a b\n", 4), MIDGE_E_PARSE,
                 "list: line 1: ");
    expect_wrong(good, empty, MIDGE_E_PARSE, "empty: ");
    expect_wrong(good, dir.path, MIDGE_E_INVALID, "not a regular file");
    expect_wrong(NULL, NULL, MIDGE_E_INVALID, "no path");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_temp_dir(files_become_embedders),
        in_temp_dir(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
