/* filter_parse.c: recursive descent from words to a tree without `not`.
 *
 *     filter    = and { "or" and }
 *     and       = not { "and" not }
 *     not       = "not" not | "(" filter ")" | "true" | "false" | condition
 *     condition = column [ test ]
 *               | literal compare column | literal [ "not" ] "in" column
 *     test      = compare literal | "is" [ "not" ] "null"
 *               | [ "not" ] ( "in" list | "all" list | "starts" string
 *                           | "contains" string )
 *     list      = "(" literal { "," literal } ")"
 *
 * `negate` is carried down: under it `and` makes an OR node, and a term the
 * opposite of itself.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "index/filter_terms.h"

typedef struct parser {
    mdg_lexer lexer;
    mdg_token token; /* the one to look at */
    midge_filter *filter;
    midge_error *err;
} parser;

static midge_status parse_or(parser *p, unsigned depth, int negate,
                             mdg_node **out);

static midge_status advance(parser *p) {
    return mdg_lex(&p->lexer, &p->token);
}

static midge_status expected(parser *p, const char *what) {
    const mdg_token *t = &p->token;
    size_t size = t->end - t->at;
    int end = t->kind == MDG_TOKEN_END;
    return mdg_lex_place(&p->lexer, t->at,
                         midge_fail(p->err, MIDGE_E_PARSE,
                                    "expected %s, found %.*s", what,
                                    end         ? 7
                                    : size > 40 ? 40
                                                : (int)size,
                                    end ? "the end" : p->lexer.text + t->at));
}

static midge_status no_memory(parser *p) {
    return mdg_no_memory("a filter", p->err);
}

static midge_status over_limit(parser *p, const char *what, unsigned most) {
    return mdg_lex_place(
        &p->lexer, p->token.at,
        midge_fail(p->err, MIDGE_E_LIMIT, "more than %u %s", most, what));
}

static midge_status new_node(parser *p, mdg_node_kind kind, mdg_node **out) {
    mdg_node *node = midge_arena_alloc(&p->filter->arena, sizeof *node);
    *out = node;
    if (!node) {
        return no_memory(p);
    }
    *node = (mdg_node){.kind = kind};
    return MIDGE_OK;
}

/* ---- Conditions ---------------------------------------------------------- */

static int is_literal(const mdg_token *t) {
    return t->kind == MDG_TOKEN_STRING || t->kind == MDG_TOKEN_NUMBER ||
           mdg_token_is(t, "true") || mdg_token_is(t, "false") ||
           mdg_token_is(t, "null");
}

static midge_status parse_literal(parser *p, mdg_literal *out) {
    const mdg_token *t = &p->token;
    if (!is_literal(t)) {
        return expected(p, t->kind == MDG_TOKEN_NAME
                               ? "a literal (texts are in quotes)"
                               : "a literal");
    }
    *out =
        (mdg_literal){.kind = t->kind == MDG_TOKEN_STRING   ? MDG_LITERAL_TEXT
                              : t->kind == MDG_TOKEN_NUMBER ? MDG_LITERAL_NUMBER
                              : mdg_token_is(t, "null")     ? MDG_LITERAL_NULL
                                                            : MDG_LITERAL_BOOL,
                      .at = t->at,
                      .truth = mdg_token_is(t, "true"),
                      .text = t->text,
                      .number = t->number};
    return advance(p);
}

static midge_status parse_column(parser *p, mdg_condition *c) {
    const mdg_token *t = &p->token;
    const mdg_columns *columns = p->filter->columns;
    if (t->kind != MDG_TOKEN_NAME) {
        return expected(p, "a column");
    }
    c->column = mdg_columns_find(columns, t->text.data, t->text.size);
    c->column_at = t->at;
    if (c->column != MDG_NO_COLUMN) {
        return advance(p);
    }
    uint32_t near = mdg_columns_nearest(columns, t->text.data, t->text.size);
    midge_status status =
        midge_fail(p->err, MIDGE_E_NOT_FOUND, "no column \"%.*s\"%s%s%s",
                   (int)(t->text.size > 64 ? 64 : t->text.size), t->text.data,
                   near != MDG_NO_COLUMN ? "; did you mean \"" : "",
                   near != MDG_NO_COLUMN ? columns->columns[near].name
                   : columns->count == 0 ? "; there are no columns"
                                         : "",
                   near != MDG_NO_COLUMN ? "\"?" : "");
    return mdg_lex_place(&p->lexer, t->at, status);
}

