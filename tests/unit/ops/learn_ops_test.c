/* learn_ops_test.c: the operations of learning, run in order by hand on a host
 * in memory; the plan; memory that fails. */
#define _GNU_SOURCE /* strndup */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "midge/model.h"
#include "midge/swarm.h"
#include "ops_flow.h"

static const midge_json *search(struct flow *f, const midge_json *split,
                                const char *agent, const char *pattern,
                                int round, const char *more) {
    char args[16384];
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"%s\",\"agent\":\"%s\","
               "\"pattern\":\"%s\",\"round\":%d%s}",
               text(split, "train"), text(split, "problem"), agent, pattern,
               round, more);
    return must(f, "learn.search", args);
}

static const midge_json *split_of(struct flow *f) {
    char args[512];
    print_into(args, sizeof args, "{\"data\":\"%s\",\"target\":\"kind\"}",
               f->data);
    return must(f, "data.split", args);
}

static void load_counts_what_is_there(void **state) {
    struct flow f;
    char args[512];
    (void)state;
    flow_init(&f);
    print_into(args, sizeof args, "{\"data\":\"%s\",\"target\":\"kind\"}",
               f.data);
    const midge_json *facts = must(&f, "data.load", args);
    assert_int_equal(midge_json_get_int(facts, "rows", 0), 63);
    assert_int_equal(midge_json_get_int(facts, "rows_used", 0), 60);
    assert_int_equal(midge_json_get_int(facts, "rows_without_target", 0), 3);
    assert_string_equal(text(facts, "problem"), "classification");
    assert_int_equal(midge_json_get_int(facts, "classes", 0), 2);
    const midge_json *noise = midge_json_get(facts, "columns")->child->next;
    assert_int_equal(midge_json_get_int(noise, "missing", 0), 9);
    flow_deinit(&f);
}

static void split_keeps_the_shares(void **state) {
    struct flow f;
    (void)state;
    flow_init(&f);
    const midge_json *one = split_of(&f);
    const midge_json *two = split_of(&f);
    assert_int_equal(midge_json_get_int(one, "n_train", 0), 48);
    assert_int_equal(midge_json_get_int(one, "n_test", 0), 12);
    assert_string_equal(text(one, "test"), text(two, "test"));
    assert_string_equal(text(one, "train"), text(two, "train"));
    assert_string_not_equal(text(one, "train"), text(one, "test"));
    flow_deinit(&f);
}

/* Every operation once, as the plan would; the data are easy, so everything
 * must be found. */
static void the_whole_way(void **state) {
    struct flow f;
    static char args[65536];
    (void)state;
    flow_init(&f);
    const midge_json *split = split_of(&f);
    const midge_json *ada = search(&f, split, "ada", "convergent", 1, "");
    const midge_json *cleo = search(&f, split, "cleo", "lateral", 1, "");
    print_into(args, sizeof args, "{\"found\":[%s,%s]}", dump(&f, ada),
               dump(&f, cleo));
    const midge_json *board = must(&f, "learn.exchange", args);
    assert_int_equal(midge_json_get(board, "candidates")->count, 2);
    print_into(args, sizeof args, ",\"board\":%s", dump(&f, board));
    const midge_json *ben = search(&f, split, "ben", "divergent", 2, args);
    print_into(args, sizeof args, "{\"found\":[%s],\"board\":%s}",
               dump(&f, ben), dump(&f, board));
    board = must(&f, "learn.exchange", args);
    assert_int_equal(midge_json_get(board, "candidates")->count, 3);
    const char *board_text = dump(&f, board);
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"agent\":\"dora\",\"board\":%s}",
               text(split, "train"), board_text);
    const midge_json *critique = must(&f, "learn.critique", args);
    assert_string_equal(text(critique, "checked"), text(board, "leader"));
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"encoder\":\"%s\",\"board\":%s,\"critiques\":[%s]}",
               text(split, "train"), text(split, "encoder"), board_text,
               dump(&f, critique));
    const midge_json *ensemble = must(&f, "learn.ensemble", args);
    print_into(args, sizeof args,
               "{\"test\":\"%s\",\"problem\":\"classification\",\"board\":%s,"
               "\"critiques\":[%s],\"ensemble\":%s}",
               text(split, "test"), board_text, dump(&f, critique),
               dump(&f, ensemble));
    const midge_json *test = must(&f, "learn.test", args);
    const midge_json *score = midge_json_get(test, "test");
    assert_true(midge_json_get_double(score, "score", 0.0) == 1.0);
    assert_int_equal(midge_json_get(test, "agents")->count, 4);
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}",
               text(ensemble, "bundle"), f.data);
    const midge_json *said = must(&f, "model.predict", args);
    const midge_json *value = midge_json_get(said, "values")->child;
    for (int i = 0; value; i++, value = value->next) {
        assert_string_equal(value->string, i % 2 ? "far" : "near");
    }
    flow_deinit(&f);
}

/* A leader with good predictions and a configuration that cannot have made
 * them (one epoch at a rate of nearly 0) is found out. */
