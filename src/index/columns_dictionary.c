/* columns_dictionary.c: the distinct strings of a column, numbered as they
 * came. Texts lie one behind the other; the table holds numbers only, and is
 * made when a word is put for the first time (a file has none).
 */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/mdg_assert.h"
#include "index/columns.h"
#include "index/sorted.h"

#define TABLE_MIN 16u
#define WORDS_MAX ((uint32_t)1 << 30)

void mdg_dictionary_deinit(mdg_dictionary *words, const midge_env *env) {
    if (words->capacity != 0) {
        mdg_release(env, words->at, (size_t)words->capacity + 1,
                    sizeof *words->at);
    }
    if (words->texts_capacity != 0) {
        mdg_release(env, words->texts, (size_t)words->texts_capacity, 1);
    }
    mdg_release(env, words->table, words->table_size, sizeof *words->table);
    memset(words, 0, sizeof *words);
}

/* The place of the word, or the free place where it would go. */
static uint32_t place_of(const mdg_dictionary *words, uint64_t seed,
                         midge_text text) {
    uint32_t mask = words->table_size - 1;
    uint32_t at = mdg_hash_bytes(seed, text.data, text.size) & mask;
    while (
        words->table[at] != 0 &&
        !mdg_text_is(mdg_dictionary_text(words, words->table[at] - 1), text)) {
        at = (at + 1) & mask;
    }
    return at;
}

uint32_t mdg_dictionary_find(const mdg_dictionary *words, uint64_t seed,
                             midge_text text) {
    if (words->table) {
        uint32_t found = words->table[place_of(words, seed, text)];
        return found ? found - 1 : MDG_NO_WORD;
    }
    for (uint32_t i = 0; i < words->count; i++) {
        if (mdg_text_is(mdg_dictionary_text(words, i), text)) {
            return i;
        }
    }
    return MDG_NO_WORD;
}

/* At most three quarters of the places are taken. */
static midge_status reserve_table(mdg_dictionary *words, const midge_env *env,
                                  uint64_t seed, uint32_t count) {
    uint32_t size = TABLE_MIN;
    while (size / 4 * 3 < count) {
        size *= 2;
    }
    if (size <= words->table_size) {
        return MIDGE_OK;
    }
    uint32_t *table = mdg_alloc_zero(env, size, sizeof *table);
    if (!table) {
        return MIDGE_E_NOMEM;
    }
    for (uint32_t i = 0; i < words->count; i++) {
        midge_text text = mdg_dictionary_text(words, i);
        uint32_t at = mdg_hash_bytes(seed, text.data, text.size);
        while (table[at & (size - 1)] != 0) {
            at++;
        }
        table[at & (size - 1)] = i + 1;
    }
    mdg_release(env, words->table, words->table_size, sizeof *words->table);
    words->table = table;
    words->table_size = size;
    return MIDGE_OK;
}

static midge_status reserve_words(mdg_dictionary *words, const midge_env *env,
                                  uint32_t count) {
    if (count <= words->capacity) {
        return MIDGE_OK;
    }
    uint32_t capacity = count + count / 2 + 8;
    uint64_t *at = mdg_alloc(env, (size_t)capacity + 1, sizeof *at);
    if (!at) {
        return MIDGE_E_NOMEM;
    }
    at[0] = 0;
    if (words->count != 0) {
        memcpy(at, words->at, ((size_t)words->count + 1) * sizeof *at);
    }
    if (words->capacity != 0) {
        mdg_release(env, words->at, (size_t)words->capacity + 1, sizeof *at);
    }
    words->at = at;
    words->capacity = capacity;
    return MIDGE_OK;
}

static midge_status reserve_texts(mdg_dictionary *words, const midge_env *env,
                                  uint64_t size) {
    if (size <= words->texts_capacity && words->texts_capacity != 0) {
        return MIDGE_OK;
    }
    uint64_t used = words->count ? words->at[words->count] : 0;
    uint64_t capacity = size + size / 2 + 64;
    if (capacity > PTRDIFF_MAX) {
        return MIDGE_E_NOMEM;
    }
    char *texts = mdg_alloc(env, (size_t)capacity, 1);
    if (!texts) {
        return MIDGE_E_NOMEM;
    }
    if (used != 0) {
        memcpy(texts, words->texts, (size_t)used);
    }
    if (words->texts_capacity != 0) {
        mdg_release(env, words->texts, (size_t)words->texts_capacity, 1);
    }
    words->texts = texts;
    words->texts_capacity = capacity;
    return MIDGE_OK;
}

midge_status mdg_dictionary_put(mdg_dictionary *words, const midge_env *env,
                                uint64_t seed, midge_text text) {
    if (words->count >= WORDS_MAX) {
        return MIDGE_E_LIMIT;
    }
    MIDGE_TRY(reserve_table(words, env, seed, words->count + 1));
    uint32_t place = place_of(words, seed, text);
    if (words->table[place] != 0) {
        return MIDGE_OK;
    }
    uint64_t used = words->count ? words->at[words->count] : 0;
    MIDGE_TRY(reserve_words(words, env, words->count + 1));
    MIDGE_TRY(reserve_texts(words, env, used + text.size));
    if (text.size != 0) {
        memcpy(words->texts + used, text.data, text.size);
    }
    words->table[place] = ++words->count;
    words->at[words->count] = used + text.size;
    return MIDGE_OK;
}

midge_status mdg_dictionary_own(mdg_dictionary *words, const midge_env *env) {
    if (words->count == 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(reserve_words(words, env, words->count));
    return reserve_texts(words, env, words->at[words->count]);
}

void mdg_dictionary_keep(mdg_dictionary *words, const midge_env *env,
                         const uint32_t *new_of) {
    uint32_t kept = 0;
    uint64_t used = 0;
    mdg_assert(words->count == 0 || words->capacity != 0);
    for (uint32_t i = 0; i < words->count; i++) {
        if (new_of[i] != MDG_NO_WORD) {
            midge_text text = mdg_dictionary_text(words, i);
            mdg_assert(new_of[i] == kept);
            memmove(words->texts + used, text.data, text.size);
            words->at[kept++] = used; /* kept <= i: at[i + 1] is still old */
            used += text.size;
        }
    }
    if (kept == words->count) {
        return;
    }
    words->at[kept] = used;
    words->count = kept;
    words->epoch++;
    mdg_release(env, words->table, words->table_size, sizeof *words->table);
    words->table = NULL;
    words->table_size = 0;
}
