/* words_sif_test.c: smooth inverse frequency against the paper's algorithm in
 * plain doubles, and sentences that mean the like against others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "embed/words.h"
#include "midge/os.h"
#include "test_env.h"

static midge_embedder *open_words(const midge_env *env, const char *text,
                                  const midge_words_options *options) {
    midge_embedder *e;
    midge_error err;
    if (midge_embedder_words_new(env, text, strlen(text), options, &e, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return e;
}

static void embed_texts(midge_embedder *e, size_t count,
                        const char *const *texts, float *out) {
    midge_text *all = malloc(count * sizeof *all);
    midge_error err;
    for (size_t i = 0; i < count; i++) {
        all[i] = (midge_text){texts[i], strlen(texts[i])};
    }
    midge_embed_batch batch = {.count = count, .texts = all};
    if (midge_embedder_embed(e, &batch, out, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    free(all);
}

/* ---- Weights ------------------------------------------------------------- */

static const char three[] = "The 1 0 0\ncat 0 1 0\nsat 0 0 1\n";

static void assert_near(float found, double wanted) {
    if (!(fabs((double)found - wanted) <= 1e-6 * wanted)) {
        fail_msg("%.9g, not %.9g", (double)found, wanted);
    }
}

static void assert_weights(const midge_words_options *options, double a,
                           const double p[3]) {
    static const char *const texts[] = {"The", "cat", "sat", "The cat sat dog",
                                        "cat Cat CAT the The"};
    struct test_env t;
    float v[5][3];
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, three, options);
    embed_texts(e, 5, texts, v[0]);
    for (size_t j = 0; j < 3; j++) {
        double w = a / (a + p[j]);
        assert_near(v[j][j], w);
        assert_true(v[j][(j + 1) % 3] == 0 && v[j][(j + 2) % 3] == 0);
        assert_near(v[3][j], w / 3);
    }
    /* "Cat" and "CAT" are "cat"; "the" is not "The", which stands in the file
     * with its capital; so four words were found. */
    assert_near(v[4][0], a / (a + p[0]) / 4);
    assert_near(v[4][1], a / (a + p[1]) * 3 / 4);
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
}

static void weights_by_zipf(void **state) {
    (void)state;
    double h = 1.0 + 1.0 / 2 + 1.0 / 3;
    double p[3] = {1 / h, 1.0 / 2 / h, 1.0 / 3 / h};
    midge_words_options options = {0};
    assert_weights(&options, 0.001, p);
    options.a = 0.25;
    assert_weights(&options, 0.25, p);
}

static void weights_by_frequencies(void **state) {
    (void)state;
    static const char list[] = "zebra 50\nsat 10\r\nThe\t939\ncat 1";
    double p[3] = {0.939, 0.001, 0.01};
    midge_words_options options = {.frequencies = list,
                                   .frequencies_size = sizeof list - 1};
    assert_weights(&options, 0.001, p);
    static const char partly[] = "The 9\nzebra 1\ncat 0\n";
    double q[3] = {0.9, 0, 0};
    options.frequencies = partly;
    options.frequencies_size = sizeof partly - 1;
    assert_weights(&options, 0.001, q);
}

/* ---- The whole algorithm against doubles --------------------------------- */

enum { WORDS = 300, DIM = 24, TEXTS = MIDGE_EMBED_FIT_MIN, LENGTH = 12 };

typedef struct sample {
    char *file;
    char *texts[TEXTS];
    double vectors[WORDS][DIM]; /* as they stand in the file */
    int words[TEXTS][LENGTH];   /* of each text; -1: unknown */
} sample;

