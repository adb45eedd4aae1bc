/* kernels_oracle.c: the native side of tests/js/wasm_kernels.test.mjs: some
 * operations on two files of n floats each, by the kernels that this CPU gets.
 * Prints, as raw floats: dot, l2sq, l1, cosine's three, sum, norm, max, min;
 * then softmax(a), a * b, gemv of a (n / 16 rows of 16) with the start of b,
 * and the product of a as (n / 16, 16) and b as (16, n / 16).
 *
 *     kernels_oracle A B
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "midge/os.h"

#define MAX  4096u
#define COLS 16u

static float a[MAX], b[MAX], out[MAX * MAX / COLS / COLS];

static size_t read_floats(const char *path, float *x) {
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(x, sizeof *x, MAX, file) : 0;
    if (!file || n == 0 || fclose(file) != 0) {
        fprintf(stderr, "kernels_oracle: cannot read %s\n", path);
        exit(1);
    }
    return n;
}

static void print(size_t n, const float *x) {
    if (fwrite(x, sizeof *x, n, stdout) != n) {
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const mdg_kernels *k = mdg_kernels_select(midge_os_env().cpu);
    const size_t n = read_floats(argv[1], a);
    const size_t rows = n / COLS;
    if (read_floats(argv[2], b) != n || n % COLS != 0) {
        return 2;
    }
    float numbers[10] = {k->dot_f32(n, a, b), k->l2sq_f32(n, a, b),
                         k->l1_f32(n, a, b)};
    k->cosine_f32(n, a, b, numbers + 3);
    numbers[6] = k->sum_f32(n, a);
    numbers[7] = k->norm_f32(n, a);
    numbers[8] = k->max_f32(n, a);
    numbers[9] = k->min_f32(n, a);
    print(10, numbers);
    memcpy(out, a, n * sizeof *a);
    k->softmax_f32(n, out);
    print(n, out);
    k->mul_f32(n, a, b, out);
    print(n, out);
    k->gemv_f32(rows, COLS, a, COLS, b, out);
    print(rows, out);
    const mdg_gemm product = {.m = rows,
                              .n = rows,
                              .k = COLS,
                              .a = a,
                              .a_row = COLS,
                              .a_col = 1,
                              .b = b,
                              .ldb = rows,
                              .c = out,
                              .ldc = rows};
    k->gemm_f32(&product);
    print(rows * rows, out);
    return 0;
}
