/* state_hash.c: the whole state as one sequence of bytes, into SHA-256.
 *
 * In order of ids, every number little-endian, every text with its size first:
 * so nothing depends on memory, on the shape of queues and indexes, or on the
 * machine. What is derived (queues, counters) is not part of it. */
#include "swarm/state.h"

typedef struct sink {
    midge_sha256 sha;
    uint8_t bytes[512]; /* hashing a few numbers at a time is slow */
    uint32_t used;
} sink;

static void flush(sink *s) {
    midge_sha256_update(&s->sha, s->bytes, s->used);
    s->used = 0;
}

static void put(sink *s, uint64_t value, uint32_t n_bytes) {
    if (s->used + n_bytes > sizeof s->bytes) {
        flush(s);
    }
    for (uint32_t i = 0; i < n_bytes; i++) {
        s->bytes[s->used++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_text(sink *s, midge_text text) {
    put(s, text.size, 4);
    if (text.size > 64) {
        flush(s);
        midge_sha256_update(&s->sha, text.data, text.size);
        return;
    }
    for (uint32_t i = 0; i < text.size; i++) {
        put(s, (uint8_t)text.data[i], 1);
    }
}

static void put_agent(sink *s, const mdg_agent *agent) {
    put_text(s, mdg_agent_name(agent));
    put_text(s, mdg_agent_pattern(agent));
    put(s, agent->mask, 8);
    put(s, agent->present, 1);
    put(s, agent->slots, 4);
    put(s, agent->succeeded, 4);
    put(s, agent->failed, 4);
}

static void put_task(sink *s, const midge_swarm *swarm, uint32_t id) {
    const mdg_task *task = &swarm->tasks[id];
    const mdg_node *node = &swarm->nodes[id];
    int timed = task->state == MIDGE_TASK_LEASED ||
                task->state == MIDGE_TASK_RETRY_WAIT;
    midge_text outcome = {task->outcome, task->outcome_size};
    put(s, task->run, 4);
    put(s, task->state, 1);
    put(s, task->agent, 4);
    put(s, task->attempt, 4);
    put(s, task->max_attempts, 4);
    put(s, task->fence, 8);
    put(s, (uint32_t)task->priority, 4);
    put(s, (uint64_t)task->backoff_ms, 8);
    put(s, timed ? (uint64_t)node->key : 0, 8);
    put(s, swarm->signatures[node->signature].mask, 8);
    put(s, task->n_deps, 4);
    for (uint32_t i = 0; i < task->n_deps; i++) {
        put(s, swarm->edges[task->first_edge + i].dep, 4);
    }
    put_text(s, mdg_task_name(task));
    put_text(s, mdg_task_kind(task));
    put_text(s, mdg_task_input_text(task));
    put_text(s, outcome);
}

static void put_swarm(sink *s, const midge_swarm *swarm) {
    put_text(s, mdg_text("midge.swarm.1"));
    put(s, swarm->last_seq, 8);
    put(s, swarm->open_run, 4);
    put(s, swarm->n_capabilities, 4);
    for (uint32_t i = 0; i < swarm->n_capabilities; i++) {
        midge_text name = {swarm->capabilities[i], swarm->capability_sizes[i]};
        put_text(s, name);
    }
    put(s, swarm->n_agents, 4);
    for (uint32_t id = 1; id <= swarm->n_agents; id++) {
        put_agent(s, &swarm->agents[id]);
    }
    put(s, swarm->n_runs, 4);
    for (uint32_t id = 1; id <= swarm->n_runs; id++) {
        put_text(s, mdg_run_name(&swarm->runs[id]));
        put_text(s, mdg_run_key(&swarm->runs[id]));
        put(s, swarm->runs[id].state, 1);
        put(s, swarm->runs[id].first_task, 4);
        put(s, swarm->runs[id].n_tasks, 4);
    }
    put(s, swarm->n_tasks, 4);
    for (uint32_t id = 1; id <= swarm->n_tasks; id++) {
        put_task(s, swarm, id);
    }
    flush(s);
}

midge_status midge_swarm_hash(const midge_swarm *swarm,
                              char hex[MIDGE_SHA256_HEX]) {
    if (!swarm || !hex) {
        return MIDGE_E_INVALID;
    }
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[MIDGE_SHA256_BYTES];
    sink s = {.used = 0};
    midge_sha256_init(&s.sha);
    put_swarm(&s, swarm);
    midge_sha256_final(&s.sha, digest);
    for (uint32_t i = 0; i < MIDGE_SHA256_BYTES; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[MIDGE_SHA256_HEX - 1] = 0;
    return MIDGE_OK;
}
