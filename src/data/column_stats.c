/* column_stats.c: sums are doubles in the order of the rows, so that the same
 * rows give the same bits; quantiles are found digit by digit, which takes no
 * memory however many columns are looked at together. */
#include "data/column_stats.h"

#include <string.h>

#include "base/sort.h"

mdg_moments mdg_moments_of(const mdg_sample *sample, size_t column) {
    const float *numbers = midge_table_numbers(sample->table, column);
    mdg_moments m = {0};
    for (size_t i = 0; i < sample->n_rows; i++) {
        float v = numbers[sample->rows[i]];
        if (v == v) {
            m.least = m.count == 0 || v < m.least ? v : m.least;
            m.most = m.count == 0 || v > m.most ? v : m.most;
            m.sum += (double)v;
            m.count++;
        }
    }
    double mean = m.count ? m.sum / (double)m.count : 0.0;
    for (size_t i = 0; i < sample->n_rows; i++) {
        float v = numbers[sample->rows[i]];
        m.squares += v == v ? ((double)v - mean) * ((double)v - mean) : 0.0;
    }
    return m;
}

mdg_moments mdg_moments_of_all(const mdg_sample *sample,
                               const uint32_t *columns, size_t n) {
    mdg_moments all = {0};
    if (n == 1) {
        return mdg_moments_of(sample, columns[0]);
    }
    for (size_t i = 0; i < n; i++) {
        mdg_moments m = mdg_moments_of(sample, columns[i]);
        if (m.count > 0) {
            int first = all.count == 0;
            all.least = first || m.least < all.least ? m.least : all.least;
            all.most = first || m.most > all.most ? m.most : all.most;
            all.sum += m.sum;
            all.count += m.count;
        }
    }
    double mean = all.count ? all.sum / (double)all.count : 0.0;
    for (size_t i = 0; i < n; i++) {
        mdg_moments m = mdg_moments_of(sample, columns[i]);
        double off = m.count ? m.sum / (double)m.count - mean : 0.0;
        all.squares += m.squares + off * off * (double)m.count;
    }
    return all;
}

/* Of the values whose keys agree with `prefix` above `shift` + 8: how many have
 * which next 8 bits. */
static void count_digits(const mdg_sample *sample, const uint32_t *columns,
                         size_t n, uint32_t prefix, int shift,
                         size_t count[256]) {
    memset(count, 0, 256 * sizeof *count);
    for (size_t c = 0; c < n; c++) {
        const float *numbers = midge_table_numbers(sample->table, columns[c]);
        for (size_t i = 0; i < sample->n_rows; i++) {
            float v = numbers[sample->rows[i]];
            uint32_t key = mdg_key_of_f32(v);
            if (v == v && (shift == 24 || (key ^ prefix) >> (shift + 8) == 0)) {
                count[key >> shift & 255]++;
            }
        }
    }
}

/* The value with `rank` smaller ones. */
static float value_at(const mdg_sample *sample, const uint32_t *columns,
                      size_t n, size_t rank) {
    uint32_t prefix = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t count[256];
        uint32_t digit = 0;
        count_digits(sample, columns, n, prefix, shift, count);
        while (digit < 255 && rank >= count[digit]) {
            rank -= count[digit++];
        }
        prefix |= digit << shift;
    }
    return mdg_f32_of_key(prefix);
}

double mdg_quantile(const mdg_sample *sample, const uint32_t *columns, size_t n,
                    double share) {
    size_t count = 0;
    for (size_t c = 0; c < n; c++) {
        const float *numbers = midge_table_numbers(sample->table, columns[c]);
        for (size_t i = 0; i < sample->n_rows; i++) {
            count += numbers[sample->rows[i]] == numbers[sample->rows[i]];
        }
    }
    if (count == 0) {
        return 0.0;
    }
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    double low = (double)value_at(sample, columns, n, below);
    double part = place - (double)below;
    if (part == 0.0) {
        return low;
    }
    double high = (double)value_at(sample, columns, n, below + 1);
    return low + part * (high - low);
}
