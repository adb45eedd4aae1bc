/* fann_data.c: FANN's training data (fann_data.h of C FANN 2.2: what
 * fann_read_train_from_file reads and fann_save_train writes). Words between
 * white space; where lines end has no meaning. */
#include "data/dataset.h"

#include "base/decimal.h"

typedef struct words {
    const char *text;
    size_t size;
    size_t at;
    int64_t line; /* of `at`, from 1 */
} words;

static int is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word in place; its size is 0 at the end. */
static midge_text next(words *w) {
    while (w->at < w->size && is_space(w->text[w->at])) {
        w->line += w->text[w->at] == '\n';
        w->at++;
    }
    midge_text word = {w->text + w->at, 0};
    while (w->at < w->size && !is_space(w->text[w->at])) {
        w->at++;
        word.size++;
    }
    return word;
}

static midge_status fail(const words *w, midge_error *err, const char *what,
                         midge_text word) {
    int shown = word.size > 40 ? 40 : (int)word.size;
    (void)midge_fail(err, MIDGE_E_PARSE, "line %lld: %s%s%.*s%s",
                     (long long)w->line, what, shown ? ", not '" : "", shown,
                     word.data, shown ? "'" : "");
    if (err) {
        err->line = w->line;
    }
    return MIDGE_E_PARSE;
}

static midge_status read_count(words *w, uint32_t *out, midge_error *err) {
    midge_text word = next(w);
    uint64_t n = 0;
    *out = 0;
    for (size_t i = 0; i < word.size; i++) {
        unsigned digit = (unsigned)(unsigned char)word.data[i] - '0';
        n = digit > 9 || n > UINT32_MAX ? UINT64_MAX >> 8 : n * 10 + digit;
    }
    if (word.size == 0 || n > UINT32_MAX) {
        return fail(w, err,
                    "the file begins with three whole numbers: rows, inputs, "
                    "outputs",
                    word);
    }
    *out = (uint32_t)n;
    return MIDGE_OK;
}

static midge_status read_numbers(words *w, float *out, size_t count,
                                 midge_error *err) {
    for (size_t i = 0; i < count; i++) {
        midge_text word = next(w);
        double value = 0.0;
        if (word.size == 0) {
            return fail(w, err, "the file ends before its last row", word);
        }
        if (!mdg_decimal_read_loose(word.data, word.size, &value)) {
            return fail(w, err, "a number is wanted", word);
        }
        out[i] = (float)value;
        if (!(out[i] - out[i] == 0.0f)) {
            return fail(w, err, "a number that fits a float is wanted", word);
        }
    }
    return MIDGE_OK;
}

static midge_status read_rows(words *w, midge_dataset *data, midge_error *err) {
    for (size_t r = 0; r < data->n_rows; r++) {
        MIDGE_TRY(
            read_numbers(w, data->x + r * data->n_inputs, data->n_inputs, err));
        if (data->n_outputs > 0) {
            MIDGE_TRY(read_numbers(w, data->t + r * data->n_outputs,
                                   data->n_outputs, err));
        }
    }
    midge_text rest = next(w);
    return rest.size == 0
               ? MIDGE_OK
               : fail(w, err, "the file ends here by its first line", rest);
}

midge_status midge_dataset_read_fann(const midge_env *env, const void *bytes,
                                     size_t size, midge_dataset **out,
                                     midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    words w = {bytes, size, 0, 1};
    uint32_t n_rows, n_inputs, n_outputs;
    MIDGE_TRY(read_count(&w, &n_rows, err));
    MIDGE_TRY(read_count(&w, &n_inputs, err));
    MIDGE_TRY(read_count(&w, &n_outputs, err));
    /* A number is a byte and a space at least: no memory for what the file
     * only claims to have. */
    uint64_t width = (uint64_t)n_inputs + n_outputs;
    uint64_t most = ((uint64_t)size - w.at) / 2;
    if (width > 0 && n_rows > most / width) {
        return fail(&w, err, "the file is too short for that many numbers",
                    (midge_text){"", 0});
    }
    midge_dataset *data;
    MIDGE_TRY(mdg_dataset_make(env, n_rows, n_inputs, n_outputs, &data, err));
    midge_status status = read_rows(&w, data, err);
    if (status != MIDGE_OK) {
        midge_dataset_free(data);
        return status;
    }
    *out = data;
    return MIDGE_OK;
}

/* ---- Writing ------------------------------------------------------------- */

static void put_whole(midge_buf *out, int64_t value) {
    char text[MDG_DECIMAL_MAX];
    size_t size = mdg_decimal_write_f64((double)value, text);
    (void)midge_buf_append(out, text, size);
}

/* A line of numbers; fixed point when `multiplier` is not 0. */
static void put_line(midge_buf *out, const float *values, size_t count,
                     int32_t multiplier) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            (void)midge_buf_append(out, " ", 1);
        }
        if (multiplier) {
            put_whole(out, (int64_t)((double)values[i] * multiplier));
        } else {
            char text[MDG_DECIMAL_MAX];
            size_t size = mdg_decimal_write_f32(values[i], text);
            (void)midge_buf_append(out, text, size);
        }
    }
    (void)midge_buf_append(out, "\n", 1);
}

static midge_status write_all(const midge_dataset *data, int32_t multiplier,
                              midge_buf *out) {
    size_t start = out->size;
    const uint64_t head[3] = {data->n_rows, data->n_inputs, data->n_outputs};
    MIDGE_TRY(out->status);
    for (int i = 0; i < 3; i++) {
        put_whole(out, (int64_t)head[i]);
        (void)midge_buf_append(out, i < 2 ? " " : "\n", 1);
    }
    for (size_t r = 0; r < data->n_rows && out->status == MIDGE_OK; r++) {
        put_line(out, data->x + r * data->n_inputs, data->n_inputs, multiplier);
        if (data->n_outputs > 0) {
            put_line(out, data->t + r * data->n_outputs, data->n_outputs,
                     multiplier);
        }
    }
    if (out->status != MIDGE_OK) {
        out->size = start;
    }
    return out->status;
}

midge_status midge_dataset_write_fann(const midge_dataset *data,
                                      midge_buf *out) {
    return data && out ? write_all(data, 0, out) : MIDGE_E_INVALID;
}

midge_status midge_dataset_write_fann_fixed(const midge_dataset *data,
                                            uint32_t decimal_point,
                                            midge_buf *out, midge_error *err) {
    if (!data || !out || decimal_point > 30) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a dataset, and a decimal point from 0 to 30, are "
                          "wanted");
    }
    const int32_t multiplier = (int32_t)1 << decimal_point;
    const double most = 2147483647.0 / multiplier;
    const size_t n_x = data->n_rows * data->n_inputs;
    const size_t n_t = data->n_rows * data->n_outputs;
    for (size_t i = 0; i < n_x + n_t; i++) {
        float v = i < n_x ? data->x[i] : data->t[i - n_x];
        if ((double)v > most || (double)v < -most) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "%g does not fit an integer with decimal point "
                              "%u",
                              (double)v, decimal_point);
        }
    }
    return write_all(data, multiplier, out);
}
