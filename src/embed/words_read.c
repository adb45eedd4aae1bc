/* words_read.c: word vectors from GloVe or word2vec text.
 *
 * Lines are taken some thousands at a time: found one after the other, read
 * side by side (which is where the time goes), then their words are put into
 * the map in order, so that the first line that is wrong is the one that is
 * told. When only the words of some texts are wanted, lines of others are
 * passed over as they are found, which is an end of a line and a checksum.
 *
 * Room for all vectors is taken at the beginning. A line that is well has at
 * least 2 d + 1 bytes, and so the room is in proportion to the file; a file
 * with more lines than that has a short one among those that there is room for,
 * which ends the reading.
 */
#include "embed/words.h"

#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "base/parallel.h"

#define LINES_AT_ONCE 8192u
#define LINES_A_SHARE 64u
#define SOME_AT_ONCE  256u                /* of lines that are wanted */
#define BYTES_AT_ONCE ((size_t)256 << 10) /* then: still cached for the sum */

typedef struct source {
    mdg_words *w;
    const char *begin, *at, *end;
    uint64_t line;   /* of `at`, from 1 */
    uint64_t stated; /* words that the first line tells */
    unsigned has_stated;
    uint32_t most;        /* words to read */
    int has_wanted;       /* not all words are wanted */
    mdg_map wanted;       /* those that are */
    midge_arena lower;    /* some of its keys */
    mdg_word_line *lines; /* (at_once) */
    size_t at_once;
    size_t n_lines;
} source;

static unsigned is_wanted(const source *src, const char *word, size_t size) {
    return !src->has_wanted ||
           (size <= MDG_WORD_BYTES_MAX &&
            mdg_map_get(&src->wanted, word, (uint32_t)size) != 0);
}

static void read_share(void *arg, size_t begin, size_t end, unsigned worker) {
    source *src = arg;
    mdg_words *w = src->w;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        mdg_line_read(&src->lines[i], w->dim,
                      w->vectors + (w->count + i) * w->dim);
    }
}

/* ---- What is wrong ------------------------------------------------------- */

static midge_status fail_fields(const source *src, const mdg_word_line *s,
                                midge_error *err) {
    (void)midge_fail(err, MIDGE_E_PARSE,
                     "line %llu: %zu numbers, where the first line has %u",
                     (unsigned long long)s->number, mdg_line_fields(s) - 1,
                     src->w->dim);
    if (err) {
        err->line = (int64_t)s->number;
    }
    return MIDGE_E_PARSE;
}

static midge_status fail_line(const source *src, const mdg_word_line *s,
                              midge_error *err) {
    switch (s->fault) {
    case MDG_LINE_TOO_FEW:
    case MDG_LINE_TOO_MANY:
        return fail_fields(src, s, err);
    case MDG_LINE_EMPTY:
        return mdg_fail_line(err, MIDGE_E_PARSE, s->number, "nothing in it");
    case MDG_LINE_ZERO_BYTE:
        return mdg_fail_line(err, MIDGE_E_PARSE, s->number,
                             "a zero byte: this is not text (the binary form "
                             "of word2vec must be written as text first)");
    case MDG_LINE_NO_WORD:
        return mdg_fail_line(err, MIDGE_E_PARSE, s->number,
                             "no word before the "
                             "numbers");
    case MDG_LINE_LONG_WORD:
        return mdg_fail_line(err, MIDGE_E_LIMIT, s->number,
                             "a word of more than 4096 bytes");
    default:
        return mdg_fail_line(err, MIDGE_E_PARSE, s->number,
                             "not a number that is finite as a float");
    }
}

static midge_status fail_twice(const source *src, const mdg_word_line *s,
                               uint32_t known, midge_error *err) {
    const uint32_t *ranks = src->w->ranks;
    uint64_t before = (ranks ? ranks[known - 1] : known) + src->has_stated;
    int shown = s->word_size < 100 ? (int)s->word_size : 100;
    (void)midge_fail(err, MIDGE_E_PARSE,
                     "line %llu: the word \"%.*s\" stands in line %llu already",
                     (unsigned long long)s->number, shown, s->text,
                     (unsigned long long)before);
    if (err) {
        err->line = (int64_t)s->number;
    }
    return MIDGE_E_PARSE;
}

/* ---- Many lines ---------------------------------------------------------- */

static void find_lines(source *src) {
    mdg_words *w = src->w;
    const size_t room = w->capacity - w->count;
    const char *from = src->at;
    src->n_lines = 0;
    while (src->n_lines < src->at_once && src->n_lines < room &&
           w->n_words < src->most &&
           (!src->has_wanted || (size_t)(src->at - from) < BYTES_AT_ONCE)) {
        mdg_word_line *s = &src->lines[src->n_lines];
        if (!mdg_take_line(&src->at, src->end, &s->text, &s->size)) {
            break;
        }
        s->number = src->line++;
        w->n_words++;
        src->n_lines +=
            is_wanted(src, s->text, mdg_first_field(s->text, s->size));
    }
}

static midge_status put_word(source *src, const mdg_word_line *s, char *copy,
                             midge_error *err) {
    mdg_words *w = src->w;
    uint32_t size = (uint32_t)s->word_size;
    uint32_t known = mdg_map_get(&w->rows, s->text, size);
    if (known != 0) {
        return fail_twice(src, s, known, err);
    }
    if (w->ranks) {
        w->ranks[w->count] = (uint32_t)(s->number - src->has_stated);
    }
    memcpy(copy, s->text, size);
    return mdg_map_put(&w->rows, copy, size, ++w->count);
}

/* The words of the lines just read, in order, up to the first that is wrong. A
 * word with spaces may begin as one that is wanted; its row is closed over. */
