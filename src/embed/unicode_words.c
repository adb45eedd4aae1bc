/* unicode_words.c: what a word is, by the tables of unicode_tables.h. ASCII,
 * which most texts are, is decided without them. */
#include "embed/unicode_words.h"

#include "base/utf8.h"
#include "embed/unicode_tables.h"

int mdg_is_word_char(uint32_t code) {
    if (code < 0x80) {
        return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
               (code >= '0' && code <= '9');
    }
    size_t low = 0;
    size_t high = sizeof word_ranges / sizeof word_ranges[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > word_ranges[middle][1]) {
            low = middle + 1;
        } else if (code < word_ranges[middle][0]) {
            high = middle;
        } else {
            return 1;
        }
    }
    return 0;
}

uint32_t mdg_lower_char(uint32_t code) {
    if (code < 0x80) {
        return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
    }
    size_t low = 0;
    size_t high = sizeof lower_ranges / sizeof lower_ranges[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct lower_range *r = &lower_ranges[middle];
        if (code > r->last) {
            low = middle + 1;
        } else if (code < r->first) {
            high = middle;
        } else if ((code - r->first) % (uint32_t)r->step != 0) {
            return code;
        } else {
            return (uint32_t)((int32_t)code + r->delta);
        }
    }
    return code;
}

/* The code point of a valid sequence of `size` bytes. */
static uint32_t decode(const char *s, size_t size) {
    const unsigned char *u = (const unsigned char *)s;
    uint32_t code = size == 1   ? u[0]
                    : size == 2 ? u[0] & 0x1Fu
                    : size == 3 ? u[0] & 0x0Fu
                                : u[0] & 0x07u;
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | (u[i] & 0x3Fu);
    }
    return code;
}

static size_t encode(uint32_t code, char *out) {
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (code & 0x3Fu));
        code >>= 6;
    }
    out[0] = (char)(lead[size == 1 ? 0 : size] | code);
    return size;
}

const char *mdg_next_word(const char *text, size_t size, size_t *at,
                          size_t *word_size) {
    const char *word = NULL;
    while (*at < size) {
        size_t step = mdg_utf8_size(text + *at, size - *at);
        int inside = step > 0 && mdg_is_word_char(decode(text + *at, step));
        if (word && !inside) {
            break;
        }
        if (inside && !word) {
            word = text + *at;
        }
        *at += step > 0 ? step : 1;
    }
    *word_size = word ? (size_t)(text + *at - word) : 0;
    return word;
}

size_t mdg_lower_word(const char *word, size_t size, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        size_t step = mdg_utf8_size(word + i, size - i);
        if (step == 0) { /* cannot be in a word */
            out[n++] = word[i++];
            continue;
        }
        n += encode(mdg_lower_char(decode(word + i, step)), out + n);
        i += step;
    }
    return n;
}
