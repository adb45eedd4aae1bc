/* libc.c: the mem and str functions that compilers expect and the core uses,
 * for the freestanding wasm build.
 *
 * With bulk memory enabled the builtins below are single instructions
 * (memory.copy, memory.fill), not calls to themselves.
 */
#include <stdint.h>
#include <string.h>

void *memcpy(void *to, const void *from, size_t size) {
    return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    return __builtin_memmove(to, from, size);
}

void *memset(void *to, int value, size_t size) {
    return __builtin_memset(to, value, size);
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *bytes, int wanted, size_t size) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        if (at[i] == (unsigned char)wanted) {
            return (void *)(uintptr_t)(at + i);
        }
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}

int strcmp(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}
