/* int8.h: vectors of bytes, signed and unsigned; the results are exact
 * integers. */
#ifndef MDG_KERNELS_INT8_H
#define MDG_KERNELS_INT8_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define MDG_INT8_OPS(X, isa)
/* clang-format on */

#endif
