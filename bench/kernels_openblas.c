/* kernels_openblas.c: the operations that OpenBLAS has too. It is loaded at run
 * time, with declarations of our own: nothing of it is needed to build. */
#include "kernels_peer.h"

#include <dlfcn.h>
#include <string.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

static void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k,
                     float alpha, const float *a, int lda, const float *b,
                     int ldb, float beta, float *c, int ldc);
static void (*sgemv)(int order, int trans, int m, int n, float alpha,
                     const float *a, int lda, const float *x, int incx,
                     float beta, float *y, int incy);
static float (*sdot)(int n, const float *x, int incx, const float *y, int incy);
static void (*saxpy)(int n, float alpha, const float *x, int incx, float *y,
                     int incy);
static char *(*core_name)(void);

static void gemm_f32(const mdg_gemm *g) {
    int across = g->a_col == 1;
    sgemm(ROW_MAJOR, across ? NO_TRANS : TRANS, NO_TRANS, (int)g->m, (int)g->n,
          (int)g->k, 1.0f, g->a, (int)(across ? g->a_row : g->a_col), g->b,
          (int)g->ldb, 0.0f, g->c, (int)g->ldc);
}

static void gemv_f32(size_t rows, size_t cols, const float *a, size_t lda,
                     const float *x, float *y) {
    sgemv(ROW_MAJOR, NO_TRANS, (int)rows, (int)cols, 1.0f, a, (int)lda, x, 1,
          0.0f, y, 1);
}

static float dot_f32(size_t n, const float *a, const float *b) {
    return sdot((int)n, a, 1, b, 1);
}

static void axpy_f32(size_t n, float a, const float *x, float *y) {
    saxpy((int)n, a, x, 1, y, 1);
}

static int find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

const char *bench_openblas(mdg_kernels *k) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !find(library, "cblas_sgemm", &sgemm) ||
        !find(library, "cblas_sgemv", &sgemv) ||
        !find(library, "cblas_sdot", &sdot) ||
        !find(library, "cblas_saxpy", &saxpy) ||
        !find(library, "openblas_get_corename", &core_name)) {
        return NULL;
    }
    *k = (mdg_kernels){.dot_f32 = dot_f32,
                       .axpy_f32 = axpy_f32,
                       .gemv_f32 = gemv_f32,
                       .gemm_f32 = gemm_f32};
    return core_name();
}
