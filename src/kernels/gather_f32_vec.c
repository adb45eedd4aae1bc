/* gather_f32_vec.c: one vector against chosen rows of a large matrix. */
#include "kernels/rows.h"

#define FLOAT(x) (x)
ROWS_OF(dot_rows, float, LOAD, FLOAT, ROW_PRODUCT)
ROWS_OF(l2sq_rows, float, LOAD, FLOAT, ROW_SQUARE)

GATHER_OF(gather_dot_f32, float, dot_rows)
GATHER_OF(gather_l2sq_f32, float, l2sq_rows)