static void make_sample(sample *s, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    s->file = malloc(WORDS * (DIM * 12 + 16));
    size_t at = 0;
    for (int i = 0; i < WORDS; i++) {
        at += (size_t)sprintf(s->file + at, "w%d", i);
        for (int j = 0; j < DIM; j++) {
            float x = mdg_rng_normal(&rng) + (j == 3 ? 2.0f : 0.0f);
            char number[16];
            sprintf(number, "%.4f", (double)x);
            at += (size_t)sprintf(s->file + at, " %s", number);
            s->vectors[i][j] = (double)strtof(number, NULL);
        }
        s->file[at++] = '\n';
    }
    s->file[at] = '\0';
    for (int i = 0; i < TEXTS; i++) {
        s->texts[i] = calloc(LENGTH, 8);
        at = 0;
        for (int k = 0; k < LENGTH; k++) {
            int word = (int)mdg_rng_below(&rng, WORDS + 40);
            s->words[i][k] = word < WORDS ? word : -1;
            at += (size_t)sprintf(s->texts[i] + at, "W%d, ", word);
        }
    }
}

static void free_sample(sample *s) {
    free(s->file);
    for (int i = 0; i < TEXTS; i++) {
        free(s->texts[i]);
    }
    free(s);
}

static void plain_means(const sample *s, double (*v)[DIM]) {
    double h = 0;
    for (int r = 1; r <= WORDS; r++) {
        h += 1.0 / r;
    }
    for (int i = 0; i < TEXTS; i++) {
        int n = 0;
        memset(v[i], 0, sizeof v[i]);
        for (int k = 0; k < LENGTH; k++) {
            int word = s->words[i][k];
            n += word >= 0;
            for (int j = 0; word >= 0 && j < DIM; j++) {
                double p = 1.0 / (word + 1) / h;
                v[i][j] += 0.001 / (0.001 + p) * s->vectors[word][j];
            }
        }
        for (int j = 0; j < DIM; j++) {
            v[i][j] /= n;
        }
    }
}

static void plain_removal(double (*v)[DIM]) {
    double u[DIM], y[DIM];
    for (int j = 0; j < DIM; j++) {
        u[j] = j == 3;
    }
    for (int n = 0; n < 500; n++) {
        double squares = 0;
        memset(y, 0, sizeof y);
        for (int i = 0; i < TEXTS; i++) {
            double s = 0;
            for (int j = 0; j < DIM; j++) {
                s += v[i][j] * u[j];
            }
            for (int j = 0; j < DIM; j++) {
                y[j] += s * v[i][j];
            }
        }
        for (int j = 0; j < DIM; j++) {
            squares += y[j] * y[j];
        }
        for (int j = 0; j < DIM; j++) {
            u[j] = y[j] / sqrt(squares);
        }
    }
    for (int i = 0; i < TEXTS; i++) {
        double s = 0;
        for (int j = 0; j < DIM; j++) {
            s += v[i][j] * u[j];
        }
        for (int j = 0; j < DIM; j++) {
            v[i][j] -= s * u[j];
        }
    }
}

static void assert_close(const float *v, double (*wanted)[DIM]) {
    for (int i = 0; i < TEXTS; i++) {
        double largest = 0;
        for (int j = 0; j < DIM; j++) {
            largest = fmax(largest, fabs(wanted[i][j]));
        }
        for (int j = 0; j < DIM; j++) {
            double d = fabs((double)v[i * DIM + j] - wanted[i][j]);
            if (d > 1e-5 * largest) {
                fail_msg("text %d, %d: %g, not %g", i, j,
                         (double)v[i * DIM + j], wanted[i][j]);
            }
        }
    }
}

static void as_the_paper_in_doubles(void **state) {
    (void)state;
    sample *s = malloc(sizeof *s);
    static double wanted[TEXTS][DIM];
    static float v[TEXTS * DIM];
    static midge_text texts[TEXTS];
    make_sample(s, 4);
    struct test_env t;
    test_env_init(&t);
    midge_embedder *e = open_words(&t.env, s->file, NULL);
    embed_texts(e, TEXTS, (const char *const *)s->texts, v);
    plain_means(s, wanted);
    assert_close(v, wanted);
    for (int i = 0; i < TEXTS; i++) {
        texts[i] = (midge_text){s->texts[i], strlen(s->texts[i])};
    }
    int fitted;
    midge_error err;
    assert_int_equal(midge_embedder_fit(e, TEXTS, texts, &fitted, &err),
                     MIDGE_OK);
    assert_int_equal(fitted, 1);
    embed_texts(e, TEXTS, (const char *const *)s->texts, v);
    plain_removal(wanted);
    assert_close(v, wanted);
    midge_embedder_free(e);
    assert_int_equal(t.held_bytes, 0);
    free_sample(s);
}

