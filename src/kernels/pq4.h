/* pq4.h: sums over four-bit codes by lookup tables (product quantisation). */
#ifndef MDG_KERNELS_PQ4_H
#define MDG_KERNELS_PQ4_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define MDG_PQ4_OPS(X, isa)
/* clang-format on */

#endif
