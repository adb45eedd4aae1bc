/* kernels_work.c: the works and their data (kernels_work.h). */
#include "kernels_work.h"

#include <string.h>

#define ROWS   8
#define COLS   768
#define FLOATS ((size_t)2048 * 2048)      /* of each array */
#define LARGE  ((size_t)16 * 1024 * 1024) /* 64 MiB, out of most caches */

/* Apart by odd numbers of cache lines: at a distance of 4 KiB a store would be
 * taken for one to the address of a later load. */
static _Alignas(64) float array_a[FLOATS];
static _Alignas(64) float array_b[FLOATS + 16 * 17];
static _Alignas(64) float array_c[FLOATS + 16 * 35];
static _Alignas(64) float array_d[FLOATS + 16 * 51];
static _Alignas(64) float large_a[LARGE];
static _Alignas(64) float large_b[LARGE + 16 * 17];
static _Alignas(64) float large_c[LARGE + 16 * 35];
static float *const a = array_a;
static float *const b = array_b + 16 * 17;
static float *const c = array_c + 16 * 35;
static float *const d = array_d + 16 * 51;
/* Rows and a vector of 16-bit floats, of whole rows of large_a to gather. */
#define LARGE_ROWS (LARGE / COLS)
static _Alignas(64) uint16_t f16_rows[ROWS * COLS], f16_one[COLS];
static _Alignas(64) uint16_t bf16_rows[ROWS * COLS], bf16_one[COLS];
static _Alignas(64) uint16_t halves_out[COLS];
/* Rows and a vector of bytes. */
static _Alignas(64) uint8_t u8_rows[ROWS * COLS], u8_one[COLS];
static _Alignas(64) int8_t i8_rows[ROWS * COLS], i8_one[COLS];
static _Alignas(64) int8_t bytes_out[COLS];
/* 64 sets of 1,024 bits, 4,096 vectors of 64 codes of four bits. */
#define SETS  64
#define SET   128
#define CODES 64
#define CODED 4096
static _Alignas(64) uint8_t sets[SETS * SET], set_one[SET], set_out[SETS * SET];
static _Alignas(64) uint8_t packed[CODED * CODES / 2], codes[CODED * CODES];
static uint16_t pq4_out[CODED];
static uint32_t sums_out[SETS];
/* A sparse matrix: its elements are in a. */
#define SPARSE_ROWS 1024
#define SPARSE_EACH 16
static uint32_t row_start[SPARSE_ROWS + 1];
static uint32_t column[SPARSE_ROWS * SPARSE_EACH];
static uint32_t chosen[LARGE_ROWS], best[1000];

/* ---- The works ------------------------------------------------------------
 */

#define RUN(name)                                                              \
    static void name(const mdg_kernels *k, const bench_peaks *p,               \
                     const work *w, size_t calls)
#define EACH_CALL for (size_t call = 0; call < calls; call++)
#define EACH_ROW  for (size_t row = 0; row < w->m; row++)

/* Of every row of a with b to a number. */
#define OF_ROWS_AND_VECTOR(op)                                                 \
    RUN(run_##op) {                                                            \
        EACH_CALL EACH_ROW {                                                   \
            c[row] = MDG_KERNEL(k, op)(w->n, a + row * w->n, b);               \
        }                                                                      \
    }
#define OF_ROWS(op)                                                            \
    RUN(run_##op) {                                                            \
        EACH_CALL EACH_ROW {                                                   \
            c[row] = MDG_KERNEL(k, op)(w->n, a + row * w->n);                  \
        }                                                                      \
    }
/* In place, on new inputs every eighth time: some of these functions lead to
 * denormal numbers when applied again and again, and a copy costs something. */
#define IN_PLACE(op)                                                           \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            if (call % 8 == 0) {                                               \
                memcpy(c, a, w->n * sizeof *c);                                \
            }                                                                  \
            MDG_KERNEL(k, op)(w->n, c);                                        \
        }                                                                      \
    }
#define BACK(op)                                                               \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            if (call % 8 == 0) {                                               \
                memcpy(c, a, w->n * sizeof *c);                                \
            }                                                                  \
            MDG_KERNEL(k, op)(w->n, b, c);                                     \
        }                                                                      \
    }
#define MATRIX_AND_VECTOR(op)                                                  \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            MDG_KERNEL(k, op)(w->m, w->n, a, w->n, b, c);                      \
        }                                                                      \
    }

/* Of two vectors to a third. */
#define OF_TWO(op)                                                             \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            MDG_KERNEL(k, op)(w->n, a, b, c);                                  \
        }                                                                      \
    }
