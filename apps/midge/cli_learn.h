/* cli_learn.h: what the files of `midge learn` share. */
#ifndef CLI_LEARN_H
#define CLI_LEARN_H

#include <pthread.h>

#include "cli.h"
#include "compute/pool.h"
#include "loop/driver.h"
#include "midge/os.h"

#define CLI_AGENTS_MAX 16

/* One line of the live table. */
typedef struct cli_agent_line {
    char name[32];
    char pattern[16];
    char task[48]; /* empty: idle */
    double fraction;
    char best[48]; /* "96.1 % (net)" */
    double best_score;
    int has_best;
} cli_agent_line;

/* Progress on stderr: a table that is redrawn on a terminal, else a line per
 * task. Its functions may be called from any thread. */
typedef struct cli_progress {
    pthread_mutex_t mutex;
    midge_driver *driver;
    const midge_env *env;
    int terminal;
    int drawn; /* lines on the screen */
    double start_ms;
    double drawn_ms;
    uint32_t n_agents;
    cli_agent_line agents[CLI_AGENTS_MAX];
} cli_progress;

/* `agents` as in the answer of learn.plan. */
void cli_progress_init(cli_progress *p, const midge_env *env,
                       midge_driver *driver, const midge_json *agents);
void cli_progress_deinit(cli_progress *p);
/* A midge_pool_notice_fn. */
void cli_progress_notice(void *ctx, const midge_pool_notice *notice);
/* A line above the table. */
void cli_progress_say(cli_progress *p, const char *format, ...)
    MIDGE_PRINTF(2, 3);
void cli_progress_finish(cli_progress *p);

typedef struct cli_learning {
    cli *c;
    cli_home home;
    const char *file;
    const char *target;
    char title[256];
    midge_buf bytes;          /* of the file */
    char ref[72];             /* of its blob */
    const midge_json *facts;  /* answer of data.load */
    const midge_json *agents; /* of the plan */
    midge_os_lock lock;
    int locked;
    midge_driver *driver;
    midge_error store_error; /* why the store can no longer be written */
    uint32_t run;
    int resumed;
    double start_ms;
} cli_learning;

/* cli_submit.c: finds the run to resume or submits a new one, and sees that
 * its agents are there. */
int cli_submit(cli_learning *l);
/* Every agent that is present leaves: this process, which worked for them, is
 * about to end. */
void cli_dismiss_agents(cli_learning *l);
/* cli_result.c: writes DIR/runs/<id>/ from the run's results and prints. */
int cli_write_results(cli_learning *l);
int cli_print_results(cli_learning *l);
/* Copies the result of the run's task `name` into the arena, parsed; NULL when
 * there is none. */
const midge_json *cli_task_result(cli_learning *l, const char *name);
/* 1 when DIR/runs/<run>/report.json, which is written last, is there. */
int cli_results_exist(const cli_learning *l, uint32_t run);

#endif
