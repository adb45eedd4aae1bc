/* string.h: the few functions of it that the core uses; heap.c has them. */
#ifndef WASM_STRING_H
#define WASM_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *bytes, int wanted, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

#endif
