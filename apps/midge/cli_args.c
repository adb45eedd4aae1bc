/* cli_args.c: argv to the arguments of an operation, by its table.
 *
 * The words become one JSON object, which midge_op_check then checks like the
 * input of a task; only what concerns the form of a command line is found here.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define NAME_MAX_BYTES 64

const midge_op *cli_find(const char *name) {
    char dotted[CLI_NAME_MAX] = "";
    for (size_t i = 0; name[i] && i + 1 < sizeof dotted; i++) {
        dotted[i] = name[i] == ' ' ? '.' : name[i];
    }
    const midge_op *op = midge_ops_find(dotted);
    return op && (op->doors & MIDGE_OP_CLI) ? op : NULL;
}

const char *cli_spelled(const midge_op *op, char out[CLI_NAME_MAX]) {
    size_t i = 0;
    for (; op->name[i] && i + 1 < CLI_NAME_MAX; i++) {
        out[i] = op->name[i] == '.' ? ' ' : op->name[i];
    }
    out[i] = 0;
    return out;
}

/* ---- Suggestions --------------------------------------------------------- */

/* Edit distance (Wagner & Fischer); long words are never close. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[NAME_MAX_BYTES + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES) {
        return 99;
    }
    for (size_t j = 0; j <= m; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= n; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            /* Within both; the analyzer loses sight of the copy in b. */
            /* NOLINTNEXTLINE(clang-analyzer-core.*) */
            unsigned change = corner + (a[i - 1] != b[j - 1]);
            unsigned insert = row[j - 1] + 1;
            unsigned remove = row[j] + 1;
            corner = row[j];
            row[j] = change < insert ? change : insert;
            row[j] = row[j] < remove ? row[j] : remove;
        }
    }
    return row[m];
}

static int is_close(unsigned d, const char *word) {
    return d <= 2 && d < strlen(word);
}

const char *cli_closest_command(const char *name, char out[CLI_NAME_MAX]) {
    unsigned least = 99;
    for (size_t i = 0; i < midge_ops_count(); i++) {
        const midge_op *op = midge_ops_at(i);
        char spelled[CLI_NAME_MAX];
        unsigned d = distance(name, cli_spelled(op, spelled));
        if ((op->doors & MIDGE_OP_CLI) && d < least) {
            least = d;
            memcpy(out, spelled, sizeof spelled);
        }
    }
    return is_close(least, name) ? out : NULL;
}

/* The option's name as it is typed: dashes for underscores. */
static void spell(const char *name, char out[NAME_MAX_BYTES + 1]) {
    size_t i = 0;
    for (; name[i] && i < NAME_MAX_BYTES; i++) {
        out[i] = name[i] == '_' ? '-' : name[i];
    }
    out[i] = 0;
}

static int unknown_option(const cli *c, const char *given) {
    char best[NAME_MAX_BYTES + 1] = "";
    unsigned least = 99;
    for (size_t i = 0; i < c->op->n_args; i++) {
        char word[NAME_MAX_BYTES + 1];
        spell(c->op->args[i].name, word);
        unsigned d = distance(given, word);
        if (!c->op->args[i].positional && d < least) {
            least = d;
            memcpy(best, word, sizeof best);
        }
    }
    if (is_close(least, given)) {
        return cli_complain(CLI_USAGE,
                            "%s has no option --%s; did you mean --%s?",
                            c->name, given, best);
    }
    return cli_complain(CLI_USAGE, "%s has no option --%s; see `midge help %s`",
                        c->name, given, c->name);
}

/* ---- Reading ------------------------------------------------------------- */

typedef struct reading {
    cli *c;
    midge_json_writer w;
    char **argv;
    int argc;
    int at;
    uint64_t seen; /* bit i: args[i] was given */
} reading;

static const midge_arg *find_option(const midge_op *op, const char *word,
                                    size_t size) {
    for (size_t i = 0; i < op->n_args; i++) {
        char name[NAME_MAX_BYTES + 1];
        spell(op->args[i].name, name);
        if (!op->args[i].positional && strlen(name) == size &&
            memcmp(name, word, size) == 0) {
            return &op->args[i];
        }
    }
    return NULL;
}

/* Text that is a JSON number goes through as it is. */
static int put_number(reading *r, const char *shown, const char *value) {
    const midge_json *number;
    if (midge_json_read(&r->c->arena, value, strlen(value), &number, NULL) !=
            MIDGE_OK ||
        (number->type != MIDGE_JSON_INT && number->type != MIDGE_JSON_DOUBLE)) {
        return cli_complain(CLI_USAGE, "%s must be a number, not '%s'", shown,
                            value);
    }
    midge_json_value(&r->w, number);
    return CLI_DONE;
}

