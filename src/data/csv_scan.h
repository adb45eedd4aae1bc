/* csv_scan.h: the cells of comma-separated values, one after the other. */
#ifndef MDG_CSV_SCAN_H
#define MDG_CSV_SCAN_H

#include "midge/buf.h"

#define MDG_CSV_CELL_MAX 65536u /* bytes of one cell */

typedef struct mdg_csv {
    const char *text;
    size_t size;
    size_t at;
    char separator;
    int64_t line; /* of `at`, from 1 */
    midge_buf cell;
    int64_t cell_line;
    int is_quoted;
    int ends_row; /* the cell just read is the last of its line */
} mdg_csv;

/* MIDGE_E_PARSE names the line that is not UTF-8 or has a zero. */
midge_status mdg_csv_check_text(const char *text, size_t size,
                                midge_error *err);
/* At the header. `cell_max` 0: MDG_CSV_CELL_MAX. Give s->cell back with
 * midge_buf_deinit. */
void mdg_csv_init(mdg_csv *s, const midge_env *env, const char *text,
                  size_t size, size_t cell_max);
/* Back to the header. */
void mdg_csv_rewind(mdg_csv *s);
/* Skips empty lines; 1 when a row follows. */
int mdg_csv_has_row(mdg_csv *s);
/* The next cell, into s->cell; `column` counts from 1 and is for errors. */
midge_status mdg_csv_next(mdg_csv *s, size_t column, midge_error *err);
midge_status mdg_csv_fail(midge_error *err, midge_status status, int64_t line,
                          size_t column, const char *what);
/* A row that has another number of cells than the header. */
midge_status mdg_csv_fail_ragged(int64_t line, size_t found, size_t wanted,
                                 midge_error *err);

/* ---- csv_number.c -------------------------------------------------------- */

typedef enum mdg_cell {
    MDG_CELL_MISSING, /* empty; or NA, N/A, null without quotes, in any case */
    MDG_CELL_NUMBER,
    MDG_CELL_BAD, /* a number that no double holds, nan, inf or infinity */
    MDG_CELL_TEXT
} mdg_cell;

/* What the cell just read is. `number` is set for NUMBER only. */
mdg_cell mdg_csv_cell(const mdg_csv *s, double *number);
/* A number is a decimal as people write it: a sign, digits with a point before,
 * between or behind them, an exponent; zeros before it do not count. Never
 * MISSING: an empty text is TEXT. */
mdg_cell mdg_csv_number(const char *text, size_t size, double *number);

#endif