/* The list grows by doubling in the arena. */
static midge_status parse_list(parser *p, mdg_condition *c) {
    uint32_t capacity = 0;
    if (p->token.kind != MDG_TOKEN_OPEN) {
        return expected(p, "( and a list of literals");
    }
    do {
        MIDGE_TRY(advance(p));
        if (c->count == capacity) {
            capacity = capacity ? 2 * capacity : 4;
            mdg_literal *grown = midge_arena_alloc(
                &p->filter->arena, (size_t)capacity * sizeof *grown);
            if (!grown) {
                return no_memory(p);
            }
            if (c->count != 0) {
                memcpy(grown, c->literals, c->count * sizeof *grown);
            }
            c->literals = grown;
        }
        MIDGE_TRY(parse_literal(p, &c->literals[c->count]));
        c->count++;
    } while (p->token.kind == MDG_TOKEN_COMMA);
    if (p->token.kind != MDG_TOKEN_CLOSE) {
        return expected(p, ", or )");
    }
    return advance(p);
}

static midge_status parse_one(parser *p, mdg_condition *c) {
    c->literals = midge_arena_alloc(&p->filter->arena, sizeof *c->literals);
    if (!c->literals) {
        return no_memory(p);
    }
    c->count = 1;
    return parse_literal(p, c->literals);
}

/* Behind `is`. */
static midge_status parse_null(parser *p, mdg_condition *c) {
    c->test = MDG_TEST_NULL;
    if (mdg_token_is(&p->token, "not")) {
        c->negated = !c->negated;
        MIDGE_TRY(advance(p));
    }
    if (!mdg_token_is(&p->token, "null")) {
        return expected(p, "null");
    }
    return advance(p);
}

static midge_status parse_word_test(parser *p, mdg_condition *c) {
    static const struct {
        const char *word;
        mdg_test test;
        int is_list;
    } tests[] = {{"in", MDG_TEST_IN, 1},
                 {"all", MDG_TEST_ALL, 1},
                 {"starts", MDG_TEST_STARTS, 0},
                 {"contains", MDG_TEST_CONTAINS, 0}};
    int is_not = mdg_token_is(&p->token, "not");
    if (is_not) {
        c->negated = !c->negated;
        MIDGE_TRY(advance(p));
    }
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (mdg_token_is(&p->token, tests[i].word)) {
            c->test = tests[i].test;
            MIDGE_TRY(advance(p));
            return tests[i].is_list ? parse_list(p, c) : parse_one(p, c);
        }
    }
    return is_not ? expected(p, "in, all, starts or contains") : MIDGE_OK;
}

/* Behind the column; without a test it stands for itself. */
static midge_status parse_test(parser *p, mdg_condition *c) {
    c->test = MDG_TEST_BARE;
    if (p->token.kind == MDG_TOKEN_COMPARE) {
        c->test = MDG_TEST_COMPARE;
        c->compare = p->token.compare;
        c->negated ^= p->token.negated;
        MIDGE_TRY(advance(p));
        return parse_one(p, c);
    }
    if (mdg_token_is(&p->token, "is")) {
        MIDGE_TRY(advance(p));
        return parse_null(p, c);
    }
    MIDGE_TRY(parse_word_test(p, c));
    if (c->test == MDG_TEST_BARE &&
        p->filter->columns->columns[c->column].kind != MIDGE_META_BOOL) {
        return expected(p, "a comparison: = != < <= > >=, in, all, starts, "
                           "contains, is null");
    }
    return MIDGE_OK;
}

/* literal < column is column > literal, which is not column <= literal. */
static void turn(mdg_compare compare, mdg_condition *c) {
    static const mdg_compare other[] = {MDG_EQUAL, MDG_LESS_EQUAL, MDG_LESS};
    c->compare = other[compare];
    c->negated ^= compare != MDG_EQUAL;
}

/* literal compare column, literal in column; true and false alone */
static midge_status parse_literal_first(parser *p, mdg_condition *c) {
    MIDGE_TRY(parse_one(p, c));
    if (p->token.kind == MDG_TOKEN_COMPARE) {
        c->test = MDG_TEST_COMPARE;
        turn(p->token.compare, c);
        c->negated ^= p->token.negated;
        MIDGE_TRY(advance(p));
        return parse_column(p, c);
    }
    int is_not = mdg_token_is(&p->token, "not");
    if (is_not) {
        c->negated = !c->negated;
        MIDGE_TRY(advance(p));
    }
    if (!mdg_token_is(&p->token, "in")) {
        c->test = MDG_TEST_CONSTANT;
        return c->literals->kind == MDG_LITERAL_BOOL && !is_not
                   ? MIDGE_OK
                   : expected(p, "a comparison, or in and a column");
    }
    c->test = MDG_TEST_ELEMENT;
    MIDGE_TRY(advance(p));
    return parse_column(p, c);
}

