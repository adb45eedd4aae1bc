/* analyzer.h: read before each source by tools/check_tidy, and only there. The
 * analyzer sees one file at a time and would take it for possible that
 * midge_fail returns MIDGE_OK; this tells it that the given status comes back.
 */
#ifndef ANALYZER_H
#define ANALYZER_H

#include "midge/status.h"

#define midge_fail(err, status, ...)                                           \
    ((void)midge_fail(err, status, __VA_ARGS__), (status))

#endif
