/* filter_terms.h: from a condition as it was written to a term of a filter. For
 * filter_*.c alone. */
#ifndef MDG_FILTER_TERMS_H
#define MDG_FILTER_TERMS_H

#include "index/filter_lex.h"

typedef enum mdg_literal_kind {
    MDG_LITERAL_TEXT,
    MDG_LITERAL_NUMBER,
    MDG_LITERAL_BOOL,
    MDG_LITERAL_NULL
} mdg_literal_kind;

typedef struct mdg_literal {
    mdg_literal_kind kind;
    size_t at;
    int truth;
    midge_text text;
    mdg_number number;
} mdg_literal;

typedef enum mdg_test {
    MDG_TEST_CONSTANT, /* the literal alone */
    MDG_TEST_BARE,     /* the column alone */
    MDG_TEST_COMPARE,
    MDG_TEST_ELEMENT, /* the literal is an element of the column */
    MDG_TEST_IN,
    MDG_TEST_ALL,
    MDG_TEST_STARTS,
    MDG_TEST_CONTAINS,
    MDG_TEST_NULL
} mdg_test;

typedef struct mdg_condition {
    mdg_test test;
    int negated;
    mdg_compare compare;
    uint32_t column;
    size_t column_at;
    uint32_t count; /* 1 or more where a test has literals */
    mdg_literal *literals;
    const mdg_lexer *lexer; /* for errors */
} mdg_condition;

/* In the filter's arena. MIDGE_E_MISMATCH when column, test and literals do not
 * go together. */
midge_status mdg_term_new(midge_filter *filter, const mdg_condition *condition,
                          mdg_term **out, midge_error *err);

#endif
