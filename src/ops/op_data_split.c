/* op_data_split.c: data.split, the wall between what agents see and the test.
 *
 * Test rows are drawn class by class, so that classes keep their shares and
 * every class stays among the training rows. The encoder never sees a test row.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "ops/learn_config.h"
#include "ops/learn_rows.h"
#include "ops/learn_table.h"
#include "ops/ops_table.h"

typedef struct split {
    const midge_env *env;
    const midge_op_host *host;
    mdg_learn_table t;
    uint32_t *train; /* both have room for all rows */
    uint32_t *test;
    size_t n_train;
    size_t n_test;
    midge_encoder *encoder; /* fitted on the training rows */
    char ref_train[72];
    char ref_test[72];
    char ref_encoder[72];
} split;

/* Deals `n` rows of one class, already shuffled: the first share to the test.
 */
static void deal(split *s, const uint32_t *rows, size_t n, double fraction) {
    size_t n_test = (size_t)((double)n * fraction + 0.5);
    n_test = n_test >= n ? n - 1 : n_test;
    memcpy(s->test + s->n_test, rows, n_test * sizeof *rows);
    memcpy(s->train + s->n_train, rows + n_test, (n - n_test) * sizeof *rows);
    s->n_test += n_test;
    s->n_train += n - n_test;
}

/* Class number of every usable row; all 0 for regression. */
static midge_status read_labels(split *s, float *label, midge_error *err) {
    memset(label, 0, s->t.n_rows * sizeof *label);
    if (midge_encoder_problem(s->t.probe) != MIDGE_PROBLEM_CLASSIFY) {
        return MIDGE_OK;
    }
    return midge_encoder_targets(s->t.probe, s->t.table, s->t.rows, s->t.n_rows,
                                 NULL, label, err);
}

static midge_status draw(split *s, double fraction, uint64_t seed,
                         midge_error *err) {
    size_t n = s->t.n_rows;
    uint32_t classes =
        midge_encoder_problem(s->t.probe) == MIDGE_PROBLEM_CLASSIFY
            ? midge_encoder_n_outputs(s->t.probe)
            : 1;
    float *label = mdg_alloc(s->env, n, sizeof *label);
    uint32_t *order = mdg_alloc(s->env, n, sizeof *order);
    uint32_t *members = mdg_alloc(s->env, n, sizeof *members);
    midge_status status = MIDGE_E_NOMEM;
    if (label && order && members) {
        status = read_labels(s, label, err);
    } else {
        (void)midge_fail(err, status, "no memory for %zu rows", n);
    }
    if (status == MIDGE_OK) {
        mdg_rng rng;
        mdg_rng_seed(&rng, mdg_rng_mix(seed, 0x5911));
        for (size_t i = 0; i < n; i++) {
            order[i] = (uint32_t)i;
        }
        mdg_rng_shuffle(&rng, order, n);
        for (uint32_t c = 0; c < classes; c++) {
            size_t count = 0;
            for (size_t i = 0; i < n; i++) {
                if ((uint32_t)label[order[i]] == c) {
                    members[count++] = s->t.rows[order[i]];
                }
            }
            if (count > 0) {
                deal(s, members, count, fraction);
            }
        }
    }
    mdg_release(s->env, members, n, sizeof *members);
    mdg_release(s->env, order, n, sizeof *order);
    mdg_release(s->env, label, n, sizeof *label);
    return status;
}

/* Encodes the rows and stores them. */
static midge_status store(split *s, const uint32_t *rows, size_t n,
                          char ref[72], midge_error *err) {
    mdg_rows set;
    uint32_t width[3] = {midge_encoder_n_features(s->encoder),
                         midge_encoder_n_outputs(s->encoder), 1};
    MIDGE_TRY(mdg_rows_init(&set, s->env, n, 3, width, err));
    midge_status status = midge_encoder_features(s->encoder, s->t.table, rows,
                                                 n, set.part[MDG_ROWS_X], err);
    if (status == MIDGE_OK) {
        status = midge_encoder_targets(s->encoder, s->t.table, rows, n,
                                       set.part[MDG_ROWS_T],
                                       set.part[MDG_ROWS_LABEL], err);
    }
    if (status == MIDGE_OK) {
        status = mdg_rows_put(&set, s->host, ref, err);
    }
    mdg_rows_deinit(&set);
    return status;
}

static midge_status store_encoder(split *s, midge_error *err) {
    midge_buf bytes;
    midge_buf_init(&bytes, s->env, 0);
    midge_status status = midge_encoder_write(s->encoder, &bytes);
    if (status == MIDGE_OK) {
        status = s->host->put_blob(s->host->ctx, bytes.data, bytes.size,
                                   s->ref_encoder, err);
    }
    midge_buf_deinit(&bytes);
    return status;
}

static midge_status run(split *s, const midge_json *args, midge_error *err) {
    size_t n = s->t.n_rows;
    s->train = mdg_alloc(s->env, n, sizeof *s->train);
    s->test = mdg_alloc(s->env, n, sizeof *s->test);
    if (!s->train || !s->test) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows", n);
    }
    MIDGE_TRY(draw(s, midge_json_get_double(args, "test_fraction", 0.2),
                   (uint64_t)midge_json_get_int(args, "seed", 1), err));
    if (s->n_test == 0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "no class has enough rows to hold any back");
    }
    MIDGE_TRY(midge_encoder_fit(s->env, s->t.table, s->t.target, s->train,
                                s->n_train, NULL, &s->encoder, err));
    if (midge_encoder_problem(s->encoder) !=
            midge_encoder_problem(s->t.probe) ||
        midge_encoder_n_outputs(s->encoder) !=
            midge_encoder_n_outputs(s->t.probe)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "too few rows per value of the target: without the "
                          "test rows it looks like another problem");
    }
    MIDGE_TRY(store(s, s->train, s->n_train, s->ref_train, err));
    MIDGE_TRY(store(s, s->test, s->n_test, s->ref_test, err));
    return store_encoder(s, err);
}

static midge_status write_answer(const split *s, midge_buf *result) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "train");
    midge_json_string(&w, s->ref_train);
    midge_json_key(&w, "test");
    midge_json_string(&w, s->ref_test);
    midge_json_key(&w, "encoder");
    midge_json_string(&w, s->ref_encoder);
    midge_json_key(&w, "n_train");
    midge_json_int(&w, (int64_t)s->n_train);
    midge_json_key(&w, "n_test");
    midge_json_int(&w, (int64_t)s->n_test);
    midge_json_key(&w, "n_features");
    midge_json_int(&w, midge_encoder_n_features(s->encoder));
    midge_json_key(&w, "n_outputs");
    midge_json_int(&w, midge_encoder_n_outputs(s->encoder));
    midge_json_key(&w, "problem");
    midge_json_string(&w, mdg_problem_name(midge_encoder_problem(s->encoder)));
    mdg_write_classes(s->encoder, &w);
    mdg_write_dropped(s->encoder, &w);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(data_split) {
    split s = {.env = env, .host = host};
    MIDGE_TRY(mdg_learn_table_init(&s.t, env, host, args, err));
    size_t n = s.t.n_rows;
    midge_status status = run(&s, args, err);
    if (status == MIDGE_OK) {
        status = write_answer(&s, result);
    }
    midge_encoder_free(s.encoder);
    mdg_release(env, s.train, n, sizeof *s.train);
    mdg_release(env, s.test, n, sizeof *s.test);
    mdg_learn_table_deinit(&s.t);
    return status;
}
