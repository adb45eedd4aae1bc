/* vectors_lock_test.c: the lock file beside an index: who has it keeps writers
 * out, and what a process that is gone left of it keeps nobody out.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "midge/index_file.h"
#include "midge/os.h"
#include "temp_dir.h"

enum { LOCK_BYTES = 300 };

static midge_env env;

static void make(const char *path) {
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    midge_index_file *file;
    options.dim = 2;
    assert_int_equal(
        midge_index_file_create(&env, path, &options, NULL, &file, NULL),
        MIDGE_OK);
    midge_index_file_close(file);
}

static void put(const char *path, const char *text) {
    assert_int_equal(midge_os_write_file(path, text, strlen(text), NULL),
                     MIDGE_OK);
}

static void get(const char *path, char text[64]) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, 63, f);
    text[n] = '\0';
    fclose(f);
}

static int files_in(const char *folder) {
    char command[300];
    int n = -1;
    snprintf(command, sizeof command, "ls '%s' | wc -l", folder);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

/* Opens to write and closes again; the lock must be gone then. */
static void opens(const char *path, const char *lock) {
    midge_index_file *file;
    midge_error err = {.text = ""};
    char text[64];
    long pid = 0;
    if (midge_index_file_open(&env, path, NULL, &file, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    get(lock, text);
    assert_int_equal(sscanf(text, "%ld", &pid), 1);
    assert_int_equal(pid, getpid());
    assert_non_null(strchr(text, '\n'));
    midge_index_file_close(file);
    assert_int_equal(access(lock, F_OK), -1);
}

static void is_busy(const char *path, long pid) {
    const midge_index_file_options to_read = {.read_only = 1};
    midge_index_file *file;
    midge_error err = {.text = ""};
    char part[64];
    assert_int_equal(midge_index_file_open(&env, path, NULL, &file, &err),
                     MIDGE_E_BUSY);
    assert_null(file);
    snprintf(part, sizeof part, "process %ld has it open to write", pid);
    assert_non_null(strstr(err.text, part));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(midge_index_file_open(&env, path, &to_read, &file, &err),
                     MIDGE_OK);
    midge_index_file_close(file);
}

/* A folder with an index in it; `lock` is where its lock file goes. */
static const char *begin(struct temp_dir *dir, char lock[LOCK_BYTES]) {
    temp_dir_make(dir);
    const char *path = temp_dir_file(dir, "a.midx");
    snprintf(lock, LOCK_BYTES, "%s.lock", path);
    make(path);
    return path;
}

static void what_lives_keeps_out(void **state) {
    (void)state;
    struct temp_dir dir;
    char lock[LOCK_BYTES], mine[64], text[100];
    const char *path = begin(&dir, lock);
    assert_int_equal(files_in(dir.path), 1);

    midge_index_file *file;
    assert_int_equal(midge_index_file_open(&env, path, NULL, &file, NULL),
                     MIDGE_OK);
    get(lock, mine);
    midge_index_file_close(file);
    put(lock, mine);
    is_busy(path, getpid());
    snprintf(text, sizeof text, "%ld 0\n", (long)getppid());
    put(lock, text); /* of a program that knows no beginning */
    is_busy(path, getppid());
    get(lock, mine);
    assert_string_equal(mine, text); /* and it is still there */

    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    const char *fresh = temp_dir_file(&dir, "b.midx");
    snprintf(lock, sizeof lock, "%s.lock", fresh);
    put(lock, text);
    options.dim = 2;
    assert_int_equal(
        midge_index_file_create(&env, fresh, &options, NULL, &file, NULL),
        MIDGE_E_BUSY);
    assert_int_equal(access(fresh, F_OK), -1);
    assert_int_equal(access(lock, F_OK), 0);
    temp_dir_remove(&dir);
}

static void what_is_gone_does_not(void **state) {
    (void)state;
    struct temp_dir dir;
    char lock[LOCK_BYTES], text[100], mine[64];
    const char *path = begin(&dir, lock);

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(0);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    snprintf(text, sizeof text, "%ld 0\n", (long)pid);
    put(lock, text);
    opens(path, lock); /* a zombie */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    put(lock, text);
    opens(path, lock);

    /* The same number, another process: this one began at another time. */
    snprintf(text, sizeof text, "%ld 1\n", (long)getpid());
    put(lock, text);
    opens(path, lock);

    /* Left by a process that was killed, or a machine that lost power, while
     * it made the lock; and what is no lock at all. */
    static const char *const halves[] = {"", "12", "x\n", "-5 7\n", "0 0\n"};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        put(lock, halves[i]);
        opens(path, lock);
    }
    get(path, mine); /* the index, untouched */
    assert_memory_equal(mine, "MIDGEVEC", 8);
    assert_int_equal(files_in(dir.path), 1);
    temp_dir_remove(&dir);
}

/* A native writer is killed as it holds both locks. */
static void a_killed_writer_keeps_nobody_out(void **state) {
    (void)state;
    struct temp_dir dir;
    char lock[LOCK_BYTES];
    const char *path = begin(&dir, lock);
    int tells[2];
    assert_int_equal(pipe(tells), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        midge_index_file *file;
        midge_status status =
            midge_index_file_open(&env, path, NULL, &file, NULL);
        ssize_t n = write(tells[1], status == MIDGE_OK ? "y" : "n", 1);
        pause();
        _exit((int)n);
    }
    char said = 0;
    assert_int_equal(read(tells[0], &said, 1), 1);
    assert_int_equal(said, 'y');
    midge_index_file *file;
    assert_int_equal(midge_index_file_open(&env, path, NULL, &file, NULL),
                     MIDGE_E_BUSY);
    assert_int_equal(access(lock, F_OK), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(access(lock, F_OK), 0);
    opens(path, lock);
    close(tells[0]);
    close(tells[1]);
    temp_dir_remove(&dir);
}

/* Whoever had the lock may have put another file in the place of the one that
 * was opened before the lock was got: played by a lock that is given up as the
 * opener waits for it. */
static void the_newest_file_is_opened(void **state) {
    (void)state;
    struct temp_dir dir;
    char lock[LOCK_BYTES];
    const char *path = begin(&dir, lock);
    const char *other = temp_dir_file(&dir, "b.midx");
    make(other);
    put(lock, "1"); /* being written */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        usleep(60000); /* as the other one waits */
        _exit(rename(other, path) == 0 && unlink(lock) == 0 ? 0 : 1);
    }
    midge_index_file *file;
    struct stat a, b;
    assert_int_equal(stat(other, &a), 0);
    assert_int_equal(midge_index_file_open(&env, path, NULL, &file, NULL),
                     MIDGE_OK);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &b), 0);
    assert_true(a.st_ino == b.st_ino);
    const float v[] = {1, 2};
    const midge_rows rows = {.count = 1, .vectors = v};
    assert_int_equal(
        midge_index_add(midge_index_file_index(file), &rows, NULL, NULL),
        MIDGE_OK);
    assert_int_equal(midge_index_file_commit(file, NULL), MIDGE_OK);
    midge_index_file_close(file);
    const midge_index_file_options to_read = {.read_only = 1};
    midge_index_info info;
    assert_int_equal(midge_index_file_open(&env, path, &to_read, &file, NULL),
                     MIDGE_OK);
    midge_index_info_get(midge_index_file_index(file), &info);
    assert_int_equal(info.count, 1);
    midge_index_file_close(file);
    temp_dir_remove(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lives_keeps_out),
        cmocka_unit_test(what_is_gone_does_not),
        cmocka_unit_test(a_killed_writer_keeps_nobody_out),
        cmocka_unit_test(the_newest_file_is_opened),
    };
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
