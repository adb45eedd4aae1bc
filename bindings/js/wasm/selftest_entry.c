/* selftest_entry.c: what JavaScript calls in midge-selftest-*.wasm: every
 * kernel on the corpus. A module of its own, because it links what others leave
 * out. */
#include "entry.h"
#include "midge/selftest.h"

EXPORT(selftest) uint32_t entry_selftest(void);

uint32_t entry_selftest(void) {
    void *scratch = entry_alloc(MIDGE_SELFTEST_BYTES);
    if (!scratch) {
        return 0;
    }
    uint32_t result = midge_selftest(&entry_env, scratch, NULL);
    entry_release(scratch, MIDGE_SELFTEST_BYTES);
    return result;
}
