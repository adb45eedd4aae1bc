/* os_test.c: files read with a bound, written whole, blobs, locks, memory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "midge/os.h"
#include "temp_dir_test.h"
#include "test_env.h"

static void memory_is_aligned_and_kept(void **state) {
    (void)state;
    midge_env env = midge_os_env();
    unsigned char *block = NULL;
    size_t old = 0;
    for (size_t size = 1; size < 3000; size += 13) {
        block = env.realloc_fn(env.alloc_ctx, block, old, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % (size >= 64 ? 64 : 16), 0);
        for (size_t i = 0; i < old; i++) {
            assert_int_equal(block[i], i & 0xff);
        }
        for (size_t i = old; i < size; i++) {
            block[i] = (unsigned char)(i & 0xff);
        }
        old = size;
    }
    block = env.realloc_fn(env.alloc_ctx, block, old, 40); /* across 64 */
    assert_int_equal(block[39], 39);
    assert_null(env.realloc_fn(env.alloc_ctx, NULL, 0, SIZE_MAX - 10));
    assert_null(env.realloc_fn(env.alloc_ctx, block, 40, 0));
}

static void info_agrees_with_the_system(void **state) {
    (void)state;
    midge_os_info info;
    struct sysinfo system;
    midge_os_info_read(&info);
    assert_int_equal(sysinfo(&system), 0);
    assert_true(info.memory_total_bytes ==
                (int64_t)system.totalram * system.mem_unit);
    assert_true(info.memory_available_bytes > 0);
    assert_true(info.memory_available_bytes <= info.memory_total_bytes);
    assert_true(info.memory_limit_bytes == -1 || info.memory_limit_bytes > 0);
    assert_true(info.cores_online >= midge_os_cores());
    assert_ptr_equal(strstr(info.system, "Linux "), info.system);
    assert_null(strchr(info.cpu_model, '\n'));
}

static void programs_are_found_as_a_shell_does(void **state) {
    (void)state;
    char path[256], small[4];
    char *kept = strdup(getenv("PATH"));
    assert_int_equal(midge_os_find_program("sh", path, sizeof path), 1);
    assert_int_equal(access(path, X_OK), 0);
    assert_int_equal(midge_os_find_program("sh", small, sizeof small), 0);
    assert_string_equal(small, "");
    assert_int_equal(midge_os_find_program("no-such-program", path, 256), 0);
    assert_string_equal(path, "");
    setenv("PATH", "/nowhere::/bin", 1);
    assert_int_equal(midge_os_find_program("sh", path, sizeof path), 1);
    assert_string_equal(path, "/bin/sh");
    setenv("PATH", "/usr", 1); /* a folder may be entered, not run */
    assert_int_equal(midge_os_find_program("bin", path, sizeof path), 0);
    unsetenv("PATH");
    assert_int_equal(midge_os_find_program("sh", path, sizeof path), 0);
    setenv("PATH", kept, 1);
    free(kept);
}

static void cpu_bits_can_be_lowered(void **state) {
    (void)state;
    uint32_t all = midge_os_env().cpu;
    setenv("MIDGE_CPU", "scalar", 1);
    assert_int_equal(midge_os_env().cpu, 0);
    setenv("MIDGE_CPU", "v2", 1);
    assert_int_equal(midge_os_env().cpu, all & MIDGE_CPU_V2);
    setenv("MIDGE_CPU", "avx512", 1);
    assert_int_equal(midge_os_env().cpu,
                     all & (MIDGE_CPU_V2 | MIDGE_CPU_AVX2 | MIDGE_CPU_AVX512));
    setenv("MIDGE_CPU", "neon", 1);
    assert_int_equal(midge_os_env().cpu, all & MIDGE_CPU_NEON);
    setenv("MIDGE_CPU", "no such level", 1);
    assert_int_equal(midge_os_env().cpu, all);
    unsetenv("MIDGE_CPU");
    assert_true(midge_os_cores() >= 1);
}

static void files_come_back(void **state) {
    (void)state;
    struct test_env t;
    midge_buf buf;
    midge_error err;
    const char *path = temp_dir_file(&dir, "file");
    static char bytes[10000];
    memset(bytes, 'x', sizeof bytes);
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, sizeof bytes + 2);
    assert_int_equal(midge_os_write_file(path, bytes, 100, &err), MIDGE_OK);
    assert_int_equal(midge_os_write_file(path, bytes, sizeof bytes, &err),
                     MIDGE_OK);
    assert_int_equal(midge_buf_append(&buf, "ab", 2), MIDGE_OK);
    /* exactly the limit of the call and of the buffer */
    assert_int_equal(midge_os_read_file(path, sizeof bytes, &buf, &err),
                     MIDGE_OK);
    assert_int_equal(buf.size, sizeof bytes + 2);
    assert_memory_equal(buf.data + 2, bytes, sizeof bytes);
    assert_int_equal(midge_os_read_file(path, sizeof bytes - 1, &buf, &err),
                     MIDGE_E_LIMIT);
    assert_non_null(strstr(err.text, "10000"));
    assert_int_equal(buf.size, sizeof bytes + 2);
    /* nothing temporary is left */
    assert_int_equal(rmdir(dir.path), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir.path), 0);
    assert_int_equal(mkdir(dir.path, 0700), 0);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

