/* swarm_bench.c: how fast the swarm decides, applies and replays.
 *
 * 1,000 runs of 100 tasks (each waits for up to two earlier ones), 16 agents of
 * 4 slots, small JSON inputs and results; submit, claim and complete until all
 * has ended.
 *
 *     swarm_bench [ROUNDS]
 *
 * Prints one JSON object a round. In a round the history is played once as it
 * is, once with every event also written as JSON, and then that text is read
 * and replayed, which must lead to the same state.
 */
#define _POSIX_C_SOURCE 199309L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "midge/swarm.h"

#define RUNS   1000
#define TASKS  100
#define AGENTS 16
#define SLOTS  4

static size_t held_bytes;

static void *counted_realloc(void *ctx, void *block, size_t old_bytes,
                             size_t new_bytes) {
    held_bytes += new_bytes - old_bytes;
    if (new_bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_bytes);
}

static const midge_env env = {.realloc_fn = counted_realloc};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(midge_status status) {
    if (status != MIDGE_OK) {
        fprintf(stderr, "swarm_bench: %s\n", midge_status_text(status));
        exit(1);
    }
}

typedef struct bench {
    midge_swarm *swarm;
    midge_events *events;
    midge_buf *log; /* NULL: events are not written */
    uint64_t n_events;
} bench;

static const midge_event *step(bench *b, const midge_command *command) {
    must(midge_swarm_decide(b->swarm, command, b->events, NULL));
    size_t n = midge_events_count(b->events);
    for (size_t i = 0; i < n; i++) {
        const midge_event *event = midge_events_at(b->events, i);
        if (b->log) {
            must(midge_event_write(event, b->log));
            must(midge_buf_append(b->log, "\n", 1));
        }
        must(midge_swarm_reserve(b->swarm, event));
        midge_swarm_apply(b->swarm, event);
    }
    b->n_events += n;
    return n > 0 ? midge_events_at(b->events, 0) : NULL;
}

static midge_text text(const char *s) {
    midge_text t = {s, (uint32_t)strlen(s)};
    return t;
}

static void submit(bench *b, uint32_t run) {
    static char names[TASKS][16];
    static uint32_t deps[TASKS][2];
    static const midge_text needs = {"compute", 7};
    midge_task_spec tasks[TASKS];
    char key[16];
    memset(tasks, 0, sizeof tasks);
    for (uint32_t i = 0; i < TASKS; i++) {
        snprintf(names[i], sizeof names[i], "task-%u", i);
        tasks[i].name = text(names[i]);
        tasks[i].kind = text("nn.train");
        tasks[i].input = text("{\"hidden\":64,\"seed\":12345,\"rate\":0.01}");
        tasks[i].capabilities = &needs;
        tasks[i].n_capabilities = 1;
        tasks[i].priority = (int32_t)(run % 3);
        deps[i][0] = i / 2;
        deps[i][1] = i / 2 + 1;
        tasks[i].deps = deps[i];
        tasks[i].n_deps = i < 10 ? 0 : 1 + i % 2;
    }
    snprintf(key, sizeof key, "run-%u", run);
    midge_command c = {.type = MIDGE_COMMAND_SUBMIT,
                       .name = text("bench"),
                       .key = text(key),
                       .tasks = tasks,
                       .n_tasks = TASKS};
    step(b, &c);
}

static void join_agents(bench *b) {
    static const midge_text can[] = {{"compute", 7}, {"disk", 4}};
    for (uint32_t i = 0; i < AGENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%u", i);
        midge_command c = {.type = MIDGE_COMMAND_JOIN,
                           .name = text(name),
                           .pattern = text("divergent"),
                           .slots = SLOTS,
                           .capabilities = can,
                           .n_capabilities = 2};
        step(b, &c);
    }
}

