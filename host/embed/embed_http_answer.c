/* embed_http_answer.c: what an endpoint said. Nothing is taken on trust: there
 * must be a vector for each text, each once, all of one size, every number
 * finite, and none of them all zeros. */
#include "embed/embed_http.h"

#include <stdlib.h>
#include <string.h>

/* A node for each number of at least two bytes. */
#define ARENA_PER_BYTE (sizeof(midge_json) / 2)
#define ARENA_MAX      ((size_t)1 << 30)

/* ---- An answer that says no ---------------------------------------------- */

/* Where servers put their text: {"error": {"message": ...}}, {"error": ...},
 * {"message": ...}, {"detail": ...}. */
static const char *find_message(const midge_json *root) {
    static const char *const names[] = {"error", "message", "detail"};
    const midge_json *error = midge_json_get(root, "error");
    const char *text = midge_json_get_string(error, "message", NULL);
    for (size_t i = 0; !text && i < sizeof names / sizeof names[0]; i++) {
        text = midge_json_get_string(root, names[i], NULL);
    }
    return text;
}

/* Printable ASCII stays; what is else becomes one blank. */
static void copy_plain(const char *from, size_t size, char *to) {
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < MDG_HTTP_SHOWN_BYTES; i++) {
        int plain = from[i] > ' ' && from[i] <= '~';
        if (plain) {
            to[n++] = from[i];
        } else if (n > 0 && to[n - 1] != ' ') {
            to[n++] = ' ';
        }
    }
    to[n] = '\0';
}

/* A server may say the key that it did not like. The text is looked at before
 * it is cut, so that no part of the key is left at its end. */
static void blot_out(char *text, size_t size, const char *key) {
    size_t key_size = key ? strlen(key) : 0;
    for (size_t i = 0; key_size > 0 && i + key_size <= size; i++) {
        if (memcmp(text + i, key, key_size) == 0) {
            memset(text + i, '*', key_size);
        }
    }
}

void mdg_http_complaint(mdg_http *h, char text[MDG_HTTP_SHOWN_BYTES]) {
    midge_arena arena;
    const midge_json *root;
    text[0] = '\0';
    if (h->answer.size == 0) {
        return;
    }
    blot_out(h->answer.data, h->answer.size, h->key);
    midge_arena_init(&arena, h->env, (size_t)1 << 20);
    const char *message = NULL;
    if (midge_json_read(&arena, h->answer.data, h->answer.size, &root, NULL) ==
        MIDGE_OK) {
        message = find_message(root);
    }
    if (message) { /* once more: it may have been written with escapes */
        size_t size = strlen(message);
        char *copy = midge_arena_copy(&arena, message, size);
        if (copy) {
            blot_out(copy, size, h->key);
            copy_plain(copy, size, text);
        }
    } else {
        copy_plain(h->answer.data, h->answer.size, text);
    }
    midge_arena_deinit(&arena);
}

/* ---- An answer with vectors ---------------------------------------------- */

static midge_status fail_answer(const mdg_http *h, const char *what,
                                midge_error *err) {
    return midge_fail(err, MIDGE_E_PARSE,
                      "the answer of %s is not as the protocol says: %s",
                      h->host, what);
}

static midge_status copy_vector(const mdg_http *h, const midge_json *vector,
                                float *out, midge_error *err) {
    int is_zero = 1;
    for (const midge_json *at = vector->child; at; at = at->next) {
        if (at->type != MIDGE_JSON_INT && at->type != MIDGE_JSON_DOUBLE) {
            return fail_answer(h, "a vector has something that is no number",
                               err);
        }
        float value = (float)at->number;
        if (value - value != 0.0f) {
            return fail_answer(h, "a number is too large for a float", err);
        }
        is_zero = is_zero && value == 0.0f;
        if (out) {
            *out++ = value;
        }
    }
    return is_zero ? fail_answer(h, "a vector is all zeros", err) : MIDGE_OK;
}

static midge_status check_dim(mdg_http *h, const midge_json *vector,
                              midge_error *err) {
    if (!vector || vector->type != MIDGE_JSON_ARRAY || vector->count == 0) {
        return fail_answer(h, "no \"embedding\" that is a list of numbers",
                           err);
    }
    if (vector->count > MIDGE_EMBED_DIM_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%s makes vectors of %u dimensions; at most %u",
                          h->host, vector->count, MIDGE_EMBED_DIM_MAX);
    }
    if (h->dim == 0) {
        h->dim = vector->count;
    }
    if (vector->count != h->dim) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "%s made a vector of %u dimensions, and %u are "
                          "wanted",
                          h->host, vector->count, h->dim);
    }
    return MIDGE_OK;
}

static midge_status read_item(mdg_http *h, const midge_json *item, size_t count,
                              uint8_t *seen, const size_t *place, float *out,
                              midge_error *err) {
    const midge_json *vector = midge_json_get(item, "embedding");
    const midge_json *index = midge_json_get(item, "index");
    if (!index || index->type != MIDGE_JSON_INT || index->integer < 0 ||
        (uint64_t)index->integer >= count) {
        return fail_answer(h, "an \"index\" is missing or out of range", err);
    }
    if (seen[index->integer]) {
        return fail_answer(h, "an \"index\" stands twice", err);
    }
    seen[index->integer] = 1;
    MIDGE_TRY(check_dim(h, vector, err));
    float *row = out ? out + place[index->integer] * h->dim : NULL;
    return copy_vector(h, vector, row, err);
}

static void count_tokens(const mdg_http *h, const midge_json *root) {
    const midge_json *usage = midge_json_get(root, "usage");
    int64_t n = midge_json_get_int(usage, "total_tokens", 0);
    if (h->call && h->call->report && n > 0) {
        h->call->report->n_tokens += (uint64_t)n;
    }
}

static midge_status read_data(mdg_http *h, const midge_json *root, size_t count,
                              const size_t *place, float *out,
                              midge_error *err) {
    const midge_json *data = midge_json_get(root, "data");
    if (!data || data->type != MIDGE_JSON_ARRAY) {
        return fail_answer(h, "no list \"data\"", err);
    }
    if (data->count != count) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "%s sent %u vectors for %zu texts", h->host,
                          data->count, count);
    }
    uint8_t *seen = calloc(count, 1);
    midge_status status = MIDGE_OK;
    if (!seen) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for an answer");
    }
    for (const midge_json *at = data->child; at && status == MIDGE_OK;
         at = at->next) {
        status = read_item(h, at, count, seen, place, out, err);
    }
    free(seen);
    return status;
}

midge_status mdg_http_read_answer(mdg_http *h, size_t count,
                                  const size_t *place, float *out,
                                  midge_error *err) {
    midge_arena arena;
    const midge_json *root;
    midge_error json = {.text = ""};
    size_t most = h->answer.size < ARENA_MAX / ARENA_PER_BYTE
                      ? h->answer.size * ARENA_PER_BYTE + 4096
                      : ARENA_MAX;
    midge_arena_init(&arena, h->env, most);
    midge_status status =
        midge_json_read(&arena, h->answer.data, h->answer.size, &root, &json);
    if (status == MIDGE_E_NOMEM || status == MIDGE_E_LIMIT) {
        status = midge_fail(err, status, "no memory for an answer");
    } else if (status != MIDGE_OK) {
        status = fail_answer(h, json.text, err);
    } else {
        status = read_data(h, root, count, place, out, err);
    }
    if (status == MIDGE_OK) {
        count_tokens(h, root);
    }
    midge_arena_deinit(&arena);
    return status;
}
