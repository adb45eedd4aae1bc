/* csv_number.c: what a cell of CSV is. The one rule for tables and for files of
 * vectors; midge/table.h has it for people. */
#include "data/csv_scan.h"

#include <string.h>

#include "base/decimal.h"

static int equals(const char *text, size_t size, const char *word) {
    if (size != strlen(word)) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        char lower = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        if (lower != word[i]) {
            return 0;
        }
    }
    return 1;
}

static int equals_any(const char *text, size_t size, const char *const *words,
                      size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (equals(text, size, words[i])) {
            return 1;
        }
    }
    return 0;
}

static size_t skip_digits(const char *text, size_t size, size_t at) {
    while (at < size && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

/* An unsigned decimal: "7", "007", ".5", "5.", "1e-3". */
static int looks_like_number(const char *text, size_t size) {
    size_t at = skip_digits(text, size, 0);
    size_t n_digits = at;
    if (at < size && text[at] == '.') {
        size_t end = skip_digits(text, size, at + 1);
        n_digits += end - at - 1;
        at = end;
    }
    if (at < size && n_digits > 0 && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '+' || text[at] == '-');
        size_t end = skip_digits(text, size, at);
        n_digits = end - at;
        at = end;
    }
    return at == size && n_digits > 0;
}

mdg_cell mdg_csv_number(const char *text, size_t size, double *number) {
    static const char *const infinite[] = {"nan", "inf", "infinity"};
    const size_t sign = size > 0 && (text[0] == '-' || text[0] == '+');
    const int is_negative = size > 0 && text[0] == '-';
    text += sign;
    size -= sign;
    if (!looks_like_number(text, size)) {
        return equals_any(text, size, infinite, 3) ? MDG_CELL_BAD
                                                   : MDG_CELL_TEXT;
    }
    double value;
    if (!mdg_decimal_read_loose(text, size, &value)) {
        return MDG_CELL_BAD;
    }
    *number = is_negative ? -value : value;
    return MDG_CELL_NUMBER;
}

mdg_cell mdg_csv_cell(const mdg_csv *s, double *number) {
    static const char *const missing[] = {"na", "n/a", "null"};
    const char *text = s->cell.data;
    const size_t size = s->cell.size;
    if (size == 0 || (!s->is_quoted && equals_any(text, size, missing, 3))) {
        return MDG_CELL_MISSING;
    }
    return mdg_csv_number(text, size, number);
}
