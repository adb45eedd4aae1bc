/* pool_task.c: one claimed task as one call of an operation. */
#include <string.h>

#include "compute/pool_state.h"
#include "midge/os.h"

static midge_status get_blob(void *ctx, const char *ref, midge_buf *out,
                             midge_error *err) {
    const mdg_worker *worker = ctx;
    return midge_os_blob_get(worker->pool->blob_dir, ref, out, err);
}

static midge_status put_blob(void *ctx, const void *bytes, size_t size,
                             char ref[72], midge_error *err) {
    const mdg_worker *worker = ctx;
    return midge_os_blob_put(worker->pool->blob_dir, bytes, size, ref, err);
}

static double now_ms(void *ctx) {
    (void)ctx;
    return midge_os_monotonic_ms();
}

static void progress(void *ctx, double fraction, const char *note) {
    mdg_pool_notify(ctx, fraction < 0 ? 0 : fraction, note, 0, MIDGE_OK);
}

static int cancelled(void *ctx) {
    mdg_worker *worker = ctx;
    return atomic_load(&worker->end) != MDG_GO_ON;
}

void mdg_pool_notify(mdg_worker *worker, double fraction, const char *note,
                     int ended, midge_status status) {
    midge_pool *pool = worker->pool;
    if (!pool->on_notice) {
        return;
    }
    const midge_pool_notice notice = {
        .task = worker->claim.task,
        .agent = worker->claim.agent,
        .task_name = worker->task_name,
        .agent_name = worker->agent_name,
        .fraction = fraction,
        .note = note,
        .ended = ended,
        .status = status,
    };
    pthread_mutex_lock(&pool->notice_mutex);
    pool->on_notice(pool->ctx, &notice);
    pthread_mutex_unlock(&pool->notice_mutex);
}

int mdg_pool_is_retryable(midge_status status) {
    switch (status) {
    case MIDGE_E_INVALID:
    case MIDGE_E_LIMIT:
    case MIDGE_E_PARSE:
    case MIDGE_E_CORRUPT:
    case MIDGE_E_VERSION:
    case MIDGE_E_NOT_FOUND:
    case MIDGE_E_EXISTS:
    case MIDGE_E_STATE:
    case MIDGE_E_UNSUPPORTED:
    case MIDGE_E_MISMATCH:
    case MIDGE_E_INTERNAL:
        return 0; /* the same input fails in the same way */
    default:
        return 1;
    }
}

typedef struct look {
    mdg_worker *worker;
    midge_buf *input;
    midge_error *err;
    midge_status status;
} look;

static void copy_name(char out[MIDGE_SWARM_NAME_MAX + 1], midge_text name) {
    size_t size =
        name.size < MIDGE_SWARM_NAME_MAX ? name.size : MIDGE_SWARM_NAME_MAX;
    if (size > 0) {
        memcpy(out, name.data, size);
    }
    out[size] = '\0';
}

static void look_at_task(void *ctx, const midge_swarm *swarm) {
    look *l = ctx;
    midge_task_view task;
    midge_agent_view agent;
    const uint32_t id = l->worker->claim.task;
    if (!midge_swarm_task(swarm, id, &task) ||
        !midge_swarm_agent(swarm, l->worker->claim.agent, &agent)) {
        l->status = midge_fail(l->err, MIDGE_E_INTERNAL, "no task %u", id);
        return;
    }
    copy_name(l->worker->task_name, task.name);
    copy_name(l->worker->kind, task.kind);
    copy_name(l->worker->agent_name, agent.name);
    l->status = midge_swarm_task_input(swarm, id, l->input, l->err);
}

static midge_status find_op(const mdg_worker *worker, const midge_op **out,
                            midge_error *err) {
    const midge_op *op = worker->pool->find(worker->kind);
    *out = op;
    if (!op) {
        return midge_fail(err, MIDGE_E_NOT_FOUND, "no operation named %s",
                          worker->kind);
    }
    if (!(op->doors & MIDGE_OP_TASK) || !op->run) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "the operation %s cannot be a task", worker->kind);
    }
    return MIDGE_OK;
}

static midge_status call_op(mdg_worker *worker, const midge_op *op,
                            const midge_buf *input, midge_buf *result,
                            midge_error *err) {
    const midge_op_host host = {
        .ctx = worker,
        .get_blob = get_blob,
        .put_blob = put_blob,
        .now_ms = now_ms,
        .progress = progress,
        .cancelled = cancelled,
    };
    MIDGE_TRY(midge_op_run(op, worker->pool->env, &host, input->data,
                           input->size, result, err));
    if (result->size > MIDGE_SWARM_VALUE_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "the result of %s has %zu bytes, more than %u",
                          worker->kind, result->size, MIDGE_SWARM_VALUE_MAX);
    }
    return MIDGE_OK;
}

midge_status mdg_pool_run_task(mdg_worker *worker, midge_buf *result,
                               midge_error *err) {
    const midge_op *op = NULL;
    midge_buf input;
    midge_buf_init(&input, worker->pool->env, 0);
    look l = {worker, &input, err, MIDGE_OK};
    midge_driver_read(worker->pool->driver, look_at_task, &l);
    mdg_pool_notify(worker, -1, NULL, 0, MIDGE_OK);
    midge_status status = l.status;
    if (status == MIDGE_OK) {
        status = find_op(worker, &op, err);
    }
    if (status == MIDGE_OK) {
        status = call_op(worker, op, &input, result, err);
    }
    midge_buf_deinit(&input);
    return status;
}
