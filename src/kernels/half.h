/* half.h: vectors of 16-bit floats, IEEE binary16 and bfloat16. */
#ifndef MDG_KERNELS_HALF_H
#define MDG_KERNELS_HALF_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define MDG_HALF_OPS(X, isa)
/* clang-format on */

#endif
