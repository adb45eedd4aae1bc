/* words_line.c: one line of word vectors: a word and its numbers.
 *
 * A number is what mdg_decimal_read makes of it, then rounded to a float. The
 * short way to it gives the same: up to 2^53 the digits are exact, so are the
 * powers of ten up to 22, and one division rounds once.
 */
#include <string.h>

#include "base/decimal.h"
#include "embed/words.h"

/* ---- Numbers ------------------------------------------------------------- */

static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#define DIGITS_MOST 900719925474098u /* and one digit more is below 2^53 */

/* The bytes of a number such as "-0.0123" at the beginning of `s`, up to a
 * space or the end: no exponent, few digits, nothing that JSON would refuse. 0
 * for every other text. */
static size_t read_short(const char *s, size_t left, double *value) {
    const size_t first = left > 0 && s[0] == '-';
    size_t at = first;
    size_t point = 0; /* where it is; 0: there is none */
    uint64_t digits = 0;
    for (; at < left && !mdg_separates(s[at]); at++) {
        unsigned digit = (unsigned)(unsigned char)s[at] - '0';
        if (digit <= 9 && digits <= DIGITS_MOST) {
            digits = digits * 10 + digit;
        } else if (s[at] == '.' && point == 0 && at > first) {
            point = at;
        } else {
            return 0;
        }
    }
    size_t whole_end = point ? point : at;
    size_t n_behind = point ? at - point - 1 : 0;
    if (whole_end == first || (point && n_behind == 0) || n_behind > 22 ||
        (s[first] == '0' && whole_end > first + 1)) {
        return 0;
    }
    *value = (double)digits / powers_of_ten[n_behind];
    *value = first ? -*value : *value;
    return at;
}

static int read_number(const char *s, size_t size, double *value) {
    size_t n = read_short(s, size, value);
    return (n > 0 && n == size) || mdg_decimal_read(s, size, value);
}

/* ---- One line ------------------------------------------------------------ */

size_t mdg_line_fields(const mdg_word_line *s) {
    size_t n = 0;
    size_t size = s->size;
    while (size > 0) {
        size = mdg_last_field(s->text, size);
        size -= size > 0;
        n++;
    }
    return n;
}

static mdg_line_fault wrong_number(const mdg_word_line *s, uint32_t dim) {
    return mdg_line_fields(s) < (size_t)dim + 1 ? MDG_LINE_TOO_FEW
                                                : MDG_LINE_NUMBER;
}

/* What stands before the numbers: the line's first `size` bytes. */
static mdg_line_fault look_at_word(const mdg_word_line *s, size_t size) {
    if (size == 0) {
        return MDG_LINE_NO_WORD;
    }
    if (size > MDG_WORD_BYTES_MAX) {
        return MDG_LINE_LONG_WORD;
    }
    if (memchr(s->text, 0, size)) {
        return MDG_LINE_ZERO_BYTE;
    }
    size_t from = mdg_last_field(s->text, size);
    double value;
    if (from > 0 && read_number(s->text + from, size - from, &value)) {
        return MDG_LINE_TOO_MANY;
    }
    return MDG_LINE_NONE;
}

/* Nearly every line: a word without spaces and short numbers, in one pass. 0
 * for a line that must be looked at more closely. */
static int read_plain_line(mdg_word_line *s, uint32_t dim, float *row) {
    size_t at = mdg_first_field(s->text, s->size);
    if (at == 0 || at > MDG_WORD_BYTES_MAX || memchr(s->text, 0, at)) {
        return 0;
    }
    s->word_size = at;
    for (uint32_t i = 0; i < dim; i++) {
        double value;
        if (at >= s->size) {
            return 0;
        }
        at++;
        size_t n = read_short(s->text + at, s->size - at, &value);
        if (n == 0) {
            return 0;
        }
        row[i] = (float)value;
        at += n;
    }
    return at == s->size;
}

/* From the end: the numbers, then what is left is the word. */
static mdg_line_fault read_any_line(mdg_word_line *s, uint32_t dim,
                                    float *row) {
    size_t size = s->size;
    for (uint32_t i = dim; i-- > 0;) {
        size_t from = mdg_last_field(s->text, size);
        double value;
        if (from == 0) {
            return MDG_LINE_TOO_FEW;
        }
        if (!read_number(s->text + from, size - from, &value)) {
            return wrong_number(s, dim);
        }
        row[i] = (float)value;
        if (row[i] - row[i] != 0.0f) {
            return MDG_LINE_NUMBER;
        }
        size = from - 1;
    }
    s->word_size = size;
    return look_at_word(s, size);
}

void mdg_line_read(mdg_word_line *s, uint32_t dim, float *row) {
    s->fault = MDG_LINE_EMPTY;
    if (s->size == 0) {
        return;
    }
    s->fault = MDG_LINE_NONE;
    if (!read_plain_line(s, dim, row)) {
        s->fault = read_any_line(s, dim, row);
    }
    if (s->fault != MDG_LINE_NONE && memchr(s->text, 0, s->size)) {
        s->fault = MDG_LINE_ZERO_BYTE;
    }
}
