/* analyzer.h: read before each source by tools/check_tidy, and only there. The
 * analyzer sees one file at a time and would take it for possible that
 * midge_fail and mdg_no_memory return MIDGE_OK; this tells it what comes back.
 */
#ifndef ANALYZER_H
#define ANALYZER_H

#include "midge/status.h"

#define midge_fail(err, status, ...)                                           \
    ((void)midge_fail(err, status, __VA_ARGS__), (status))

#if __has_include("base/alloc.h") /* in the core */
#include "base/alloc.h"
#define mdg_no_memory(what, err) ((void)mdg_no_memory(what, err), MIDGE_E_NOMEM)
#endif

#endif
