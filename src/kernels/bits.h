/* bits.h: sets of bits, as bytes. */
#ifndef MDG_KERNELS_BITS_H
#define MDG_KERNELS_BITS_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define MDG_BITS_OPS(X, isa)
/* clang-format on */

#endif
