/* main.c: the midge program: finds the command, checks its arguments, runs it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli_index.h"
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
    const size_t size = strlen(about);
    int named = strstr(err->text, "line ") != NULL;
    if (strncmp(err->text, about, size) == 0 && err->text[size] == ':') {
        about = ""; /* it is named there */
    }
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

static int no_such_command(const char *name) {
    char word[CLI_NAME_MAX];
    const char *close = cli_closest_command(name, word);
    if (close) {
        return cli_complain(CLI_USAGE,
                            "there is no command '%s'; did you mean '%s'?",
                            name, close);
    }
    return cli_complain(
        CLI_USAGE, "there is no command '%s'; `midge help` lists them", name);
}

/* "index" and "add" as "index add"; `second` may be NULL. */
static void join(const char *first, const char *second,
                 char out[CLI_NAME_MAX]) {
    (void)snprintf(out, CLI_NAME_MAX, "%s%s%s", first, second ? " " : "",
                   second ? second : "");
}

static int show_help(cli *c) {
    const char *first = midge_json_get_string(c->args, "command", NULL);
    const char *second = midge_json_get_string(c->args, "subcommand", NULL);
    char name[CLI_NAME_MAX];
    if (!first) {
        cli_print_overview();
        return CLI_DONE;
    }
    join(first, second, name);
    const midge_op *op = cli_find(name);
    if (op) {
        cli_print_help(op);
        return CLI_DONE;
    }
    return !second && cli_print_family(first) ? CLI_DONE
                                              : no_such_command(name);
}

static int print_version(cli *c) {
    (void)c;
    puts("midge " MIDGE_VERSION);
    return CLI_DONE;
}

static int learn(cli *c) {
    return cli_learn(c, midge_json_get_string(c->args, "file", ""),
                     midge_json_get_string(c->args, "target", ""));
}

static int demo(cli *c) {
    return cli_demo(c, c->program);
}

static const struct {
    const char *name;
    int (*run)(cli *c);
} commands[] = {{"learn", learn},
                {"demo", demo},
                {"predict", cli_predict},
                {"train", cli_train},
                {"eval", cli_eval},
                {"net.info", cli_net_info},
                {"net.convert", cli_net_convert},
                {"net.export", cli_net_convert},
                {"net.quantize", cli_net_quantize},
                {"status", cli_status},
                {"tasks", cli_tasks},
                {"events", cli_events},
                {"doctor", cli_doctor},
                {"help", show_help},
                {"version", print_version},
                {"index.create", cli_index_create},
                {"index.add", cli_index_add},
                {"index.search", cli_index_search},
                {"index.delete", cli_index_delete},
                {"index.info", cli_index_info},
                {"index.verify", cli_index_verify},
                {"index.compact", cli_index_compact},
                {"index.tune", cli_index_tune},
                {"index.export", cli_index_export}};

static int run(cli *c) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(c->op->name, commands[i].name) == 0) {
            return commands[i].run(c);
        }
    }
    return cli_complain(CLI_FAILED, "%s has no program", c->op->name);
}

/* How many words of argv, the program's name not counted, are the command. */
static int command_of(int argc, char **argv, char name[CLI_NAME_MAX]) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        join("help", NULL, name);
        return argc < 2 ? 0 : 1;
    }
    if (strcmp(argv[1], "--version") == 0) {
        join("version", NULL, name);
        return 1;
    }
    join(argv[1], NULL, name);
    if (cli_find(name) || argc < 3 || argv[2][0] == '-') {
        return 1;
    }
    join(argv[1], argv[2], name);
    if (cli_find(name) || cli_has_family(argv[1])) {
        return 2;
    }
    join(argv[1], NULL, name);
    return 1;
}

int main(int argc, char **argv) {
    cli c = {.env = midge_os_env(), .program = argv[0]};
    int words = command_of(argc, argv, c.name);
    c.op = cli_find(c.name);
    if (!c.op) {
        /* `midge index`, `midge index --help` */
        return cli_print_family(c.name) ? CLI_DONE : no_such_command(c.name);
    }
    midge_arena_init(&c.arena, &c.env, ARENA_MAX);
    int wants_help = 0;
    int skip = 1 + words;
    int code = cli_read_args(&c, argc - skip, argv + skip, &wants_help);
    if (code == CLI_DONE && wants_help) {
        cli_print_help(c.op);
    } else if (code == CLI_DONE) {
        code = run(&c);
    }
    midge_arena_deinit(&c.arena);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE) {
        code = cli_complain(CLI_FAILED, "the output could not be written");
    }
    return code;
}
