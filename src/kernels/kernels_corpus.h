/* kernels_corpus.h: one number for all that a table of kernels computes. */
#ifndef MDG_KERNELS_CORPUS_H
#define MDG_KERNELS_CORPUS_H

#include "kernels/kernels.h"
#include "midge/selftest.h"

/* What every variant on every target must give. */
#define MDG_KERNELS_CORPUS MIDGE_SELFTEST_RESULT

/* Room that the corpus needs, in bytes, aligned as float. */
#define MDG_KERNELS_CORPUS_BYTES MIDGE_SELFTEST_BYTES

/* A hash (FNV-1a over words) of every operation's results on seeded inputs of
 * many sizes: MDG_KERNELS_CORPUS, or 0 when scratch is too small. */
uint32_t mdg_kernels_corpus(const mdg_kernels *k, void *scratch,
                            size_t scratch_bytes);

#endif
