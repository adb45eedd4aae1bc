/* filter.h: a condition on metadata, made ready for rows.
 *
 * Logic has three values, as in SQL: a comparison with a missing value is
 * unknown, so is its negation, and a row passes when the whole is true. `not`
 * is carried inwards to the terms when a filter is made; then there are only
 * `and` and `or` above terms, which give the same whether a term is unknown or
 * false, so that two values are enough: a term that is negated is true where
 * there is a value and the test fails.
 *
 * Two forms of the same: a tree, for runs of rows at once, and jumps from term
 * to term, for one row.
 *
 * Tests of strings are made on words: for the words that the column had when
 * the filter was made the answer is held in bits; those that came later, and
 * all of them when numbers of words changed (epoch), are compared as text.
 * Nothing is written while rows are looked at: any number of threads may use
 * one filter.
 */
#ifndef MDG_FILTER_H
#define MDG_FILTER_H

#include "index/columns.h"

#define MDG_FILTER_TEXT_MAX  ((size_t)1 << 20)
#define MDG_FILTER_DEPTH_MAX 64u
#define MDG_FILTER_TERMS_MAX 4096u

typedef enum mdg_term_kind {
    MDG_TERM_CONSTANT, /* true; false when negated */
    MDG_TERM_NULL,     /* no value; never unknown */
    MDG_TERM_BOOL,
    MDG_TERM_INT_RANGE,
    MDG_TERM_INT_LIST,
    MDG_TERM_FLOAT_RANGE,
    MDG_TERM_FLOAT_LIST,
    MDG_TERM_WORD,    /* a string that is one word */
    MDG_TERM_STRING,  /* a string that passes a test */
    MDG_TERM_SET_ANY, /* an element passes a test */
    MDG_TERM_SET_ALL  /* all words are elements */
} mdg_term_kind;

typedef enum mdg_text_test {
    MDG_TEXT_LIST, /* is one of the texts */
    MDG_TEXT_LESS,
    MDG_TEXT_LESS_EQUAL,
    MDG_TEXT_STARTS,
    MDG_TEXT_CONTAINS
} mdg_text_test;

#define MDG_JUMP_PASS UINT32_MAX
#define MDG_JUMP_FAIL (UINT32_MAX - 1)

typedef struct mdg_term {
    mdg_term_kind kind;
    int negated;
    uint32_t column;
    uint32_t yes, no; /* the next term, or MDG_JUMP_* */
    uint32_t count;   /* of a list */
    union {
        struct {
            int64_t low, high; /* both belong to it; low > high: none */
        } ints;
        struct {
            double low, high;
        } floats;
        const int64_t *int_list; /* ascending */
        const double *float_list;
    } of;
    /* Strings and sets. */
    mdg_text_test test;
    const midge_text *texts; /* (count), ascending by bytes, distinct */
    uint32_t *words;         /* WORD, SET_ALL: (count), the number of each;
                                MDG_NO_WORD where there was none */
    uint64_t *passes;        /* bits: words below n_known that pass; WORD and
                                SET_ALL: none */
    uint32_t n_known;
    uint32_t epoch;
} mdg_term;

typedef enum mdg_node_kind {
    MDG_NODE_TERM,
    MDG_NODE_AND,
    MDG_NODE_OR
} mdg_node_kind;

typedef struct mdg_node {
    mdg_node_kind kind;
    uint32_t first_term; /* of those below it; TERM: its own */
    mdg_term *term;      /* TERM, until terms lie in one array */
    struct mdg_node *child, *next;
} mdg_node;

struct midge_filter {
    const midge_index *index;
    const mdg_columns *columns; /* of the index */
    midge_arena arena;          /* all that follows */
    const mdg_node *root;
    mdg_term *terms;
    uint32_t n_terms;
};

/* ---- filter_eval.c, filter_rows.c: read only, for any thread
 * ---------------------------- */

/* 1 when the row passes. Dead rows are not told apart. */
int mdg_filter_passes(const midge_filter *filter, uint32_t row);
/* The same for rows first to first + count - 1: bit i % 64 of bits[i / 64] is
 * that of row first + i; bits past the last are 0. `first` is a multiple of 64.
 */
void mdg_filter_rows(const midge_filter *filter, uint32_t first, uint32_t count,
                     uint64_t *bits);
/* Whether a text, or the value of a row that has one, passes the test of a
 * term; `negated` aside. */
int mdg_term_text(const mdg_term *term, midge_text text);
int mdg_term_value(const mdg_term *term, const mdg_column *column,
                   uint32_t row);

/* ---- filter_parse.c ------------------------------------------------------ */

/* The tree of a text, in the filter's arena; counts its terms. */
midge_status mdg_filter_parse(midge_filter *filter, const char *text,
                              size_t size, mdg_node **root, midge_error *err);

/* ---- filter_new.c -------------------------------------------------------- */

/* Over columns alone, without an index (tests). */
midge_status mdg_filter_make(const midge_env *env, const mdg_columns *columns,
                             const char *text, size_t size, midge_filter **out,
                             midge_error *err);

#endif
