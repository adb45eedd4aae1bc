/* cli.h: what the files of the command line share. A door: it turns argv into
 * the arguments of an operation and answers into text, and decides nothing.
 *
 * Exit codes: 0 done; 1 failed; 2 wrong usage or wrong input, and then nothing
 * was written; 130 interrupted.
 */
#ifndef CLI_H
#define CLI_H

#include <stddef.h>
#include <stdint.h>

#include "midge/json.h"
#include "midge/ops.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

#define CLI_PATH_MAX 4096
#define CLI_NAME_MAX 64

typedef struct cli {
    const char *program; /* argv[0] */
    midge_env env;
    midge_arena arena;
    const midge_op *op;      /* the command */
    char name[CLI_NAME_MAX]; /* as it is typed: "index add" */
    const midge_json *args;  /* checked, complete */
} cli;

/* "midge: ..." on stderr, as one line; returns `code`. */
int cli_complain(int code, const char *format, ...) MIDGE_PRINTF(2, 3);
/* The same about an error, with line and column where there are any. */
int cli_complain_error(int code, const char *about, const midge_error *err);
/* 2 for what the caller can mend in the input, 1 otherwise. */
int cli_code_of(midge_status status);

/* ---- cli_args.c ---------------------------------------------------------- */

/* Fills c->args from argv (without program and command name). 0 and
 * *wants_help, or CLI_USAGE after complaining. */
int cli_read_args(cli *c, int argc, char **argv, int *wants_help);
/* The command of that name ("index add" too), NULL when there is none. */
const midge_op *cli_find(const char *name);
/* The name of a command as it is typed: "index add" for index.add. */
const char *cli_spelled(const midge_op *op, char out[CLI_NAME_MAX]);
/* The closest command name, in `out`; NULL when none is close. */
const char *cli_closest_command(const char *name, char out[CLI_NAME_MAX]);

/* ---- cli_help.c ---------------------------------------------------------- */

void cli_print_overview(void);
/* Whether commands begin with `family` and a point; print_family prints them.
 */
int cli_has_family(const char *family);
int cli_print_family(const char *family);
void cli_print_help(const midge_op *op);

/* ---- cli_home.c: where a swarm lives ------------------------------------- */

typedef struct cli_home {
    char dir[CLI_PATH_MAX]; /* DIR */
    char lock[CLI_PATH_MAX];
    char store[CLI_PATH_MAX]; /* DIR/swarm.db */
    char blobs[CLI_PATH_MAX];
} cli_home;

/* --db, else the nearest .midge upward that holds a swarm, else ./.midge.
 * Touches nothing. 0 or CLI_USAGE. */
int cli_find_home(const cli *c, cli_home *home);
int cli_home_exists(const cli_home *home);
/* DIR/runs/<run>/<file> */
void cli_run_path(const cli_home *home, int64_t run, const char *file,
                  char path[CLI_PATH_MAX]);
/* Bounded formatting of a path; 0 when it does not fit. */
int cli_path(char path[CLI_PATH_MAX], const char *format, ...)
    MIDGE_PRINTF(2, 3);

/* ---- cli_blobs.c: operations without a swarm ----------------------------- */

/* Runs an operation in this process with its two blobs ("data", "model") given
 * as bytes; what it stores goes nowhere, or replaces `stored`. The answer lies
 * in c->arena. */
typedef struct cli_blobs {
    const midge_buf *data;
    const midge_buf *model;
    midge_buf *stored;   /* may be NULL */
    struct cli_bar *bar; /* of progress; may be NULL */
    int interruptible;   /* a signal asks the operation to end */
} cli_blobs;
midge_status cli_run_op(cli *c, const char *op, const cli_blobs *blobs,
                        const char *args_json, size_t size,
                        const midge_json **answer, midge_error *err);
/* The same with the arguments of this command that the operation has too, and
 * with all threads that --threads allows. */
midge_status cli_pass_to_op(cli *c, const char *name, const cli_blobs *blobs,
                            const midge_json **answer, midge_error *err);

/* ---- cli_signal.c -------------------------------------------------------- */

/* From now on the first SIGINT or SIGTERM only sets what cli_interrupted tells;
 * the second one ends the process as usual. */
void cli_watch_interrupts(void);
int cli_interrupted(void);

/* ---- cli_answer.c -------------------------------------------------------- */

/* One JSON value on stdout: begin, write it, end. The end prints it with a
 * newline, gives the memory back and returns an exit code. */
typedef struct cli_answer {
    midge_buf text;
    midge_json_writer w;
} cli_answer;
midge_json_writer *cli_answer_begin(cli *c, cli_answer *answer);
/* The members of an object, but for one. */
void cli_answer_members(midge_json_writer *w, const midge_json *of,
                        const char *without);
int cli_answer_end(cli_answer *answer);
/* All of it on stdout, and a newline. */
void cli_print_line(const midge_buf *text);

/* ---- The commands: each returns an exit code ----------------------------- */

int cli_learn(cli *c, const char *file, const char *target);
int cli_demo(cli *c, const char *program);
int cli_predict(cli *c);
int cli_train(cli *c);
int cli_eval(cli *c);
int cli_net_info(cli *c);
int cli_net_convert(cli *c);
int cli_net_quantize(cli *c);
int cli_status(cli *c);
int cli_tasks(cli *c);
int cli_events(cli *c);
int cli_doctor(cli *c);
/* The commands of `midge index`: see cli_index.h. */

#endif
