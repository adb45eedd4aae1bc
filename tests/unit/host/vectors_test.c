/* vectors_test.c: an index in a file: committed, opened again, locked, read
 * while it is written; and writes that fail.
 *
 * The linker wraps the calls that write: the n-th of them fails, for every n.
 * Whatever fails, the file opens afterwards as it was before or as it was to
 * become, and the same commit succeeds when it is tried again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "index_maker.h"
#include "midge/index_file.h"
#include "midge/os.h"
#include "temp_dir.h"

static midge_env env;

/* ---- Faults -------------------------------------------------------------- */

static long fault_at; /* this call fails; 0: none */
static long calls;

static int fails(void) {
    calls++;
    if (calls == fault_at) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    if (fails()) {
        /* A full disk takes a part. */
        if (size > 100 && __real_pwrite64(fd, bytes, size / 2, at) < 0) {
            return -1;
        }
        errno = ENOSPC;
        return -1;
    }
    return __real_pwrite64(fd, bytes, size, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd) {
    return fails() ? -1 : __real_fdatasync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
    return fails() ? -1 : __real_rename(from, to);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to) {
    return fails() ? -1 : __real_link(from, to);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    return fails() ? -1 : __real_fsync(fd);
}

/* ---- Help ---------------------------------------------------------------- */

static midge_index_options small(midge_index_kind kind) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = 8;
    o.metric = MIDGE_METRIC_L2SQ;
    o.kind = kind;
    o.m = 4;
    return o;
}

static void well(midge_status status, const midge_error *err) {
    if (status != MIDGE_OK) {
        fail_msg("%s: %s", midge_status_name(status), err->text);
    }
}

static midge_index_file *create(const char *path, midge_index_kind kind) {
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    midge_index_options o = small(kind);
    well(midge_index_file_create(&env, path, &o, NULL, &file, &err), &err);
    well(maker_columns(midge_index_file_index(file)), &err);
    return file;
}

static midge_index_file *open_file(const char *path, int read_only) {
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
    o.read_only = read_only;
    well(midge_index_file_open(&env, path, &o, &file, &err), &err);
    return file;
}

static void put(midge_index_file *file, uint64_t first, size_t count) {
    uint64_t ids[500];
    midge_error err = {.text = ""};
    for (size_t i = 0; i < count; i++) {
        ids[i] = first + i;
    }
    well(maker_put(&env, midge_index_file_index(file), count, ids, 0, 1, &err),
         &err);
}

static void commit(midge_index_file *file) {
    midge_error err = {.text = ""};
    well(midge_index_file_commit(file, &err), &err);
}

static uint64_t count(midge_index_file *file) {
    midge_index_info info;
    midge_index_info_get(midge_index_file_index(file), &info);
    return info.count;
}

/* Exactly the ids from 0 to below n, found by their vectors. */
static void holds(midge_index_file *file, uint64_t n) {
    midge_index *index = midge_index_file_index(file);
    midge_searcher *s = NULL;
    assert_int_equal(count(file), n);
    assert_int_equal(midge_searcher_new(index, &s, NULL), MIDGE_OK);
    for (uint64_t id = 0; id < n; id++) {
        float x[8];
        size_t found;
        maker_vector(id * 100003, 8, 0, x);
        midge_query q = {.count = 1, .vectors = x, .k = 1};
        assert_int_equal(midge_searcher_run(s, &q, NULL), MIDGE_OK);
        const midge_neighbour *best = midge_searcher_found(s, 0, &found);
        assert_int_equal(found, 1);
        assert_true(best->distance == 0.0f);
        assert_int_equal(midge_index_id(index, best->row), id);
        assert_int_equal(maker_find(index, id), best->row);
    }
    midge_searcher_free(s);
}

static void verify(const char *path) {
    midge_index_report report;
    midge_error err = {.text = ""};
    well(midge_index_file_verify(&env, path, NULL, NULL, &report, &err), &err);
    assert_int_equal(report.damaged_blocks, 0);
    assert_true(report.bytes > 0);
}

