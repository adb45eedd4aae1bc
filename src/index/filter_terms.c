/* filter_terms.c: what a condition means for a column of its kind.
 *
 * Comparisons of numbers become closed intervals of what the column holds:
 * whole numbers are compared exactly with any decimal, floats with the double
 * nearest to it, as a float that was stored is. Those of strings become a test
 * of words.
 */
#include "index/filter_terms.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "index/sorted.h"

typedef struct maker {
    midge_filter *filter;
    const mdg_condition *c;
    const mdg_column *column;
    mdg_term *term;
    midge_error *err;
} maker;

static midge_status mismatch(const maker *m, size_t at, const char *what) {
    return mdg_lex_place(m->c->lexer, at,
                         midge_fail(m->err, MIDGE_E_MISMATCH,
                                    "\"%s\" is %s: %s", m->column->name,
                                    mdg_column_kind_text(m->column->kind),
                                    what));
}

static void *alloc(const maker *m, size_t count, size_t size) {
    return midge_arena_alloc(&m->filter->arena, (count + 1) * size);
}

static midge_status no_memory(const maker *m) {
    return mdg_no_memory("a filter", m->err);
}

static midge_status need(const maker *m, mdg_literal_kind kind,
                         const char *what) {
    for (uint32_t i = 0; i < m->c->count; i++) {
        const mdg_literal *l = &m->c->literals[i];
        if (l->kind == MDG_LITERAL_NULL) {
            return mismatch(m, l->at,
                            "nothing is equal to null; write is null or is "
                            "not null");
        }
        if (l->kind != kind) {
            return mismatch(m, l->at, what);
        }
    }
    return MIDGE_OK;
}

/* ---- Integers ------------------------------------------------------------ */

static void int_range(mdg_term *t, mdg_compare compare, const mdg_number *n) {
    const int less = compare == MDG_LESS && n->is_whole && n->beyond == 0;
    int none = n->beyond < 0 || (less && n->floor == INT64_MIN);
    t->kind = MDG_TERM_INT_RANGE;
    t->of.ints.low = INT64_MIN;
    t->of.ints.high = n->beyond > 0 ? INT64_MAX : n->floor;
    if (compare == MDG_EQUAL) {
        t->of.ints.low = n->floor;
        none = !n->is_whole || n->beyond != 0;
    }
    if (none) {
        t->of.ints.low = 1;
        t->of.ints.high = 0;
    } else if (less) {
        t->of.ints.high--;
    }
}

static midge_status int_list(const maker *m) {
    int64_t *list = alloc(m, m->c->count, sizeof *list);
    uint32_t count = 0;
    if (!list) {
        return no_memory(m);
    }
    for (uint32_t i = 0; i < m->c->count; i++) {
        const mdg_number *n = &m->c->literals[i].number;
        if (n->is_whole && n->beyond == 0) {
            list[count++] = n->floor;
        }
    }
    m->term->kind = MDG_TERM_INT_LIST;
    m->term->count =
        mdg_sort_distinct(list, count, sizeof *list, mdg_order_i64);
    m->term->of.int_list = list;
    return MIDGE_OK;
}

/* ---- Floats -------------------------------------------------------------- */

static double next_below(double x) {
    const uint64_t bits = mdg_bits_of_f64(x);
    if (x == 0.0) {
        return -mdg_f64_of_bits(1);
    }
    return mdg_f64_of_bits(x > 0.0 ? bits - 1 : bits + 1);
}

static void float_range(mdg_term *t, mdg_compare compare, double x) {
    t->kind = MDG_TERM_FLOAT_RANGE;
    t->of.floats.low = compare == MDG_EQUAL ? x : -__builtin_inf();
    t->of.floats.high = compare == MDG_LESS ? next_below(x) : x;
}

