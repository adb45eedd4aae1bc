/* op_learn_plan.c: learn.plan, one request as a graph of tasks.
 *
 *     load, split -> search x agents -> exchange -> ... (rounds)
 *                 -> critique -> ensemble -> test -> report
 *
 * Invariants:
 * 1. Pure: the same arguments give the same text, so that the run's key and
 *    its tasks belong together.
 * 2. "/test" of split is referred to by the task `test` and by no other.
 * 3. A search, critique or ensemble can be claimed only by the agent that it
 *    was planned for: what the report says an agent did, that agent did.
 */
#include <string.h>

#include "base/decimal.h"
#include "base/rng.h"
#include "ops/ops_table.h"

#define AGENTS_MAX 16u

enum { CONVERGENT, DIVERGENT, LATERAL, CRITICAL, SYSTEMS };

static const char *const patterns[] = {"convergent", "divergent", "lateral",
                                       "critical", "systems"};
static const char *const names[AGENTS_MAX] = {
    "ada", "ben",  "cleo", "dora", "emil", "fay",  "gus",  "hana",
    "ivo", "june", "kai",  "lena", "milo", "nora", "otto", "pia"};

/* One of each; then again, but a second systems agent would have nothing to
 * do. */
static int pattern_of(int64_t agent) {
    return agent < 5 ? (int)agent : (int)((agent - 5) % 4);
}

typedef struct plan {
    midge_json_writer w;
    const midge_json *args;
    int64_t n_agents;
    int64_t rounds;
    int64_t priority;
    uint64_t seed;
    uint64_t n_seeds;      /* seeds handed out so far */
    double search_seconds; /* 0: no limit */
} plan;

/* ---- Small writers ------------------------------------------------------- */

static void put_string(plan *p, const char *key, const char *value) {
    midge_json_key(&p->w, key);
    midge_json_string(&p->w, value);
}

static void put_int(plan *p, const char *key, int64_t value) {
    midge_json_key(&p->w, key);
    midge_json_int(&p->w, value);
}

/* "prefix", "prefix-2", "prefix-2-ada" as a string value. */
static void put_name(plan *p, const char *prefix, int64_t number,
                     const char *suffix) {
    char text[96];
    char digits[MDG_DECIMAL_MAX];
    size_t at = strlen(prefix);
    memcpy(text, prefix, at);
    if (number > 0) {
        size_t n = mdg_decimal_write_f64((double)number, digits);
        text[at++] = '-';
        memcpy(text + at, digits, n);
        at += n;
    }
    if (suffix) {
        size_t n = strlen(suffix);
        text[at++] = '-';
        memcpy(text + at, suffix, n);
        at += n;
    }
    midge_json_string_n(&p->w, text, at);
}

/* {"$task": name, "path": path} */
static void put_reference(plan *p, const char *prefix, int64_t number,
                          const char *suffix, const char *path) {
    midge_json_begin_object(&p->w);
    midge_json_key(&p->w, "$task");
    put_name(p, prefix, number, suffix);
    if (path) {
        put_string(p, "path", path);
    }
    midge_json_end_object(&p->w);
}

static void put_split(plan *p, const char *key, const char *path) {
    midge_json_key(&p->w, key);
    put_reference(p, "split", 0, NULL, path);
}

static void put_board(plan *p, int64_t round) {
    midge_json_key(&p->w, "board");
    put_reference(p, "exchange", round, NULL, NULL);
}

/* A seed of its own for every task, small enough for any JSON reader. */
static void put_seed(plan *p) {
    put_int(p, "seed", (int64_t)(mdg_rng_mix(p->seed, ++p->n_seeds) >> 12));
}

static void put_limit(plan *p) {
    if (p->search_seconds > 0.0) {
        midge_json_key(&p->w, "limit_seconds");
        midge_json_double(&p->w, p->search_seconds);
    }
}

/* ---- Tasks --------------------------------------------------------------- */

/* Opens a task and its input. */
static void open_task(plan *p, const char *prefix, int64_t number,
                      const char *suffix, const char *kind) {
    midge_json_begin_object(&p->w);
    midge_json_key(&p->w, "name");
    put_name(p, prefix, number, suffix);
    put_string(p, "kind", kind);
    put_int(p, "priority", p->priority);
    midge_json_key(&p->w, "input");
    midge_json_begin_object(&p->w);
}

/* Closes the input and opens "after". */
static void open_after(plan *p) {
    midge_json_end_object(&p->w);
    midge_json_key(&p->w, "after");
    midge_json_begin_array(&p->w);
}