static midge_status put_words(source *src, midge_error *err) {
    mdg_words *w = src->w;
    const size_t first = w->count;
    size_t bytes = 0;
    for (size_t i = 0; i < src->n_lines; i++) {
        const mdg_word_line *s = &src->lines[i];
        bytes += s->fault == MDG_LINE_NONE ? s->word_size : 0;
    }
    char *copy = midge_arena_alloc(&w->text, bytes + 1);
    if (!copy) {
        return MIDGE_E_NOMEM;
    }
    for (size_t i = 0; i < src->n_lines; i++) {
        const mdg_word_line *s = &src->lines[i];
        if (s->fault != MDG_LINE_NONE) {
            return fail_line(src, s, err);
        }
        if (!is_wanted(src, s->text, s->word_size)) {
            continue;
        }
        if (w->count < first + i) {
            memcpy(w->vectors + (size_t)w->count * w->dim,
                   w->vectors + (first + i) * w->dim,
                   w->dim * sizeof *w->vectors);
        }
        MIDGE_TRY(put_word(src, s, copy, err));
        copy += s->word_size;
    }
    return MIDGE_OK;
}

static midge_status read_lines(source *src, const midge_words_options *options,
                               midge_error *err) {
    mdg_words *w = src->w;
    const size_t total = (size_t)(src->end - src->begin);
    const char *from;
    do {
        from = src->at;
        find_lines(src);
        mdg_parallel_for(w->env, src->n_lines, LINES_A_SHARE, read_share, src);
        MIDGE_TRY(put_words(src, err));
        w->crc = MDG_KERNEL(w->kernels, crc32c)(w->crc, from,
                                                (size_t)(src->at - from));
        if (options->progress &&
            options->progress(options->progress_ctx,
                              (size_t)(src->at - src->begin), total)) {
            return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
        }
    } while (src->at != src->end && w->n_words < src->most && src->at != from);
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
    mdg_word_line s = {.number = 1};
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
    return set_dim(src, mdg_line_fields(&s) - 1, err);
}

/* How many words there can be; see above. */
static size_t most_rows(const source *src) {
    size_t size = (size_t)(src->end - src->at);
    size_t fit = size / (2 * (size_t)src->w->dim + 2) + 1;
    if (src->has_wanted) {
        size_t wanted = (size_t)src->wanted.count + src->at_once;
        return wanted < fit ? wanted : fit;
    }
    return mdg_count_lines(src->at, size, fit < src->most ? fit : src->most);
}

static midge_status make_room(source *src, midge_error *err) {
    mdg_words *w = src->w;
    const size_t rows = most_rows(src);
    size_t floats;
    if (!mdg_multiply_size(rows, w->dim, &floats)) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    w->vectors = mdg_alloc(w->env, floats, sizeof *w->vectors);
    w->capacity = w->vectors ? rows : 0;
    if (!w->vectors && rows > 0) {
        return midge_fail(err, MIDGE_E_NOMEM,
                          "no memory for %zu words of %u dimensions", rows,
                          w->dim);
    }
    midge_status status = mdg_map_reserve(&w->rows, (uint32_t)rows);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no room for %zu words", rows);
    }
    if (src->has_wanted) {
        w->ranks = mdg_alloc(w->env, rows, sizeof *w->ranks);
    }
    src->lines = mdg_alloc(w->env, src->at_once, sizeof *src->lines);
    return src->lines && (w->ranks || !src->has_wanted) ? MIDGE_OK
                                                        : MIDGE_E_NOMEM;
}

static midge_status check_end(const source *src,
                              const midge_words_options *options,
                              midge_error *err) {
    const mdg_words *w = src->w;
    uint64_t most = options->max_words ? options->max_words : UINT64_MAX;
    uint64_t wanted = src->stated < most ? src->stated : most;
    if (src->at != src->end && w->n_words >= MDG_WORDS_MAX &&
        most > w->n_words) {
        return mdg_fail_line(err, MIDGE_E_LIMIT, src->line,
                             "more than 2147483647 words");
    }
    if (mdg_never(src->at != src->end && w->n_words < src->most)) {
        return midge_fail(err, MIDGE_E_INTERNAL, "no room for a line");
    }
    if (w->n_words == 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, src->line, "no words");
    }
    if (src->has_stated && w->n_words != wanted) {
        (void)midge_fail(err, MIDGE_E_PARSE,
                         "line 1: it says %llu words, and there are %u",
                         (unsigned long long)src->stated, w->n_words);
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
    midge_arena_init(&src.lower, w->env, SIZE_MAX / 2);
    mdg_map_init(&src.wanted, w->env, size);
    src.has_wanted = options->texts != NULL;
    src.at_once = src.has_wanted ? SOME_AT_ONCE : LINES_AT_ONCE;
    midge_status status = read_first(&src, err);
    if (status == MIDGE_OK && src.has_wanted) {
        status = mdg_words_gather(options->texts, options->n_texts, &src.lower,
                                  &src.wanted);
    }
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
    mdg_release(w->env, src.lines, src.at_once, sizeof *src.lines);
    mdg_map_deinit(&src.wanted);
    midge_arena_deinit(&src.lower);
    return status;
}

void mdg_words_deinit(mdg_words *w) {
    mdg_release(w->env, w->vectors, w->capacity * w->dim, sizeof *w->vectors);
    mdg_release(w->env, w->weights, w->capacity, sizeof *w->weights);
    mdg_release(w->env, w->ranks, w->capacity, sizeof *w->ranks);
    mdg_release(w->env, w->component, w->dim, sizeof *w->component);
    mdg_map_deinit(&w->rows);
    midge_arena_deinit(&w->text);
}
