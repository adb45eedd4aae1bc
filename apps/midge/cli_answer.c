/* cli_answer.c: one JSON value on stdout, with --json. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define ANSWER_BYTES_MAX ((size_t)1 << 36)

void cli_print_line(const midge_buf *text) {
    fwrite(text->data, 1, text->size, stdout);
    putchar('\n');
}

midge_json_writer *cli_answer_begin(cli *c, cli_answer *answer) {
    midge_buf_init(&answer->text, &c->env, ANSWER_BYTES_MAX);
    midge_json_writer_init(&answer->w, &answer->text, 0);
    return &answer->w;
}

void cli_answer_members(midge_json_writer *w, const midge_json *of,
                        const char *without) {
    for (const midge_json *m = of->child; m; m = m->next) {
        if (strcmp(m->key, without) != 0) {
            midge_json_key(w, m->key);
            midge_json_value(w, m);
        }
    }
}

int cli_answer_end(cli_answer *answer) {
    int ok = midge_json_writer_end(&answer->w) == MIDGE_OK;
    if (ok) {
        cli_print_line(&answer->text);
    }
    midge_buf_deinit(&answer->text);
    return ok ? CLI_DONE : cli_complain(CLI_FAILED, "out of memory");
}