#define OF_HALVES(op, rows, one)                                               \
    RUN(run_##op) {                                                            \
        EACH_CALL EACH_ROW {                                                   \
            c[row] = MDG_KERNEL(k, op)(w->n, rows + row * w->n, one);          \
        }                                                                      \
    }
#define TO_HALF(op)                                                            \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            MDG_KERNEL(k, op)(w->n, a, halves_out);                            \
        }                                                                      \
    }
#define FROM_HALF(op, from)                                                    \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            MDG_KERNEL(k, op)(w->n, from, c);                                  \
        }                                                                      \
    }
/* m of the rows, others in every call; with few rows they stay in the cache. */
#define GATHER(op, name, from, n_rows)                                         \
    RUN(name) {                                                                \
        EACH_CALL {                                                            \
            size_t first = call * w->m % ((n_rows) - w->m + 1);                \
            MDG_KERNEL(k, op)(w->m, chosen + first, w->n, from, w->n, b, c);   \
        }                                                                      \
    }

OF_ROWS_AND_VECTOR(dot_f32)
OF_ROWS_AND_VECTOR(l2sq_f32)
OF_ROWS_AND_VECTOR(l1_f32)
OF_ROWS(sum_f32)
OF_ROWS(norm_f32)
OF_ROWS(max_f32)
OF_ROWS(min_f32)
OF_ROWS(absmax_f32)
OF_TWO(add_f32)
OF_TWO(sub_f32)
OF_TWO(mul_f32)
OF_HALVES(dot_f16, f16_rows, f16_one)
OF_HALVES(l2sq_f16, f16_rows, f16_one)
OF_HALVES(dot_bf16, bf16_rows, bf16_one)
OF_HALVES(l2sq_bf16, bf16_rows, bf16_one)
TO_HALF(f32_to_f16)
TO_HALF(f32_to_bf16)
FROM_HALF(f16_to_f32, f16_rows)
FROM_HALF(bf16_to_f32, bf16_rows)
GATHER(gather_dot_f32, run_gather_dot_f32, large_a, LARGE_ROWS)
GATHER(gather_l2sq_f32, run_gather_l2sq_f32, large_a, LARGE_ROWS)
GATHER(gather_dot_f32, run_gather_few, a, ROWS)
GATHER(gather_l2sq_f32, run_gather_l2sq_few, a, ROWS)
GATHER(gather_dot_f16, run_gather_dot_f16, f16_rows, ROWS)
GATHER(gather_l2sq_f16, run_gather_l2sq_f16, f16_rows, ROWS)
IN_PLACE(exp_f32)
IN_PLACE(tanh_f32)
IN_PLACE(sigmoid_f32)
IN_PLACE(sin_f32)
IN_PLACE(cos_f32)
IN_PLACE(gelu_f32)
IN_PLACE(silu_f32)
IN_PLACE(elliot_f32)
BACK(sigmoid_back_f32)
BACK(tanh_back_f32)
BACK(relu_back_f32)
BACK(elliot_back_f32)
BACK(gelu_back_f32)
BACK(silu_back_f32)
BACK(softmax_back_f32)
IN_PLACE(relu_f32)
IN_PLACE(softmax_f32)
MATRIX_AND_VECTOR(gemv_f32)
MATRIX_AND_VECTOR(gemv_fast_f32)
MATRIX_AND_VECTOR(l2sq_rows_f32)

#define GATHER_BYTES(op, rows, one, out_type)                                  \
    RUN(run_##op) {                                                            \
        EACH_CALL {                                                            \
            MDG_KERNEL(k, op)(w->m, chosen, w->n, rows, w->n, one,             \
                              (out_type *)sums_out);                           \
        }                                                                      \
    }
#define SUMS_OF_ROWS(op, rows, one)                                            \
    RUN(run_##op) {                                                            \
        EACH_CALL EACH_ROW {                                                   \
            sums_out[row] =                                                    \
                (uint32_t)MDG_KERNEL(k, op)(w->n, rows + row * w->n, one);     \
        }                                                                      \
    }
#define SETS_TO_SETS(op)                                                       \
    RUN(run_##op) {                                                            \
        EACH_CALL EACH_ROW {                                                   \
            MDG_KERNEL(k, op)(w->n, sets + row * w->n, set_one,                \
                              set_out + row * w->n);                           \
        }                                                                      \
    }

