/* sqlite_project.c: what each event does to the rows of runs, tasks and agents.
 *
 * One table of SQL, by type of event. Every statement names its parameters by
 * the same numbers (the enum below), so that binding is one loop for all.
 * A test replays long logs and compares every row with the core's state.
 */
#include <string.h>

#include "sqlite/sqlite_util.h"

/* The numbers of the parameters in the SQL below. */
enum {
    P_RUN = 1,
    P_TASK,
    P_AGENT,
    P_AT,
    P_ATTEMPT,
    P_MAX_ATTEMPTS,
    P_SLOTS,
    P_PRIORITY,
    P_FENCE,
    P_UNTIL,
    P_NAME, /* 11 */
    P_KEY,
    P_KIND,
    P_PATTERN,
    P_INPUT, /* 15 */
    P_RESULT,
    P_ERROR,
    P_DEPS, /* 18, JSON */
    P_CAPABILITIES,
    P_STATE /* 20, a text */
};

#define STATEMENTS_MAX 2

static const char *const projections[MIDGE_EVENT_TYPES][STATEMENTS_MAX] = {
    [MIDGE_EVENT_AGENT_JOINED] =
        {"INSERT INTO agents(id,name,pattern,capabilities,slots,present,"
         "succeeded,failed,joined_ms) VALUES(?3,?11,?14,?19,?7,1,0,0,?4)"},
    [MIDGE_EVENT_AGENT_LEFT] =
        {"UPDATE agents SET present=0,left_ms=?4 WHERE id=?3"},
    [MIDGE_EVENT_RUN_SUBMITTED] =
        {"INSERT INTO runs(id,name,key,state,submitted_ms) "
         "VALUES(?1,?11,?12,'active',?4)"},
    [MIDGE_EVENT_RUN_FINISHED] =
        {"UPDATE runs SET state=?20,finished_ms=?4 WHERE id=?1"},
    [MIDGE_EVENT_TASK_ADDED] =
        {"INSERT INTO tasks(id,run,name,kind,state,agent,attempt,max_attempts,"
         "fence,lease_until_ms,priority,after,requires,input,changed_ms) "
         "VALUES(?2,?1,?11,?13,?20,0,0,?6,0,0,?8,?18,?19,?15,?4)"},
    [MIDGE_EVENT_TASK_READY] =
        {"UPDATE tasks SET state='ready',lease_until_ms=0,changed_ms=?4 "
         "WHERE id=?2"},
    [MIDGE_EVENT_TASK_LEASED] =
        {"UPDATE tasks SET state='leased',agent=?3,attempt=?5,fence=?9,"
         "lease_until_ms=?10,changed_ms=?4 WHERE id=?2"},
    [MIDGE_EVENT_LEASE_EXTENDED] =
        {"UPDATE tasks SET lease_until_ms=?10,changed_ms=?4 WHERE id=?2"},
    [MIDGE_EVENT_TASK_RELEASED] =
        {"UPDATE tasks SET state='ready',agent=0,attempt=?5,"
         "lease_until_ms=0,changed_ms=?4 WHERE id=?2"},
    [MIDGE_EVENT_TASK_RETRIED] =
        {"UPDATE tasks SET state='retry_wait',agent=0,lease_until_ms=0,"
         "error=?17,changed_ms=?4 WHERE id=?2",
         "UPDATE agents SET failed=failed+1 WHERE id=?3"},
    [MIDGE_EVENT_TASK_SUCCEEDED] =
        {"UPDATE tasks SET state='succeeded',lease_until_ms=0,result=?16,"
         "error=NULL,changed_ms=?4 WHERE id=?2",
         "UPDATE agents SET succeeded=succeeded+1 WHERE id=?3"},
    [MIDGE_EVENT_TASK_FAILED] =
        {"UPDATE tasks SET state='failed',lease_until_ms=0,error=?17,"
         "changed_ms=?4 WHERE id=?2",
         "UPDATE agents SET failed=failed+1 WHERE id=?3"},
    [MIDGE_EVENT_TASK_SKIPPED] =
        {"UPDATE tasks SET state='skipped',agent=0,changed_ms=?4 WHERE id=?2"},
    [MIDGE_EVENT_TASK_CANCELLED] =
        {"UPDATE tasks SET state='cancelled',agent=0,lease_until_ms=0,"
         "changed_ms=?4 WHERE id=?2"},
    [MIDGE_EVENT_RESULT_REJECTED] = {NULL},
};

struct mdg_projector {
    const midge_env *env;
    midge_buf lists; /* JSON of deps, then of capabilities */
    sqlite3_stmt *stmts[MIDGE_EVENT_TYPES][STATEMENTS_MAX];
};

