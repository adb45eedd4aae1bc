/* source_csv.c: rows of CSV as JSON objects. What a column is was learned by a
 * walk of its own: numbers (csv_number.c), true and false, or sets, unless
 * another cell of the column is something else; then all are texts. */
#include "data/source.h"

#include <string.h>

#include "base/alloc.h"

/* ---- Cells --------------------------------------------------------------- */

/* Words for a missing value are texts where the others are texts. */
static int is_missing(const mdg_csv *csv, const mdg_csv_column *column) {
    double number;
    const int has_words = column->role == MDG_CSV_VECTOR ||
                          column->role == MDG_CSV_TEXT ||
                          (column->seen && column->kind == MIDGE_META_STRING);
    return csv->cell.size == 0 ||
           (!has_words && mdg_csv_cell(csv, &number) == MDG_CELL_MISSING);
}

static int cell_is(const mdg_csv *csv, const char *word) {
    return csv->cell.size == strlen(word) &&
           memcmp(csv->cell.data, word, csv->cell.size) == 0;
}

/* At most 18 digits, with a sign and zeros before them: exact. */
static int read_whole(const char *text, size_t size, int64_t *out) {
    size_t i = text[0] == '-' || text[0] == '+';
    while (i < size && text[i] == '0') {
        i++;
    }
    const size_t first = i;
    *out = 0;
    for (; i < size && text[i] >= '0' && text[i] <= '9' && i - first < 18;
         i++) {
        *out = *out * 10 + (text[i] - '0');
    }
    *out = text[0] == '-' ? -*out : *out;
    return i == size;
}

/* The scalar a cell reads as; STRING when it is nothing else, NULL when it is
 * a number that is none. */
static midge_json read_cell(const mdg_csv *csv) {
    midge_json value = {.type = MIDGE_JSON_STRING};
    int is_true = cell_is(csv, "true");
    if (is_true || cell_is(csv, "false")) {
        value.type = MIDGE_JSON_BOOL;
        value.integer = is_true;
        return value;
    }
    mdg_cell kind = mdg_csv_cell(csv, &value.number);
    if (kind == MDG_CELL_BAD) {
        value.type = MIDGE_JSON_NULL;
    } else if (kind == MDG_CELL_NUMBER) {
        value.type = read_whole(csv->cell.data, csv->cell.size, &value.integer)
                         ? MIDGE_JSON_INT
                         : MIDGE_JSON_DOUBLE;
    }
    return value;
}

/* An array of texts, as export writes a set; NULL when it is none. */
static midge_status read_set(const mdg_csv *csv, midge_arena *arena,
                             const midge_json **out) {
    const char *text = csv->cell.data;
    *out = NULL;
    if (csv->cell.size < 2 || text[0] != '[' ||
        (text[1] != '"' && text[1] != ']')) {
        return MIDGE_OK;
    }
    midge_status status =
        midge_json_read(arena, text, csv->cell.size, out, NULL);
    for (const midge_json *j = *out ? (*out)->child : NULL; j; j = j->next) {
        if (j->type != MIDGE_JSON_STRING) {
            *out = NULL;
            break;
        }
    }
    return status == MIDGE_E_NOMEM ? status : MIDGE_OK;
}

/* ---- The walk that learns ------------------------------------------------ */

static midge_status kind_of_cell(const midge_vector_source *s,
                                 const midge_json *value,
                                 midge_column_kind *out) {
    midge_arena arena;
    const midge_json *set = NULL;
    if (value->type != MIDGE_JSON_STRING) {
        *out = value->type == MIDGE_JSON_BOOL  ? MIDGE_META_BOOL
               : value->type == MIDGE_JSON_INT ? MIDGE_META_INT
                                               : MIDGE_META_FLOAT;
        return MIDGE_OK;
    }
    midge_arena_init(&arena, s->env, 0);
    midge_status status = read_set(&s->csv, &arena, &set);
    *out = set ? MIDGE_META_SET : MIDGE_META_STRING;
    midge_arena_deinit(&arena);
    return status;
}

static int is_number_kind(midge_column_kind kind) {
    return kind == MIDGE_META_INT || kind == MIDGE_META_FLOAT;
}

static midge_status see_cell(const midge_vector_source *s,
                             mdg_csv_column *column) {
    midge_column_kind kind;
    if (is_missing(&s->csv, column)) {
        return MIDGE_OK;
    }
    midge_json value = read_cell(&s->csv);
    if (value.type == MIDGE_JSON_NULL) {
        column->bad_line =
            column->bad_line ? column->bad_line : s->csv.cell_line;
        return MIDGE_OK;
    }
    MIDGE_TRY(kind_of_cell(s, &value, &kind));
    int numbers = is_number_kind(kind) && is_number_kind(column->kind);
    if (!column->seen || column->kind == kind) {
        column->kind = kind;
    } else {
        column->kind = numbers ? MIDGE_META_FLOAT : MIDGE_META_STRING;
    }
    column->seen = 1;
    return MIDGE_OK;
}