SUMS_OF_ROWS(dot_i8, i8_rows, i8_one)
SUMS_OF_ROWS(dot_u8, u8_rows, u8_one)
SUMS_OF_ROWS(l2sq_i8, i8_rows, i8_one)
SUMS_OF_ROWS(l2sq_u8, u8_rows, u8_one)
GATHER_BYTES(gather_dot_i8, i8_rows, i8_one, int32_t)
GATHER_BYTES(gather_dot_u8, u8_rows, u8_one, uint32_t)
GATHER_BYTES(gather_l2sq_i8, i8_rows, i8_one, uint32_t)
GATHER_BYTES(gather_l2sq_u8, u8_rows, u8_one, uint32_t)
SUMS_OF_ROWS(hamming_b1, sets, set_one)
SUMS_OF_ROWS(andcount_b1, sets, set_one)
SUMS_OF_ROWS(orcount_b1, sets, set_one)
GATHER_BYTES(gather_hamming_b1, sets, set_one, uint32_t)
SETS_TO_SETS(xor_b1)
SETS_TO_SETS(and_b1)
SETS_TO_SETS(or_b1)

RUN(run_cosine_i8) {
    EACH_CALL EACH_ROW {
        MDG_KERNEL(k, cosine_i8)
        (w->n, i8_rows + row * w->n, i8_one, (int32_t *)sums_out + 3 * row);
    }
}

RUN(run_popcount_b1) {
    EACH_CALL EACH_ROW {
        sums_out[row] =
            (uint32_t)MDG_KERNEL(k, popcount_b1)(w->n, sets + row * w->n);
    }
}

RUN(run_f32_to_i8) {
    EACH_CALL {
        MDG_KERNEL(k, f32_to_i8)(w->n, 127.0f, a, bytes_out);
    }
}

RUN(run_f32_to_u8) {
    EACH_CALL {
        MDG_KERNEL(k, f32_to_u8)(w->n, 127.0f, 128, a, (uint8_t *)bytes_out);
    }
}

RUN(run_i8_to_f32) {
    EACH_CALL {
        MDG_KERNEL(k, i8_to_f32)(w->n, 1.0f / 127, i8_rows, c);
    }
}

RUN(run_pq4_pack) {
    EACH_CALL {
        MDG_KERNEL(k, pq4_pack)(w->m, w->n, codes, packed);
    }
}

RUN(run_pq4_sums) {
    EACH_CALL {
        MDG_KERNEL(k, pq4_sums)
        (w->n, w->m / MDG_PQ4_BLOCK, packed, u8_rows, pq4_out);
    }
}

RUN(run_cosine_f32) {
    EACH_CALL EACH_ROW {
        MDG_KERNEL(k, cosine_f32)(w->n, a + row * w->n, b, c + 3 * row);
    }
}

RUN(run_argmax_f32) {
    EACH_CALL EACH_ROW {
        c[row] = (float)MDG_KERNEL(k, argmax_f32)(w->n, a + row * w->n);
    }
}

RUN(run_scale_f32) {
    EACH_CALL {
        MDG_KERNEL(k, scale_f32)(w->n, 0.7f, a, c);
    }
}

RUN(run_top_k_f32) {
    EACH_CALL {
        MDG_KERNEL(k, top_k_f32)(w->n, a, w->k, c, best);
    }
}

/* There and back again, so that it stays near 1. */
RUN(run_axpy_f32) {
    EACH_CALL EACH_ROW {
        MDG_KERNEL(k, axpy_f32)
        (w->n, call % 2 == 0 ? 1e-3f : -1e-3f, a + row * w->n, c);
    }
}

RUN(run_adam_f32) {
    const mdg_adam step = {0.9f, 0.999f, 1e-6f, 1.0f, 1e-8f, 0.0f};
    EACH_CALL {
        MDG_KERNEL(k, adam_f32)(w->n, &step, a, c, b, d);
    }
}

RUN(run_sgd_f32) {
    const mdg_sgd step = {1e-6f, 0.9f, 0.0f};
    EACH_CALL {
        MDG_KERNEL(k, sgd_f32)(w->n, &step, a, c, b);
    }
}

RUN(run_log_sum_exp_f32) {
    EACH_CALL {
        c[0] = MDG_KERNEL(k, log_sum_exp_f32)(w->n, a);
    }
}

RUN(run_gemv_t_f32) {
    EACH_CALL {
        MDG_KERNEL(k, gemv_t_f32)(w->m, w->n, a, w->n, b, 0, c);
    }
}

RUN(run_rank1_f32) {
    EACH_CALL {
        MDG_KERNEL(k, rank1_f32)
        (w->m, w->n, call % 2 == 0 ? 1e-3f : -1e-3f, a, b, c, w->n);
    }
}

RUN(run_spmv_csr_f32) {
    EACH_CALL {
        MDG_KERNEL(k, spmv_csr_f32)(w->m, row_start, column, a, b, c);
    }
}

