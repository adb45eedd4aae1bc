/* text_scan.c: tokens of a text file, one after the other. */
#include "exchange/text_scan.h"

#include <string.h>

#include "base/decimal.h"

#define TOKEN_SHOWN 24 /* bytes of a bad token that an error repeats */

void mdg_scan_init(mdg_scan *scan, const void *bytes, size_t size,
                   midge_error *err) {
    scan->text = bytes;
    scan->size = size;
    scan->at = 0;
    scan->line = 1;
    scan->err = err;
}

size_t mdg_scan_left(const mdg_scan *scan) {
    return scan->size - scan->at;
}

midge_status mdg_scan_fail(const mdg_scan *scan, midge_status status) {
    if (scan->err) {
        scan->err->line = scan->line;
        scan->err->offset = (int64_t)scan->at;
    }
    return status;
}

static int is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void mdg_scan_space(mdg_scan *scan) {
    for (; scan->at < scan->size && is_space(scan->text[scan->at]);
         scan->at++) {
        scan->line += scan->text[scan->at] == '\n';
    }
}

int mdg_scan_is(mdg_scan *scan, const char *word) {
    mdg_scan_space(scan);
    size_t size = strlen(word);
    if (mdg_scan_left(scan) < size ||
        memcmp(scan->text + scan->at, word, size) != 0) {
        return 0;
    }
    scan->at += size;
    return 1;
}

midge_status mdg_scan_word(mdg_scan *scan, const char *word) {
    if (!mdg_scan_is(scan, word)) {
        return mdg_scan_fail(scan, midge_fail(scan->err, MIDGE_E_PARSE,
                                              "\"%s\" is missing", word));
    }
    return MIDGE_OK;
}

midge_status mdg_scan_key(mdg_scan *scan, const char *name) {
    if (!mdg_scan_is(scan, name) || !mdg_scan_is(scan, "=")) {
        return mdg_scan_fail(scan, midge_fail(scan->err, MIDGE_E_PARSE,
                                              "\"%s=\" is missing", name));
    }
    return MIDGE_OK;
}

/* What stands up to white space, a comma or a bracket. */
static size_t token(mdg_scan *scan) {
    mdg_scan_space(scan);
    size_t end = scan->at;
    while (end < scan->size && !is_space(scan->text[end]) &&
           scan->text[end] != ',' && scan->text[end] != ')') {
        end++;
    }
    return end - scan->at;
}

static midge_status fail_token(const mdg_scan *scan, size_t size,
                               const char *what, const char *wrong) {
    int shown = size < TOKEN_SHOWN ? (int)size : TOKEN_SHOWN;
    return mdg_scan_fail(scan, midge_fail(scan->err, MIDGE_E_PARSE,
                                          "%s: \"%.*s\" is %s", what, shown,
                                          scan->text + scan->at, wrong));
}

midge_status mdg_scan_uint(mdg_scan *scan, const char *what, uint32_t max,
                           uint32_t *out) {
    const size_t size = token(scan);
    const char *digits = scan->text + scan->at;
    uint64_t value = 0;
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return fail_token(scan, size, what, "not a whole number");
        }
        value = value * 10 + (uint64_t)(digits[i] - '0');
        if (value > max) {
            return fail_token(scan, size, what, "too large");
        }
    }
    if (size == 0) {
        return fail_token(scan, size, what, "not a whole number");
    }
    *out = (uint32_t)value;
    scan->at += size;
    return MIDGE_OK;
}

midge_status mdg_scan_number(mdg_scan *scan, const char *what, int whole,
                             double *out) {
    const size_t size = token(scan);
    *out = 0.0;
    double value;
    if (!mdg_decimal_read_loose(scan->text + scan->at, size, &value)) {
        return fail_token(scan, size, what, "not a finite number");
    }
    if (whole && (!(value >= INT32_MIN && value <= INT32_MAX) ||
                  (double)(int32_t)value != value)) {
        return fail_token(scan, size, what, "not a whole number of 32 bits");
    }
    const float narrow = (float)value;
    if (narrow - narrow != 0.0f) {
        return fail_token(scan, size, what, "too large for a float");
    }
    *out = value;
    scan->at += size;
    return MIDGE_OK;
}