static void work(bench *b) {
    uint32_t tasks[AGENTS * SLOTS];
    uint64_t fences[AGENTS * SLOTS];
    for (int64_t now = 0;; now++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < AGENTS * SLOTS; i++) {
            midge_command c = {.type = MIDGE_COMMAND_CLAIM,
                               .agent = 1 + i % AGENTS,
                               .now_ms = now};
            const midge_event *e = step(b, &c);
            if (e) {
                tasks[n] = e->task;
                fences[n++] = e->fence;
            }
        }
        if (n == 0) {
            break;
        }
        for (uint32_t i = 0; i < n; i++) {
            midge_command c = {.type = MIDGE_COMMAND_COMPLETE,
                               .task = tasks[i],
                               .fence = fences[i],
                               .result = text("{\"score\":0.97,\"epochs\":12}"),
                               .now_ms = now};
            step(b, &c);
        }
    }
}

typedef struct figures {
    double submit_per_s;
    double work_per_s;
    double all_per_s;
    double bytes_per_task;
    uint64_t n_events;
} figures;

static figures play(midge_buf *log, char hash[MIDGE_SHA256_HEX]) {
    bench b = {.log = log};
    figures f;
    must(midge_events_new(&env, &b.events));
    size_t before = held_bytes;
    must(midge_swarm_new(&env, &b.swarm));
    double t0 = now_s();
    join_agents(&b);
    for (uint32_t run = 0; run < RUNS; run++) {
        submit(&b, run);
    }
    double t1 = now_s();
    uint64_t submitted = b.n_events;
    f.bytes_per_task = (double)(held_bytes - before) / (RUNS * TASKS);
    work(&b);
    double t2 = now_s();
    f.submit_per_s = (double)submitted / (t1 - t0);
    f.work_per_s = (double)(b.n_events - submitted) / (t2 - t1);
    f.all_per_s = (double)b.n_events / (t2 - t0);
    f.n_events = b.n_events;
    must(midge_swarm_hash(b.swarm, hash));
    midge_swarm_free(b.swarm);
    midge_events_free(b.events);
    return f;
}

/* Events a second, reading each line and replaying it. */
static double replay(const midge_buf *log, const char *expected) {
    midge_swarm *swarm;
    char hash[MIDGE_SHA256_HEX];
    must(midge_swarm_new(&env, &swarm));
    double t0 = now_s();
    for (size_t at = 0; at < log->size;) {
        const char *line = log->data + at;
        const char *end = memchr(line, '\n', log->size - at);
        size_t size = (size_t)(end - line);
        midge_arena arena;
        midge_event event;
        midge_arena_init(&arena, &env, 1 << 24);
        must(midge_event_read(&arena, line, size, &event, NULL));
        must(midge_swarm_replay(swarm, &event, NULL));
        midge_arena_deinit(&arena);
        at += size + 1;
    }
    double seconds = now_s() - t0;
    double n = (double)midge_swarm_last_seq(swarm);
    must(midge_swarm_hash(swarm, hash));
    if (strcmp(hash, expected) != 0) {
        fprintf(stderr, "swarm_bench: the replayed state differs\n");
        exit(1);
    }
    midge_swarm_free(swarm);
    return n / seconds;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    char hash[MIDGE_SHA256_HEX];
    for (int r = 0; r < rounds; r++) {
        midge_buf log;
        midge_buf_init(&log, &env, 0);
        figures f = play(NULL, hash);
        double with_json = play(&log, hash).all_per_s;
        double replayed = replay(&log, hash);
        midge_buf_deinit(&log);
        printf("{\"round\":%d,\"tasks\":%d,\"events\":%llu,"
               "\"submit_events_per_s\":%.0f,\"work_events_per_s\":%.0f,"
               "\"events_per_s\":%.0f,\"events_per_s_with_json\":%.0f,"
               "\"replay_events_per_s\":%.0f,"
               "\"state_bytes_per_live_task\":%.0f}\n",
               r, RUNS * TASKS, (unsigned long long)f.n_events, f.submit_per_s,
               f.work_per_s, f.all_per_s, with_json, replayed,
               f.bytes_per_task);
        fflush(stdout);
    }
    return 0;
}
