#include "base/utf8.h"

size_t mdg_utf8_size(const char *s, size_t left) {
    const unsigned char *u = (const unsigned char *)s;
    size_t size = u[0] < 0x80   ? 1
                  : u[0] < 0xC2 ? 0
                  : u[0] < 0xE0 ? 2
                  : u[0] < 0xF0 ? 3
                  : u[0] < 0xF5 ? 4
                                : 0;
    if (size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((u[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F) ||
        (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F)) {
        return 0; /* overlong, surrogate, or above U+10FFFF */
    }
    return size;
}
