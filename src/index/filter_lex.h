/* filter_lex.h: the words of a filter's text. For filter_*.c alone. */
#ifndef MDG_FILTER_LEX_H
#define MDG_FILTER_LEX_H

#include "base/decimal.h"
#include "index/filter.h"

typedef enum mdg_token_kind {
    MDG_TOKEN_END,
    MDG_TOKEN_NAME,   /* a column, or a key word when not `quoted` */
    MDG_TOKEN_STRING, /* `text` without quotes and escapes */
    MDG_TOKEN_NUMBER,
    MDG_TOKEN_COMPARE, /* one of mdg_compare */
    MDG_TOKEN_OPEN,
    MDG_TOKEN_CLOSE,
    MDG_TOKEN_COMMA
} mdg_token_kind;

/* The others are the opposites of these: `negated`. */
typedef enum mdg_compare { MDG_EQUAL, MDG_LESS, MDG_LESS_EQUAL } mdg_compare;

typedef struct mdg_token {
    mdg_token_kind kind;
    size_t at, end; /* bytes in the text of the filter */
    int quoted;
    midge_text text; /* NAME, STRING */
    mdg_compare compare;
    int negated; /* COMPARE */
    mdg_number number;
} mdg_token;

typedef struct mdg_lexer {
    const char *text;
    size_t size;
    size_t at;
    midge_arena *arena; /* for strings with escapes */
    midge_error *err;
} mdg_lexer;

midge_status mdg_lex(mdg_lexer *lexer, mdg_token *token);
/* Says in err, which midge_fail has filled, where it was; returns status. */
midge_status mdg_lex_place(const mdg_lexer *lexer, size_t at,
                           midge_status status);
/* 1 when the token is this key word (in lower case). */
int mdg_token_is(const mdg_token *token, const char *word);

#endif
