/* fuzz_wordvecs.c: any bytes as word vectors (before the first byte FE) and a
 * list of frequencies (behind it); and as the state of an embedder whose
 * checksum fits. What is taken embeds its own first line, and its state is
 * taken back and written as the same bytes. */
#include "fuzz_support.h"

enum { TEXT_BYTES = 200 };

static uint32_t crc32c(const uint8_t *bytes, size_t size) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82F63B78u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void embed(midge_embedder *e, const uint8_t *bytes, size_t size) {
    uint32_t dim = midge_embedder_dim(e);
    midge_text text = {(const char *)bytes,
                       size < TEXT_BYTES ? size : TEXT_BYTES};
    uint8_t skipped = 9;
    midge_error err = {0};
    midge_embed_report report = {0};
    midge_embed_batch batch = {
        .count = 1, .texts = &text, .skipped = &skipped, .report = &report};
    float *v = malloc(dim * sizeof *v);
    FUZZ_CHECK(v != NULL);
    midge_status status = midge_embedder_embed(e, &batch, v, &err);
    fuzz_check_error(status, &err);
    if (status == MIDGE_OK) {
        int some = 0;
        FUZZ_CHECK(skipped <= 1 && report.n_texts + report.n_skipped == 1);
        for (uint32_t j = 0; j < dim; j++) {
            FUZZ_CHECK(skipped ? v[j] != v[j] : v[j] - v[j] == 0);
            some |= v[j] != 0;
        }
        FUZZ_CHECK(some);
    }
    free(v);
}

static void round_trip(const midge_env *env, midge_embedder *e) {
    midge_buf bytes, again;
    midge_buf_init(&bytes, env, 0);
    midge_buf_init(&again, env, 0);
    FUZZ_CHECK(midge_embedder_state_write(e, &bytes) == MIDGE_OK);
    FUZZ_CHECK(midge_embedder_state_read(e, bytes.data, bytes.size, NULL) ==
               MIDGE_OK);
    FUZZ_CHECK(midge_embedder_state_write(e, &again) == MIDGE_OK);
    FUZZ_CHECK(again.size == bytes.size &&
               memcmp(again.data, bytes.data, bytes.size) == 0);
    midge_buf_deinit(&bytes);
    midge_buf_deinit(&again);
}

/* Only the words of a text are kept: what a whole reading accepts is accepted,
 * and the two are the same embedder to their states. */
static void keep_some(const midge_env *env, midge_embedder *whole,
                      const uint8_t *data, size_t size,
                      midge_words_options *options) {
    const midge_text text = {(const char *)data,
                             size < TEXT_BYTES ? size : TEXT_BYTES};
    midge_embedder *e = NULL;
    midge_error err = {0};
    options->texts = &text;
    options->n_texts = 1;
    midge_status status =
        midge_embedder_words_new(env, data, size, options, &e, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK(!whole || status == MIDGE_OK);
    if (e) {
        embed(e, data, size);
    }
    if (whole) {
        midge_buf state;
        midge_buf_init(&state, env, 0);
        FUZZ_CHECK(midge_embedder_state_write(whole, &state) == MIDGE_OK);
        FUZZ_CHECK(midge_embedder_state_read(e, state.data, state.size, NULL) ==
                   MIDGE_OK);
        midge_buf_deinit(&state);
    }
    midge_embedder_free(e);
}

/* The bytes as content of a frame that fits. */
static void read_state(const midge_env *env, const uint8_t *data, size_t size) {
    static const char file[] = "one 1 0.5\ntwo 0.25 1\n";
    static const uint8_t head[] = {'M', 'I', 'D', 'G', 'E', 'E',
                                   'M', 'B', 1,   0,   0,   0};
    midge_embedder *e = NULL;
    midge_error err = {0};
    uint8_t *frame = malloc(sizeof head + size + 4);
    FUZZ_CHECK(frame != NULL);
    memcpy(frame, head, sizeof head);
    memcpy(frame + sizeof head, data, size);
    uint32_t crc = crc32c(frame, sizeof head + size);
    for (size_t i = 0; i < 4; i++) {
        frame[sizeof head + size + i] = (uint8_t)(crc >> 8 * i);
    }
    FUZZ_CHECK(midge_embedder_words_new(env, file, sizeof file - 1, NULL, &e,
                                        NULL) == MIDGE_OK);
    midge_status status =
        midge_embedder_state_read(e, frame, sizeof head + size + 4, &err);
    fuzz_check_error(status, &err);
    embed(e, (const uint8_t *)"one two", 7);
    midge_embedder_free(e);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_embedder *e = NULL;
    midge_words_options options = {0};
    const uint8_t *mark = size ? memchr(data, 0xFE, size) : NULL;
    size_t words_size = mark ? (size_t)(mark - data) : size;
    if (mark) {
        options.frequencies = mark + 1;
        options.frequencies_size = size - words_size - 1;
    }
    midge_status status =
        midge_embedder_words_new(&env, data, words_size, &options, &e, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (e != NULL));
    if (e) {
        embed(e, data, words_size);
        round_trip(&env, e);
    }
    keep_some(&env, e, data, words_size, &options);
    midge_embedder_free(e);
    read_state(&env, data, size);
    return 0;
}
