/* index_crash_test.c: kill -9 at any moment while an index file is changed, and
 * whatever was acknowledged is there.
 *
 * The parent runs index_child again and again on the same file and kills it: in
 * its first milliseconds, or after a random number of commits and a random
 * moment more. After each kill the file opens, every byte of it verifies, it
 * holds a step no earlier than the last one acknowledged, and exactly the rows
 * of that step: vectors, metadata, ids, found by exact search and by the graph.
 * Rounds with a fresh file follow until KILLS_MIN kills were survived. The seed
 * is fixed; MIDGE_TEST_SEED sets another, MIDGE_TEST_KILLS another number.
 */
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "index_plan.h"
#include "midge/index_file.h"
#include "midge/os.h"
#include "temp_dir.h"

#define KILLS_MIN     200
#define ACKS_MAX      20
#define MOMENT_MAX_US 4000
#define EARLY_MAX_US  12000

static const char *child_path;
static uint64_t seed = 1234;
static int kills_min = KILLS_MIN;
static midge_env env;

/* What was found at the moments of the kills: a test that never meets half a
 * commit tests little. */
static unsigned found_ahead; /* more was durable than was acknowledged */
static unsigned found_tail;  /* half a frame lay behind what was committed */

static uint32_t draw(uint32_t below) {
    seed = maker_mix(seed);
    return (uint32_t)(seed >> 20) % below;
}

typedef struct life {
    pid_t pid;
    int out;
    char line[64];
    size_t line_size;
    unsigned acks;
    uint32_t done; /* steps acknowledged, in this life or before */
} life;

static void start_child(life *l, const char *path) {
    int ends[2];
    char text[32];
    snprintf(text, sizeof text, "%u", draw(1000000));
    assert_int_equal(pipe(ends), 0);
    l->pid = fork();
    assert_true(l->pid >= 0);
    if (l->pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(child_path, child_path, path, text, (char *)NULL);
        _exit(9);
    }
    close(ends[1]);
    l->out = ends[0];
}

static void note_line(life *l) {
    uint32_t steps = 0;
    l->line[l->line_size] = '\0';
    if (sscanf(l->line, "done %u", &steps) != 1 || steps < l->done) {
        fail_msg("the child says: %s", l->line);
    }
    l->done = steps;
    l->line_size = 0;
    l->acks++;
}

/* Reads what there is within `us`; 0 at the end of the pipe. */
static int hear(life *l, int64_t us) {
    struct pollfd wait = {.fd = l->out, .events = POLLIN};
    struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    char c;
    if (ppoll(&wait, 1, &time, NULL) <= 0) {
        return 1;
    }
    while (read(l->out, &c, 1) == 1) {
        if (c == '\n') {
            note_line(l);
            return 1;
        }
        assert_true(l->line_size < sizeof l->line - 1);
        l->line[l->line_size++] = c;
    }
    return 0;
}

/* 1 when the child was killed, 0 when it came to its end before. */
static int live_and_die(life *l, const char *path) {
    int early = draw(4) == 0;
    unsigned acks = early ? 0 : draw(ACKS_MAX);
    int64_t us = draw(early ? EARLY_MAX_US : MOMENT_MAX_US);
    int alive = 1;
    int status = 0;
    l->acks = 0;
    start_child(l, path);
    while (alive && l->acks < acks) {
        alive = hear(l, 30000000);
    }
    double end = midge_os_monotonic_ms() + (double)us / 1000;
    for (double left = (double)us; alive && left > 0;
         left = (end - midge_os_monotonic_ms()) * 1000) {
        alive = hear(l, (int64_t)left + 1);
    }
    if (alive) {
        kill(l->pid, SIGKILL);
    }
    while (hear(l, 30000000)) {
    }
    assert_int_equal(l->line_size, 0);
    close(l->out);
    assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(l->done, INDEX_PLAN_STEPS);
        return 0;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return 1;
}

/* ---- What must be there -------------------------------------------------- */

