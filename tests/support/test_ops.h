/* test_ops.h: a few operations with which a pool can be tested.
 *
 *   test.echo   returns its argument "value" as {"value":...}
 *   test.slow   the same, after two milliseconds
 *   test.blob   puts "value" as a blob, reads it back, returns {"ref":...}
 *   test.junk   fails with MIDGE_E_PARSE, as it always would
 *   test.flaky  fails with MIDGE_E_IO until test_ops_flaky_left is 0
 *   test.wait   works until it is cancelled
 *   test.large  returns more than a task may return
 */
#ifndef TEST_OPS_H
#define TEST_OPS_H

#include <stdatomic.h>

#include "midge/ops.h"

extern atomic_int test_ops_flaky_left;
extern atomic_int test_ops_waiting; /* test.wait now running */

const midge_op *test_ops_find(const char *name);

#endif
