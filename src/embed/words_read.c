/* words_read.c: word vectors from GloVe or word2vec text.
 *
 * Lines are taken some thousands at a time: found one after the other, read
 * side by side (which is where the time goes), then their words are put into
 * the map in order, so that the first line that is wrong is the one that is
 * told.
 *
 * 1. Room for all vectors is taken at the beginning. A line that is well has at
 *    least 2 d + 1 bytes, and so the room is in proportion to the file; a file
 *    with more lines than that has a short one among those that there is room
 *    for, which ends the reading.
 * 2. A number is what mdg_decimal_read makes of it, then rounded to a float.
 * The short way to it gives the same: up to 2^53 the digits are exact, so are
 *    the powers of ten up to 22, and one division rounds once.
 */
#include "embed/words.h"

#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/mdg_assert.h"
#include "base/parallel.h"

#define LINES_AT_ONCE 8192u
#define LINES_A_SHARE 64u

typedef enum fault {
    FAULT_NONE,
    FAULT_EMPTY,
    FAULT_ZERO_BYTE,
    FAULT_NO_WORD,
    FAULT_LONG_WORD,
    FAULT_TOO_FEW,
    FAULT_TOO_MANY,
    FAULT_NUMBER
} fault;

typedef struct span {
    const char *text;
    size_t size;
    size_t word_size; /* the word is at the beginning */
    fault fault;
} span;

typedef struct source {
    mdg_words *w;
    const char *begin, *at, *end;
    uint64_t line;   /* of `at`, from 1 */
    uint64_t stated; /* words that the first line tells */
    unsigned has_stated;
    uint32_t most; /* words to read */
    span *spans;   /* LINES_AT_ONCE */
    size_t n_spans;
} source;

/* ---- Numbers ------------------------------------------------------------- */

static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#define DIGITS_MOST 900719925474098u /* and one digit more is below 2^53 */

static int separates(char c) {
    return c == ' ' || c == '\t';
}

/* The bytes of a number such as "-0.0123" at the beginning of `s`, up to a
 * space or the end: no exponent, few digits, nothing that JSON would refuse. 0
 * for every other text. */
static size_t read_short(const char *s, size_t left, double *value) {
    const size_t first = left > 0 && s[0] == '-';
    size_t at = first;
    size_t point = 0; /* where it is; 0: there is none */
    uint64_t digits = 0;
    for (; at < left && !separates(s[at]); at++) {
        unsigned digit = (unsigned)(unsigned char)s[at] - '0';
        if (digit <= 9 && digits <= DIGITS_MOST) {
            digits = digits * 10 + digit;
        } else if (s[at] == '.' && point == 0 && at > first) {
            point = at;
        } else {
            return 0;
        }
    }
    size_t whole_end = point ? point : at;
    size_t n_behind = point ? at - point - 1 : 0;
    if (whole_end == first || (point && n_behind == 0) || n_behind > 22 ||
        (s[first] == '0' && whole_end > first + 1)) {
        return 0;
    }
    *value = (double)digits / powers_of_ten[n_behind];
    *value = first ? -*value : *value;
    return at;
}

static int read_number(const char *s, size_t size, double *value) {
    size_t n = read_short(s, size, value);
    return (n > 0 && n == size) || mdg_decimal_read(s, size, value);
}

/* ---- One line ------------------------------------------------------------ */

/* Fields of a line, a word with spaces counted as so many. */
static size_t count_fields(const span *s) {
    size_t n = 0;
    size_t size = s->size;
    while (size > 0) {
        size = mdg_last_field(s->text, size);
        size -= size > 0;
        n++;
    }
    return n;
}

static fault wrong_number(const span *s, uint32_t dim) {
    return count_fields(s) < (size_t)dim + 1 ? FAULT_TOO_FEW : FAULT_NUMBER;
}