static off_t size_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static int files_in(const char *folder) {
    char command[300];
    int n = -1;
    snprintf(command, sizeof command, "ls '%s' | wc -l", folder);
    FILE *p = popen(command, "r");
    assert_int_equal(fscanf(p, "%d", &n), 1);
    pclose(p);
    return n;
}

/* ---- Tests --------------------------------------------------------------- */

static void committed_rows_are_there_again(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    for (int kind = MIDGE_INDEX_FLAT; kind <= MIDGE_INDEX_HNSW; kind++) {
        midge_index_file *file = create(path, (midge_index_kind)kind);
        for (uint64_t i = 0; i < 10; i++) {
            put(file, i * 30, 30);
            commit(file);
            if (i % 3 == 0) {
                midge_index_file_close(file);
                verify(path);
                file = open_file(path, 0);
            }
            holds(file, (i + 1) * 30);
        }
        put(file, 1000, 5); /* never committed */
        midge_index_file_close(file);
        file = open_file(path, 1);
        holds(file, 300);
        midge_index_file_close(file);
        unlink(path);
    }
    assert_int_equal(files_in(dir.path), 0);
    temp_dir_remove(&dir);
}

/* A copy in memory instead of a mapping: the same, whatever is done with it. */
static void a_loaded_file_is_as_good(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file_close(create(path, MIDGE_INDEX_HNSW));
    for (uint64_t i = 0; i < 6; i++) {
        midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
        midge_index_file *file = NULL;
        midge_error err = {.text = ""};
        o.load = 1;
        well(midge_index_file_open(&env, path, &o, &file, &err), &err);
        holds(file, i * 20);
        if (i == 0) {
            well(maker_columns(midge_index_file_index(file)), &err);
        }
        put(file, i * 20, 20);
        commit(file);
        midge_index_file_close(file);
    }
    verify(path);
    const char *none = temp_dir_file(&dir, "none");
    midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    o.load = 1;
    well(midge_os_write_file(none, "MIDGEVEC", 8, &err), &err);
    assert_int_equal(midge_index_file_open(&env, none, &o, &file, &err),
                     MIDGE_E_PARSE);
    temp_dir_remove(&dir);
}

static void a_file_can_only_be_made_once(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_options o = small(MIDGE_INDEX_FLAT);
    midge_index_file *other = NULL;
    midge_error err = {.text = ""};
    midge_index_file *file = create(path, MIDGE_INDEX_FLAT);
    assert_int_equal(
        midge_index_file_create(&env, path, &o, NULL, &other, &err),
        MIDGE_E_EXISTS);
    assert_null(other);
    assert_non_null(strstr(err.text, path));
    put(file, 0, 20);
    const char *copy = temp_dir_file(&dir, "copy.midx");
    midge_index *index = midge_index_file_index(file);
    well(midge_index_file_save(index, copy, 0, NULL, &err), &err);
    assert_int_equal(midge_index_file_save(index, copy, 0, NULL, &err),
                     MIDGE_E_EXISTS);
    well(midge_index_file_save(index, copy, 1, NULL, &err), &err);
    midge_index_file_close(file);
    file = open_file(copy, 0);
    holds(file, 20);
    midge_index_file_close(file);
    temp_dir_remove(&dir);
}

static void what_is_no_index_is_told(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *text = temp_dir_file(&dir, "text");
    const char *none = temp_dir_file(&dir, "none");
    const char *fifo = temp_dir_file(&dir, "fifo");
    midge_error err = {.text = ""};
    well(midge_os_write_file(text, "hello, hello", 12, &err), &err);
    well(midge_os_write_file(none, "", 0, &err), &err);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path;
        midge_status status;
    } cases[] = {{text, MIDGE_E_PARSE},
                 {none, MIDGE_E_PARSE},
                 {fifo, MIDGE_E_INVALID},
                 {dir.path, MIDGE_E_INVALID},
                 {temp_dir_file(&dir, "absent"), MIDGE_E_NOT_FOUND}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
        for (o.read_only = 0; o.read_only < 2; o.read_only++) {
            midge_index_file *file = NULL;
            assert_int_equal(
                midge_index_file_open(&env, cases[i].path, &o, &file, &err),
                cases[i].status);
            assert_null(file);
            assert_non_null(strstr(err.text, cases[i].path));
        }
    }
    temp_dir_remove(&dir);
}

