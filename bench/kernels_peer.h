/* kernels_peer.h: what the kernels are compared with, as tables of kernels that
 * have some operations only, the others NULL. */
#ifndef BENCH_KERNELS_PEER_H
#define BENCH_KERNELS_PEER_H

#include "kernels/kernels.h"

/* Plain best-known implementations with fused multiply-add and four
 * accumulators of full width: not the same bits as the kernels. */
void bench_peer_avx2(mdg_kernels *k);
void bench_peer_avx512(mdg_kernels *k); /* and VNNI, VPOPCNTDQ */

/* OpenBLAS of the system; gives the name of the core whose code it runs, or
 * NULL where it is not installed. OPENBLAS_CORETYPE chooses another. */
const char *bench_openblas(mdg_kernels *k);

#endif