static midge_status walk_row(midge_vector_source *s, midge_error *err) {
    int64_t line = s->csv.line;
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        MIDGE_TRY(mdg_csv_next(&s->csv, c + 1, err));
        if (see_cell(s, &s->csv_columns[c]) != MIDGE_OK) {
            return mdg_no_memory("a cell", err);
        }
        if (s->csv.ends_row != (c + 1 == s->n_csv_columns)) {
            return mdg_csv_fail_ragged(line, s->csv.ends_row ? c + 1 : c + 2,
                                       s->n_csv_columns, err);
        }
    }
    return MIDGE_OK;
}

static midge_status count_names(midge_vector_source *s, midge_error *err) {
    do {
        MIDGE_TRY(mdg_csv_next(&s->csv, s->n_csv_columns + 1, err));
        s->n_csv_columns++;
    } while (!s->csv.ends_row);
    mdg_csv_rewind(&s->csv);
    s->csv_columns =
        mdg_alloc_zero(s->env, s->n_csv_columns, sizeof *s->csv_columns);
    return s->csv_columns
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu columns",
                            s->n_csv_columns);
}

static midge_status read_names(midge_vector_source *s, midge_error *err) {
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        MIDGE_TRY(mdg_csv_next(&s->csv, c + 1, err));
        const char *name =
            midge_arena_copy(&s->names, s->csv.cell.data, s->csv.cell.size);
        if (!name) {
            return mdg_no_memory("names", err);
        }
        if (s->csv.cell.size == 0) {
            return mdg_csv_fail(err, MIDGE_E_PARSE, 1, c + 1,
                                "a column without a name");
        }
        for (size_t before = 0; before < c; before++) {
            if (strcmp(s->csv_columns[before].name, name) == 0) {
                return mdg_csv_fail(err, MIDGE_E_PARSE, 1, c + 1,
                                    "two columns have the same name");
            }
        }
        s->csv_columns[c].name = name;
    }
    return MIDGE_OK;
}

static int is_number_column(const mdg_csv_column *column) {
    return column->seen && is_number_kind(column->kind);
}

/* Without a column that is the vector all numbers together are it. */
static void give_roles(midge_vector_source *s) {
    int has_vector = s->options.text != NULL;
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        mdg_csv_column *column = &s->csv_columns[c];
        if (strcmp(column->name, s->options.id) == 0) {
            column->role = MDG_CSV_ID;
        } else if (strcmp(column->name, s->options.vector) == 0) {
            column->role = MDG_CSV_VECTOR;
            has_vector = 1;
        } else if (s->options.text &&
                   strcmp(column->name, s->options.text) == 0) {
            column->role = MDG_CSV_TEXT;
        }
    }
    for (size_t c = 0; !has_vector && c < s->n_csv_columns; c++) {
        mdg_csv_column *column = &s->csv_columns[c];
        if (column->role == MDG_CSV_META && is_number_column(column)) {
            column->role = MDG_CSV_COMPONENT;
        }
    }
}

/* What is no finite number is a text among texts, and refused among numbers. */
static midge_status settle_bad_numbers(midge_vector_source *s,
                                       midge_error *err) {
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        mdg_csv_column *column = &s->csv_columns[c];
        if (column->bad_line == 0 || column->role == MDG_CSV_VECTOR ||
            column->role == MDG_CSV_TEXT) {
            continue;
        }
        if (!column->seen || is_number_kind(column->kind)) {
            return mdg_csv_fail(err, MIDGE_E_PARSE, column->bad_line, c + 1,
                                "not a finite number; leave the cell empty if "
                                "the value is missing");
        }
        column->kind = MIDGE_META_STRING;
    }
    return MIDGE_OK;
}

void mdg_source_csv_rewind(midge_vector_source *s) {
    mdg_csv_rewind(&s->csv);
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        (void)!mdg_csv_next(&s->csv, c + 1, NULL); /* was read before */
    }
}

midge_status mdg_source_csv_open(midge_vector_source *s, midge_error *err) {
    const char *text = (const char *)s->bytes;
    MIDGE_TRY(mdg_csv_check_text(text, s->size, err));
    mdg_csv_init(&s->csv, s->env, text, s->size, MDG_SOURCE_CELL_MAX);
    MIDGE_TRY(count_names(s, err));
    MIDGE_TRY(read_names(s, err));
    while (mdg_csv_has_row(&s->csv)) {
        MIDGE_TRY(walk_row(s, err));
    }
    give_roles(s);
    return settle_bad_numbers(s, err);
}

void mdg_source_csv_close(midge_vector_source *s) {
    if (s->csv.text) {
        midge_buf_deinit(&s->csv.cell);
    }
    mdg_release(s->env, s->csv_columns, s->n_csv_columns,
                sizeof *s->csv_columns);
}

/* ---- Rows as objects ----------------------------------------------------- */

typedef struct building {
    midge_vector_source *source;
    midge_arena *arena;
    midge_json *object;
    midge_json **tail;
    midge_json *vector; /* of components */
    midge_json **vector_tail;
    midge_error *err;
} building;

