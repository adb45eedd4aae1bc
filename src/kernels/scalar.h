/* scalar.h: the scalar variant, which is the definition of every operation. */
#ifndef MDG_KERNELS_SCALAR_H
#define MDG_KERNELS_SCALAR_H

#include "kernels/kernels.h"

MDG_KERNELS_DECLARE(scalar)

#endif
