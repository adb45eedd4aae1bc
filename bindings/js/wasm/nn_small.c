/* nn_small.c: what midge-nn has in the place of parts of the core, to be small.
 *
 * The trainers of second order are in midge-nn-full only; net_train refuses
 * them (nn_entry.c) before it comes to these. Numbers in the text of an error
 * have six digits instead of the fewest that read back to the same bits.
 */
#include "base/decimal.h"
#include "nn/train.h"

const mdg_method mdg_train_lbfgs;
const mdg_method mdg_train_levenberg;

static size_t put_exponent(int exponent, char *out) {
    size_t size = 0;
    out[size++] = 'e';
    if (exponent < 0) {
        out[size++] = '-';
        exponent = -exponent;
    }
    for (int unit = exponent >= 100 ? 100 : 10; unit > 0; unit /= 10) {
        out[size++] = (char)('0' + exponent / unit % 10);
    }
    return size;
}

/* "1234.5", "0.05"; what is larger or smaller as "1.2345e+20". */
size_t mdg_decimal_write_f64(double value, char out[MDG_DECIMAL_MAX]) {
    size_t size = 0;
    int exponent = 0;
    if (value < 0) {
        out[size++] = '-';
        value = -value;
    }
    for (; value >= 10; value /= 10) {
        exponent++;
    }
    for (; value > 0 && value < 1; value *= 10) {
        exponent--;
    }
    uint32_t six = (uint32_t)(value * 1e5 + 0.5); /* digits of the number */
    if (six == 1000000) {
        six = 100000;
        exponent++;
    }
    int whole = 1; /* digits before the point */
    for (; exponent < 0 && exponent >= -4; exponent++) {
        out[size++] = '0';
        if (whole == 1) {
            out[size++] = '.';
        }
        whole = 0;
    }
    for (; exponent > 0 && exponent <= 5; exponent--) {
        whole++;
    }
    uint32_t unit = 100000;
    for (int i = 0; unit > 0 && (six > 0 || i < whole); i++, unit /= 10) {
        if (i == whole && whole > 0) {
            out[size++] = '.';
        }
        out[size++] = (char)('0' + six / unit);
        six %= unit;
    }
    size += exponent != 0 ? put_exponent(exponent, out + size) : 0;
    out[size] = '\0';
    return size;
}
