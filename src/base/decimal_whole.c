/* decimal_whole.c: whole numbers as decimal text. */
#include "base/decimal.h"

#include <string.h>

size_t mdg_decimal_write_i64(int64_t value, char out[MDG_DECIMAL_MAX]) {
    char digits[MDG_DECIMAL_MAX];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at - 1;
}