static midge_status float_list(const maker *m) {
    double *list = alloc(m, m->c->count, sizeof *list);
    if (!list) {
        return no_memory(m);
    }
    for (uint32_t i = 0; i < m->c->count; i++) {
        list[i] = m->c->literals[i].number.value;
    }
    m->term->kind = MDG_TERM_FLOAT_LIST;
    m->term->count =
        mdg_sort_distinct(list, m->c->count, sizeof *list, mdg_order_f64);
    m->term->of.float_list = list;
    return MIDGE_OK;
}

static midge_status make_number(const maker *m) {
    int whole = m->column->kind == MIDGE_META_INT;
    MIDGE_TRY(need(m, MDG_LITERAL_NUMBER, "compare it with a number"));
    if (m->c->test == MDG_TEST_IN) {
        return whole ? int_list(m) : float_list(m);
    }
    if (m->c->test != MDG_TEST_COMPARE) {
        return mismatch(m, m->c->column_at,
                        "use = != < <= > >= in, or is null");
    }
    if (whole) {
        int_range(m->term, m->c->compare, &m->c->literals[0].number);
    } else {
        float_range(m->term, m->c->compare, m->c->literals[0].number.value);
    }
    return MIDGE_OK;
}

/* ---- Bools --------------------------------------------------------------- */

static midge_status make_bool(const maker *m) {
    m->term->kind = MDG_TERM_BOOL;
    if (m->c->test == MDG_TEST_BARE) {
        return MIDGE_OK;
    }
    if (m->c->test != MDG_TEST_COMPARE || m->c->compare != MDG_EQUAL) {
        return mismatch(m, m->c->column_at,
                        "use it alone, = or != with true or false, or is null");
    }
    MIDGE_TRY(need(m, MDG_LITERAL_BOOL, "compare it with true or false"));
    m->term->negated ^= !m->c->literals[0].truth;
    return MIDGE_OK;
}

/* ---- Strings and sets ---------------------------------------------------- */

static midge_status take_texts(const maker *m) {
    midge_text *texts = alloc(m, m->c->count, sizeof *texts);
    if (!texts) {
        return no_memory(m);
    }
    for (uint32_t i = 0; i < m->c->count; i++) {
        texts[i] = m->c->literals[i].text;
    }
    m->term->count =
        mdg_sort_distinct(texts, m->c->count, sizeof *texts, mdg_order_text);
    m->term->texts = texts;
    return MIDGE_OK;
}

/* Bits for the words that there are. A test that must look at each of them is
 * left to the rows when these are likely to be fewer. */
static midge_status know_words(const maker *m) {
    mdg_term *t = m->term;
    const mdg_dictionary *words = &m->column->words;
    uint64_t seed = m->filter->columns->seed;
    t->epoch = words->epoch;
    if (t->test != MDG_TEXT_LIST && words->count > 4096 &&
        words->count > m->filter->columns->n_rows / 8) {
        return MIDGE_OK;
    }
    size_t n = ((size_t)words->count + 63) / 64;
    t->passes = alloc(m, n, sizeof *t->passes);
    if (!t->passes) {
        return no_memory(m);
    }
    memset(t->passes, 0, (n + 1) * sizeof *t->passes);
    t->n_known = words->count;
    if (t->test == MDG_TEXT_LIST && words->table) {
        for (uint32_t i = 0; i < t->count; i++) {
            uint32_t word = mdg_dictionary_find(words, seed, t->texts[i]);
            if (word != MDG_NO_WORD) {
                t->passes[word / 64] |= (uint64_t)1 << word % 64;
            }
        }
        return MIDGE_OK;
    }
    for (uint32_t word = 0; word < words->count; word++) {
        uint64_t hit = mdg_term_text(t, mdg_dictionary_text(words, word)) != 0;
        t->passes[word / 64] |= hit << word % 64;
    }
    return MIDGE_OK;
}

