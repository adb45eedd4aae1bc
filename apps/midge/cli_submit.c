/* cli_submit.c: one request, one run.
 *
 * The key of a run is a hash of the data, the target and the options, and a
 * number that counts how often that very request was finished before. So the
 * same command resumes an unfinished run, and works again when it was finished.
 */
#include <stdio.h>
#include <string.h>

#include "cli_learn.h"
#include "midge/hash.h"

#define KEY_MAX 96

/* The options that a run depends on, as text. */
static void write_options(const cli_learning *l, midge_json_writer *w) {
    static const char *const passed[] = {"agents", "rounds", "seconds", "seed"};
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const midge_json *value = midge_json_get(l->c->args, passed[i]);
        if (value) {
            midge_json_key(w, passed[i]);
            midge_json_value(w, value);
        }
    }
    midge_json_key(w, "data");
    midge_json_string(w, l->ref);
    midge_json_key(w, "target");
    midge_json_string(w, l->target);
    midge_json_key(w, "title");
    midge_json_string(w, l->title);
}

static int request_hash(const cli_learning *l, char hex[MIDGE_SHA256_HEX]) {
    midge_buf text;
    midge_json_writer w;
    midge_buf_init(&text, &l->c->env, 0);
    midge_json_writer_init(&w, &text, 0);
    midge_json_begin_object(&w);
    write_options(l, &w);
    midge_json_end_object(&w);
    int ok = midge_json_writer_end(&w) == MIDGE_OK;
    if (ok) {
        midge_sha256_hex(text.data, text.size, hex);
    }
    midge_buf_deinit(&text);
    return ok;
}

/* ---- The run ------------------------------------------------------------- */

typedef struct finding {
    const char *hash;
    char key[KEY_MAX]; /* of the last run of this request, or a new one */
    uint32_t run;      /* 0: none to go on with */
    uint32_t last;     /* the last finished one, 0: none */
    uint32_t n_runs;
    unsigned ordinal;
} finding;

static void find(void *ctx, const midge_swarm *swarm) {
    finding *f = ctx;
    midge_run_view view;
    f->n_runs = midge_swarm_n_runs(swarm);
    for (f->ordinal = 1;; f->ordinal++) {
        int size = snprintf(f->key, sizeof f->key, "learn:%.32s:%u", f->hash,
                            f->ordinal);
        midge_text key = {f->key, (uint32_t)size};
        uint32_t run = midge_swarm_find_run(swarm, key);
        if (run == 0) {
            return;
        }
        if (midge_swarm_run(swarm, run, &view) &&
            view.state == MIDGE_RUN_ACTIVE) {
            f->run = run;
            return;
        }
        f->last = view.state == MIDGE_RUN_SUCCEEDED ? run : 0;
    }
}

static int plan(cli_learning *l, const finding *f, const midge_json **answer) {
    midge_buf text;
    midge_json_writer w;
    midge_error err = {.text = ""};
    cli_blobs none = {0};
    int64_t cores = (int64_t)midge_os_cores();
    midge_buf_init(&text, &l->c->env, 0);
    midge_json_writer_init(&w, &text, 0);
    midge_json_begin_object(&w);
    write_options(l, &w);
    midge_json_key(&w, "key");
    midge_json_string(&w, f->key);
    midge_json_key(&w, "threads");
    midge_json_int(&w, midge_json_get_int(l->c->args, "threads", cores));
    midge_json_key(&w, "priority"); /* the newest request first */
    midge_json_int(&w, f->n_runs < 1000000 ? f->n_runs : 1000000);
    midge_json_end_object(&w);
    midge_status status = midge_json_writer_end(&w);
    if (status == MIDGE_OK) {
        status = cli_run_op(l->c, "learn.plan", &none, text.data, text.size,
                            answer, &err);
    }
    midge_buf_deinit(&text);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "plan", &err);
}

static int submit(cli_learning *l, const midge_json *answer) {
    midge_buf text;
    midge_json_writer w;
    midge_command command;
    midge_reply reply = {0};
    midge_error err = {.text = ""};
    midge_buf_init(&text, &l->c->env, 0);
    midge_json_writer_init(&w, &text, 0);
    midge_json_value(&w, midge_json_get(answer, "plan"));
    midge_status status = midge_json_writer_end(&w);
    if (status == MIDGE_OK) {
        status =
            midge_plan_read(&l->c->arena, text.data, text.size, &command, &err);
    }
    if (status == MIDGE_OK) {
        status = midge_driver_command(l->driver, &command, &reply, &err);
    }
    midge_buf_deinit(&text);
    l->run = reply.run;
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "submit", &err);
}