static void one_writes_while_others_read(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_HNSW);
    put(file, 0, 50);
    commit(file);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) { /* another process cannot have it to write */
        midge_index_file *other = NULL;
        midge_error err = {.text = ""};
        midge_status status =
            midge_index_file_open(&env, path, NULL, &other, &err);
        _exit(status == MIDGE_E_BUSY && !other ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    midge_index_file *reader = open_file(path, 1);
    put(file, 50, 50);
    commit(file);
    holds(reader, 50); /* what it opened */
    midge_error err = {.text = ""};
    well(midge_index_file_compact(file, &err), &err);
    put(file, 100, 50);
    commit(file);
    holds(reader, 50);
    midge_index_file *later = open_file(path, 1);
    holds(later, 150);
    put(later, 150, 10); /* in memory only */
    holds(later, 160);
    assert_int_equal(midge_index_file_commit(later, &err), MIDGE_E_STATE);
    midge_index_file_close(reader);
    midge_index_file_close(later);
    holds(file, 150);
    midge_index_file_close(file);
    file = open_file(path, 0); /* the lock ended with it */
    holds(file, 150);
    midge_index_file_close(file);
    temp_dir_remove(&dir);
}

/* Writes five rows a commit, as fast as it can, sometimes the whole file. */
static void write_for_ever(const char *path) {
    midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    o.no_sync = 1;
    if (midge_index_file_open(&env, path, &o, &file, &err) != MIDGE_OK) {
        _exit(1);
    }
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t ids[5] = {i * 5, i * 5 + 1, i * 5 + 2, i * 5 + 3, i * 5 + 4};
        midge_index *index = midge_index_file_index(file);
        if (maker_put(&env, index, 5, ids, 0, 1, &err) != MIDGE_OK ||
            (i % 50 == 49 ? midge_index_file_compact(file, &err)
                          : midge_index_file_commit(file, &err)) != MIDGE_OK) {
            _exit(1);
        }
    }
    _exit(0);
}

static void whoever_opens_sees_a_whole_commit(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_FLAT);
    commit(file); /* the columns */
    midge_index_file_close(file);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        write_for_ever(path);
    }
    uint64_t before = 0;
    unsigned grown = 0;
    int status = 0;
    for (unsigned i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
        file = open_file(path, 1);
        uint64_t now = count(file);
        assert_true(now >= before);
        assert_int_equal(now % 5, 0);
        if (now > 0) {
            assert_int_equal(maker_find(midge_index_file_index(file), now - 1),
                             now - 1);
        }
        grown += now > before;
        before = now;
        midge_index_file_close(file);
        if (i % 8 == 0) {
            verify(path);
        }
    }
    assert_int_equal(status, 0);
    assert_true(grown > 5);
    temp_dir_remove(&dir);
}

/* ---- Threads ------------------------------------------------------------- */

enum { THREADS = 4, THREAD_QUERIES = 60 };

typedef struct seeker {
    const midge_index *index;
    uint32_t rows[THREAD_QUERIES];
    pthread_t thread;
} seeker;

static void *seek(void *ctx) {
    seeker *s = ctx;
    midge_searcher *searcher = NULL;
    if (midge_searcher_new(s->index, &searcher, NULL) != MIDGE_OK) {
        return NULL;
    }
    for (uint64_t i = 0; i < THREAD_QUERIES; i++) {
        float x[8];
        size_t n;
        maker_vector(5000 + i, 8, 0, x);
        midge_query q = {.count = 1, .vectors = x, .k = 1};
        s->rows[i] = MIDGE_INDEX_NO_ROW;
        if (midge_searcher_run(searcher, &q, NULL) == MIDGE_OK) {
            s->rows[i] = midge_searcher_found(searcher, 0, &n)->row;
        }
    }
    midge_searcher_free(searcher);
    return s;
}

