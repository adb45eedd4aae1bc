/* cli_progress.c: what a person sees while agents work. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_learn.h"

#define REDRAW_MS 100.0
#define BAR       16

void cli_progress_init(cli_progress *p, const midge_env *env,
                       midge_driver *driver, const midge_json *agents) {
    const char *term = isatty(2) ? "tty" : NULL;
    memset(p, 0, sizeof *p);
    (void)pthread_mutex_init(&p->mutex, NULL);
    p->env = env;
    p->driver = driver;
    p->terminal = term != NULL;
    p->start_ms = midge_os_monotonic_ms();
    for (const midge_json *a = agents->child; a; a = a->next) {
        if (p->n_agents < CLI_AGENTS_MAX) {
            cli_agent_line *line = &p->agents[p->n_agents++];
            (void)snprintf(line->name, sizeof line->name, "%s",
                           midge_json_get_string(a, "name", ""));
            (void)snprintf(line->pattern, sizeof line->pattern, "%s",
                           midge_json_get_string(a, "pattern", ""));
        }
    }
}

void cli_progress_deinit(cli_progress *p) {
    (void)pthread_mutex_destroy(&p->mutex);
}

static double seconds(const cli_progress *p) {
    return (midge_os_monotonic_ms() - p->start_ms) / 1000.0;
}

/* ---- The table ----------------------------------------------------------- */

static void erase(cli_progress *p) {
    if (p->drawn > 0) {
        fprintf(stderr, "\033[%dA\033[J", p->drawn);
    }
    p->drawn = 0;
}

static void draw_line(const cli_agent_line *line) {
    char bar[BAR + 1];
    int full = (int)(line->fraction * BAR + 0.5);
    for (int i = 0; i < BAR; i++) {
        bar[i] = !line->task[0] ? ' ' : i < full ? '#' : '.';
    }
    bar[BAR] = 0;
    fprintf(stderr, "  %-6s %-11s %-18s %s  %s\n", line->name, line->pattern,
            line->task[0] ? line->task : "-", bar,
            line->has_best ? line->best : "");
}

static void draw(cli_progress *p) {
    erase(p);
    fprintf(stderr, "  %.1f s\n", seconds(p));
    for (uint32_t i = 0; i < p->n_agents; i++) {
        draw_line(&p->agents[i]);
    }
    p->drawn = (int)p->n_agents + 1;
    p->drawn_ms = midge_os_monotonic_ms();
    (void)fflush(stderr);
}

void cli_progress_say(cli_progress *p, const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)pthread_mutex_lock(&p->mutex);
    erase(p);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    (void)pthread_mutex_unlock(&p->mutex);
    va_end(list);
}

void cli_progress_finish(cli_progress *p) {
    (void)pthread_mutex_lock(&p->mutex);
    if (p->terminal) {
        draw(p);
    }
    p->drawn = 0;
    (void)pthread_mutex_unlock(&p->mutex);
}

/* ---- What a task came to ------------------------------------------------- */

typedef struct outcome {
    const midge_env *env;
    uint32_t task;
    midge_buf result;
} outcome;

static void copy_result(void *ctx, const midge_swarm *swarm) {
    outcome *o = ctx;
    midge_task_view view;
    if (midge_swarm_task(swarm, o->task, &view)) {
        (void)!midge_buf_append(&o->result, view.result.data, view.result.size);
    }
}

/* "96.1 % (net)" for a candidate or the ensemble; 0 when it has no score. */
static int describe(const midge_json *result, char *out, size_t size,
                    double *score) {
    const midge_json *candidate = midge_json_get(result, "candidate");
    const midge_json *test = midge_json_get(result, "test");
    const midge_json *from = candidate ? candidate : test ? test : result;
    const char *key = candidate || test ? "score" : "oof_score";
    const midge_json *value = midge_json_get(from, key);
    if (!value || value->type == MIDGE_JSON_NULL) {
        return 0;
    }
    *score = value->number;
    const char *family = midge_json_get_string(candidate, "family", NULL);
    (void)snprintf(out, size, "%.4f%s%s%s", *score, family ? " (" : "",
                   family ? family : "", family ? ")" : "");
    return 1;
}

static int read_outcome(cli_progress *p, uint32_t task, char *out, size_t size,
                        double *score) {
    outcome o = {.env = p->env, .task = task};
    midge_arena arena;
    const midge_json *result;
    int found = 0;
    midge_buf_init(&o.result, p->env, 0);
    midge_arena_init(&arena, p->env, (size_t)64 << 20);
    midge_driver_read(p->driver, copy_result, &o);
    if (o.result.size > 0 &&
        midge_json_read(&arena, o.result.data, o.result.size, &result, NULL) ==
            MIDGE_OK) {
        found = describe(result, out, size, score);
    }
    midge_arena_deinit(&arena);
    midge_buf_deinit(&o.result);
    return found;
}

/* ---- Notices ------------------------------------------------------------- */

static cli_agent_line *line_of(cli_progress *p, const char *agent) {
    for (uint32_t i = 0; agent && i < p->n_agents; i++) {
        if (strcmp(p->agents[i].name, agent) == 0) {
            return &p->agents[i];
        }
    }
    return NULL;
}

static void note_end(cli_progress *p, cli_agent_line *line,
                     const midge_pool_notice *n) {
    char text[48] = "";
    double score = 0.0;
    int scored = n->status == MIDGE_OK &&
                 read_outcome(p, n->task, text, sizeof text, &score);
    if (line) {
        line->task[0] = 0;
        if (scored && strncmp(n->task_name, "test", 4) != 0 &&
            (!line->has_best || score > line->best_score)) {
            line->has_best = 1;
            line->best_score = score;
            (void)snprintf(line->best, sizeof line->best, "%s", text);
        }
    }
    if (!p->terminal || n->status != MIDGE_OK) {
        erase(p);
        fprintf(stderr, "%7.1f s  %-6s %-18s %s%s%s\n", seconds(p),
                n->agent_name ? n->agent_name : "?", n->task_name,
                n->status == MIDGE_OK ? "done" : midge_status_text(n->status),
                text[0]                            ? "  "
                : n->status != MIDGE_OK && n->note ? ": "
                                                   : "",
                text[0]                            ? text
                : n->status != MIDGE_OK && n->note ? n->note
                                                   : "");
    }
}

void cli_progress_notice(void *ctx, const midge_pool_notice *notice) {
    cli_progress *p = ctx;
    (void)pthread_mutex_lock(&p->mutex);
    cli_agent_line *line = line_of(p, notice->agent_name);
    if (notice->ended) {
        note_end(p, line, notice);
    } else if (line) {
        (void)snprintf(line->task, sizeof line->task, "%s", notice->task_name);
        line->fraction = notice->fraction < 0.0   ? 0.0
                         : notice->fraction > 1.0 ? 1.0
                                                  : notice->fraction;
    }
    int due = midge_os_monotonic_ms() - p->drawn_ms > REDRAW_MS;
    if (p->terminal && (notice->ended || due)) {
        draw(p);
    }
    (void)pthread_mutex_unlock(&p->mutex);
}