/* What stands before the numbers: the line's first `size` bytes. */
static fault look_at_word(const span *s, size_t size) {
    if (size == 0) {
        return FAULT_NO_WORD;
    }
    if (size > MDG_WORD_BYTES_MAX) {
        return FAULT_LONG_WORD;
    }
    if (memchr(s->text, 0, size)) {
        return FAULT_ZERO_BYTE;
    }
    size_t from = mdg_last_field(s->text, size);
    double value;
    if (from > 0 && read_number(s->text + from, size - from, &value)) {
        return FAULT_TOO_MANY;
    }
    return FAULT_NONE;
}

/* Nearly every line: a word without spaces and short numbers, in one pass. 0
 * for a line that must be looked at more closely. */
static int read_plain_line(const span *s, uint32_t dim, float *row,
                           size_t *word_size) {
    size_t at = 0;
    while (at < s->size && !separates(s->text[at])) {
        at++;
    }
    if (at == 0 || at > MDG_WORD_BYTES_MAX || memchr(s->text, 0, at)) {
        return 0;
    }
    *word_size = at;
    for (uint32_t i = 0; i < dim; i++) {
        double value;
        if (at >= s->size) {
            return 0;
        }
        at++;
        size_t n = read_short(s->text + at, s->size - at, &value);
        if (n == 0) {
            return 0;
        }
        row[i] = (float)value;
        at += n;
    }
    return at == s->size;
}

/* From the end: the numbers, then what is left is the word. */
static fault read_line(const span *s, uint32_t dim, float *row,
                       size_t *word_size) {
    size_t size = s->size;
    if (size == 0) {
        return FAULT_EMPTY;
    }
    if (read_plain_line(s, dim, row, word_size)) {
        return FAULT_NONE;
    }
    for (uint32_t i = dim; i-- > 0;) {
        size_t from = mdg_last_field(s->text, size);
        double value;
        if (from == 0) {
            return FAULT_TOO_FEW;
        }
        if (!read_number(s->text + from, size - from, &value)) {
            return wrong_number(s, dim);
        }
        row[i] = (float)value;
        if (row[i] - row[i] != 0.0f) {
            return FAULT_NUMBER;
        }
        size = from - 1;
    }
    *word_size = size;
    return look_at_word(s, size);
}

static void read_share(void *arg, size_t begin, size_t end, unsigned worker) {
    source *src = arg;
    mdg_words *w = src->w;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        span *s = &src->spans[i];
        float *row = w->vectors + (w->count + i) * w->dim;
        s->fault = read_line(s, w->dim, row, &s->word_size);
        if (s->fault != FAULT_NONE && memchr(s->text, 0, s->size)) {
            s->fault = FAULT_ZERO_BYTE;
        }
    }
}

static midge_status fail_fields(const source *src, const span *s, uint64_t line,
                                midge_error *err) {
    size_t n = count_fields(s) - 1;
    (void)midge_fail(err, MIDGE_E_PARSE,
                     "line %llu: %zu numbers, where the first line has %u",
                     (unsigned long long)line, n, src->w->dim);
    if (err) {
        err->line = (int64_t)line;
    }
    return MIDGE_E_PARSE;
}

static midge_status fail_span(const source *src, const span *s, uint64_t line,
                              midge_error *err) {
    switch (s->fault) {
    case FAULT_TOO_FEW:
    case FAULT_TOO_MANY:
        return fail_fields(src, s, line, err);
    case FAULT_EMPTY:
        return mdg_fail_line(err, MIDGE_E_PARSE, line, "nothing in it");
    case FAULT_ZERO_BYTE:
        return mdg_fail_line(err, MIDGE_E_PARSE, line,
                             "a zero byte: this is not text (the binary form "
                             "of word2vec must be written as text first)");
    case FAULT_NO_WORD:
        return mdg_fail_line(err, MIDGE_E_PARSE, line,
                             "no word before the "
                             "numbers");
    case FAULT_LONG_WORD:
        return mdg_fail_line(err, MIDGE_E_LIMIT, line,
                             "a word of more than 4096 bytes");
    default:
        return mdg_fail_line(err, MIDGE_E_PARSE, line,
                             "not a number that is finite as a float");
    }
}

/* ---- Many lines ---------------------------------------------------------- */

