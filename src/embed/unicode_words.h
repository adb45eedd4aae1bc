/* unicode_words.h: the words of a text. */
#ifndef MDG_UNICODE_WORDS_H
#define MDG_UNICODE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* The next word of a UTF-8 text at or behind *at, which moves to its end: the
 * longest run of letters, marks and decimal digits. NULL when there is none. A
 * byte that is not UTF-8 separates. */
const char *mdg_next_word(const char *text, size_t size, size_t *at,
                          size_t *word_size);

/* The lower case of a word into `out`, which must have room for
 * mdg_lower_room(size) bytes; returns its bytes. */
size_t mdg_lower_word(const char *word, size_t size, char *out);
static inline size_t mdg_lower_room(size_t size) {
    return size + size / 2; /* the worst: 2 bytes become 3 */
}

int mdg_is_word_char(uint32_t code);
uint32_t mdg_lower_char(uint32_t code);

#endif
