/* learn_text.c: failures stick to the buffer (see midge_buf.status). */
#include "ops/learn_text.h"

#include "base/decimal.h"

void mdg_text_int(midge_buf *out, int64_t value) {
    char digits[MDG_DECIMAL_MAX];
    (void)midge_buf_append(out, digits, mdg_decimal_write_i64(value, digits));
}

void mdg_text_fixed(midge_buf *out, double value, unsigned decimals) {
    static const double powers[] = {1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    decimals = decimals > 6 ? 6 : decimals;
    double scaled = value * powers[decimals];
    if (!(scaled > -9e15 && scaled < 9e15)) { /* too large, or NaN */
        char text[MDG_DECIMAL_MAX];
        int finite = value - value == 0.0;
        (void)midge_buf_append(out, finite ? text : "?",
                               finite ? mdg_decimal_write_f64(value, text) : 1);
        return;
    }
    int64_t n = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    int64_t unit = (int64_t)powers[decimals];
    if (n < 0) {
        (void)midge_buf_puts(out, "-");
        n = -n;
    }
    mdg_text_int(out, n / unit);
    if (decimals > 0) {
        (void)midge_buf_puts(out, ".");
        for (int64_t digit = unit / 10; digit > 0; digit /= 10) {
            char c = (char)('0' + n % unit / digit % 10);
            (void)midge_buf_append(out, &c, 1);
        }
    }
}