/* A fifth is kept; behind that anything may stand. */
RUN(run_compress_f32) {
    EACH_CALL {
        memset(c + MDG_KERNEL(k, compress_f32)(w->m, w->n, a, w->n, 10000,
                                               row_start, column, c),
               0, MDG_COMPRESS_ROOM * sizeof *c);
    }
}

RUN(run_spmm_csr_f32) {
    mdg_spmm s = {w->m, w->n, row_start, column, a,   b,
                  w->n, c,    w->n,      NULL,   NULL};
    EACH_CALL {
        MDG_KERNEL(k, spmm_csr_f32)(&s);
    }
}

/* Bytes are those of the floats there are. */
RUN(run_gemm_i8) {
    mdg_gemm_i8 g = {w->m,
                     w->n,
                     w->k,
                     (const uint8_t *)a,
                     w->k,
                     (const int8_t *)b,
                     (const int32_t *)row_start,
                     d,
                     d + w->n,
                     c,
                     w->n};
    EACH_CALL {
        MDG_KERNEL(k, gemm_i8)(&g);
    }
}

RUN(run_transpose_f32) {
    EACH_CALL {
        MDG_KERNEL(k, transpose_f32)(w->m, w->n, a, c);
    }
}

static mdg_gemm gemm_of(const work *w, int transposed) {
    return (mdg_gemm){.m = w->m,
                      .n = w->n,
                      .k = w->k,
                      .a = a,
                      .a_row = transposed ? 1 : w->k,
                      .a_col = transposed ? w->m : 1,
                      .b = b,
                      .ldb = w->n,
                      .c = c,
                      .ldc = w->n};
}

RUN(run_gemm_f32) {
    mdg_gemm g = gemm_of(w, 0);
    EACH_CALL {
        MDG_KERNEL(k, gemm_f32)(&g);
    }
}

RUN(run_gemm_f32_t) {
    mdg_gemm g = gemm_of(w, 1);
    EACH_CALL {
        MDG_KERNEL(k, gemm_f32)(&g);
    }
}

RUN(run_gemm_fast_f32) {
    mdg_gemm g = gemm_of(w, 0);
    EACH_CALL {
        MDG_KERNEL(k, gemm_fast_f32)(&g);
    }
}

RUN(run_gemm_fast_f32_t) {
    mdg_gemm g = gemm_of(w, 1);
    EACH_CALL {
        MDG_KERNEL(k, gemm_fast_f32)(&g);
    }
}

RUN(run_peak) {
    EACH_CALL {
        c[0] = p->mul_add(w->n);
    }
}

RUN(run_peak_fma) {
    EACH_CALL {
        c[0] = p->fma(w->n);
    }
}

RUN(run_read) {
    EACH_CALL {
        c[0] = p->read(w->n, w->n == LARGE ? large_a : a);
    }
}

RUN(run_triad) {
    EACH_CALL {
        p->triad(w->n, large_a, large_b, large_c);
    }
}

/* ---- The list -------------------------------------------------------------
 */

#if defined(__wasm__)
#define OP(op) 0
#else
#define OP(op) offsetof(mdg_kernels, op)
#endif

/* flops_ and bytes_ for each of m n elements; more_ bytes beside them. */
#define EACH(label, op_, m_, n_, flops_, bytes_, more_)                        \
    FLAGGED(label, op_, m_, n_, flops_, bytes_, more_, 0)
#define FLAGGED(label, op_, m_, n_, flops_, bytes_, more_, flags_)             \
    {.name = label,                                                            \
     .run = run_##op_,                                                         \
     .op = OP(op_),                                                            \
     .m = m_,                                                                  \
     .n = n_,                                                                  \
     .flops = (flops_) * (double)(m_) * (double)(n_),                          \
     .bytes = (bytes_) * (double)(m_) * (double)(n_) + (more_),                \
     .items = (double)(m_) * (double)(n_),                                     \
     .flags = flags_}
/* A matrix and a vector of floats that are read. */
#define NAMED(label, op_, run_, m_, n_, flops_, bytes_, more_)                 \
    {.name = label,                                                            \
     .run = run_,                                                              \
     .op = OP(op_),                                                            \
     .m = m_,                                                                  \
     .n = n_,                                                                  \
     .flops = (flops_) * (double)(m_) * (double)(n_),                          \
     .bytes = (bytes_) * (double)(m_) * (double)(n_) + (more_),                \
     .items = (double)(m_) * (double)(n_)}
#define ROWS_OF(label, op, m_, n_, flops_)                                     \
    EACH(label, op, m_, n_, flops_, 4, 4 * (n_))
