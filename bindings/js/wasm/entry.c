/* entry.c: memory and errors, exported by all modules. */
#include "entry.h"
#include "heap.h"
#include "midge/version.h"

#ifdef __wasm_simd128__
#define CPU_BITS MIDGE_CPU_SIMD128
#else
#define CPU_BITS 0
#endif

const midge_env entry_env = {.realloc_fn = heap_realloc, .cpu = CPU_BITS};
midge_error entry_error;

EXPORT(alloc) void *entry_alloc(size_t size);
EXPORT(release) void entry_release(void *block, size_t size);
EXPORT(heap_used) size_t entry_heap_used(void);
EXPORT(heap_peak) size_t entry_heap_peak(void);
EXPORT(error_text) const char *entry_error_text(void);
EXPORT(error_status) int entry_error_status(void);
EXPORT(version) const char *entry_version(void);

void *entry_alloc(size_t size) {
    return heap_realloc(NULL, NULL, 0, size);
}

void entry_release(void *block, size_t size) {
    heap_realloc(NULL, block, size, 0);
}

size_t entry_heap_used(void) {
    return heap_used_bytes();
}

size_t entry_heap_peak(void) {
    return heap_peak_bytes();
}

const char *entry_error_text(void) {
    return entry_error.text;
}

int entry_error_status(void) {
    return (int)entry_error.status;
}

const char *entry_version(void) {
    return MIDGE_VERSION;
}
