/* filter_model.h: random rows and random filters, and the naive answer: the
 * oracle of filter_test.c. A filter is kept as a tree and printed as text; its
 * value for a row is true, false or unknown, by the tables of SQL.
 */
#ifndef FILTER_MODEL_H
#define FILTER_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "midge/json.h"

enum { YEAR, SCORE, LANG, DRAFT, TAG, N_COLUMNS };
enum { NO = 0, UNKNOWN = 1, YES = 2 };

static const char *const column_names[] = {"year", "score", "lang", "draft",
                                           "tag"};
static const char *const vocabulary[] = {
    "", "a", "ab", "abc", "b", "ba", "en", "it", "\\n'\"", "\xc3\xa4", "z"};
/* The same in the text of a filter, between double quotes. */
static const char *const vocabulary_texts[] = {
    "",   "a",  "\\u0061b",   "abc",      "b", "ba",
    "en", "it", "\\\\n'\\\"", "\xc3\xa4", "z"};
#define N_WORDS ((uint32_t)(sizeof vocabulary / sizeof *vocabulary))
static const char *const number_texts[] = {"0",
                                           "-0",
                                           "1",
                                           "-1",
                                           "2",
                                           "2.5",
                                           "-0.5",
                                           "3",
                                           "25e-1",
                                           "0.30e1",
                                           "1e3",
                                           "9223372036854775807",
                                           "9223372036854775807.5",
                                           "-9223372036854775808",
                                           "-9223372036854775807.5",
                                           "-9223372036854775809",
                                           "9007199254740992",
                                           "9007199254740993",
                                           "9007199254740993.0",
                                           "9007199254740992.5",
                                           "1e30",
                                           "-1e30",
                                           "1e-300",
                                           "0.1"};
#define N_NUMBERS ((uint32_t)(sizeof number_texts / sizeof *number_texts))
static const int64_t whole[] = {0,
                                1,
                                -1,
                                2,
                                3,
                                1000,
                                INT64_MAX,
                                INT64_MIN,
                                9007199254740992,
                                9007199254740993};
#define N_WHOLE ((uint32_t)(sizeof whole / sizeof *whole))
static const double floats[] = {0.0, -0.0, 1.0,  2.5,    3.0,
                                0.1, -1.0, 1e30, 1e-300, 9007199254740992.0};
#define N_FLOATS ((uint32_t)(sizeof floats / sizeof *floats))

struct row {
    uint8_t has[N_COLUMNS];
    int64_t year;
    double score;
    uint32_t lang; /* into words */
    int draft;
    uint32_t tag; /* bits: words */
};

enum op {
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_CONSTANT,
    OP_NULL,
    OP_COMPARE,
    OP_IN,
    OP_ALL,
    OP_STARTS,
    OP_CONTAINS,
    OP_BARE
};
enum { EQ, NE, LT, LE, GT, GE };

struct expression {
    enum op op;
    int column, compare, truth;
    uint32_t items[4]; /* words or numbers */
    int n_items;
    struct expression *left, *right;
};

struct printer {
    mdg_rng rng;
    char text[20000];
    size_t size;
    struct expression pool[2000];
    int used;
};

static inline uint32_t pick(struct printer *p, uint32_t n) {
    return mdg_rng_below(&p->rng, n);
}

/* ---- Rows ---------------------------------------------------------------- */

/* Words are the first n_words of the vocabulary. */
static inline void draw_row(mdg_rng *rng, struct row *row, uint32_t n_words) {
    memset(row, 0, sizeof *row);
    for (int i = 0; i < N_COLUMNS; i++) {
        row->has[i] = mdg_rng_below(rng, 4) != 0;
    }
    row->year = whole[mdg_rng_below(rng, N_WHOLE)];
    row->score = floats[mdg_rng_below(rng, N_FLOATS)];
    row->lang = mdg_rng_below(rng, n_words);
    row->draft = (int)mdg_rng_below(rng, 2);
    row->tag = mdg_rng_below(rng, 1u << n_words);
    row->tag &= mdg_rng_below(rng, 1u << n_words);
}

/* In the order of bytes, as an index gives them back. */
static inline void write_tags(midge_json_writer *w, uint32_t tag) {
    midge_json_begin_array(w);
    while (tag) {
        uint32_t least = N_WORDS;
        for (uint32_t i = 0; i < N_WORDS; i++) {
            if ((tag >> i & 1) &&
                (least == N_WORDS ||
                 strcmp(vocabulary[i], vocabulary[least]) < 0)) {
                least = i;
            }
        }
        midge_json_string(w, vocabulary[least]);
        tag &= ~(1u << least);
    }
    midge_json_end_array(w);
}