#define BYTES(label, op, m_, n_, bytes_, more_)                                \
    FLAGGED(label, op, m_, n_, 0, bytes_, more_, WORK_BYTES)
#define BYTE_ROWS(label, op, flops_)                                           \
    FLAGGED(label, op, ROWS, COLS, flops_, 1, COLS, WORK_BYTES)
/* A vector that is changed. */
#define VECTOR(label, op, n_) EACH(label, op, 1, n_, 0, 8, 0)
#define PRODUCT(label, op_, run_, m_, n_, k_, flops_, bytes_, flags_)          \
    {.name = label,                                                            \
     .run = run_,                                                              \
     .op = OP(op_),                                                            \
     .m = m_,                                                                  \
     .n = n_,                                                                  \
     .k = k_,                                                                  \
     .flops = flops_,                                                          \
     .bytes = bytes_,                                                          \
     .items = (double)m_ * n_,                                                 \
     .flags = flags_}
#define GEMM(label, op, run, m, n, k, flags)                                   \
    PRODUCT(label, op, run, m, n, k, 2.0 * m * n * k,                          \
            4.0 * (m * k + k * n + m * n), flags)
#define GEMM_I8(label, m, n, k)                                                \
    PRODUCT(label, gemm_i8, run_gemm_i8, m, n, k, 2.0 * m * n * k,             \
            m * k + k * n + 4.0 * m * n, WORK_BYTES)
#define SPMM(label, m, n, k)                                                   \
    PRODUCT(label, spmm_csr_f32, run_spmm_csr_f32, m, n, k,                    \
            2.0 * m * n * (k / 5), 4.0 * (k * n + m * n), 0)
#define TOP(label, n_, k_)                                                     \
    {.name = label,                                                            \
     .run = run_top_k_f32,                                                     \
     .op = OP(top_k_f32),                                                      \
     .m = 1,                                                                   \
     .n = n_,                                                                  \
     .k = k_,                                                                  \
     .bytes = 4.0 * (n_),                                                      \
     .items = n_}
/* flops of a step are for one lane of the variant. */
#define PEAK(label, run_, n_, flops_, bytes_)                                  \
    {.name = label,                                                            \
     .run = run_,                                                              \
     .m = 1,                                                                   \
     .n = n_,                                                                  \
     .flops = (flops_) * (double)(n_),                                         \
     .bytes = (bytes_) * (double)(n_),                                         \
     .items = (double)(n_),                                                    \
     .flags = WORK_PEAK}