/* "a" and "b" as one string value. */
static void put_pair(plan *p, const char *a, const char *b) {
    char text[64];
    size_t n = strlen(a);
    size_t m = strlen(b);
    memcpy(text, a, n);
    memcpy(text + n, b, m);
    midge_json_string_n(&p->w, text, n + m);
}

static void put_capabilities(plan *p, int64_t agent) {
    midge_json_begin_array(&p->w);
    midge_json_string(&p->w, "compute");
    if (agent >= 0) { /* < 0: anyone may do it */
        put_pair(p, "pattern:", patterns[pattern_of(agent)]);
        put_pair(p, "agent:", names[agent]);
    }
    midge_json_end_array(&p->w);
}

/* Closes "after" and the task. */
static void close_task(plan *p, int64_t agent) {
    midge_json_end_array(&p->w);
    midge_json_key(&p->w, "requires");
    put_capabilities(p, agent);
    midge_json_end_object(&p->w);
}

static void put_data(plan *p) {
    put_string(p, "data", midge_json_get_string(p->args, "data", ""));
    put_string(p, "target", midge_json_get_string(p->args, "target", ""));
}

static void put_load_and_split(plan *p) {
    open_task(p, "load", 0, NULL, "data.load");
    put_data(p);
    open_after(p);
    close_task(p, -1);
    open_task(p, "split", 0, NULL, "data.split");
    put_data(p);
    put_seed(p);
    open_after(p);
    midge_json_string(&p->w, "load");
    close_task(p, -1);
}

static int is_searching(int64_t agent) {
    return pattern_of(agent) <= LATERAL;
}

static int is_critic(int64_t agent) {
    return pattern_of(agent) == CRITICAL;
}

/* How many agents before this one have its pattern. */
static int64_t variant_of(int64_t agent) {
    int64_t n = 0;
    for (int64_t a = 0; a < agent; a++) {
        n += pattern_of(a) == pattern_of(agent);
    }
    return n;
}

static int64_t count_agents(const plan *p, int (*which)(int64_t)) {
    int64_t n = 0;
    for (int64_t a = 0; a < p->n_agents; a++) {
        n += which(a);
    }
    return n;
}

static void put_search(plan *p, int64_t round, int64_t agent) {
    open_task(p, "search", round, names[agent], "learn.search");
    put_split(p, "train", "/train");
    put_split(p, "problem", "/problem");
    put_string(p, "agent", names[agent]);
    put_string(p, "pattern", patterns[pattern_of(agent)]);
    put_int(p, "round", round);
    put_int(p, "variant", variant_of(agent));
    put_int(p, "fold_seed", (int64_t)(mdg_rng_mix(p->seed, 0) >> 12));
    put_seed(p);
    put_limit(p);
    if (round > 1) {
        put_board(p, round - 1);
    }
    open_after(p);
    if (round > 1) {
        put_name(p, "exchange", round - 1, NULL);
    } else {
        midge_json_string(&p->w, "split");
    }
    close_task(p, agent);
}

static void put_exchange(plan *p, int64_t round) {
    open_task(p, "exchange", round, NULL, "learn.exchange");
    midge_json_key(&p->w, "found");
    midge_json_begin_array(&p->w);
    for (int64_t a = 0; a < p->n_agents; a++) {
        if (is_searching(a)) {
            put_reference(p, "search", round, names[a], NULL);
        }
    }
    midge_json_end_array(&p->w);
    if (round > 1) {
        put_board(p, round - 1);
    }
    open_after(p);
    for (int64_t a = 0; a < p->n_agents; a++) {
        if (is_searching(a)) {
            put_name(p, "search", round, names[a]);
        }
    }
    close_task(p, -1);
}

static void put_critique(plan *p, int64_t agent) {
    open_task(p, "critique", 0, names[agent], "learn.critique");
    put_split(p, "train", "/train");
    put_split(p, "problem", "/problem");
    put_string(p, "agent", names[agent]);
    put_int(p, "place", variant_of(agent) + 1);
    put_board(p, p->rounds);
    put_seed(p);
    put_limit(p);
    open_after(p);
    put_name(p, "exchange", p->rounds, NULL);
    close_task(p, agent);
}

static void put_critiques(plan *p) {
    midge_json_key(&p->w, "critiques");
    midge_json_begin_array(&p->w);
    for (int64_t a = 0; a < p->n_agents; a++) {
        if (is_critic(a)) {
            put_reference(p, "critique", 0, names[a], NULL);
        }
    }
    midge_json_end_array(&p->w);
}

