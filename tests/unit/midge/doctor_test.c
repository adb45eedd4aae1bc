/* doctor_test.c: what `midge doctor` says where something is wrong. The linker
 * puts this file between the doctor and what it asks: the self-test of the
 * kernels and the version of SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "midge/os.h"
#include "midge/selftest.h"
#include "sqlite/sqlite_store.h"

#define TEXT_MAX 65536

static const char *wrong_variant; /* NULL: all are right */
static int sqlite_fits;

uint32_t __real_midge_selftest(const midge_env *env, void *scratch,
                               const char **isa);
uint32_t __wrap_midge_selftest(const midge_env *env, void *scratch,
                               const char **isa);
midge_sqlite_info __real_midge_sqlite_info_read(void);
midge_sqlite_info __wrap_midge_sqlite_info_read(void);

uint32_t __wrap_midge_selftest(const midge_env *env, void *scratch,
                               const char **isa) {
    uint32_t result = __real_midge_selftest(env, scratch, isa);
    return wrong_variant && strcmp(*isa, wrong_variant) == 0 ? result ^ 1u
                                                             : result;
}

midge_sqlite_info __wrap_midge_sqlite_info_read(void) {
    midge_sqlite_info info = __real_midge_sqlite_info_read();
    info.fit = info.fit && sqlite_fits;
    return info;
}

/* main.c is not here. */
int cli_complain(int code, const char *format, ...) {
    (void)format;
    return code;
}

/* What the command prints, as a string; its exit code. */
static int run_doctor(cli *c, const char *args, char text[TEXT_MAX]) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    midge_status status =
        midge_json_read(&c->arena, args, strlen(args), &c->args, NULL);
    const int code = status == MIDGE_OK ? cli_doctor(c) : -1;
    fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    close(before);
    rewind(file);
    text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
    fclose(file);
    return code;
}

static const midge_json *examine(cli *c, int code) {
    static char text[TEXT_MAX];
    const midge_json *found = NULL;
    assert_int_equal(run_doctor(c, "{\"json\":true}", text), code);
    assert_int_equal(
        midge_json_read(&c->arena, text, strlen(text), &found, NULL), MIDGE_OK);
    return found;
}

static void set_up(cli *c) {
    *c = (cli){.env = midge_os_env()};
    midge_arena_init(&c->arena, &c->env, (size_t)1 << 26);
    wrong_variant = NULL;
    sqlite_fits = 1;
}

static size_t problems(const midge_json *found) {
    size_t count = 0;
    const midge_json *list = midge_json_get(found, "problems");
    assert_non_null(list);
    for (const midge_json *p = list->child; p; p = p->next) {
        count++;
    }
    return count;
}

static void all_is_sound_here(void **state) {
    cli c;
    set_up(&c);
    const midge_json *found = examine(&c, CLI_DONE);
    assert_true(midge_json_get_bool(found, "sound", 0));
    assert_int_equal(problems(found), 0);
    midge_arena_deinit(&c.arena);
}

/* Each variant of the machine in turn: that one is named, the others are not.
 */
static void wrong_bits_are_not_sound(void **state) {
    cli c;
    set_up(&c);
    const midge_json *sound = examine(&c, CLI_DONE);
    const midge_json *kernels = midge_json_get(sound, "kernels");
    const midge_json *all = midge_json_get(kernels, "selftest");
    for (const midge_json *v = all->child; v; v = v->next) {
        wrong_variant = midge_json_get_string(v, "variant", "");
        const midge_json *found = examine(&c, CLI_FAILED);
        assert_false(midge_json_get_bool(found, "sound", 1));
        assert_int_equal(problems(found), 1);
        kernels = midge_json_get(found, "kernels");
        const midge_json *tests = midge_json_get(kernels, "selftest");
        for (const midge_json *t = tests->child; t; t = t->next) {
            const char *name = midge_json_get_string(t, "variant", "");
            assert_int_equal(midge_json_get_bool(t, "equal", -1),
                             strcmp(name, wrong_variant) != 0);
        }
    }
    midge_arena_deinit(&c.arena);
}

static void another_sqlite_is_not_sound(void **state) {
    cli c;
    set_up(&c);
    sqlite_fits = 0;
    const midge_json *found = examine(&c, CLI_FAILED);
    assert_false(midge_json_get_bool(found, "sound", 1));
    assert_int_equal(problems(found), 1);
    midge_arena_deinit(&c.arena);
}

static void the_table_says_so_too(void **state) {
    static char text[TEXT_MAX];
    cli c;
    set_up(&c);
    wrong_variant = "scalar";
    sqlite_fits = 0;
    assert_int_equal(run_doctor(&c, "{}", text), CLI_FAILED);
    assert_non_null(strstr(text, "scalar WRONG BITS,"));
    assert_non_null(strstr(text, "\nproblem: the self-test"));
    assert_non_null(strstr(text, "\nproblem: the SQLite"));
    assert_non_null(strstr(text, "\nmidge cannot be trusted here.\n"));
    assert_null(strstr(text, "sound"));
    midge_arena_deinit(&c.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_sound_here),
        cmocka_unit_test(wrong_bits_are_not_sound),
        cmocka_unit_test(another_sqlite_is_not_sound),
        cmocka_unit_test(the_table_says_so_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