static const work works[] = {
    PEAK("peak mul+add", run_peak, 4096, 2 * BENCH_PEAK_CHAINS, 0),
    PEAK("peak fma", run_peak_fma, 4096, 2 * BENCH_PEAK_CHAINS, 0),
    PEAK("read 16 KiB", run_read, 4096, 0, 4),
    PEAK("read 392 KiB", run_read, 100352, 0, 4),
    PEAK("read 64 MiB", run_read, LARGE, 0, 4),
    PEAK("triad 3x64 MiB", run_triad, LARGE, 0, 12),
    ROWS_OF("dot 8x768", dot_f32, ROWS, COLS, 2),
    ROWS_OF("l2sq 8x768", l2sq_f32, ROWS, COLS, 3),
    ROWS_OF("cosine 8x768", cosine_f32, ROWS, COLS, 6),
    ROWS_OF("l1 8x768", l1_f32, ROWS, COLS, 3),
    ROWS_OF("sum 8x768", sum_f32, ROWS, COLS, 1),
    ROWS_OF("norm 8x768", norm_f32, ROWS, COLS, 2),
    ROWS_OF("max 8x768", max_f32, ROWS, COLS, 1),
    ROWS_OF("min 8x768", min_f32, ROWS, COLS, 1),
    ROWS_OF("absmax 8x768", absmax_f32, ROWS, COLS, 1),
    ROWS_OF("argmax 8x768", argmax_f32, ROWS, COLS, 1),
    TOP("top_k 10 of 100000", 100000, 10),
    TOP("top_k 100 of 10000", 10000, 100),
    EACH("axpy 8x768", axpy_f32, ROWS, COLS, 2, 12, 0),
    ROWS_OF("gemv 8x768", gemv_f32, ROWS, COLS, 2),
    ROWS_OF("gemv 64x768", gemv_f32, 64, COLS, 2),
    FLAGGED("gemv_fast 8x768", gemv_fast_f32, ROWS, COLS, 2, 4, 4 * COLS,
            WORK_FAST),
    FLAGGED("gemv_fast 64x768", gemv_fast_f32, 64, COLS, 2, 4, 4 * COLS,
            WORK_FAST),
    ROWS_OF("l2sq_rows 8x768", l2sq_rows_f32, ROWS, COLS, 3),
    ROWS_OF("l2sq_rows 64x128", l2sq_rows_f32, 64, 128, 3),
    NAMED("gather_dot 8x768", gather_dot_f32, run_gather_few, ROWS, COLS, 2, 4,
          4 * COLS),
    NAMED("gather_l2sq 8x768", gather_l2sq_f32, run_gather_l2sq_few, ROWS, COLS,
          3, 4, 4 * COLS),
    ROWS_OF("gather_dot 1000x768 of 64 MiB", gather_dot_f32, 1000, COLS, 2),
    ROWS_OF("gather_l2sq 1000x768 of 64 MiB", gather_l2sq_f32, 1000, COLS, 3),
    EACH("dot_f16 8x768", dot_f16, ROWS, COLS, 2, 2, 2 * COLS),
    EACH("l2sq_f16 8x768", l2sq_f16, ROWS, COLS, 3, 2, 2 * COLS),
    EACH("dot_bf16 8x768", dot_bf16, ROWS, COLS, 2, 2, 2 * COLS),
    EACH("l2sq_bf16 8x768", l2sq_bf16, ROWS, COLS, 3, 2, 2 * COLS),
    EACH("gather_dot_f16 8x768", gather_dot_f16, ROWS, COLS, 2, 2, 4 * COLS),
    EACH("gather_l2sq_f16 8x768", gather_l2sq_f16, ROWS, COLS, 3, 2, 4 * COLS),
    EACH("f32_to_f16 768", f32_to_f16, 1, COLS, 0, 6, 0),
    EACH("f16_to_f32 768", f16_to_f32, 1, COLS, 0, 6, 0),
    EACH("f32_to_bf16 768", f32_to_bf16, 1, COLS, 0, 6, 0),
    EACH("bf16_to_f32 768", bf16_to_f32, 1, COLS, 0, 6, 0),
    BYTE_ROWS("dot_i8 8x768", dot_i8, 2),
    BYTE_ROWS("dot_u8 8x768", dot_u8, 2),
    BYTE_ROWS("l2sq_i8 8x768", l2sq_i8, 3),
    BYTE_ROWS("l2sq_u8 8x768", l2sq_u8, 3),
    BYTE_ROWS("cosine_i8 8x768", cosine_i8, 6),
    BYTE_ROWS("gather_dot_i8 8x768", gather_dot_i8, 2),
    BYTE_ROWS("gather_dot_u8 8x768", gather_dot_u8, 2),
    BYTE_ROWS("gather_l2sq_i8 8x768", gather_l2sq_i8, 3),
    BYTE_ROWS("gather_l2sq_u8 8x768", gather_l2sq_u8, 3),
    BYTES("f32_to_i8 768", f32_to_i8, 1, COLS, 5, 0),
    BYTES("f32_to_u8 768", f32_to_u8, 1, COLS, 5, 0),
    BYTES("i8_to_f32 768", i8_to_f32, 1, COLS, 5, 0),
    BYTES("popcount 64x1024", popcount_b1, SETS, SET, 1, 0),
    BYTES("hamming 64x1024", hamming_b1, SETS, SET, 1, SET),
    BYTES("andcount 64x1024", andcount_b1, SETS, SET, 1, SET),
    BYTES("orcount 64x1024", orcount_b1, SETS, SET, 1, SET),
    BYTES("gather_hamming 64x1024", gather_hamming_b1, SETS, SET, 1, SET),
    BYTES("xor 64x1024", xor_b1, SETS, SET, 2, SET),
    BYTES("and 64x1024", and_b1, SETS, SET, 2, SET),
    BYTES("or 64x1024", or_b1, SETS, SET, 2, SET),
    BYTES("pq4_pack 4096x64", pq4_pack, CODED, CODES, 1.5, 0),
    BYTES("pq4_sums 4096x64", pq4_sums, CODED, CODES, 0.5, 2 * CODED),
    EACH("scale 768", scale_f32, 1, COLS, 1, 8, 0),
    EACH("add 768", add_f32, 1, COLS, 1, 12, 0),
    EACH("sub 768", sub_f32, 1, COLS, 1, 12, 0),
    EACH("mul 768", mul_f32, 1, COLS, 1, 12, 0),
    VECTOR("exp 768", exp_f32, COLS),
    VECTOR("tanh 768", tanh_f32, COLS),
    VECTOR("sigmoid 768", sigmoid_f32, COLS),
    VECTOR("sin 768", sin_f32, COLS),
    VECTOR("cos 768", cos_f32, COLS),
    VECTOR("gelu 768", gelu_f32, COLS),
    VECTOR("silu 768", silu_f32, COLS),
    VECTOR("elliot 768", elliot_f32, COLS),
    VECTOR("relu 768", relu_f32, COLS),
    VECTOR("softmax 768", softmax_f32, COLS),
    VECTOR("softmax 10", softmax_f32, 10),
    EACH("log_sum_exp 768", log_sum_exp_f32, 1, COLS, 0, 4, 0),
    EACH("sigmoid_back 768", sigmoid_back_f32, 1, COLS, 0, 12, 0),
    EACH("tanh_back 768", tanh_back_f32, 1, COLS, 0, 12, 0),
    EACH("relu_back 768", relu_back_f32, 1, COLS, 0, 12, 0),
    EACH("elliot_back 768", elliot_back_f32, 1, COLS, 0, 12, 0),
    EACH("gelu_back 768", gelu_back_f32, 1, COLS, 0, 12, 0),
    EACH("silu_back 768", silu_back_f32, 1, COLS, 0, 12, 0),
    EACH("softmax_back 768", softmax_back_f32, 1, COLS, 0, 12, 0),
    EACH("adam 100000", adam_f32, 1, 100000, 0, 28, 0),
    EACH("sgd 100000", sgd_f32, 1, 100000, 0, 20, 0),
    ROWS_OF("gemv_t 8x768", gemv_t_f32, ROWS, COLS, 2),
    ROWS_OF("gemv_t 64x768", gemv_t_f32, 64, COLS, 2),
    EACH("rank1 64x768", rank1_f32, 64, COLS, 2, 8, 0),
    EACH("spmv 1024 rows of 16", spmv_csr_f32, SPARSE_ROWS, SPARSE_EACH, 2, 8,
         8 * SPARSE_ROWS),
    EACH("compress 32x784", compress_f32, 32, 784, 0, 4, 0),
    SPMM("spmm 32x128x784, a fifth", 32, 128, 784),
    SPMM("spmm 1x128x784, a fifth", 1, 128, 784),
    EACH("transpose 1000x784", transpose_f32, 1000, 784, 0, 8, 0),
    GEMM("gemm 32x128x784", gemm_f32, run_gemm_f32, 32, 128, 784, 0),
    GEMM("gemm 784x128x32 A^T", gemm_f32, run_gemm_f32_t, 784, 128, 32, 0),
    GEMM("gemm 1x128x784", gemm_f32, run_gemm_f32, 1, 128, 784, 0),
    GEMM("gemm 512x512x512", gemm_f32, run_gemm_f32, 512, 512, 512, 0),
    GEMM_I8("gemm_i8 32x128x784", 32, 128, 784),
    GEMM_I8("gemm_i8 1x128x784", 1, 128, 784),
    GEMM("gemm_fast 32x128x784", gemm_fast_f32, run_gemm_fast_f32, 32, 128, 784,
         WORK_FAST),
    GEMM("gemm_fast 784x128x32 A^T", gemm_fast_f32, run_gemm_fast_f32_t, 784,
         128, 32, WORK_FAST),
    GEMM("gemm_fast 512x512x512", gemm_fast_f32, run_gemm_fast_f32, 512, 512,
         512, WORK_FAST),
};