midge_status mdg_projector_new(const midge_env *env, sqlite3 *db,
                               mdg_projector **out, midge_error *err) {
    *out = NULL;
    mdg_projector *p = env->realloc_fn(env->alloc_ctx, NULL, 0, sizeof *p);
    if (!p) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    memset(p, 0, sizeof *p);
    p->env = env;
    midge_buf_init(&p->lists, env, 0);
    for (size_t type = 0; type < MIDGE_EVENT_TYPES; type++) {
        for (size_t i = 0; i < STATEMENTS_MAX && projections[type][i]; i++) {
            midge_status status = mdg_sqlite_prepare(db, projections[type][i],
                                                     &p->stmts[type][i], err);
            if (status != MIDGE_OK) {
                mdg_projector_free(p);
                return status;
            }
        }
    }
    *out = p;
    return MIDGE_OK;
}

void mdg_projector_free(mdg_projector *p) {
    if (!p) {
        return;
    }
    for (size_t type = 0; type < MIDGE_EVENT_TYPES; type++) {
        for (size_t i = 0; i < STATEMENTS_MAX; i++) {
            sqlite3_finalize(p->stmts[type][i]);
        }
    }
    midge_buf_deinit(&p->lists);
    p->env->realloc_fn(p->env->alloc_ctx, p, sizeof *p, 0);
}

/* The two lists of an event as JSON, in p->lists; *split is where the second
 * begins. */
static midge_status write_lists(mdg_projector *p, const midge_event *event,
                                size_t *split) {
    midge_json_writer w;
    midge_buf_clear(&p->lists);
    midge_json_writer_init(&w, &p->lists, 0);
    midge_json_begin_array(&w);
    for (uint32_t i = 0; i < event->n_deps; i++) {
        midge_json_int(&w, event->deps[i]);
    }
    midge_json_end_array(&w);
    MIDGE_TRY(midge_json_writer_end(&w));
    *split = p->lists.size;
    midge_json_writer_init(&w, &p->lists, 0);
    midge_json_begin_array(&w);
    for (uint32_t i = 0; i < event->n_capabilities; i++) {
        midge_json_string_n(&w, event->capabilities[i].data,
                            event->capabilities[i].size);
    }
    midge_json_end_array(&w);
    return midge_json_writer_end(&w);
}

static const char *state_after(const midge_event *event) {
    if (event->type == MIDGE_EVENT_TASK_ADDED) {
        return midge_task_state_name(event->n_deps == 0 ? MIDGE_TASK_READY
                                                        : MIDGE_TASK_PENDING);
    }
    return midge_run_state_name((midge_run_state)event->run_state);
}

static int bind_number(sqlite3_stmt *stmt, int at, const midge_event *event) {
    const int64_t numbers[] = {
        [P_RUN] = event->run,
        [P_TASK] = event->task,
        [P_AGENT] = event->agent,
        [P_AT] = event->at_ms,
        [P_ATTEMPT] = event->attempt,
        [P_MAX_ATTEMPTS] = event->max_attempts,
        [P_SLOTS] = event->slots,
        [P_PRIORITY] = event->priority,
        [P_FENCE] = (int64_t)event->fence,
        [P_UNTIL] = event->until_ms,
    };
    return sqlite3_bind_int64(stmt, at, numbers[at]);
}

static int bind_text(sqlite3_stmt *stmt, int at, const midge_event *event) {
    const midge_text texts[] = {event->name,    event->key,   event->kind,
                                event->pattern, event->input, event->result,
                                event->error};
    midge_text text = texts[at - P_NAME];
    return sqlite3_bind_text(stmt, at, text.size ? text.data : "",
                             (int)text.size, SQLITE_STATIC);
}

static int bind_one(mdg_projector *p, sqlite3_stmt *stmt, int at,
                    const midge_event *event, size_t split) {
    if (at <= P_UNTIL) {
        return bind_number(stmt, at, event);
    }
    if (at <= P_ERROR) {
        return bind_text(stmt, at, event);
    }
    if (at == P_STATE) {
        return sqlite3_bind_text(stmt, at, state_after(event), -1,
                                 SQLITE_STATIC);
    }
    size_t start = at == P_DEPS ? 0 : split;
    size_t end = at == P_DEPS ? split : p->lists.size;
    return sqlite3_bind_text(stmt, at, p->lists.data + start,
                             (int)(end - start), SQLITE_STATIC);
}

static midge_status run_one(mdg_projector *p, sqlite3_stmt *stmt,
                            const midge_event *event, midge_error *err) {
    size_t split = 0;
    int n = sqlite3_bind_parameter_count(stmt);
    if (n >= P_DEPS && write_lists(p, event, &split) != MIDGE_OK) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    for (int at = 1; at <= n; at++) {
        int code = bind_one(p, stmt, at, event, split);
        if (code != SQLITE_OK) {
            return mdg_sqlite_fail(sqlite3_db_handle(stmt), code, "binding",
                                   err);
        }
    }
    return mdg_sqlite_run(stmt, err);
}

midge_status mdg_projector_apply(mdg_projector *p, const midge_event *event,
                                 midge_error *err) {
    for (size_t i = 0; i < STATEMENTS_MAX && p->stmts[event->type][i]; i++) {
        MIDGE_TRY(run_one(p, p->stmts[event->type][i], event, err));
    }
    return MIDGE_OK;
}
