/* filter_eval.c: one row through the jumps, many rows through the tree. */
#include <string.h>

#include "index/filter.h"
#include "index/sorted.h"

/* ---- Texts --------------------------------------------------------------- */

static int is_listed(const mdg_term *t, midge_text text) {
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int sign = mdg_order_text(&t->texts[middle], &text);
        if (sign == 0) {
            return 1;
        }
        low = sign < 0 ? middle + 1 : low;
        high = sign < 0 ? high : middle;
    }
    return 0;
}

static int starts(midge_text text, midge_text with) {
    return text.size >= with.size &&
           (with.size == 0 || memcmp(text.data, with.data, with.size) == 0);
}

static int contains(midge_text text, midge_text part) {
    if (part.size == 0) {
        return 1;
    }
    const char *at = text.data;
    size_t left = text.size;
    while (left >= part.size) {
        const char *hit = memchr(at, part.data[0], left - part.size + 1);
        if (!hit) {
            return 0;
        }
        if (memcmp(hit, part.data, part.size) == 0) {
            return 1;
        }
        left -= (size_t)(hit - at) + 1;
        at = hit + 1;
    }
    return 0;
}

int mdg_term_text(const mdg_term *t, midge_text text) {
    switch (t->test) {
    case MDG_TEXT_LESS:
        return mdg_order_text(&text, t->texts) < 0;
    case MDG_TEXT_LESS_EQUAL:
        return mdg_order_text(&text, t->texts) <= 0;
    case MDG_TEXT_STARTS:
        return starts(text, t->texts[0]);
    case MDG_TEXT_CONTAINS:
        return contains(text, t->texts[0]);
    case MDG_TEXT_LIST:
        break;
    }
    return is_listed(t, text);
}

/* Words below this are those that the term knows. */
static uint32_t known(const mdg_term *t, const mdg_dictionary *words) {
    return t->epoch == words->epoch ? t->n_known : 0;
}

static int word_passes(const mdg_term *t, const mdg_dictionary *words,
                       uint32_t n_known, uint32_t word) {
    if (word < n_known) {
        return t->passes[word / 64] >> word % 64 & 1;
    }
    return mdg_term_text(t, mdg_dictionary_text(words, word));
}

static int word_is(const mdg_term *t, const mdg_dictionary *words,
                   uint32_t n_known, uint32_t word) {
    return word < n_known
               ? word == t->words[0]
               : mdg_text_is(mdg_dictionary_text(words, word), t->texts[0]);
}

/* ---- Sets ---------------------------------------------------------------- */

typedef struct run {
    const uint32_t *elements;
    uint32_t count;
} run;

static run set_of(const mdg_column *c, uint32_t row) {
    run set = {c->elements + (c->of.sets[row] >> 16),
               (uint32_t)(c->of.sets[row] & 0xffff)};
    return set;
}

static int has_any(const mdg_term *t, const mdg_column *c, uint32_t row) {
    run set = c->elements ? set_of(c, row) : (run){NULL, 0};
    uint32_t n_known = known(t, &c->words);
    for (uint32_t i = 0; i < set.count; i++) {
        if (word_passes(t, &c->words, n_known, set.elements[i])) {
            return 1;
        }
    }
    return 0;
}

static int has_word(run set, uint32_t word) {
    uint32_t low = 0, high = set.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t there = set.elements[middle];
        if (there == word) {
            return 1;
        }
        low = there < word ? middle + 1 : low;
        high = there < word ? high : middle;
    }
    return 0;
}

/* Known words that lack a number are no element of words that are known. */
static int has_text(run set, const mdg_dictionary *words, uint32_t n_known,
                    midge_text text) {
    for (uint32_t i = set.count; i > 0; i--) {
        uint32_t word = set.elements[i - 1];
        if (word < n_known) { /* and so are those before it */
            return 0;
        }
        if (mdg_text_is(mdg_dictionary_text(words, word), text)) {
            return 1;
        }
    }
    return 0;
}

static int has_all(const mdg_term *t, const mdg_column *c, uint32_t row) {
    run set = c->elements ? set_of(c, row) : (run){NULL, 0};
    uint32_t n_known = known(t, &c->words);
    int knows = t->epoch == c->words.epoch;
    for (uint32_t i = 0; i < t->count; i++) {
        int has = knows && t->words[i] != MDG_NO_WORD
                      ? has_word(set, t->words[i])
                      : has_text(set, &c->words, n_known, t->texts[i]);
        if (!has) {
            return 0;
        }
    }
    return 1;
}

/* ---- Values -------------------------------------------------------------- */

static int is_int_listed(const mdg_term *t, int64_t value) {
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t there = t->of.int_list[middle];
        if (there == value) {
            return 1;
        }
        low = there < value ? middle + 1 : low;
        high = there < value ? high : middle;
    }
    return 0;
}

static int is_float_listed(const mdg_term *t, double value) {
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        double there = t->of.float_list[middle];
        if (there == value) {
            return 1;
        }
        low = there < value ? middle + 1 : low;
        high = there < value ? high : middle;
    }
    return 0;
}

int mdg_term_value(const mdg_term *t, const mdg_column *c, uint32_t row) {
    switch (t->kind) {
    case MDG_TERM_BOOL:
        return c->of.bools[row];
    case MDG_TERM_INT_RANGE:
        return c->of.ints[row] >= t->of.ints.low &&
               c->of.ints[row] <= t->of.ints.high;
    case MDG_TERM_INT_LIST:
        return is_int_listed(t, c->of.ints[row]);
    case MDG_TERM_FLOAT_RANGE:
        return c->of.floats[row] >= t->of.floats.low &&
               c->of.floats[row] <= t->of.floats.high;
    case MDG_TERM_FLOAT_LIST:
        return is_float_listed(t, c->of.floats[row]);
    case MDG_TERM_WORD:
        return word_is(t, &c->words, known(t, &c->words), c->of.strings[row]);
    case MDG_TERM_STRING:
        return word_passes(t, &c->words, known(t, &c->words),
                           c->of.strings[row]);
    case MDG_TERM_SET_ANY:
        return has_any(t, c, row);
    case MDG_TERM_SET_ALL:
        return has_all(t, c, row);
    case MDG_TERM_CONSTANT:
    case MDG_TERM_NULL:
        break;
    }
    return 1;
}

static int term_passes(const mdg_term *t, const mdg_columns *columns,
                       uint32_t row) {
    if (t->kind == MDG_TERM_CONSTANT) {
        return !t->negated;
    }
    const mdg_column *c = &columns->columns[t->column];
    int missing = row >= columns->n_rows || mdg_column_missing(c, row);
    if (t->kind == MDG_TERM_NULL) {
        return missing != t->negated;
    }
    return !missing && mdg_term_value(t, c, row) != t->negated;
}

int mdg_filter_passes(const midge_filter *filter, uint32_t row) {
    uint32_t at = 0;
    do {
        const mdg_term *t = &filter->terms[at];
        at = term_passes(t, filter->columns, row) ? t->yes : t->no;
    } while (at < MDG_JUMP_FAIL);
    return at == MDG_JUMP_PASS;
}

int midge_filter_matches(const midge_filter *filter, uint32_t row) {
    return mdg_filter_passes(filter, row);
}