/* Blocks are checked when they are first touched, by whoever comes first. */
static void several_threads_search_a_file_just_opened(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_HNSW);
    seeker alone = {.index = midge_index_file_index(file)};
    for (uint64_t i = 0; i < 6; i++) {
        put(file, i * 500, 500);
    }
    commit(file);
    assert_non_null(seek(&alone));
    midge_index_file_close(file);
    for (int round = 0; round < 10; round++) {
        seeker seekers[THREADS];
        file = open_file(path, 1);
        for (int i = 0; i < THREADS; i++) {
            seekers[i] = (seeker){.index = midge_index_file_index(file)};
            assert_int_equal(
                pthread_create(&seekers[i].thread, NULL, seek, &seekers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            void *done = NULL;
            assert_int_equal(pthread_join(seekers[i].thread, &done), 0);
            assert_ptr_equal(done, &seekers[i]);
            assert_memory_equal(seekers[i].rows, alone.rows, sizeof alone.rows);
        }
        midge_index_file_close(file);
    }
    temp_dir_remove(&dir);
}

static void a_file_without_write_permission_is_read(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_FLAT);
    put(file, 0, 20);
    commit(file);
    midge_index_file_close(file);
    assert_int_equal(chmod(path, 0444), 0);
    file = open_file(path, 1);
    holds(file, 20);
    midge_index_file_close(file);
    if (geteuid() != 0) { /* root may write everything */
        midge_error err = {.text = ""};
        assert_int_equal(midge_index_file_open(&env, path, NULL, &file, &err),
                         MIDGE_E_IO);
    }
    temp_dir_remove(&dir);
}

/* Frames stay below a share of the image, and a rewritten file is smaller. */
static void frames_do_not_grow_for_ever(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_FLAT);
    midge_index_file_info info;
    uint32_t most = 0;
    for (uint64_t i = 0; i < 200; i++) {
        put(file, 0, 400); /* the same rows again */
        commit(file);
        midge_index_file_info_get(file, &info);
        most = info.frames > most ? info.frames : most;
        assert_int_equal(info.bytes, size_of(path));
        assert_true(info.frame_bytes <= (1 << 20) || info.frames <= 1);
    }
    assert_true(most > 5 && most < 199);
    holds(file, 400);
    midge_index_file_close(file);
    verify(path);
    assert_int_equal(files_in(dir.path), 1);
    temp_dir_remove(&dir);
}

/* What is left of a frame behind what is committed is cut off. */
static void half_a_frame_is_ignored(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    midge_index_file *file = create(path, MIDGE_INDEX_FLAT);
    put(file, 0, 20);
    commit(file);
    put(file, 20, 20);
    commit(file);
    midge_index_file_close(file);
    off_t size = size_of(path);
    FILE *f = fopen(path, "ab");
    fputs("MIDGEFRM and a half", f);
    fclose(f);
    file = open_file(path, 1);
    holds(file, 40);
    midge_index_file_close(file);
    file = open_file(path, 0);
    holds(file, 40);
    assert_int_equal(size_of(path), size);
    put(file, 40, 20);
    commit(file);
    midge_index_file_close(file);
    file = open_file(path, 0);
    holds(file, 60);
    midge_index_file_close(file);
    temp_dir_remove(&dir);
}

static void what_a_killed_process_left_is_removed(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    const char *left = temp_dir_file(&dir, "a.midx.tmp.123.0");
    const char *other = temp_dir_file(&dir, "b.midx.tmp.123.0");
    const char *mine = temp_dir_file(&dir, "a.midx.tmp.notes");
    midge_error err = {.text = ""};
    midge_index_file_close(create(path, MIDGE_INDEX_FLAT));
    well(midge_os_write_file(left, "half", 4, &err), &err);
    well(midge_os_write_file(other, "half", 4, &err), &err);
    well(midge_os_write_file(mine, "notes", 5, &err), &err);
    midge_index_file_close(open_file(path, 1));
    assert_int_equal(files_in(dir.path), 4); /* readers touch nothing */
    midge_index_file_close(open_file(path, 0));
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(files_in(dir.path), 3);
    temp_dir_remove(&dir);
}

