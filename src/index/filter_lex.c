/* filter_lex.c: names, strings, numbers and signs of a filter. The text is
 * valid UTF-8 as a whole, which is looked at first.
 */
#include "index/filter_lex.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_lex_place(const mdg_lexer *lexer, size_t at,
                           midge_status status) {
    if (!lexer->err) {
        return status;
    }
    const midge_error what = *lexer->err;
    (void)midge_fail(lexer->err, status, "filter, offset %zu: %s", at,
                     what.text);
    lexer->err->offset = (int64_t)at;
    lexer->err->line = 1;
    lexer->err->column = 1;
    for (size_t i = 0; i < at && i < lexer->size; i++) {
        lexer->err->column++;
        if (lexer->text[i] == '\n') {
            lexer->err->line++;
            lexer->err->column = 1;
        }
    }
    return status;
}

static midge_status fail_at(const mdg_lexer *l, size_t at, const char *what) {
    return mdg_lex_place(l, at, midge_fail(l->err, MIDGE_E_PARSE, "%s", what));
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char peek(const mdg_lexer *l, size_t ahead) {
    return l->at + ahead < l->size ? l->text[l->at + ahead] : '\0';
}

int mdg_token_is(const mdg_token *token, const char *word) {
    if (token->kind != MDG_TOKEN_NAME || token->quoted ||
        token->text.size != strlen(word)) {
        return 0;
    }
    for (size_t i = 0; i < token->text.size; i++) {
        char c = token->text.data[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if (c != word[i]) {
            return 0;
        }
    }
    return 1;
}

/* ---- Strings ------------------------------------------------------------- */

/* Four hexadecimal digits at `at`, or -1. */
static int32_t hex4(const mdg_lexer *l, size_t at) {
    int32_t code = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = at + i < l->size ? l->text[at + i] : '\0';
        int32_t digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

static size_t put_utf8(char *out, uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned heads[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(heads[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    }
    return more + 1;
}

/* \uXXXX, as in JSON: two of them for what is above U+FFFF. l->at is behind the
 * u, and goes behind the digits. */
static midge_status unescape_code(mdg_lexer *l, char *out, size_t *size) {
    size_t begin = l->at - 2;
    int32_t code = hex4(l, l->at);
    l->at += 4;
    if (code >= 0xd800 && code < 0xdc00 && peek(l, 0) == '\\' &&
        peek(l, 1) == 'u') {
        int32_t low = hex4(l, l->at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            l->at += 6;
        }
    }
    if (code < 0 || (code >= 0xd800 && code < 0xe000)) {
        return fail_at(l, begin, "no character has this \\u code");
    }
    *size += put_utf8(out + *size, (uint32_t)code);
    return MIDGE_OK;
}

static midge_status unescape(mdg_lexer *l, char *out, size_t *size) {
    static const char from[] = "\"'\\/bfnrt";
    static const char to[] = "\"'\\/\b\f\n\r\t";
    char c = peek(l, 1);
    const char *known = c ? memchr(from, c, sizeof from - 1) : NULL;
    if (c == 'u') {
        l->at += 2;
        return unescape_code(l, out, size);
    }
    if (!known) {
        return fail_at(l, l->at,
                       "escapes are \\\" \\' \\\\ \\/ \\b \\f \\n \\r "
                       "\\t \\uXXXX");
    }
    out[(*size)++] = to[known - from];
    l->at += 2;
    return MIDGE_OK;
}

/* Bytes up to the closing quote, or to the end. */
static size_t quoted_size(const mdg_lexer *l, char quote) {
    size_t at = l->at;
    while (at < l->size && l->text[at] != quote) {
        at += l->text[at] == '\\' && at + 1 < l->size ? 2 : 1;
    }
    return at - l->at;
}

/* An escape is never shorter than what it stands for. */
static midge_status lex_string(mdg_lexer *l, mdg_token *t) {
    char quote = l->text[l->at++];
    size_t end = l->at + quoted_size(l, quote);
    size_t size = 0;
    if (end >= l->size) {
        return fail_at(l, t->at, "this string does not end");
    }
    char *out = midge_arena_alloc(l->arena, end - l->at + 1);
    if (!out) {
        return mdg_no_memory("a filter", l->err);
    }
    while (l->at < end) {
        if (l->text[l->at] == '\\') {
            MIDGE_TRY(unescape(l, out, &size));
        } else {
            out[size++] = l->text[l->at++];
        }
    }
    l->at++;
    t->kind = MDG_TOKEN_STRING;
    t->text = (midge_text){out, size};
    return MIDGE_OK;
}

/* ---- Numbers ------------------------------------------------------------- */

static size_t skip_digits(const mdg_lexer *l, size_t at) {
    while (at < l->size && is_digit(l->text[at])) {
        at++;
    }
    return at;
}

static midge_status lex_number(mdg_lexer *l, mdg_token *t) {
    size_t end = skip_digits(l, l->at + (l->text[l->at] == '-'));
    if (end < l->size && l->text[end] == '.') {
        end = skip_digits(l, end + 1);
    }
    if (end < l->size && (l->text[end] == 'e' || l->text[end] == 'E')) {
        end++;
        end += end < l->size && (l->text[end] == '-' || l->text[end] == '+');
        end = skip_digits(l, end);
    }
    while (end < l->size && mdg_name_goes_on(l->text[end])) {
        end++; /* to be refused with the number */
    }
    t->kind = MDG_TOKEN_NUMBER;
    if (!mdg_decimal_read_number(l->text + l->at, end - l->at, &t->number)) {
        return fail_at(l, l->at,
                       "not a number, or beyond all doubles (write "
                       "1, -2.5, 1e6)");
    }
    l->at = end;
    return MIDGE_OK;
}

/* ---- Names and signs ----------------------------------------------------- */

static midge_status lex_name(mdg_lexer *l, mdg_token *t) {
    while (l->at < l->size && mdg_name_goes_on(l->text[l->at])) {
        l->at++;
    }
    t->kind = MDG_TOKEN_NAME;
    t->text = (midge_text){l->text + t->at, l->at - t->at};
    return MIDGE_OK;
}

/* A name that is a key word too. */
static midge_status lex_quoted_name(mdg_lexer *l, mdg_token *t) {
    const char *end = memchr(l->text + l->at + 1, '`', l->size - l->at - 1);
    if (!end) {
        return fail_at(l, t->at, "this name does not end");
    }
    t->kind = MDG_TOKEN_NAME;
    t->quoted = 1;
    t->text.data = l->text + l->at + 1;
    t->text.size = (size_t)(end - t->text.data);
    l->at = (size_t)(end - l->text) + 1;
    return MIDGE_OK;
}

static midge_status lex_sign(mdg_lexer *l, mdg_token *t) {
    static const struct {
        char text[3];
        mdg_token_kind kind;
        mdg_compare compare;
        int negated;
    } signs[] = {{"==", MDG_TOKEN_COMPARE, MDG_EQUAL, 0},
                 {"=", MDG_TOKEN_COMPARE, MDG_EQUAL, 0},
                 {"!=", MDG_TOKEN_COMPARE, MDG_EQUAL, 1},
                 {"<>", MDG_TOKEN_COMPARE, MDG_EQUAL, 1},
                 {"<=", MDG_TOKEN_COMPARE, MDG_LESS_EQUAL, 0},
                 {"<", MDG_TOKEN_COMPARE, MDG_LESS, 0},
                 {">=", MDG_TOKEN_COMPARE, MDG_LESS, 1},
                 {">", MDG_TOKEN_COMPARE, MDG_LESS_EQUAL, 1},
                 {"(", MDG_TOKEN_OPEN, MDG_EQUAL, 0},
                 {")", MDG_TOKEN_CLOSE, MDG_EQUAL, 0},
                 {",", MDG_TOKEN_COMMA, MDG_EQUAL, 0}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i].text);
        if (peek(l, 0) == signs[i].text[0] &&
            (size == 1 || peek(l, 1) == signs[i].text[1])) {
            t->kind = signs[i].kind;
            t->compare = signs[i].compare;
            t->negated = signs[i].negated;
            l->at += size;
            return MIDGE_OK;
        }
    }
    return fail_at(l, l->at, "a character that means nothing here");
}

midge_status mdg_lex(mdg_lexer *l, mdg_token *t) {
    while (l->at < l->size && memchr(" \t\r\n", peek(l, 0), 4)) {
        l->at++;
    }
    *t = (mdg_token){.kind = MDG_TOKEN_END, .at = l->at};
    midge_status status = MIDGE_OK;
    if (l->at < l->size) {
        char c = peek(l, 0);
        status = c == '"' || c == '\'' ? lex_string(l, t)
                 : c == '`'            ? lex_quoted_name(l, t)
                 : mdg_name_begins(c)  ? lex_name(l, t)
                 : is_digit(c) || (c == '-' && is_digit(peek(l, 1)))
                     ? lex_number(l, t)
                     : lex_sign(l, t);
    }
    t->end = l->at;
    return status;
}
