/* kernels_names.c: which variant of each operation an env gets, for people. */
#include "midge/selftest.h"

#include "kernels/kernels.h"

#define NAME_OF(isa, result, name, parameters)  #name,
#define ONE_MORE(isa, result, name, parameters) +1

static const char *const names[] = {MDG_KERNELS_LIST(NAME_OF, , )};

enum {
    COUNT = sizeof names / sizeof *names,
    BYTE_COUNT = 0 MDG_BYTES_LIST(ONE_MORE, )
};

size_t midge_kernels_count(void) {
    return COUNT;
}

const char *midge_kernel_name(size_t index) {
    return index < COUNT ? names[index] : NULL;
}

const char *midge_kernel_variant(const midge_env *env, size_t index) {
    if (index >= COUNT) {
        return NULL;
    }
    /* Operations on bytes come last in the list. */
    const int of_bytes = index >= COUNT - BYTE_COUNT;
    const uint32_t without = of_bytes ? 0 : MIDGE_CPU_AVX512ICL;
    return mdg_kernels_select(env->cpu & ~without)->isa;
}