static void find_lines(source *src) {
    mdg_words *w = src->w;
    size_t most = src->most - w->count;
    most = most < LINES_AT_ONCE ? most : LINES_AT_ONCE;
    most = most < w->capacity - w->count ? most : w->capacity - w->count;
    src->n_spans = 0;
    while (src->n_spans < most) {
        span *s = &src->spans[src->n_spans];
        if (!mdg_take_line(&src->at, src->end, &s->text, &s->size)) {
            break;
        }
        src->n_spans++;
    }
}

static midge_status put_word(source *src, const span *s, char *copy,
                             uint64_t line, midge_error *err) {
    mdg_words *w = src->w;
    uint32_t size = (uint32_t)s->word_size;
    uint32_t known = mdg_map_get(&w->rows, s->text, size);
    if (known != 0) {
        int shown = size < 100 ? (int)size : 100;
        (void)midge_fail(err, MIDGE_E_PARSE,
                         "line %llu: the word \"%.*s\" stands in line %llu "
                         "already",
                         (unsigned long long)line, shown, s->text,
                         (unsigned long long)known + src->has_stated);
        if (err) {
            err->line = (int64_t)line;
        }
        return MIDGE_E_PARSE;
    }
    memcpy(copy, s->text, size);
    return mdg_map_put(&w->rows, copy, size, ++w->count);
}

/* The words of the lines just read, in order, up to the first that is wrong. */
static midge_status put_words(source *src, midge_error *err) {
    size_t bytes = 0;
    for (size_t i = 0; i < src->n_spans; i++) {
        const span *s = &src->spans[i];
        bytes += s->fault == FAULT_NONE ? s->word_size : 0;
    }
    char *copy = midge_arena_alloc(&src->w->text, bytes + 1);
    if (!copy) {
        return MIDGE_E_NOMEM;
    }
    for (size_t i = 0; i < src->n_spans; i++) {
        const span *s = &src->spans[i];
        if (s->fault != FAULT_NONE) {
            return fail_span(src, s, src->line, err);
        }
        MIDGE_TRY(put_word(src, s, copy, src->line, err));
        copy += s->word_size;
        src->line++;
    }
    return MIDGE_OK;
}

static midge_status read_lines(source *src, const midge_words_options *options,
                               midge_error *err) {
    mdg_words *w = src->w;
    size_t total = (size_t)(src->end - src->begin);
    do {
        const char *from = src->at;
        find_lines(src);
        mdg_parallel_for(w->env, src->n_spans, LINES_A_SHARE, read_share, src);
        MIDGE_TRY(put_words(src, err));
        w->crc = MDG_KERNEL(w->kernels, crc32c)(w->crc, from,
                                                (size_t)(src->at - from));
        if (options->progress &&
            options->progress(options->progress_ctx,
                              (size_t)(src->at - src->begin), total)) {
            return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
        }
    } while (src->at != src->end && w->count < src->most && src->n_spans > 0);
    w->bytes = (uint64_t)(src->at - src->begin);
    return MIDGE_OK;
}

/* ---- The first line ------------------------------------------------------ */

/* Digits alone, at most 18 of them. */
static int read_count(const char *s, size_t size, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (s[i] < '0' || s[i] > '9' || i == 18) {
            return 0;
        }
        *out = *out * 10 + (uint64_t)(s[i] - '0');
    }
    return size > 0;
}

static midge_status set_dim(source *src, uint64_t dim, midge_error *err) {
    if (dim == 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, 1,
                             "a word and no numbers: these are no word "
                             "vectors");
    }
    if (dim > MIDGE_EMBED_DIM_MAX) {
        return mdg_fail_line(err, MIDGE_E_LIMIT, 1,
                             "more than 65536 dimensions");
    }
    src->w->dim = (uint32_t)dim;
    return MIDGE_OK;
}