static midge_status parse_condition(parser *p, int negate, mdg_node **out) {
    mdg_condition c = {.negated = negate, .lexer = &p->lexer};
    MIDGE_TRY(new_node(p, MDG_NODE_TERM, out));
    if (++p->filter->n_terms > MDG_FILTER_TERMS_MAX) {
        return over_limit(p, "conditions", MDG_FILTER_TERMS_MAX);
    }
    if (is_literal(&p->token)) {
        MIDGE_TRY(parse_literal_first(p, &c));
    } else {
        MIDGE_TRY(parse_column(p, &c));
        MIDGE_TRY(parse_test(p, &c));
    }
    return mdg_term_new(p->filter, &c, &(*out)->term, p->err);
}

/* ---- and, or, not -------------------------------------------------------- */

static midge_status parse_not(parser *p, unsigned depth, int negate,
                              mdg_node **out) {
    while (mdg_token_is(&p->token, "not")) {
        negate = !negate;
        MIDGE_TRY(advance(p));
    }
    if (p->token.kind != MDG_TOKEN_OPEN) {
        return parse_condition(p, negate, out);
    }
    if (depth >= MDG_FILTER_DEPTH_MAX) {
        return over_limit(p, "parentheses in each other", MDG_FILTER_DEPTH_MAX);
    }
    MIDGE_TRY(advance(p));
    MIDGE_TRY(parse_or(p, depth + 1, negate, out));
    if (p->token.kind != MDG_TOKEN_CLOSE) {
        return expected(p, "and, or, or )");
    }
    return advance(p);
}

typedef midge_status (*parse_fn)(parser *p, unsigned depth, int negate,
                                 mdg_node **out);

/* part { word part }: one part stands for itself. */
static midge_status parse_parts(parser *p, unsigned depth, int negate,
                                const char *word, mdg_node_kind kind,
                                parse_fn part, mdg_node **out) {
    MIDGE_TRY(part(p, depth, negate, out));
    if (!mdg_token_is(&p->token, word)) {
        return MIDGE_OK;
    }
    mdg_node *last = *out;
    MIDGE_TRY(new_node(p, kind, out));
    (*out)->child = last;
    while (mdg_token_is(&p->token, word)) {
        MIDGE_TRY(advance(p));
        MIDGE_TRY(part(p, depth, negate, &last->next));
        last = last->next;
    }
    return MIDGE_OK;
}

static midge_status parse_and(parser *p, unsigned depth, int negate,
                              mdg_node **out) {
    return parse_parts(p, depth, negate, "and",
                       negate ? MDG_NODE_OR : MDG_NODE_AND, parse_not, out);
}

static midge_status parse_or(parser *p, unsigned depth, int negate,
                             mdg_node **out) {
    return parse_parts(p, depth, negate, "or",
                       negate ? MDG_NODE_AND : MDG_NODE_OR, parse_and, out);
}

static midge_status check_text(const mdg_lexer *lexer) {
    if (lexer->size > MDG_FILTER_TEXT_MAX) {
        return midge_fail(lexer->err, MIDGE_E_LIMIT,
                          "filter: %zu bytes, at most %zu", lexer->size,
                          MDG_FILTER_TEXT_MAX);
    }
    for (size_t at = 0; at < lexer->size;) {
        size_t step = mdg_utf8_size(lexer->text + at, lexer->size - at);
        if (step == 0) {
            return mdg_lex_place(
                lexer, at, midge_fail(lexer->err, MIDGE_E_PARSE, "not UTF-8"));
        }
        at += step;
    }
    return MIDGE_OK;
}

midge_status mdg_filter_parse(midge_filter *filter, const char *text,
                              size_t size, mdg_node **root, midge_error *err) {
    parser p = {.lexer = {.text = text,
                          .size = size,
                          .arena = &filter->arena,
                          .err = err},
                .filter = filter,
                .err = err};
    *root = NULL;
    MIDGE_TRY(check_text(&p.lexer));
    MIDGE_TRY(advance(&p));
    MIDGE_TRY(parse_or(&p, 0, 0, root));
    return p.token.kind == MDG_TOKEN_END ? MIDGE_OK
                                         : expected(&p, "and, or, or the end");
}