/* Bits do not depend on the CPU, the threads, or the texts around a text. */
static void same_bits_everywhere(void **state) {
    (void)state;
    sample *s = malloc(sizeof *s);
    static float first[TEXTS * DIM], v[TEXTS * DIM];
    make_sample(s, 5);
    midge_env env = midge_os_env();
    static const uint32_t cpus[] = {0, MIDGE_CPU_V2, UINT32_MAX};
    for (size_t k = 0; k < 3; k++) {
        midge_os_pool *pool;
        static midge_text texts[TEXTS];
        midge_env mine = env;
        assert_int_equal(midge_os_pool_new((unsigned)k + 1, &pool, NULL),
                         MIDGE_OK);
        mine.cpu &= cpus[k];
        midge_os_pool_attach(pool, &mine);
        midge_embedder *e = open_words(&mine, s->file, NULL);
        for (int i = 0; i < TEXTS; i++) {
            texts[i] = (midge_text){s->texts[i], strlen(s->texts[i])};
        }
        assert_int_equal(midge_embedder_fit(e, TEXTS, texts, NULL, NULL),
                         MIDGE_OK);
        embed_texts(e, TEXTS, (const char *const *)s->texts, k ? v : first);
        if (k == 2) {
            embed_texts(e, 1, (const char *const *)&s->texts[77], v + 77 * DIM);
        }
        if (k > 0) {
            assert_memory_equal(v, first, sizeof v);
        }
        midge_embedder_free(e);
        midge_os_pool_free(pool);
    }
    free_sample(s);
}

/* ---- Meaning ------------------------------------------------------------- */

/* A small text from which word vectors are counted: how often words stand in a
 * sentence together. */
static const char *const corpus[] = {
    "the cook boils rice in a pot",
    "the chef boils soup in a pot",
    "the chef fries an onion in a pan",
    "the cook fries an egg in a pan",
    "the cook prepares soup with onion and salt",
    "the chef prepares stew with rice and salt",
    "a cook stirs stew in the kitchen",
    "a chef stirs soup in the kitchen",
    "the kitchen has a pot and a pan",
    "dinner is soup and rice",
    "supper is stew and rice",
    "the chef serves dinner in the kitchen",
    "the cook serves supper in the kitchen",
    "the sailor steers a boat across the sea",
    "the captain steers a ship across the ocean",
    "the captain raises the sail in the wind",
    "the sailor raises the sail in a storm",
    "a ship crosses the sea in a storm",
    "a boat crosses the ocean in the wind",
    "the harbour shelters a boat from the storm",
    "the port shelters a ship from the wind",
    "waves of the ocean rock the ship",
    "waves of the sea rock the boat",
    "the judge reads the law in a court",
    "the lawyer reads the statute in a court",
    "the lawyer pleads before the jury",
    "the attorney pleads before the judge",
    "the attorney cites a statute before the court",
    "the lawyer cites a law before the jury",
    "the jury hears the verdict in the court",
    "the judge gives a verdict and a sentence",
};

enum { VOCABULARY = 128 };

typedef struct counts {
    const char *words[VOCABULARY];
    size_t sizes[VOCABULARY];
    int n;
    double total[VOCABULARY];
    double together[VOCABULARY][VOCABULARY];
} counts;

static int word_number(counts *c, const char *word, size_t size) {
    for (int i = 0; i < c->n; i++) {
        if (c->sizes[i] == size && memcmp(c->words[i], word, size) == 0) {
            return i;
        }
    }
    assert_true(c->n < VOCABULARY);
    c->words[c->n] = word;
    c->sizes[c->n] = size;
    return c->n++;
}