/* "count dim", or the first word; either tells the dim. */
static midge_status read_first(source *src, midge_error *err) {
    span s = {0};
    const char *at = src->at;
    uint64_t dim;
    if (!mdg_take_line(&at, src->end, &s.text, &s.size) || s.size == 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, 1, "nothing in it");
    }
    size_t from = mdg_last_field(s.text, s.size);
    if (from > 1 && read_count(s.text, from - 1, &src->stated) &&
        read_count(s.text + from, s.size - from, &dim)) {
        src->has_stated = 1;
        src->at = at;
        src->line = 2;
        return set_dim(src, dim, err);
    }
    return set_dim(src, count_fields(&s) - 1, err);
}

/* Room for the words there can be; see 1. above. */
static midge_status make_room(source *src, midge_error *err) {
    mdg_words *w = src->w;
    size_t size = (size_t)(src->end - src->at);
    size_t fit = size / (2 * (size_t)w->dim + 2) + 1;
    size_t lines =
        mdg_count_lines(src->at, size, fit < src->most ? fit : src->most);
    size_t floats;
    if (!mdg_multiply_size(lines, w->dim, &floats)) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    w->vectors = mdg_alloc(w->env, floats, sizeof *w->vectors);
    w->capacity = w->vectors ? lines : 0;
    if (!w->vectors && lines > 0) {
        return midge_fail(err, MIDGE_E_NOMEM,
                          "no memory for %zu words of %u dimensions", lines,
                          w->dim);
    }
    midge_status status = mdg_map_reserve(&w->rows, (uint32_t)lines);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no room for %zu words", lines);
    }
    src->spans = mdg_alloc(w->env, LINES_AT_ONCE, sizeof *src->spans);
    return src->spans ? MIDGE_OK : MIDGE_E_NOMEM;
}

static midge_status check_end(const source *src,
                              const midge_words_options *options,
                              midge_error *err) {
    const mdg_words *w = src->w;
    uint64_t most = options->max_words ? options->max_words : UINT64_MAX;
    uint64_t wanted = src->stated < most ? src->stated : most;
    if (src->at != src->end && w->count >= MDG_WORDS_MAX && most > w->count) {
        return mdg_fail_line(err, MIDGE_E_LIMIT, src->line,
                             "more than 2147483647 words");
    }
    if (mdg_never(src->at != src->end && w->count < src->most)) {
        return midge_fail(err, MIDGE_E_INTERNAL, "no room for a line");
    }
    if (w->count == 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, src->line, "no words");
    }
    if (src->has_stated && w->count != wanted) {
        (void)midge_fail(err, MIDGE_E_PARSE,
                         "line 1: it says %llu words, and there are %u",
                         (unsigned long long)src->stated, w->count);
        if (err) {
            err->line = 1;
        }
        return MIDGE_E_PARSE;
    }
    return MIDGE_OK;
}

midge_status mdg_words_read(mdg_words *w, const char *bytes, size_t size,
                            const midge_words_options *options,
                            midge_error *err) {
    source src = {.w = w, .begin = bytes, .at = bytes, .end = bytes + size};
    src.line = 1;
    src.most = options->max_words && options->max_words < MDG_WORDS_MAX
                   ? options->max_words
                   : MDG_WORDS_MAX;
    midge_arena_init(&w->text, w->env, SIZE_MAX / 2);
    mdg_map_init(&w->rows, w->env, size);
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        src.at += 3;
    }
    midge_status status = read_first(&src, err);
    if (status == MIDGE_OK) {
        w->crc = mdg_crc32c(0, bytes, (size_t)(src.at - bytes));
        status = make_room(&src, err);
    }
    if (status == MIDGE_OK) {
        status = read_lines(&src, options, err);
    }
    if (status == MIDGE_OK) {
        status = check_end(&src, options, err);
    }
    mdg_release(w->env, src.spans, LINES_AT_ONCE, sizeof *src.spans);
    return status;
}

void mdg_words_deinit(mdg_words *w) {
    mdg_release(w->env, w->vectors, w->capacity * w->dim, sizeof *w->vectors);
    mdg_release(w->env, w->weights, w->count, sizeof *w->weights);
    mdg_release(w->env, w->component, w->dim, sizeof *w->component);
    mdg_map_deinit(&w->rows);
    midge_arena_deinit(&w->text);
}
