/* csv.c: comma-separated values (RFC 4180) with a header line.
 *
 * The text is walked twice by one tokenizer: the first walk counts rows, finds
 * every way in which the file can be wrong, and learns each column's type; the
 * second fills the cells, and can only fail for lack of memory.
 *
 * Accepted beyond the RFC: LF or CRLF, a byte order mark, spaces around an
 * unquoted cell, ';' or tab as the separator when the header has no comma,
 * empty lines between rows.
 */
#include "data/table_columns.h"

#include <string.h>

#include "base/alloc.h"
#include "data/csv_scan.h"

/* What the first walk learns of a column. */
typedef struct facts {
    size_t n_numbers;
    size_t n_texts;
    int64_t bad_line; /* of the first nan or inf, 0 when there is none */
} facts;

/* The cell just read, as a float; BAD when none holds it, NaN when there is
 * none. */
static mdg_cell classify(const mdg_csv *s, float *number) {
    double value;
    mdg_cell kind = mdg_csv_cell(s, &value);
    *number = kind == MDG_CELL_NUMBER ? (float)value : __builtin_nanf("");
    return kind == MDG_CELL_NUMBER && *number - *number != 0.0f ? MDG_CELL_BAD
                                                                : kind;
}

static midge_status read_names(mdg_csv *s, midge_table *t, midge_error *err) {
    for (size_t c = 0; c < t->n_columns; c++) {
        MIDGE_TRY(mdg_csv_next(s, c + 1, err));
        t->columns[c].name =
            midge_arena_copy(&t->arena, s->cell.data, s->cell.size);
        if (!t->columns[c].name) {
            return mdg_no_memory("the table", err);
        }
    }
    return mdg_table_check_names(t, err);
}

/* One row of the first walk. */
static midge_status survey_row(mdg_csv *s, midge_table *t, facts *of,
                               midge_error *err) {
    int64_t line = s->line;
    for (size_t c = 0; c < t->n_columns; c++) {
        float number;
        MIDGE_TRY(mdg_csv_next(s, c + 1, err));
        switch (classify(s, &number)) {
        case MDG_CELL_NUMBER:
            of[c].n_numbers++;
            break;
        case MDG_CELL_BAD:
            if (of[c].bad_line == 0) {
                of[c].bad_line = s->cell_line;
            }
            break;
        case MDG_CELL_TEXT:
            of[c].n_texts++;
            break;
        case MDG_CELL_MISSING:
            break;
        }
        if (s->ends_row != (c + 1 == t->n_columns)) {
            return mdg_csv_fail_ragged(line, s->ends_row ? c + 1 : c + 2,
                                       t->n_columns, err);
        }
    }
    return MIDGE_OK;
}

/* A column is text when any cell is; nan and inf are refused in a column that
 * would be numbers. A column without any value counts as numbers. */
static midge_status choose_types(midge_table *t, const facts *of,
                                 midge_error *err) {
    for (size_t c = 0; c < t->n_columns; c++) {
        if (of[c].n_texts == 0 && of[c].bad_line != 0) {
            return mdg_csv_fail(
                err, MIDGE_E_PARSE, of[c].bad_line, c + 1,
                "not a finite 32-bit number; leave the cell empty "
                "if the value is missing");
        }
        t->columns[c].type =
            of[c].n_texts > 0 ? MIDGE_COLUMN_TEXT : MIDGE_COLUMN_NUMBER;
    }
    return MIDGE_OK;
}

static midge_status survey(mdg_csv *s, midge_table *t, midge_error *err) {
    facts *of = mdg_alloc_zero(t->env, t->n_columns, sizeof *of);
    midge_status status = of ? read_names(s, t, err) : MIDGE_E_NOMEM;
    size_t n_rows = 0;
    while (status == MIDGE_OK && mdg_csv_has_row(s)) {
        status = survey_row(s, t, of, err);
        n_rows++;
    }
    if (status == MIDGE_OK && n_rows == 0) {
        status = midge_fail(err, MIDGE_E_PARSE,
                            "the file has a header line but no rows");
    }
    if (status == MIDGE_OK) {
        status = choose_types(t, of, err);
    }
    mdg_release(t->env, of, t->n_columns, sizeof *of);
    if (status == MIDGE_OK) {
        t->n_rows = n_rows; /* only now: free counts on it */
    }
    return status;
}

