/* scalar_lanes.h: the sixteen lanes of a reduction and the tree that folds them
 * (kernels.h), one lane at a time. */
#ifndef MDG_KERNELS_SCALAR_LANES_H
#define MDG_KERNELS_SCALAR_LANES_H

#include "kernels/scalar.h"

#define LANES 16

static inline float sum_of_lanes(float *s) {
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            s[j] = s[j] + s[j + half];
        }
    }
    return s[0];
}

#endif
