/* kernels_entry.c: what JavaScript calls in midge-kernels-*.wasm only. */
#include "entry.h"
#include "kernels/kernels.h"

EXPORT(activation) uint32_t entry_activation(uint32_t which);

/* The address of a function for the product of matrices; the order is that of
 * ACTIVATIONS in src/kernels.ts. */
uint32_t entry_activation(uint32_t which) {
    void (*const functions[])(size_t n, float *x) = {
        MDG_KERNEL(NULL, relu_f32),    MDG_KERNEL(NULL, tanh_f32),
        MDG_KERNEL(NULL, sigmoid_f32), MDG_KERNEL(NULL, gelu_f32),
        MDG_KERNEL(NULL, silu_f32),    MDG_KERNEL(NULL, elliot_f32)};
    const uint32_t count = sizeof functions / sizeof *functions;
    return which < count ? (uint32_t)(uintptr_t)functions[which] : 0;
}