static midge_status make_cells(midge_table *t, mdg_column *column) {
    if (column->type == MIDGE_COLUMN_NUMBER) {
        column->numbers = mdg_alloc(t->env, t->n_rows, sizeof(float));
        return column->numbers ? MIDGE_OK : MIDGE_E_NOMEM;
    }
    column->cells = mdg_alloc(t->env, t->n_rows, sizeof(int32_t));
    return column->cells ? MIDGE_OK : MIDGE_E_NOMEM;
}

/* The category of a text, added when it is new. */
static midge_status find_category(midge_table *t, mdg_column *column,
                                  const midge_buf *text, int32_t *out) {
    uint32_t size = (uint32_t)text->size;
    uint32_t known = mdg_map_get(&column->map, text->data, size);
    if (known != 0) {
        *out = (int32_t)known - 1;
        return MIDGE_OK;
    }
    if (column->n_categories == column->capacity) {
        size_t grown = column->capacity ? column->capacity * 2 : 8;
        const char **categories =
            mdg_resize(t->env, column->categories, column->capacity, grown,
                       sizeof *categories);
        if (!categories) {
            return MIDGE_E_NOMEM;
        }
        column->categories = categories;
        column->capacity = grown;
    }
    char *copy = midge_arena_copy(&t->arena, text->data, size);
    if (!copy) {
        return MIDGE_E_NOMEM;
    }
    MIDGE_TRY(mdg_map_put(&column->map, copy, size,
                          (uint32_t)column->n_categories + 1));
    *out = (int32_t)column->n_categories;
    column->categories[column->n_categories++] = copy;
    return MIDGE_OK;
}

static midge_status fill_cell(mdg_csv *s, midge_table *t, mdg_column *column,
                              size_t row) {
    float number;
    mdg_cell kind = classify(s, &number);
    if (column->type == MIDGE_COLUMN_NUMBER) {
        column->numbers[row] = number;
        return MIDGE_OK;
    }
    column->cells[row] = -1;
    if (kind == MDG_CELL_MISSING) {
        return MIDGE_OK;
    }
    return find_category(t, column, &s->cell, &column->cells[row]);
}

static midge_status fill(mdg_csv *s, midge_table *t, midge_error *err) {
    for (size_t c = 0; c < t->n_columns; c++) {
        MIDGE_TRY(make_cells(t, &t->columns[c]));
    }
    mdg_csv_rewind(s);
    for (size_t c = 0; c < t->n_columns; c++) {
        MIDGE_TRY(mdg_csv_next(s, c + 1, err));
    }
    for (size_t r = 0; r < t->n_rows && mdg_csv_has_row(s); r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            MIDGE_TRY(mdg_csv_next(s, c + 1, err));
            MIDGE_TRY(fill_cell(s, t, &t->columns[c], r));
        }
    }
    return MIDGE_OK;
}

static midge_status count_columns(mdg_csv *s, size_t *n, midge_error *err) {
    mdg_csv_rewind(s);
    *n = 0;
    if (!mdg_csv_has_row(s) || s->line != 1) {
        return mdg_csv_fail(
            err, MIDGE_E_PARSE, 1, 1,
            "the first line must be a header with column names");
    }
    while (!s->ends_row) {
        if (++*n > MIDGE_TABLE_COLUMNS_MAX) {
            return mdg_csv_fail(err, MIDGE_E_LIMIT, 1, *n,
                                "more than 65536 columns");
        }
        MIDGE_TRY(mdg_csv_next(s, *n, err));
    }
    mdg_csv_rewind(s);
    return MIDGE_OK;
}

midge_status mdg_csv_read(midge_table *table, const char *bytes, size_t size,
                          midge_error *err) {
    MIDGE_TRY(mdg_csv_check_text(bytes, size, err));
    mdg_csv s;
    size_t n_columns;
    mdg_csv_init(&s, table->env, bytes, size, 0);
    midge_status status = count_columns(&s, &n_columns, err);
    if (status == MIDGE_OK) {
        status = mdg_table_columns(table, n_columns, err);
    }
    if (status == MIDGE_OK) {
        status = survey(&s, table, err);
    }
    if (status == MIDGE_OK) {
        status = fill(&s, table, err);
    }
    midge_buf_deinit(&s.cell);
    return status == MIDGE_E_NOMEM ? mdg_no_memory("the table", err) : status;
}