/* ---- The agents ---------------------------------------------------------- */

typedef struct roll {
    const midge_json *wanted;
    uint32_t leave[256]; /* present, but not wanted */
    uint32_t n_leave;
    uint32_t missing; /* bit i: agent i of the plan is to join */
} roll;

static int text_is(midge_text text, const char *other) {
    return text.size == strlen(other) &&
           memcmp(text.data, other, text.size) == 0;
}

static void call_roll(void *ctx, const midge_swarm *swarm) {
    roll *r = ctx;
    r->n_leave = 0;
    r->missing = (1u << r->wanted->count) - 1;
    for (uint32_t id = 1; id <= midge_swarm_n_agents(swarm); id++) {
        midge_agent_view view;
        int wanted = 0;
        if (!midge_swarm_agent(swarm, id, &view) || !view.present) {
            continue;
        }
        unsigned bit = 0;
        for (const midge_json *a = r->wanted->child; a; a = a->next, bit++) {
            if (text_is(view.name, midge_json_get_string(a, "name", "")) &&
                text_is(view.pattern,
                        midge_json_get_string(a, "pattern", ""))) {
                wanted = 1;
                r->missing &= ~(1u << bit);
            }
        }
        if (!wanted && r->n_leave < 256) {
            r->leave[r->n_leave++] = id;
        }
    }
}

static midge_text text_of(const char *text) {
    return (midge_text){text, (uint32_t)strlen(text)};
}

static midge_status join(cli_learning *l, const midge_json *agent,
                         midge_error *err) {
    midge_text capabilities[8];
    midge_reply reply;
    midge_command command = {.type = MIDGE_COMMAND_JOIN};
    const midge_json *list = midge_json_get(agent, "capabilities");
    const midge_json *one = list ? list->child : NULL;
    for (; one && command.n_capabilities < 8; one = one->next) {
        capabilities[command.n_capabilities++] =
            (midge_text){one->string, one->count};
    }
    command.name = text_of(midge_json_get_string(agent, "name", ""));
    command.pattern = text_of(midge_json_get_string(agent, "pattern", ""));
    command.capabilities = capabilities;
    return midge_driver_command(l->driver, &command, &reply, err);
}

static midge_status leave(cli_learning *l, const roll *r, midge_error *err) {
    for (uint32_t i = 0; i < r->n_leave; i++) {
        midge_command command = {.type = MIDGE_COMMAND_LEAVE,
                                 .agent = r->leave[i]};
        midge_reply reply;
        MIDGE_TRY(midge_driver_command(l->driver, &command, &reply, err));
    }
    return MIDGE_OK;
}

void cli_dismiss_agents(cli_learning *l) {
    static const midge_json nobody = {.type = MIDGE_JSON_ARRAY};
    roll r = {.wanted = &nobody};
    midge_error err = {.text = ""};
    midge_driver_read(l->driver, call_roll, &r);
    if (leave(l, &r, &err) != MIDGE_OK) {
        (void)cli_complain_error(CLI_FAILED, "agents", &err);
    }
}

/* This process holds the lock, so agents of others are gone: they leave. */
static int gather_agents(cli_learning *l) {
    roll r = {.wanted = l->agents};
    midge_error err = {.text = ""};
    midge_driver_read(l->driver, call_roll, &r);
    midge_status status = leave(l, &r, &err);
    unsigned bit = 0;
    for (const midge_json *a = l->agents->child; a; a = a->next, bit++) {
        if (status == MIDGE_OK && (r.missing & (1u << bit))) {
            status = join(l, a, &err);
        }
    }
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "agents", &err);
}

int cli_submit(cli_learning *l) {
    char hash[MIDGE_SHA256_HEX];
    const midge_json *answer = NULL;
    if (!request_hash(l, hash)) {
        return cli_complain(CLI_FAILED, "out of memory");
    }
    finding f = {.hash = hash};
    midge_driver_read(l->driver, find, &f);
    if (f.run == 0 && f.last != 0 && !cli_results_exist(l, f.last)) {
        f.run = f.last; /* finished, but killed before it was written out */
    }
    int code = plan(l, &f, &answer);
    if (code != CLI_DONE) {
        return code;
    }
    l->agents = midge_json_get(answer, "agents");
    l->run = f.run;
    l->resumed = f.run != 0;
    if (f.run == 0) {
        code = submit(l, answer);
    }
    return code == CLI_DONE ? gather_agents(l) : code;
}