static midge_status no_memory(midge_error *err) {
    return mdg_no_memory("a row", err);
}

static midge_json *add_node(building *b, midge_json ***tail, midge_json *parent,
                            const midge_json *value) {
    midge_json *node = midge_arena_alloc(b->arena, sizeof *node);
    if (node) {
        *node = *value;
        node->next = NULL;
        **tail = node;
        *tail = &node->next;
        parent->count++;
    }
    return node;
}

static midge_status add_member(building *b, const char *key,
                               const midge_json *value) {
    midge_json *node = add_node(b, &b->tail, b->object, value);
    if (!node) {
        return no_memory(b->err);
    }
    node->key = key;
    node->key_size = (uint32_t)strlen(key);
    return MIDGE_OK;
}

static midge_status as_text(building *b, midge_json *value) {
    const midge_buf *cell = &b->source->csv.cell;
    *value =
        (midge_json){.type = MIDGE_JSON_STRING, .count = (uint32_t)cell->size};
    value->string = midge_arena_copy(b->arena, cell->data, cell->size);
    return value->string ? MIDGE_OK : no_memory(b->err);
}

static int is_between(char c) {
    return c == ' ' || c == ',' || c == ';' || c == '\t' || c == '[' ||
           c == ']';
}

/* "[1, 2]", or numbers with spaces, commas or semicolons between them. */
static midge_status as_vector(building *b, midge_json *value) {
    const midge_buf *cell = &b->source->csv.cell;
    midge_json list = {.type = MIDGE_JSON_ARRAY};
    midge_json **tail = &list.child;
    for (size_t at = 0; at < cell->size;) {
        size_t end = at;
        while (end < cell->size && !is_between(cell->data[end])) {
            end++;
        }
        midge_json number = {.type = MIDGE_JSON_DOUBLE};
        if (end > at) {
            if (mdg_csv_number(cell->data + at, end - at, &number.number) !=
                MDG_CELL_NUMBER) {
                return mdg_source_fail(
                    b->err, MIDGE_E_PARSE, b->source->csv.cell_line,
                    "not a number in", b->source->options.vector);
            }
            if (!add_node(b, &tail, &list, &number)) {
                return no_memory(b->err);
            }
        }
        at = end + 1;
    }
    *value = list;
    return MIDGE_OK;
}

static midge_status add_component(building *b, const midge_json *value,
                                  const char *name) {
    if (value->type != MIDGE_JSON_INT && value->type != MIDGE_JSON_DOUBLE) {
        return mdg_source_fail(b->err, MIDGE_E_PARSE, b->source->csv.cell_line,
                               "a row without a number in column", name);
    }
    return add_node(b, &b->vector_tail, b->vector, value) ? MIDGE_OK
                                                          : no_memory(b->err);
}

static midge_status take_value(building *b, const mdg_csv_column *column,
                               midge_json *value) {
    const mdg_csv *csv = &b->source->csv;
    if (column->role == MDG_CSV_VECTOR) {
        return as_vector(b, value);
    }
    const int is_set = column->kind == MIDGE_META_SET;
    if (column->role == MDG_CSV_TEXT || column->kind == MIDGE_META_STRING ||
        (is_set && column->role != MDG_CSV_META)) {
        return as_text(b, value);
    }
    if (is_set) {
        const midge_json *set;
        if (read_set(csv, b->arena, &set) != MIDGE_OK || !set) {
            return no_memory(b->err);
        }
        *value = *set;
        return MIDGE_OK;
    }
    *value = read_cell(csv);
    return MIDGE_OK;
}

static midge_status take_cell(building *b, const mdg_csv_column *column) {
    midge_json value = {.type = MIDGE_JSON_NULL};
    if (!is_missing(&b->source->csv, column)) {
        MIDGE_TRY(take_value(b, column, &value));
    }
    if (column->role == MDG_CSV_COMPONENT) {
        return add_component(b, &value, column->name);
    }
    return add_member(b, column->name, &value);
}

midge_status mdg_source_csv_row(midge_vector_source *s, midge_arena *arena,
                                const midge_json **out, midge_error *err) {
    *out = NULL;
    if (!mdg_csv_has_row(&s->csv)) {
        return MIDGE_OK;
    }
    s->line = s->csv.line;
    midge_json vector = {.type = MIDGE_JSON_ARRAY};
    midge_json *object = midge_arena_alloc(arena, sizeof *object);
    if (!object) {
        return no_memory(err);
    }
    *object = (midge_json){.type = MIDGE_JSON_OBJECT};
    building b = {s,       arena,         object, &object->child,
                  &vector, &vector.child, err};
    for (size_t c = 0; c < s->n_csv_columns; c++) {
        MIDGE_TRY(mdg_csv_next(&s->csv, c + 1, err));
        MIDGE_TRY(take_cell(&b, &s->csv_columns[c]));
    }
    if (vector.count > 0) {
        MIDGE_TRY(add_member(&b, s->options.vector, &vector));
    }
    *out = object;
    return MIDGE_OK;
}