/* ---- Writes that fail ---------------------------------------------------- */

enum fault_kind { FAULT_FRAME, FAULT_WHOLE, FAULT_CREATE };

/* One commit whose n-th call fails; 0 when it had no n-th call. */
static int fail_once(const struct temp_dir *dir, enum fault_kind kind, long n) {
    const char *path = temp_dir_file(dir, "f.midx");
    midge_error err = {.text = ""};
    midge_index_file *file = create(path, MIDGE_INDEX_HNSW);
    put(file, 0, 30);
    commit(file);
    put(file, 30, 20);
    calls = 0;
    fault_at = n;
    midge_status status = kind == FAULT_WHOLE
                              ? midge_index_file_compact(file, &err)
                              : midge_index_file_commit(file, &err);
    int failed = calls >= n;
    fault_at = 0;
    assert_int_equal(status, failed ? MIDGE_E_IO : MIDGE_OK);
    midge_index_file *reader = open_file(path, 1);
    uint64_t there = count(reader);
    assert_true(there == 30 || there == 50);
    holds(reader, there);
    midge_index_file_close(reader);
    verify(path);
    put(file, 50, 10); /* another frame than the one that failed */
    commit(file);
    midge_index_file_close(file);
    file = open_file(path, 0);
    holds(file, 60);
    midge_index_file_close(file);
    verify(path);
    unlink(path);
    assert_int_equal(files_in(dir->path), 0);
    return failed;
}

static void a_commit_that_fails_loses_nothing(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    long n = 1;
    while (fail_once(&dir, FAULT_FRAME, n)) {
        n++;
    }
    assert_int_equal(n, 5); /* frame, sync, slot, sync */
    n = 1;
    while (fail_once(&dir, FAULT_WHOLE, n)) {
        n++;
    }
    assert_true(n > 10);
    temp_dir_remove(&dir);
}

static void a_file_that_was_not_made_is_not_there(void **state) {
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "f.midx");
    midge_index_options o = small(MIDGE_INDEX_FLAT);
    int made = 0;
    for (long n = 1; !made; n++) {
        midge_index_file *file = NULL;
        midge_error err = {.text = ""};
        calls = 0;
        fault_at = n;
        midge_status status =
            midge_index_file_create(&env, path, &o, NULL, &file, &err);
        fault_at = 0;
        made = calls < n;
        assert_int_equal(status, made ? MIDGE_OK : MIDGE_E_IO);
        assert_int_equal(made, file != NULL);
        midge_index_file_close(file);
        /* The last call makes the name durable: the file is there by then. */
        if (!made && access(path, F_OK) == 0) {
            assert_int_equal(files_in(dir.path), 1);
            verify(path);
            unlink(path);
        }
        assert_int_equal(files_in(dir.path), made);
    }
    temp_dir_remove(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_rows_are_there_again),
        cmocka_unit_test(a_loaded_file_is_as_good),
        cmocka_unit_test(a_file_can_only_be_made_once),
        cmocka_unit_test(what_is_no_index_is_told),
        cmocka_unit_test(one_writes_while_others_read),
        cmocka_unit_test(whoever_opens_sees_a_whole_commit),
        cmocka_unit_test(several_threads_search_a_file_just_opened),
        cmocka_unit_test(a_file_without_write_permission_is_read),
        cmocka_unit_test(frames_do_not_grow_for_ever),
        cmocka_unit_test(half_a_frame_is_ignored),
        cmocka_unit_test(what_a_killed_process_left_is_removed),
        cmocka_unit_test(a_commit_that_fails_loses_nothing),
        cmocka_unit_test(a_file_that_was_not_made_is_not_there),
    };
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
