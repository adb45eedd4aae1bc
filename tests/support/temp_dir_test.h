/* temp_dir_test.h: a fresh folder `dir` around each test that is listed as
 * in_temp_dir(test). */
#ifndef TEMP_DIR_TEST_H
#define TEMP_DIR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "temp_dir.h"

static struct temp_dir dir;

static inline int temp_dir_set_up(void **state) {
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static inline int temp_dir_tear_down(void **state) {
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

#define in_temp_dir(test)                                                      \
    cmocka_unit_test_setup_teardown(test, temp_dir_set_up, temp_dir_tear_down)

#endif