/* The numbers of the texts, ascending; absent ones are largest. */
static midge_status find_words(const maker *m) {
    mdg_term *t = m->term;
    t->words = alloc(m, t->count, sizeof *t->words);
    if (!t->words) {
        return no_memory(m);
    }
    t->epoch = m->column->words.epoch;
    t->n_known = m->column->words.count;
    for (uint32_t i = 0; i < t->count; i++) {
        t->words[i] = mdg_dictionary_find(
            &m->column->words, m->filter->columns->seed, t->texts[i]);
    }
    return MIDGE_OK;
}

static midge_status make_string(const maker *m) {
    mdg_term *t = m->term;
    MIDGE_TRY(need(m, MDG_LITERAL_TEXT, "compare it with a text in quotes"));
    switch (m->c->test) {
    case MDG_TEST_IN:
        break;
    case MDG_TEST_STARTS:
        t->test = MDG_TEXT_STARTS;
        break;
    case MDG_TEST_CONTAINS:
        t->test = MDG_TEXT_CONTAINS;
        break;
    case MDG_TEST_COMPARE:
        t->test = m->c->compare == MDG_EQUAL  ? MDG_TEXT_LIST
                  : m->c->compare == MDG_LESS ? MDG_TEXT_LESS
                                              : MDG_TEXT_LESS_EQUAL;
        break;
    default:
        return mismatch(m, m->c->column_at,
                        "use = != < <= > >= in, starts, contains or is null");
    }
    MIDGE_TRY(take_texts(m));
    t->kind = t->test == MDG_TEXT_LIST && t->count == 1 ? MDG_TERM_WORD
                                                        : MDG_TERM_STRING;
    return t->kind == MDG_TERM_WORD ? find_words(m) : know_words(m);
}

static midge_status make_set(const maker *m) {
    const mdg_condition *c = m->c;
    MIDGE_TRY(need(m, MDG_LITERAL_TEXT, "compare it with texts in quotes"));
    int equal = c->test == MDG_TEST_COMPARE && c->compare == MDG_EQUAL;
    if (!equal && c->test != MDG_TEST_IN && c->test != MDG_TEST_ALL &&
        c->test != MDG_TEST_ELEMENT && c->test != MDG_TEST_CONTAINS) {
        return mismatch(m, c->column_at,
                        "use = != in, all, contains or is null");
    }
    MIDGE_TRY(take_texts(m));
    m->term->test = MDG_TEXT_LIST;
    m->term->kind =
        c->test == MDG_TEST_ALL ? MDG_TERM_SET_ALL : MDG_TERM_SET_ANY;
    return c->test == MDG_TEST_ALL ? find_words(m) : know_words(m);
}

/* ---- Any ----------------------------------------------------------------- */

static midge_status make(const maker *m) {
    if (m->c->test == MDG_TEST_NULL) {
        m->term->kind = MDG_TERM_NULL;
        return MIDGE_OK;
    }
    if (m->c->test == MDG_TEST_ELEMENT && m->column->kind != MIDGE_META_SET) {
        return mismatch(m, m->c->column_at,
                        "in needs a set, or a list in parentheses");
    }
    switch (m->column->kind) {
    case MIDGE_META_BOOL:
        return make_bool(m);
    case MIDGE_META_STRING:
        return make_string(m);
    case MIDGE_META_SET:
        return make_set(m);
    case MIDGE_META_INT:
    case MIDGE_META_FLOAT:
        break;
    }
    return make_number(m);
}

midge_status mdg_term_new(midge_filter *filter, const mdg_condition *condition,
                          mdg_term **out, midge_error *err) {
    maker m = {.filter = filter, .c = condition, .err = err};
    m.term = midge_arena_alloc(&filter->arena, sizeof *m.term);
    *out = m.term;
    if (!m.term) {
        return no_memory(&m);
    }
    *m.term =
        (mdg_term){.negated = condition->negated, .column = condition->column};
    if (condition->test == MDG_TEST_CONSTANT) {
        m.term->kind = MDG_TERM_CONSTANT;
        m.term->negated ^= !condition->literals[0].truth;
        return MIDGE_OK;
    }
    m.column = &filter->columns->columns[condition->column];
    return make(&m);
}
