#include "base/alloc.h"

int mdg_multiply_size(size_t a, size_t b, size_t *product) {
    if (b != 0 && a > SIZE_MAX / b) {
        *product = 0;
        return 0;
    }
    *product = a * b;
    return 1;
}

void *mdg_alloc(const midge_env *env, size_t count, size_t size) {
    return mdg_resize(env, NULL, 0, count, size);
}

void *mdg_alloc_zero(const midge_env *env, size_t count, size_t size) {
    void *block = mdg_alloc(env, count, size);
    if (block) {
        __builtin_memset(block, 0, count * size);
    }
    return block;
}

void *mdg_resize(const midge_env *env, void *block, size_t old_count,
                 size_t new_count, size_t size) {
    size_t bytes;
    if (!mdg_multiply_size(new_count, size, &bytes) || bytes == 0) {
        return NULL;
    }
    return env->realloc_fn(env->alloc_ctx, block, block ? old_count * size : 0,
                           bytes);
}

void mdg_release(const midge_env *env, void *block, size_t count, size_t size) {
    if (block) {
        env->realloc_fn(env->alloc_ctx, block, count * size, 0);
    }
}

midge_status mdg_no_memory(const char *what, midge_error *err) {
    return midge_fail(err, MIDGE_E_NOMEM, "no memory for %s", what);
}