size_t work_count(void) {
    return sizeof works / sizeof *works;
}

const work *work_at(size_t index) {
    return works + index;
}

/* ---- Inputs and outputs ---------------------------------------------------
 */

static void fill(float *x, size_t n, uint32_t seed, float least) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-24f * (1.0f - least) + least;
    }
}

/* Of usual sizes: `low` is the lowest exponent, of eight, `shift` where it
 * stands. */
static void fill_half(uint16_t *x, size_t n, uint32_t seed, unsigned low,
                      unsigned shift) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned rest = (seed >> 16) & (0x8000u | ((1u << shift) - 1));
        x[i] = (uint16_t)(rest | (low + (seed >> 13) % 8) << shift);
    }
}

static void fill_bytes(uint8_t *x, size_t n, uint32_t seed) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (uint8_t)(seed >> 24);
    }
}

static void fill_others(void) {
    fill_bytes(u8_rows, ROWS * COLS, 16);
    fill_bytes(u8_one, COLS, 17);
    fill_bytes((uint8_t *)i8_rows, ROWS * COLS, 18);
    fill_bytes((uint8_t *)i8_one, COLS, 19);
    fill_bytes(sets, SETS * SET, 20);
    fill_bytes(set_one, SET, 21);
    fill_bytes(codes, CODED * CODES, 22);
    fill_bytes(packed, CODED * CODES / 2, 23);
    fill_half(f16_rows, ROWS * COLS, 11, 8, 10);
    fill_half(f16_one, COLS, 12, 8, 10);
    fill_half(bf16_rows, ROWS * COLS, 13, 120, 7);
    fill_half(bf16_one, COLS, 14, 120, 7);
}