static void put_ensemble(plan *p) {
    open_task(p, "ensemble", 0, NULL, "learn.ensemble");
    put_split(p, "train", "/train");
    put_split(p, "problem", "/problem");
    put_split(p, "encoder", "/encoder");
    put_board(p, p->rounds);
    put_critiques(p);
    put_seed(p);
    open_after(p);
    put_name(p, "exchange", p->rounds, NULL);
    for (int64_t a = 0; a < p->n_agents; a++) {
        if (is_critic(a)) {
            put_name(p, "critique", 0, names[a]);
        }
    }
    close_task(p, p->n_agents > SYSTEMS ? SYSTEMS : -1);
}

static void put_test(plan *p) {
    open_task(p, "test", 0, NULL, "learn.test");
    put_split(p, "test", "/test");
    put_split(p, "problem", "/problem");
    put_board(p, p->rounds);
    put_critiques(p);
    midge_json_key(&p->w, "ensemble");
    put_reference(p, "ensemble", 0, NULL, NULL);
    put_seed(p);
    open_after(p);
    midge_json_string(&p->w, "ensemble");
    close_task(p, -1);
}

static void put_agents(plan *p, int with_capabilities) {
    midge_json_key(&p->w, "agents");
    midge_json_begin_array(&p->w);
    for (int64_t a = 0; a < p->n_agents; a++) {
        midge_json_begin_object(&p->w);
        put_string(p, "name", names[a]);
        put_string(p, "pattern", patterns[pattern_of(a)]);
        if (with_capabilities) {
            midge_json_key(&p->w, "capabilities");
            put_capabilities(p, a);
        }
        midge_json_end_object(&p->w);
    }
    midge_json_end_array(&p->w);
}

static void put_report(plan *p) {
    static const char *const parts[] = {"load", "ensemble", "test"};
    open_task(p, "report", 0, NULL, "learn.report");
    put_string(p, "title", midge_json_get_string(p->args, "title", ""));
    put_string(p, "target", midge_json_get_string(p->args, "target", ""));
    put_agents(p, 0);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        midge_json_key(&p->w, parts[i]);
        put_reference(p, parts[i], 0, NULL, NULL);
    }
    put_split(p, "split", NULL);
    put_board(p, p->rounds);
    put_critiques(p);
    put_int(p, "seed", (int64_t)p->seed);
    open_after(p);
    midge_json_string(&p->w, "test");
    close_task(p, -1);
}

/* The stages that follow each other share the time: searches and critiques,
 * as many at once as there are threads; the rest is small. */
static void share_time(plan *p) {
    double seconds = midge_json_get_double(p->args, "seconds", 0.0);
    int64_t threads = midge_json_get_int(p->args, "threads", 1);
    int64_t searches = count_agents(p, is_searching);
    int64_t critics = count_agents(p, is_critic);
    int64_t stages = p->rounds * ((searches + threads - 1) / threads) +
                     (critics + threads - 1) / threads;
    p->search_seconds = 0.8 * seconds / (double)stages;
}

static void put_tasks(plan *p) {
    midge_json_key(&p->w, "tasks");
    midge_json_begin_array(&p->w);
    put_load_and_split(p);
    for (int64_t round = 1; round <= p->rounds; round++) {
        for (int64_t a = 0; a < p->n_agents; a++) {
            if (is_searching(a)) {
                put_search(p, round, a);
            }
        }
        put_exchange(p, round);
    }
    for (int64_t a = 0; a < p->n_agents; a++) {
        if (is_critic(a)) {
            put_critique(p, a);
        }
    }
    put_ensemble(p);
    put_test(p);
    put_report(p);
    midge_json_end_array(&p->w);
}

MDG_OP_FN(learn_plan) {
    plan p = {.args = args};
    (void)env;
    (void)host;
    (void)err;
    p.n_agents = midge_json_get_int(args, "agents", 5);
    p.rounds = midge_json_get_int(args, "rounds", 2);
    p.priority = midge_json_get_int(args, "priority", 0);
    p.seed = (uint64_t)midge_json_get_int(args, "seed", 1);
    share_time(&p);
    midge_json_writer_init(&p.w, result, 0);
    midge_json_begin_object(&p.w);
    midge_json_key(&p.w, "plan");
    midge_json_begin_object(&p.w);
    put_string(&p, "name", "learn");
    put_string(&p, "key", midge_json_get_string(args, "key", ""));
    put_tasks(&p);
    midge_json_end_object(&p.w);
    put_agents(&p, 1);
    midge_json_end_object(&p.w);
    return midge_json_writer_end(&p.w);
}
