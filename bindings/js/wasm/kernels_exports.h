/* kernels_exports.h: included by flag into every kernel file of the modules
 * midge-kernels-*: their operations are exported under their names. A list of
 * exports that could lag behind the lists of operations does not exist. */
#ifndef MIDGE_WASM_KERNELS_EXPORTS_H
#define MIDGE_WASM_KERNELS_EXPORTS_H

#include "kernels/kernels.h"

#define EXPORTED(isa, result, name, parameters)                                \
    __attribute__((export_name(#name))) result mdg_##name##_##isa parameters;
#define EXPORTED_OF(isa) MDG_KERNELS_LIST(EXPORTED, isa, isa)
EXPORTED_OF(MDG_ISA)

#endif
