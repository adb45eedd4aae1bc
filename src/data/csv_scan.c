/* csv_scan.c: the tokenizer behind the readers of CSV. */
#include "data/csv_scan.h"

#include <string.h>

#include "base/utf8.h"
#include "data/table_columns.h"

midge_status mdg_csv_fail(midge_error *err, midge_status status, int64_t line,
                          size_t column, const char *what) {
    (void)midge_fail(err, status, "line %lld, column %zu: %s", (long long)line,
                     column, what);
    return mdg_place(err, status, (size_t)line, column);
}

/* No NUL, valid UTF-8: else it is not a text at all. */
midge_status mdg_csv_check_text(const char *text, size_t size,
                                midge_error *err) {
    int64_t line = 1;
    for (size_t i = 0; i < size;) {
        size_t step = mdg_utf8_size(text + i, size - i);
        if (text[i] == '\0' || step == 0) {
            (void)midge_fail(err, MIDGE_E_PARSE,
                             "line %lld: this is not a text file (CSV wants "
                             "UTF-8)",
                             (long long)line);
            return mdg_place(err, MIDGE_E_PARSE, (size_t)line, 0);
        }
        line += text[i] == '\n';
        i += step;
    }
    return MIDGE_OK;
}

static int may_separate(char c) {
    return c == ',' || c == ';' || c == '\t';
}

/* What stands outside of quotes in the header: a comma, else the first
 * semicolon or tab. */
static char find_separator(const char *text, size_t size) {
    char found = 0;
    char before = ','; /* a quote opens a cell only where a cell begins */
    int is_quoted = 0;
    for (size_t i = 0; i < size && (is_quoted || text[i] != '\n'); i++) {
        if (text[i] == '"' && (is_quoted || may_separate(before))) {
            is_quoted = !is_quoted;
        } else if (text[i] == ',' && !is_quoted) {
            return ',';
        } else if (may_separate(text[i]) && !is_quoted && !found) {
            found = text[i];
        }
        before = text[i];
    }
    return found ? found : ',';
}

void mdg_csv_rewind(mdg_csv *s) {
    s->at = s->size >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    s->line = 1;
    s->ends_row = 0;
}

/* Behind a cell: the separator, or the end of the line. */
static midge_status end_cell(mdg_csv *s, size_t column, midge_error *err) {
    s->ends_row = 1;
    if (s->at == s->size) {
        return MIDGE_OK;
    }
    char c = s->text[s->at++];
    if (c == '\r' && s->at < s->size && s->text[s->at] == '\n') {
        c = s->text[s->at++];
    }
    if (c == s->separator) {
        s->ends_row = 0;
    } else if (c == '\n') {
        s->line++;
    } else {
        return mdg_csv_fail(err, MIDGE_E_PARSE, s->line, column,
                            c == '\r' ? "a carriage return without a line feed"
                                      : "text behind a closing quote");
    }
    return MIDGE_OK;
}

static midge_status read_quoted(mdg_csv *s, size_t column, midge_error *err) {
    s->at++;
    for (;;) {
        if (s->at == s->size) {
            return mdg_csv_fail(err, MIDGE_E_PARSE, s->cell_line, column,
                                "a quoted cell is never closed");
        }
        char c = s->text[s->at++];
        if (c == '"') {
            if (s->at == s->size || s->text[s->at] != '"') {
                return end_cell(s, column, err);
            }
            s->at++;
        }
        s->line += c == '\n';
        if (midge_buf_append(&s->cell, &c, 1) != MIDGE_OK) {
            return mdg_csv_fail(err, s->cell.status, s->cell_line, column,
                                "a cell is longer than 65536 bytes");
        }
    }
}

static midge_status read_plain(mdg_csv *s, size_t column, midge_error *err) {
    size_t from = s->at;
    while (s->at < s->size && s->text[s->at] != s->separator &&
           s->text[s->at] != '\n' && s->text[s->at] != '\r') {
        s->at++;
    }
    size_t to = s->at;
    while (to > from && s->text[to - 1] == ' ') {
        to--;
    }
    while (from < to && s->text[from] == ' ') {
        from++;
    }
    if (midge_buf_append(&s->cell, s->text + from, to - from) != MIDGE_OK) {
        return mdg_csv_fail(err, s->cell.status, s->cell_line, column,
                            "a cell is longer than 65536 bytes");
    }
    return end_cell(s, column, err);
}

midge_status mdg_csv_next(mdg_csv *s, size_t column, midge_error *err) {
    midge_buf_clear(&s->cell);
    s->cell_line = s->line;
    s->is_quoted = s->at < s->size && s->text[s->at] == '"';
    return s->is_quoted ? read_quoted(s, column, err)
                        : read_plain(s, column, err);
}

int mdg_csv_has_row(mdg_csv *s) {
    while (s->at < s->size) {
        size_t at = s->at + (s->text[s->at] == '\r');
        if (at < s->size && s->text[at] != '\n') {
            return 1;
        }
        s->at = at < s->size ? at + 1 : at;
        s->line++;
    }
    return 0;
}

midge_status mdg_csv_fail_ragged(int64_t line, size_t found, size_t wanted,
                                 midge_error *err) {
    (void)midge_fail(err, MIDGE_E_PARSE,
                     "line %lld has %s%zu cells, the header has %zu",
                     (long long)line, found > wanted ? "more than " : "",
                     found > wanted ? wanted : found, wanted);
    return mdg_place(err, MIDGE_E_PARSE, (size_t)line, 0);
}

void mdg_csv_init(mdg_csv *s, const midge_env *env, const char *text,
                  size_t size, size_t cell_max) {
    *s = (mdg_csv){.text = text, .size = size};
    mdg_csv_rewind(s);
    s->separator = find_separator(text + s->at, size - s->at);
    midge_buf_init(&s->cell, env, cell_max ? cell_max : MDG_CSV_CELL_MAX);
}
