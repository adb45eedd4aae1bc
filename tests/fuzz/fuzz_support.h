/* fuzz_support.h: what the fuzz targets share. A target does more than look for
 * crashes: what was read must be writable, and read back the same. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/midge.h"
#include "midge/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                  \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* A failure must come with a text, success must not leave one behind. */
static inline void fuzz_check_error(midge_status status,
                                    const midge_error *err) {
    FUZZ_CHECK(status == MIDGE_OK || err->text[0] != '\0');
    FUZZ_CHECK(memchr(err->text, 0, sizeof err->text) != NULL);
}

#endif