static void check_row(midge_index *index, uint64_t id, uint32_t version) {
    float want[16];
    float x[16];
    char text[256];
    midge_buf out;
    midge_json_writer w;
    uint32_t row = maker_find(index, id);
    assert_int_equal(row != MIDGE_INDEX_NO_ROW, version != 0);
    if (version == 0) {
        return;
    }
    maker_vector(id * 100003 + version, 16, 0, want);
    assert_int_equal(midge_index_vector(index, row, x, NULL), MIDGE_OK);
    assert_memory_equal(x, want, sizeof x);
    midge_buf_init(&out, &env, 0);
    midge_json_writer_init(&w, &out, 0);
    assert_int_equal(midge_index_metadata(index, row, &w, NULL), MIDGE_OK);
    size_t size = maker_metadata(id, version, text, sizeof text);
    midge_arena arena;
    const midge_json *a = NULL;
    const midge_json *b = NULL;
    midge_arena_init(&arena, &env, 0);
    assert_int_equal(midge_json_read(&arena, text, size, &a, NULL), MIDGE_OK);
    assert_int_equal(midge_json_read(&arena, out.data, out.size, &b, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_json_get_int(a, "year", -1),
                     midge_json_get_int(b, "year", -2));
    assert_int_equal(midge_json_get_bool(a, "draft", -1),
                     midge_json_get_bool(b, "draft", -2));
    midge_arena_deinit(&arena);
    midge_buf_deinit(&out);
}

/* Each row is the nearest of its own vector, by the graph and by comparing all.
 */
static void check_search(midge_index *index,
                         const uint32_t versions[INDEX_PLAN_IDS]) {
    midge_searcher *s = NULL;
    unsigned missed = 0;
    unsigned asked = 0;
    assert_int_equal(midge_searcher_new(index, &s, NULL), MIDGE_OK);
    for (uint64_t id = 0; id < INDEX_PLAN_IDS; id++) {
        float x[16];
        maker_vector(id * 100003 + versions[id], 16, 0, x);
        for (int exact = 0; versions[id] && exact < 2; exact++) {
            midge_query q = {
                .count = 1, .vectors = x, .k = 1, .ef = 64, .exact = exact};
            size_t n;
            assert_int_equal(midge_searcher_run(s, &q, NULL), MIDGE_OK);
            const midge_neighbour *found = midge_searcher_found(s, 0, &n);
            assert_int_equal(n, 1);
            int same =
                found->row == maker_find(index, id) && found->distance == 0.0f;
            assert_true(same || !exact);
            asked += !exact;
            missed += !same;
        }
    }
    assert_true(missed * 50 <= asked); /* the graph is one, not a ruin */
    midge_searcher_free(s);
}

static long tail_of(const char *path, uint64_t committed) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fclose(f);
    return size - (long)committed;
}

static void check_file(const char *path, uint32_t acknowledged) {
    midge_index_file_options o = MIDGE_INDEX_FILE_DEFAULTS;
    midge_index_file *file = NULL;
    midge_index_file_info info;
    midge_error err = {.text = ""};
    uint32_t versions[INDEX_PLAN_IDS];
    o.read_only = 1;
    midge_status status = midge_index_file_open(&env, path, &o, &file, &err);
    if (status == MIDGE_E_NOT_FOUND && acknowledged == 0) {
        return; /* killed before there was a file */
    }
    if (status != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    midge_index *index = midge_index_file_index(file);
    uint32_t step = index_plan_step(index);
    assert_true(step >= acknowledged);
    found_ahead += step > acknowledged;
    midge_index_file_info_get(file, &info);
    found_tail += tail_of(path, info.bytes) > 0;
    index_plan_expect(step, versions);
    for (uint64_t id = 0; id < INDEX_PLAN_IDS; id++) {
        check_row(index, id, versions[id]);
    }
    check_search(index, versions);
    midge_index_file_close(file);
    if (midge_index_file_verify(&env, path, NULL, NULL, NULL, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
}

/* What was left of whole files that were not finished goes when the file is
 * opened to write. */
static void check_left_overs(const struct temp_dir *dir, const char *path) {
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    struct dirent *entry;
    if (midge_index_file_open(&env, path, NULL, &file, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    midge_index_file_close(file);
    DIR *folder = opendir(dir->path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        struct stat st;
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "index.midx")) {
            assert_int_equal(fstatat(dirfd(folder), entry->d_name, &st, 0), 0);
            assert_int_equal(st.st_size, 0); /* killed before its first byte */
        }
    }
    closedir(folder);
}

static void killed_at_any_moment_nothing_is_lost(void **state) {
    (void)state;
    int kills = 0;
    int rounds = 0;
    while (kills < kills_min) {
        struct temp_dir dir;
        life l = {0};
        temp_dir_make(&dir);
        const char *path = temp_dir_file(&dir, "index.midx");
        while (live_and_die(&l, path)) {
            kills++;
            check_file(path, l.done);
        }
        check_file(path, INDEX_PLAN_STEPS);
        check_left_overs(&dir, path);
        temp_dir_remove(&dir);
        rounds++;
    }
    print_message("%d kills in %d lives of a file; %u times more was durable "
                  "than acknowledged, %u times half a frame was left\n",
                  kills, rounds, found_ahead, found_tail);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_nothing_is_lost),
    };
    const char *other = getenv("MIDGE_TEST_SEED");
    const char *kills = getenv("MIDGE_TEST_KILLS");
    if (argc != 2) {
        fprintf(stderr, "usage: index_crash_test CHILD\n");
        return 2;
    }
    child_path = argv[1];
    seed = other ? strtoull(other, NULL, 10) : seed;
    kills_min = kills ? atoi(kills) : kills_min;
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
