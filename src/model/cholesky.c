/* cholesky.c: blocked Cholesky (right-looking; Golub & Van Loan, 4.2): a panel
 * of columns by dots, the rest of the matrix by gemm, which is where the time
 * goes. Row-major, lower triangle; what stands above the diagonal is scratch.
 */
#include "base/fmath.h"
#include "model/model.h"

#define PANEL 128
#define TILE  256

size_t mdg_cholesky_panel(size_t n) {
    return n * PANEL;
}

/* Columns from..to of L, for all rows from `from` on. */
static int factor_panel(const mdg_kernels *k, size_t n, float *a, size_t from,
                        size_t to) {
    for (size_t i = from; i < n; i++) {
        float *row = a + i * n;
        for (size_t j = from; j < to && j <= i; j++) {
            float rest =
                row[j] - k->dot_f32(j - from, row + from, a + j * n + from);
            if (j == i) {
                if (!(rest > 1e-7f * row[j]) || !(rest < 1e37f)) {
                    return 0;
                }
                row[j] = mdg_sqrt_f32(rest);
            } else {
                row[j] = rest / a[j * n + j];
            }
        }
    }
    return 1;
}

static void update_rest(const mdg_kernels *k, size_t n, float *a, size_t from,
                        size_t to, float *panel) {
    size_t width = to - from, left = n - to;
    for (size_t i = 0; i < left; i++) {
        for (size_t j = 0; j < width; j++) {
            panel[j * left + i] = -a[(to + i) * n + from + j];
        }
    }
    for (size_t j = 0; j < left; j += TILE) {
        mdg_gemm g = {.m = left - j,
                      .n = left - j < TILE ? left - j : TILE,
                      .k = width,
                      .a = a + (to + j) * n + from,
                      .a_row = n,
                      .a_col = 1,
                      .b = panel + j,
                      .ldb = left,
                      .c = a + (to + j) * n + to + j,
                      .ldc = n,
                      .accumulate = 1};
        k->gemm_f32(&g);
    }
}

int mdg_cholesky(const mdg_kernels *k, size_t n, float *a, float *panel) {
    for (size_t from = 0; from < n; from += PANEL) {
        size_t to = n - from < PANEL ? n : from + PANEL;
        if (!factor_panel(k, n, a, from, to)) {
            return 0;
        }
        if (to < n) {
            update_rest(k, n, a, from, to, panel);
        }
    }
    return 1;
}

void mdg_cholesky_solve(const mdg_kernels *k, size_t n, const float *l,
                        float *r) {
    for (size_t i = 0; i < n; i++) {
        r[i] = (r[i] - k->dot_f32(i, l + i * n, r)) / l[i * n + i];
    }
    for (size_t i = n; i > 0; i--) {
        const float *row = l + (i - 1) * n;
        r[i - 1] /= row[i - 1];
        k->axpy_f32(i - 1, -r[i - 1], row, r);
    }
}