static void count_sentence(counts *c, const char *text) {
    int words[16];
    int n = 0;
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, " ");
        words[n++] = word_number(c, at, size);
        at += size + (at[size] == ' ');
    }
    for (int i = 0; i < n; i++) {
        c->total[words[i]]++;
        for (int j = 0; j < n; j++) {
            c->together[words[i]][words[j]] += i != j;
        }
    }
}

/* Positive pointwise mutual information of each pair: a word's vector is what
 * it stands with more often than by chance (Church and Hanks 1990). */
static char *write_vectors(const counts *c, char **list) {
    char *file = malloc((size_t)c->n * ((size_t)c->n * 10 + 32));
    double all = 0;
    double row[VOCABULARY] = {0};
    size_t at = 0;
    size_t list_at = 0;
    *list = malloc((size_t)c->n * 32);
    for (int i = 0; i < c->n; i++) {
        for (int j = 0; j < c->n; j++) {
            row[i] += c->together[i][j];
        }
        all += row[i];
    }
    for (int i = 0; i < c->n; i++) {
        at += (size_t)sprintf(file + at, "%.*s", (int)c->sizes[i], c->words[i]);
        for (int j = 0; j < c->n; j++) {
            double pair = c->together[i][j] * all / (row[i] * row[j]);
            at +=
                (size_t)sprintf(file + at, " %.5f", pair > 1 ? log(pair) : 0.0);
        }
        file[at++] = '\n';
        list_at +=
            (size_t)sprintf(*list + list_at, "%.*s %d\n", (int)c->sizes[i],
                            c->words[i], (int)c->total[i]);
    }
    file[at] = '\0';
    return file;
}

static double cosine(const float *a, const float *b, size_t dim) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t j = 0; j < dim; j++) {
        ab += (double)a[j] * (double)b[j];
        aa += (double)a[j] * (double)a[j];
        bb += (double)b[j] * (double)b[j];
    }
    return ab / sqrt(aa * bb);
}

/* A question, what says the like in other words, and two that do not. Of the
 * pairs no word that carries meaning is the same. */
static const char *const triples[][4] = {
    {"a chef prepares dinner", "the cook stirs the stew",
     "the captain raises the sail", "a lawyer reads the statute"},
    {"the sailor crosses the sea", "a captain steers the ship",
     "the cook fries rice", "the jury hears a verdict"},
    {"an attorney cites the law", "the lawyer pleads before the judge",
     "waves rock the boat", "soup in the kitchen"},
    {"supper in a pan", "the chef boils rice", "wind of the ocean",
     "the court and the jury"},
    {"the harbour and the wind", "a ship in a storm", "an onion with salt",
     "the verdict of the judge"},
    {"verdict of the court", "the attorney and the jury", "the pot and the pan",
     "a boat on the ocean"},
};

static void the_like_is_near(void **state) {
    (void)state;
    enum { N = sizeof corpus / sizeof corpus[0] };
    counts *c = calloc(1, sizeof *c);
    for (size_t i = 0; i < N; i++) {
        count_sentence(c, corpus[i]);
    }
    char *list;
    char *file = write_vectors(c, &list);
    size_t dim = (size_t)c->n;
    midge_env env = midge_os_env();
    midge_words_options options = {.frequencies = list,
                                   .frequencies_size = strlen(list),
                                   .a = 0.02}; /* 200 words: p is large */
    midge_embedder *e = open_words(&env, file, &options);
    float *v = malloc(4 * dim * sizeof *v);
    for (size_t i = 0; i < sizeof triples / sizeof triples[0]; i++) {
        embed_texts(e, 4, triples[i], v);
        double like = cosine(v, v + dim, dim);
        double other =
            fmax(cosine(v, v + 2 * dim, dim), cosine(v, v + 3 * dim, dim));
        if (!(like > other + 0.05)) {
            fail_msg("\"%s\": %.3f, others %.3f", triples[i][0], like, other);
        }
    }
    midge_embedder_free(e);
    free(v);
    free(file);
    free(list);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_by_zipf),
        cmocka_unit_test(weights_by_frequencies),
        cmocka_unit_test(as_the_paper_in_doubles),
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(the_like_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
