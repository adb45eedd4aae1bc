/* main.c: the midge program: finds the command, checks its arguments, runs it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "midge/os.h"
#include "midge/version.h"

#define ARENA_MAX ((size_t)1 << 30)

int cli_complain(int code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("midge: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return code;
}

int cli_complain_error(int code, const char *about, const midge_error *err) {
    char where[96] = "";
    int named = strstr(err->text, "line ") != NULL;
    if (err->line > 0 && !named && strncmp(err->text, "column ", 7) == 0) {
        (void)snprintf(where, sizeof where, "line %lld, ",
                       (long long)err->line);
    } else if (err->line > 0 && !named && err->column > 0) {
        (void)snprintf(where, sizeof where,
                       "line %lld, column %lld: ", (long long)err->line,
                       (long long)err->column);
    } else if (err->line > 0 && !named) {
        (void)snprintf(where, sizeof where,
                       "line %lld: ", (long long)err->line);
    }
    return cli_complain(code, "%s%s%s%s", about, about[0] ? ": " : "", where,
                        err->text);
}

int cli_code_of(midge_status status) {
    switch (status) {
    case MIDGE_E_NOMEM:
    case MIDGE_E_BUSY:
    case MIDGE_E_INTERNAL:
    case MIDGE_E_TIMEOUT:
        return CLI_FAILED;
    default:
        return CLI_USAGE;
    }
}

static int show_help(const cli *c) {
    const char *name = midge_json_get_string(c->args, "command", NULL);
    if (!name) {
        cli_print_overview();
        return CLI_DONE;
    }
    const midge_op *op = cli_find(name);
    if (!op) {
        return cli_complain(CLI_USAGE, "there is no command '%s'", name);
    }
    cli_print_help(op);
    return CLI_DONE;
}

static int run(cli *c, const char *program) {
    const char *name = c->op->name;
    if (strcmp(name, "learn") == 0) {
        return cli_learn(c, midge_json_get_string(c->args, "file", ""),
                         midge_json_get_string(c->args, "target", ""));
    }
    if (strcmp(name, "demo") == 0) {
        return cli_demo(c, program);
    }
    if (strcmp(name, "predict") == 0) {
        return cli_predict(c);
    }
    if (strcmp(name, "status") == 0) {
        return cli_status(c);
    }
    if (strcmp(name, "tasks") == 0) {
        return cli_tasks(c);
    }
    if (strcmp(name, "events") == 0) {
        return cli_events(c);
    }
    if (strcmp(name, "doctor") == 0) {
        return cli_doctor(c);
    }
    if (strcmp(name, "help") == 0) {
        return show_help(c);
    }
    puts("midge " MIDGE_VERSION);
    return CLI_DONE;
}

static int no_such_command(const char *name) {
    const char *close = cli_closest_command(name);
    if (close) {
        return cli_complain(CLI_USAGE,
                            "there is no command '%s'; did you mean '%s'?",
                            name, close);
    }
    return cli_complain(
        CLI_USAGE, "there is no command '%s'; `midge help` lists them", name);
}

static const char *command_of(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        return "help";
    }
    return strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
}

int main(int argc, char **argv) {
    const char *name = command_of(argc, argv);
    cli c = {.env = midge_os_env(), .op = cli_find(name)};
    if (!c.op) {
        return no_such_command(name);
    }
    midge_arena_init(&c.arena, &c.env, ARENA_MAX);
    int wants_help = 0;
    int skip = argc < 2 ? 1 : 2;
    int code = cli_read_args(&c, argc - skip, argv + skip, &wants_help);
    if (code == CLI_DONE && wants_help) {
        cli_print_help(c.op);
    } else if (code == CLI_DONE) {
        code = run(&c, argv[0]);
    }
    midge_arena_deinit(&c.arena);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE) {
        code = cli_complain(CLI_FAILED, "the output could not be written");
    }
    return code;
}
