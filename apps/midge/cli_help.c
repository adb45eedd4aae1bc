/* cli_help.c: help, made from the table of operations. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define WIDTH 78

static const char *const order[] = {"demo",   "learn",  "train",  "predict",
                                    "eval",   "status", "tasks",  "events",
                                    "doctor", "help",   "version"};

/* Words of `text`, wrapped, each line after the first indented. */
static void print_wrapped(const char *text, int indent, int at) {
    while (*text) {
        size_t size = strcspn(text, " ");
        if (at + 1 + (int)size > WIDTH && at > indent) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)size, text);
        at += (int)size;
        text += size;
        text += *text == ' ';
    }
    putchar('\n');
}

void cli_print_overview(void) {
    puts("midge: agents that compute, working a durable graph of tasks.\n"
         "\nusage: midge COMMAND [ARGUMENTS]\n\ncommands:");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const midge_op *op = cli_find(order[i]);
        if (op) {
            printf("  %-9s %s\n", op->name, op->summary);
        }
    }
    puts("  index     Vectors with metadata, and the nearest of them: "
         "`midge help index`.");
    puts("  net       Files of neural networks: `midge help net`.");
    puts("\n`midge help COMMAND` explains one.\n"
         "exit codes: 0 done, 1 failed, 2 wrong usage or input, "
         "130 interrupted");
}

static int is_of_family(const midge_op *op, const char *family) {
    size_t size = strlen(family);
    return (op->doors & MIDGE_OP_CLI) && strncmp(op->name, family, size) == 0 &&
           op->name[size] == '.';
}

int cli_has_family(const char *family) {
    for (size_t i = 0; i < midge_ops_count(); i++) {
        if (is_of_family(midge_ops_at(i), family)) {
            return 1;
        }
    }
    return 0;
}

int cli_print_family(const char *family) {
    char name[CLI_NAME_MAX];
    if (!cli_has_family(family)) {
        return 0;
    }
    printf("usage: midge %s COMMAND [ARGUMENTS]\n\ncommands:\n", family);
    for (size_t i = 0; i < midge_ops_count(); i++) {
        const midge_op *op = midge_ops_at(i);
        if (is_of_family(op, family)) {
            printf("  %-15s %s\n", cli_spelled(op, name), op->summary);
        }
    }
    printf("\n`midge help %s COMMAND` explains one.\n", family);
    return 1;
}

/* "--seconds LIMIT", "FILE", "--json" */
static void spell_arg(const midge_arg *arg, char *out, size_t size) {
    const char *value = arg->value_name ? arg->value_name : "VALUE";
    if (arg->positional) {
        (void)snprintf(out, size, "%s", value);
        return;
    }
    (void)snprintf(out, size, "--%s%s%s", arg->name,
                   arg->type == MIDGE_ARG_BOOLEAN ? "" : " ",
                   arg->type == MIDGE_ARG_BOOLEAN ? "" : value);
    for (char *c = out; *c && *c != ' '; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

static void print_usage(const midge_op *op) {
    char word[96];
    char name[CLI_NAME_MAX];
    printf("usage: midge %s", cli_spelled(op, name));
    for (size_t i = 0; i < op->n_args; i++) {
        const midge_arg *arg = &op->args[i];
        spell_arg(arg, word, sizeof word);
        printf(arg->required ? " %s" : " [%s]", word);
    }
    puts("\n");
}

static void print_arg(const midge_arg *arg) {
    char word[96];
    char text[512];
    spell_arg(arg, word, sizeof word);
    size_t at = (size_t)snprintf(text, sizeof text, "%s", arg->help);
    if (arg->default_json && arg->type != MIDGE_ARG_BOOLEAN &&
        at < sizeof text) {
        (void)snprintf(text + at, sizeof text - at, " (default %s)",
                       arg->default_json);
    }
    int used = printf("  %-18s ", word);
    if (used > 21) {
        printf("\n%21s", "");
    }
    print_wrapped(text, 21, 21);
}

void cli_print_help(const midge_op *op) {
    printf("%s\n\n", op->summary);
    print_usage(op);
    print_wrapped(op->description, 0, 0);
    if (op->n_args > 0) {
        puts("");
    }
    for (size_t i = 0; i < op->n_args; i++) {
        print_arg(&op->args[i]);
    }
    printf("\nexample: %s\n", op->example);
}
