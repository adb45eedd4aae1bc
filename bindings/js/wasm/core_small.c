/* core_small.c: what midge-core-*.wasm does without, so that it stays below 48
 * KB; linked in the place of vec/matmul_sparse.c and nn/quant*.c.
 *
 * No input counts as sparse: products are dense then, with the same bits.
 * Networks of bytes are refused when they are read; midge-nnx-*.wasm runs them.
 */
#include "midge/nn_quant.h"
#include "vec/matmul_sparse.h"

size_t mdg_sparse_bytes(size_t rows, size_t cols, int transposed) {
    return 0;
}

int mdg_sparse_take(const mdg_kernels *kernels, size_t rows, size_t cols,
                    const float *x, size_t stride, size_t n, void *scratch,
                    mdg_sparse *out) {
    return 0;
}

void mdg_sparse_matmul(const midge_env *env, const mdg_kernels *kernels,
                       const mdg_sparse *a, const mdg_gemm *g) {}

midge_status midge_net_int8_read(const midge_env *env, const void *bytes,
                                 size_t size, midge_net_int8 **out,
                                 midge_error *err) {
    *out = NULL;
    return midge_fail(err, MIDGE_E_UNSUPPORTED,
                      "a network of bytes is not for this module: save the "
                      "network it was made from");
}

/* There is none to be asked. */
void midge_net_int8_free(midge_net_int8 *net) {}

uint32_t midge_net_int8_n_inputs(const midge_net_int8 *net) {
    return 0;
}

uint32_t midge_net_int8_n_outputs(const midge_net_int8 *net) {
    return 0;
}

size_t midge_net_int8_workspace_bytes(const midge_net_int8 *net,
                                      size_t n_rows) {
    return 0;
}

midge_status midge_net_int8_run(const midge_net_int8 *net, size_t n_rows,
                                const float *x, float *y, void *workspace) {
    return MIDGE_E_UNSUPPORTED;
}
