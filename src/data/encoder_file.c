/* encoder_file.c: the encoder as bytes; spec/formats/encoder.md is its page. */
#include "data/encoder.h"

#include <string.h>

#include "base/frame.h"

#define MAGIC   "MIDGEENC"
#define VERSION 1u
/* The least bytes of one element: sizes are checked before memory is asked. */
#define TEXT_MIN  4u
#define INPUT_MIN 28u

static void put_text(midge_buf *out, const char *text) {
    size_t size = strlen(text);
    (void)mdg_put_u32(out, (uint32_t)size);
    (void)midge_buf_append(out, text, size);
}

static void put_texts(midge_buf *out, const char **texts, uint32_t n) {
    (void)mdg_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        put_text(out, texts[i]);
    }
}

static void put_input(midge_buf *out, const mdg_input *in) {
    put_text(out, in->name);
    (void)mdg_put_u32(out, in->position);
    (void)mdg_put_u32(out, (uint32_t)in->type);
    (void)mdg_put_f32(out, in->fill);
    (void)mdg_put_f32(out, in->centre);
    (void)mdg_put_f32(out, in->scale);
    put_texts(out, in->categories, in->n_categories);
}

midge_status midge_encoder_write(const midge_encoder *e, midge_buf *out) {
    if (!e || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start;
    MIDGE_TRY(mdg_frame_begin(out, MAGIC, VERSION, &start));
    (void)mdg_put_u32(out, (uint32_t)e->problem);
    (void)mdg_put_u32(out, (uint32_t)e->target_type);
    put_text(out, e->target);
    (void)mdg_put_f32(out, e->centre);
    (void)mdg_put_f32(out, e->scale);
    put_texts(out, e->classes, e->n_classes);
    if (e->values) {
        (void)mdg_put_f32s(out, e->values, e->n_classes);
    }
    (void)mdg_put_u32(out, e->n_inputs);
    for (uint32_t i = 0; i < e->n_inputs; i++) {
        put_input(out, &e->inputs[i]);
    }
    put_texts(out, e->dropped, e->n_dropped);
    return mdg_frame_end(out, start, out->status);
}

typedef struct source {
    mdg_reader r;
    midge_encoder *e;
    int no_memory;
} source;

static void *get(source *s, size_t count, size_t size) {
    void *block = midge_arena_alloc(&s->e->arena, count * size);
    if (!block) {
        s->no_memory = 1;
        s->r.failed = 1;
    }
    return block;
}

/* NULL when the file is at fault or memory ran out. */
static const char *get_text(source *s) {
    uint32_t size = mdg_get_u32(&s->r);
    const uint8_t *bytes = mdg_get_bytes(&s->r, size);
    if (!bytes || (size > 0 && memchr(bytes, 0, size))) {
        s->r.failed = 1;
        return NULL;
    }
    char *text = get(s, (size_t)size + 1, 1);
    if (text) {
        memcpy(text, bytes, size);
        text[size] = '\0';
    }
    return text;
}

/* A count of things of at least `least` bytes each. */
static uint32_t get_count(source *s, size_t least) {
    uint32_t n = mdg_get_u32(&s->r);
    if (n > mdg_reader_left(&s->r) / least) {
        s->r.failed = 1;
        return 0;
    }
    return n;
}

static const char **get_texts(source *s, uint32_t *n) {
    *n = get_count(s, TEXT_MIN);
    const char **texts =
        s->r.failed || *n == 0 ? NULL : get(s, *n, sizeof *texts);
    for (uint32_t i = 0; texts && i < *n; i++) {
        texts[i] = get_text(s);
        if (!texts[i]) {
            return NULL;
        }
    }
    return texts;
}

static float get_finite(source *s) {
    float v = mdg_get_f32(&s->r);
    s->r.failed |= !(v - v == 0.0f);
    return v;
}

static float get_scale(source *s) {
    float v = get_finite(s);
    s->r.failed |= !(v > 0.0f);
    return v;
}

static void get_input(source *s, mdg_input *in) {
    in->name = get_text(s);
    in->position = mdg_get_u32(&s->r);
    uint32_t type = mdg_get_u32(&s->r);
    in->type = type ? MIDGE_COLUMN_TEXT : MIDGE_COLUMN_NUMBER;
    in->fill = mdg_get_f32(&s->r); /* NaN has a meaning */
    s->r.failed |= in->fill == in->fill && !(in->fill - in->fill == 0.0f);
    in->centre = get_finite(s);
    in->scale = get_scale(s);
    in->categories = get_texts(s, &in->n_categories);
    s->r.failed |= type > 1 || (type == 1) != (in->n_categories > 0) ||
                   in->n_categories > MDG_CATEGORIES_MAX;
    s->e->n_features += type == 1 ? in->n_categories : 1;
}

static void get_target(source *s) {
    midge_encoder *e = s->e;
    uint32_t problem = mdg_get_u32(&s->r);
    uint32_t type = mdg_get_u32(&s->r);
    s->r.failed |= problem > 1 || type > 1;
    e->problem = (midge_problem)problem;
    e->target_type = (midge_column_type)type;
    e->target = get_text(s);
    e->centre = get_finite(s);
    e->scale = get_scale(s);
    e->classes = get_texts(s, &e->n_classes);
    int classify = problem == MIDGE_PROBLEM_CLASSIFY;
    s->r.failed |= e->n_classes > MDG_CLASSES_MAX ||
                   (classify ? e->n_classes < 2 : e->n_classes != 0) ||
                   (!classify && type != MIDGE_COLUMN_NUMBER);
    if (!s->r.failed && classify && type == MIDGE_COLUMN_NUMBER) {
        e->values = get(s, e->n_classes, sizeof *e->values);
        for (uint32_t i = 0; e->values && i < e->n_classes; i++) {
            e->values[i] = get_finite(s);
        }
    }
}

static midge_status read_body(source *s, midge_error *err) {
    midge_encoder *e = s->e;
    get_target(s);
    e->n_inputs = s->r.failed ? 0 : get_count(s, INPUT_MIN);
    e->inputs = e->n_inputs ? get(s, e->n_inputs, sizeof *e->inputs) : NULL;
    s->r.failed |= !e->inputs;
    for (uint32_t i = 0; i < e->n_inputs && !s->r.failed; i++) {
        get_input(s, &e->inputs[i]);
    }
    if (!s->r.failed) {
        e->dropped = get_texts(s, &e->n_dropped);
    }
    if (s->no_memory) {
        return mdg_encoder_no_memory(err);
    }
    if (s->r.failed || mdg_reader_left(&s->r) != 0) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the encoder's fields do not fit together");
    }
    return MIDGE_OK;
}

midge_status midge_encoder_read(const midge_env *env, const void *bytes,
                                size_t size, midge_encoder **out,
                                midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    source s = {0};
    MIDGE_TRY(
        mdg_frame_open(bytes, size, MAGIC, VERSION, "encoder file", &s.r, err));
    MIDGE_TRY(mdg_encoder_make(env, &s.e, err));
    midge_status status = read_body(&s, err);
    if (status != MIDGE_OK) {
        midge_encoder_free(s.e);
        return status;
    }
    *out = s.e;
    return MIDGE_OK;
}