/* A fifth of each of w->m rows of w->k columns. */
static void fill_fifths(const work *w) {
    for (size_t i = 0; i <= w->m; i++) {
        row_start[i] = (uint32_t)(i * (w->k / 5));
    }
    for (size_t i = 0; i < w->m * (w->k / 5); i++) {
        column[i] = (uint32_t)(i % (w->k / 5) * 5 + i % 3);
    }
}

static void fill_sparse(void) {
    uint32_t seed = 24;
    for (uint32_t i = 0; i <= SPARSE_ROWS; i++) {
        row_start[i] = i * SPARSE_EACH;
    }
    for (size_t i = 0; i < SPARSE_ROWS * SPARSE_EACH; i++) {
        seed = seed * 1664525u + 1013904223u;
        column[i] = (seed >> 8) % SPARSE_ROWS;
    }
}

/* The numbers below n in a random order. */
static void fill_chosen(size_t n) {
    uint32_t seed = 15;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        size_t other = (seed >> 8) % (i + 1);
        chosen[i] = chosen[other];
        chosen[other] = (uint32_t)i;
    }
}

/* How far into the arrays a work reaches. */
static size_t reach(const work *w) {
    size_t k = w->k > 0 ? w->k : 1;
    size_t n = w->m * w->n;
    n = w->m * k > n ? w->m * k : n;
    n = k * w->n > n ? k * w->n : n;
    return n < FLOATS ? n : FLOATS;
}

void work_prepare(size_t index) {
    const work *w = works + index;
    size_t n = reach(w);
    if (w->run == run_gather_dot_f32 || w->run == run_gather_l2sq_f32 ||
        w->n == LARGE) {
        fill(large_a, LARGE, 5, -1.0f);
        fill(large_b, LARGE, 6, -1.0f);
        fill_chosen(LARGE_ROWS);
    } else {
        fill_chosen(w->m);
    }
    fill_others();
    fill_sparse();
    memset(halves_out, 0, sizeof halves_out);
    memset(bytes_out, 0, sizeof bytes_out);
    memset(set_out, 0, sizeof set_out);
    memset(pq4_out, 0, sizeof pq4_out);
    memset(sums_out, 0, sizeof sums_out);
    memset(best, 0, sizeof best);
    fill(a, n, 1, -1.0f);
    fill(c, n, 3, -1.0f);
    for (size_t i = 0; w->run == run_compress_f32 && i < n; i++) {
        a[i] = c[i] > 0.6f ? a[i] : 0.0f;
    }
    if (w->run == run_spmm_csr_f32) {
        fill_fifths(w);
    }
    fill(b, n, 2, -1.0f);
    fill(d, n, 4, 0.0f);
}

static void add_bytes(work_result *r, const void *from, size_t n) {
    const uint8_t *x = from;
    for (size_t i = 0; i < n; i++) {
        r->hash = (r->hash ^ x[i]) * 16777619u;
    }
}

/* All works write to c or to one of the others. */
work_result work_check(const mdg_kernels *k, const bench_peaks *p,
                       size_t index) {
    const work *w = works + index;
    work_result r = {0, 0, 2166136261u};
    if ((w->flags & WORK_PEAK) != 0) {
        return r;
    }
    work_prepare(index);
    w->run(k, p, w, 1);
    size_t n = reach(w);
    add_bytes(&r, b, n * sizeof *b);
    add_bytes(&r, c, n * sizeof *c);
    add_bytes(&r, d, n * sizeof *d);
    add_bytes(&r, halves_out, sizeof halves_out);
    add_bytes(&r, bytes_out, sizeof bytes_out);
    add_bytes(&r, set_out, sizeof set_out);
    add_bytes(&r, packed, sizeof packed);
    add_bytes(&r, pq4_out, sizeof pq4_out);
    add_bytes(&r, sums_out, sizeof sums_out);
    add_bytes(&r, best, sizeof best);
    for (size_t i = 0; i < n; i++) {
        r.sum += (double)c[i] * (double)(i % 7 + 1);
        r.scale += (double)(c[i] < 0 ? -c[i] : c[i]) * (double)(i % 7 + 1);
    }
    for (size_t i = 0; i < SETS; i++) {
        r.sum += (double)(int32_t)sums_out[i];
    }
    return r;
}