static void a_lucky_leader_is_vetoed(void **state) {
    struct flow f;
    static char args[16384];
    (void)state;
    flow_init(&f);
    const midge_json *split = split_of(&f);
    const midge_json *found = search(&f, split, "ada", "convergent", 1, "");
    const midge_json *candidate = midge_json_get(found, "candidate");
    print_into(
        args, sizeof args,
        "{\"train\":\"%s\",\"problem\":\"classification\","
        "\"agent\":\"dora\",\"board\":{\"leader\":\"ada-1\","
        "\"candidates\":[{\"name\":\"ada-1\",\"family\":\"net\","
        "\"config\":{\"hidden\":[4],\"activation\":\"relu\",\"epochs\":1,"
        "\"batch\":16,\"rate\":1e-9,\"dropout\":0,\"input_dropout\":0,"
        "\"decay\":0},\"score\":1,\"oof\":\"%s\"}]}}",
        text(split, "train"), text(candidate, "oof"));
    const midge_json *critique = must(&f, "learn.critique", args);
    assert_true(midge_json_get_double(critique, "score_before", 0.0) > 0.95);
    assert_true(midge_json_get_double(critique, "drop", 0.0) > 0.2);
    assert_int_equal(midge_json_get_bool(critique, "veto", 0), 1);
    flow_deinit(&f);
}

static void cancelled_work_ends(void **state) {
    struct flow f;
    char args[1024];
    const midge_json *out;
    (void)state;
    flow_init(&f);
    const midge_json *split = split_of(&f);
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"agent\":\"ada\",\"pattern\":\"convergent\",\"round\":1}",
               text(split, "train"));
    f.h.cancel = 1;
    assert_int_equal(run(&f, "learn.search", args, &out, NULL),
                     MIDGE_E_CANCELLED);
    flow_deinit(&f);
}

/* ---- The plan ------------------------------------------------------------ */

static void check_plan(struct flow *f, int agents, int rounds) {
    char args[512];
    midge_command command;
    print_into(args, sizeof args,
               "{\"data\":\"sha256:00\",\"target\":\"t\",\"key\":\"k\","
               "\"agents\":%d,\"rounds\":%d}",
               agents, rounds);
    const midge_json *plan = must(f, "learn.plan", args);
    const char *json = dump(f, midge_json_get(plan, "plan"));
    assert_int_equal(
        midge_plan_read(&f->arena, json, strlen(json), &command, NULL),
        MIDGE_OK);
    assert_int_equal(midge_json_get(plan, "agents")->count, agents);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < command.n_tasks; i++) {
        const midge_task_spec *task = &command.tasks[i];
        char *input = strndup(task->input.data, task->input.size);
        if (strstr(input, "\"/test\"")) {
            assert_int_equal(task->name.size, 4);
            assert_memory_equal(task->name.data, "test", 4);
            seen++;
        }
        free(input);
    }
    assert_int_equal(seen, 1);
    assert_string_equal(dump(f, must(f, "learn.plan", args)), dump(f, plan));
}

static void plans_can_be_read_and_hide_the_test(void **state) {
    struct flow f;
    (void)state;
    flow_init(&f);
    for (int agents = 1; agents <= 16; agents++) {
        check_plan(&f, agents, 1 + agents % 3);
    }
    flow_deinit(&f);
}

/* ---- Memory that fails --------------------------------------------------- */

static void no_memory_is_survived(void **state) {
    struct flow f;
    static char args[32768];
    (void)state;
    flow_init(&f);
    const midge_json *split = split_of(&f);
    print_into(args, sizeof args, "{\"data\":\"%s\",\"target\":\"kind\"}",
               f.data);
    sweep(&f, "data.load", args);
    sweep(&f, "data.split", args);
    const midge_json *found = search(&f, split, "cleo", "lateral", 2, "");
    print_into(args, sizeof args, "{\"found\":[%s]}", dump(&f, found));
    sweep(&f, "learn.exchange", args);
    const midge_json *board = must(&f, "learn.exchange", args);
    const char *board_text = dump(&f, board);
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"agent\":\"cleo\",\"pattern\":\"lateral\",\"round\":2,"
               "\"board\":%s}",
               text(split, "train"), board_text);
    sweep(&f, "learn.search", args);
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"agent\":\"dora\",\"board\":%s}",
               text(split, "train"), board_text);
    sweep(&f, "learn.critique", args);
    print_into(args, sizeof args,
               "{\"train\":\"%s\",\"problem\":\"classification\","
               "\"encoder\":\"%s\",\"board\":%s}",
               text(split, "train"), text(split, "encoder"), board_text);
    sweep(&f, "learn.ensemble", args);
    const midge_json *ensemble = must(&f, "learn.ensemble", args);
    print_into(args, sizeof args,
               "{\"test\":\"%s\",\"problem\":\"classification\",\"board\":%s,"
               "\"ensemble\":%s}",
               text(split, "test"), board_text, dump(&f, ensemble));
    sweep(&f, "learn.test", args);
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}",
               text(ensemble, "bundle"), f.data);
    sweep(&f, "model.predict", args);
    flow_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_counts_what_is_there),
        cmocka_unit_test(split_keeps_the_shares),
        cmocka_unit_test(the_whole_way),
        cmocka_unit_test(a_lucky_leader_is_vetoed),
        cmocka_unit_test(cancelled_work_ends),
        cmocka_unit_test(plans_can_be_read_and_hide_the_test),
        cmocka_unit_test(no_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