static int put(reading *r, const midge_arg *arg, const char *value) {
    char shown[NAME_MAX_BYTES + 3] = "--";
    uint64_t bit = (uint64_t)1 << (arg - r->c->op->args);
    if (arg->positional) {
        (void)snprintf(shown, sizeof shown, "%s", arg->value_name);
    } else {
        spell(arg->name, shown + 2);
    }
    if (r->seen & bit) {
        return cli_complain(CLI_USAGE, "%s is given twice", shown);
    }
    r->seen |= bit;
    midge_json_key(&r->w, arg->name);
    switch (arg->type) {
    case MIDGE_ARG_INTEGER:
    case MIDGE_ARG_NUMBER:
        return put_number(r, shown, value);
    case MIDGE_ARG_BOOLEAN:
        midge_json_bool(&r->w, 1);
        return CLI_DONE;
    default:
        midge_json_string(&r->w, value);
        return CLI_DONE;
    }
}

/* argv[at] is "--name", "--name=value" or "--name" and a value. */
static int read_option(reading *r) {
    const char *word = r->argv[r->at++] + 2;
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    const midge_arg *arg = find_option(r->c->op, word, size);
    if (!arg) {
        char name[NAME_MAX_BYTES + 1];
        (void)snprintf(name, sizeof name, "%.*s", (int)(size > 64 ? 64 : size),
                       word);
        return unknown_option(r->c, name);
    }
    if (arg->type == MIDGE_ARG_BOOLEAN) {
        return equals ? cli_complain(CLI_USAGE, "--%.*s takes no value",
                                     (int)size, word)
                      : put(r, arg, NULL);
    }
    if (equals) {
        return put(r, arg, equals + 1);
    }
    if (r->at == r->argc) {
        return cli_complain(CLI_USAGE, "--%s needs a value (%s)", word,
                            arg->value_name ? arg->value_name : "VALUE");
    }
    return put(r, arg, r->argv[r->at++]);
}

static int read_positional(reading *r) {
    const midge_op *op = r->c->op;
    const char *word = r->argv[r->at++];
    for (size_t i = 0; i < op->n_args; i++) {
        if (op->args[i].positional && !(r->seen & ((uint64_t)1 << i))) {
            return put(r, &op->args[i], word);
        }
    }
    return cli_complain(CLI_USAGE,
                        "%s has no use for '%s'; see `midge help %s`",
                        r->c->name, word, r->c->name);
}

static int read_words(reading *r, int *wants_help) {
    int only_words = 0; /* after "--" */
    while (r->at < r->argc) {
        const char *word = r->argv[r->at];
        int code;
        if (!only_words &&
            (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            *wants_help = 1;
            return CLI_DONE;
        }
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = 1;
            r->at++;
            continue;
        }
        if (!only_words && strncmp(word, "--", 2) == 0) {
            code = read_option(r);
        } else if (!only_words && word[0] == '-' && word[1] != 0) {
            code = cli_complain(CLI_USAGE,
                                "%s has no option %s; see `midge help %s`",
                                r->c->name, word, r->c->name);
        } else {
            code = read_positional(r);
        }
        if (code != CLI_DONE) {
            return code;
        }
    }
    return CLI_DONE;
}

/* "FILE is missing" rather than "file is missing". */
static int missing(const cli *c, uint64_t seen) {
    for (size_t i = 0; i < c->op->n_args; i++) {
        const midge_arg *arg = &c->op->args[i];
        if (arg->required && !(seen & ((uint64_t)1 << i))) {
            return cli_complain(
                CLI_USAGE, "%s needs %s%s%s; see `midge help %s`", c->name,
                arg->positional ? "" : "--", arg->positional ? "" : arg->name,
                arg->positional ? arg->value_name : "", c->name);
        }
    }
    return CLI_DONE;
}

static int check(cli *c, const midge_buf *text) {
    const midge_json *given;
    midge_error err = {.text = ""};
    midge_status status =
        midge_json_read(&c->arena, text->data, text->size, &given, &err);
    if (status == MIDGE_OK) {
        status = midge_op_check(c->op, &c->arena, given, &c->args, &err);
    }
    if (status != MIDGE_OK) {
        return cli_complain(CLI_USAGE, "%s: %s; see `midge help %s`", c->name,
                            err.text, c->name);
    }
    return CLI_DONE;
}

int cli_read_args(cli *c, int argc, char **argv, int *wants_help) {
    midge_buf text;
    midge_buf_init(&text, &c->env, 0);
    reading r = {.c = c, .argv = argv, .argc = argc};
    midge_json_writer_init(&r.w, &text, 0);
    midge_json_begin_object(&r.w);
    int code = read_words(&r, wants_help);
    midge_json_end_object(&r.w);
    if (code == CLI_DONE && !*wants_help) {
        code = missing(c, r.seen);
    }
    if (code == CLI_DONE && !*wants_help) {
        code = midge_json_writer_end(&r.w) == MIDGE_OK
                   ? check(c, &text)
                   : cli_complain(CLI_USAGE,
                                  "an argument is not valid UTF-8 text");
    }
    midge_buf_deinit(&text);
    return code;
}