static void expect_refused(const char *path, midge_status want,
                           const char *word) {
    struct test_env t;
    midge_buf buf;
    midge_error err = {0};
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(midge_os_read_file(path, 1 << 20, &buf, &err), want);
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(t.calls, 0); /* refused before any memory was taken */
    midge_buf_deinit(&buf);
}

static void wrong_files_are_refused_at_once(void **state) {
    (void)state;
    const char *sparse = temp_dir_file(&dir, "sparse");
    const char *fifo = temp_dir_file(&dir, "fifo");
    int fd = open(sparse, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)10 << 30), 0);
    close(fd);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    double start = midge_os_monotonic_ms();
    expect_refused(sparse, MIDGE_E_LIMIT, "10737418240");
    expect_refused(fifo, MIDGE_E_INVALID, "not a regular file");
    expect_refused("/dev/zero", MIDGE_E_INVALID, "not a regular file");
    expect_refused(dir.path, MIDGE_E_INVALID, "directory");
    expect_refused(temp_dir_file(&dir, "none"), MIDGE_E_NOT_FOUND,
                   strerror(ENOENT));
    assert_true(midge_os_monotonic_ms() - start < 1000);
}

static void failed_writes_say_so(void **state) {
    (void)state;
    midge_error err = {0};
    const char *path = temp_dir_file(&dir, "no/such/file");
    assert_int_equal(midge_os_write_file(path, "a", 1, &err),
                     MIDGE_E_NOT_FOUND);
    assert_non_null(strstr(err.text, strerror(ENOENT)));
    assert_int_not_equal(midge_os_write_file(dir.path, "a", 1, &err), MIDGE_OK);
}

static void directories_are_made_private(void **state) {
    (void)state;
    midge_error err = {0};
    struct stat st;
    const char *path = temp_dir_file(&dir, "a/b//c");
    assert_int_equal(midge_os_make_dirs(path, &err), MIDGE_OK);
    assert_int_equal(midge_os_make_dirs(path, &err), MIDGE_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    const char *file = temp_dir_file(&dir, "a/file");
    assert_int_equal(midge_os_write_file(file, "", 0, &err), MIDGE_OK);
    assert_int_equal(midge_os_make_dirs(temp_dir_file(&dir, "a/file/x"), &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "not a directory"));
}

static void blobs_are_checked(void **state) {
    (void)state;
    struct test_env t;
    midge_buf buf;
    midge_error err = {0};
    char ref[72];
    char again[72];
    char path[256];
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(midge_os_blob_put(dir.path, "abc", 3, ref, &err),
                     MIDGE_OK);
    assert_string_equal(ref, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396"
                             "177a9cb410ff61f20015ad");
    assert_int_equal(midge_os_blob_put(dir.path, "abc", 3, again, &err),
                     MIDGE_OK);
    assert_string_equal(ref, again);
    assert_int_equal(midge_os_blob_get(dir.path, ref, &buf, &err), MIDGE_OK);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "abc", 3);
    assert_int_equal(midge_os_blob_put(dir.path, "", 0, again, &err), MIDGE_OK);
    assert_int_equal(midge_os_blob_get(dir.path, again, &buf, &err), MIDGE_OK);
    assert_int_equal(buf.size, 3);

    snprintf(path, sizeof path, "%s/ba/%s", dir.path, ref + 9);
    assert_int_equal(midge_os_write_file(path, "abd", 3, &err), MIDGE_OK);
    assert_int_equal(midge_os_blob_get(dir.path, ref, &buf, &err),
                     MIDGE_E_CORRUPT);
    assert_int_equal(buf.size, 3);
    ref[20] = '/';
    assert_int_equal(midge_os_blob_get(dir.path, ref, &buf, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_os_blob_get(dir.path, "sha256:ab", &buf, &err),
                     MIDGE_E_INVALID);
    again[70] = again[70] == '0' ? '1' : '0';
    assert_int_equal(midge_os_blob_get(dir.path, again, &buf, &err),
                     MIDGE_E_NOT_FOUND);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* Another process finds the lock taken, and free once its holder was killed. */
static void a_lock_dies_with_its_process(void **state) {
    (void)state;
    const char *path = temp_dir_file(&dir, "lock");
    midge_os_lock lock;
    midge_error err = {0};
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (midge_os_lock_file(path, &lock, NULL) == MIDGE_OK &&
            write(ready[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(midge_os_lock_file(path, &lock, &err), MIDGE_E_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)child);
    assert_non_null(strstr(err.text, pid));
    assert_int_equal(lock.fd, -1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(midge_os_lock_file(path, &lock, &err), MIDGE_OK);
    midge_os_lock second;
    assert_int_equal(midge_os_lock_file(path, &second, &err), MIDGE_E_BUSY);
    midge_os_unlock(&lock);
    midge_os_unlock(&lock);
    assert_int_equal(midge_os_lock_file(path, &second, &err), MIDGE_OK);
    midge_os_unlock(&second);
    close(ready[0]);
    close(ready[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_kept),
        cmocka_unit_test(info_agrees_with_the_system),
        cmocka_unit_test(programs_are_found_as_a_shell_does),
        cmocka_unit_test(cpu_bits_can_be_lowered),
        in_temp_dir(files_come_back),
        in_temp_dir(wrong_files_are_refused_at_once),
        in_temp_dir(failed_writes_say_so),
        in_temp_dir(directories_are_made_private),
        in_temp_dir(blobs_are_checked),
        in_temp_dir(a_lock_dies_with_its_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