static inline void write_row(midge_json_writer *w, const struct row *row) {
    midge_json_begin_object(w);
    if (row->has[YEAR]) {
        midge_json_key(w, "year");
        midge_json_int(w, row->year);
    }
    if (row->has[SCORE]) {
        midge_json_key(w, "score");
        midge_json_double(w, row->score);
    }
    if (row->has[LANG]) {
        midge_json_key(w, "lang");
        midge_json_string(w, vocabulary[row->lang]);
    }
    if (row->has[DRAFT]) {
        midge_json_key(w, "draft");
        midge_json_bool(w, row->draft);
    }
    if (row->has[TAG]) {
        midge_json_key(w, "tag");
        write_tags(w, row->tag);
    }
    midge_json_end_object(w);
}

/* ---- The naive answer ---------------------------------------------------- */

static inline int compares(int compare, int order) {
    switch (compare) {
    case EQ:
        return order == 0;
    case NE:
        return order != 0;
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* strtold has the 64 bits that a whole number needs. */
static inline int number_order(const struct row *row, int column,
                               uint32_t number) {
    if (column == YEAR) {
        long double x = (long double)row->year;
        long double y = strtold(number_texts[number], NULL);
        return (x > y) - (x < y);
    }
    double y = strtod(number_texts[number], NULL);
    return (row->score > y) - (row->score < y);
}

static inline int item_order(const struct row *row, int column, uint32_t item) {
    return column == LANG ? strcmp(vocabulary[row->lang], vocabulary[item])
                          : number_order(row, column, item);
}

static inline int holds(const struct expression *e, const struct row *row) {
    int hits = 0;
    for (int i = 0; i < e->n_items; i++) {
        hits += e->column == TAG
                    ? (int)(row->tag >> e->items[i] & 1)
                    : e->column != DRAFT &&
                          item_order(row, e->column, e->items[i]) == 0;
    }
    switch (e->op) {
    case OP_COMPARE:
        if (e->column == TAG) {
            return e->compare == EQ ? hits : !hits;
        }
        if (e->column == DRAFT) {
            return (row->draft == e->truth) == (e->compare == EQ);
        }
        return compares(e->compare, item_order(row, e->column, e->items[0]));
    case OP_IN:
        return hits > 0;
    case OP_ALL:
        return hits == e->n_items;
    case OP_STARTS:
        return strncmp(vocabulary[row->lang], vocabulary[e->items[0]],
                       strlen(vocabulary[e->items[0]])) == 0;
    case OP_CONTAINS:
        return e->column == TAG ? hits
                                : strstr(vocabulary[row->lang],
                                         vocabulary[e->items[0]]) != NULL;
    default:
        return row->draft;
    }
}

static inline int value_of(const struct expression *e, const struct row *row) {
    int a, b;
    switch (e->op) {
    case OP_AND:
        a = value_of(e->left, row);
        b = value_of(e->right, row);
        return a < b ? a : b;
    case OP_OR:
        a = value_of(e->left, row);
        b = value_of(e->right, row);
        return a > b ? a : b;
    case OP_NOT:
        return YES - value_of(e->left, row);
    case OP_CONSTANT:
        return e->truth ? YES : NO;
    case OP_NULL:
        return row->has[e->column] ? NO : YES;
    default:
        return !row->has[e->column] ? UNKNOWN : holds(e, row) ? YES : NO;
    }
}

/* ---- Printing at random -------------------------------------------------- */

static inline void print(struct printer *p, const char *text) {
    size_t size = strlen(text);
    memcpy(p->text + p->size, text, size + 1);
    p->size += size;
}

static inline void print_word(struct printer *p, const char *lower) {
    print(p, pick(p, 4) ? " " : "\n\t ");
    for (int upper = pick(p, 3) == 0; *lower; lower++) {
        char letter[2] = {*lower, 0};
        if (upper && *lower >= 'a' && *lower <= 'z') {
            letter[0] = (char)(*lower - 32);
        }
        print(p, letter);
    }
    print(p, " ");
}

static inline void print_item(struct printer *p, int column, uint32_t item) {
    if (column == YEAR || column == SCORE) {
        print(p, number_texts[item]);
        return;
    }
    print(p, "\"");
    print(p, vocabulary_texts[item]);
    print(p, "\"");
}

static inline void print_column(struct printer *p, int column) {
    int quoted = pick(p, 10) == 0;
    print(p, quoted ? "`" : "");
    print(p, column_names[column]);
    print(p, quoted ? "`" : "");
}

static inline struct expression *make(struct printer *p, enum op op) {
    struct expression *e = &p->pool[p->used++];
    memset(e, 0, sizeof *e);
    e->op = op;
    return e;
}

/* The test itself or what `not` before its word makes of it. */
static inline struct expression *maybe_not(struct printer *p,
                                           struct expression *e) {
    if (pick(p, 4) != 0) {
        return e;
    }
    print_word(p, "not");
    struct expression *outer = make(p, OP_NOT);
    outer->left = e;
    return outer;
}

static inline void draw_items(struct printer *p, struct expression *e, int n) {
    e->n_items = n;
    for (int i = 0; i < n; i++) {
        e->items[i] = pick(p, e->column >= LANG ? N_WORDS : N_NUMBERS);
    }
}

static inline struct expression *
print_list(struct printer *p, struct expression *e, const char *word) {
    struct expression *whole_of = maybe_not(p, e);
    draw_items(p, e, 1 + (int)pick(p, 4));
    print_word(p, word);
    print(p, "(");
    for (int i = 0; i < e->n_items; i++) {
        print(p, i ? " , " : "");
        print_item(p, e->column, e->items[i]);
    }
    print(p, ")");
    return whole_of;
}

static inline struct expression *print_compare(struct printer *p,
                                               struct expression *e) {
    static const char *const signs[] = {"=", "!=", "<", "<=", ">", ">="};
    static const char *const others[] = {"==", "<>", "<", "<=", ">", ">="};
    static const int turned[] = {EQ, NE, GT, GE, LT, LE};
    e->compare = (int)pick(p, e->column >= DRAFT ? 2 : 6);
    e->truth = (int)pick(p, 2);
    if (e->column != DRAFT) {
        draw_items(p, e, 1);
    }
    const char *truth = e->truth ? "true" : "false";
    if (pick(p, 4) == 0) { /* the literal first */
        e->column == DRAFT ? print(p, truth)
                           : print_item(p, e->column, e->items[0]);
        print(p, others[turned[e->compare]]);
        print_column(p, e->column);
        return e;
    }
    print_column(p, e->column);
    print(p, signs[e->compare]);
    e->column == DRAFT ? print_word(p, truth)
                       : print_item(p, e->column, e->items[0]);
    return e;
}

static inline struct expression *
print_one(struct printer *p, struct expression *e, const char *word) {
    struct expression *outer = maybe_not(p, e);
    draw_items(p, e, 1);
    print_word(p, word);
    print_item(p, e->column, e->items[0]);
    return outer;
}

static inline struct expression *print_null(struct printer *p, int column) {
    struct expression *e = make(p, OP_NULL);
    e->column = column;
    print_column(p, column);
    print_word(p, "is");
    e = maybe_not(p, e);
    print_word(p, "null");
    return e;
}

static inline struct expression *print_term(struct printer *p) {
    int column = (int)pick(p, N_COLUMNS);
    uint32_t kind = pick(p, 12);
    if (kind == 0) {
        return print_null(p, column);
    }
    if (kind == 1) {
        struct expression *e = make(p, OP_CONSTANT);
        e->truth = (int)pick(p, 2);
        print_word(p, e->truth ? "true" : "false");
        return e;
    }
    struct expression *e = make(p, OP_COMPARE);
    e->column = column;
    if (column == DRAFT && kind < 6) {
        e->op = OP_BARE;
        print_column(p, column);
        return e;
    }
    if (column == DRAFT || kind < 6) {
        return print_compare(p, e);
    }
    if (column == TAG && kind == 6) { /* "a" [not] in tag */
        e->op = OP_IN;
        draw_items(p, e, 1);
        print_item(p, column, e->items[0]);
        struct expression *outer = maybe_not(p, e);
        print_word(p, "in");
        print_column(p, column);
        return outer;
    }
    print_column(p, column);
    if (column >= LANG && kind == 7) {
        e->op = OP_CONTAINS;
        return print_one(p, e, "contains");
    }
    if (column == LANG && kind == 8) {
        e->op = OP_STARTS;
        return print_one(p, e, "starts");
    }
    e->op = column == TAG && kind >= 9 ? OP_ALL : OP_IN;
    return print_list(p, e, e->op == OP_ALL ? "all" : "in");
}

static inline struct expression *print_or(struct printer *p, int depth);

static inline struct expression *print_not(struct printer *p, int depth) {
    struct expression *e;
    if (pick(p, 4) == 0) {
        print_word(p, "not");
        e = make(p, OP_NOT);
        e->left = print_not(p, depth);
    } else if (depth > 0 && pick(p, 3) == 0) {
        print(p, "(");
        e = print_or(p, depth - 1);
        print(p, ")");
    } else {
        e = print_term(p);
    }
    return e;
}

static inline struct expression *print_and(struct printer *p, int depth) {
    struct expression *e = print_not(p, depth);
    while (pick(p, 3) == 0) {
        print_word(p, "and");
        struct expression *both = make(p, OP_AND);
        both->left = e;
        both->right = print_not(p, depth);
        e = both;
    }
    return e;
}

static inline struct expression *print_or(struct printer *p, int depth) {
    struct expression *e = print_and(p, depth);
    while (pick(p, 3) == 0) {
        print_word(p, "or");
        struct expression *either = make(p, OP_OR);
        either->left = e;
        either->right = print_and(p, depth);
        e = either;
    }
    return e;
}

static inline struct expression *print_filter(struct printer *p) {
    p->used = 0;
    p->size = 0;
    p->text[0] = '\0';
    return print_or(p, 3);
}

#endif
