/* utf8.h: what is one UTF-8 sequence (RFC 3629). */
#ifndef MDG_UTF8_H
#define MDG_UTF8_H

#include <stddef.h>

/* Bytes of the UTF-8 sequence at `s`, of which at least 1 and at most `left`
 * bytes are there; 0 when it is not valid (overlong, a surrogate, above
 * U+10FFFF, or cut short). */
size_t mdg_utf8_size(const char *s, size_t left);

#endif
