/* measure_test.c: every measure against its definition, written out plainly:
 * AUC pair by pair, per-class numbers by walking the rows again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/measure.h"
#include "test_env.h"

enum { ROWS = 120, CLASSES = 5 };

static int near(double a, double b) {
    return isnan(a) ? isnan(b) : fabs(a - b) <= 1e-12 * (1.0 + fabs(b));
}

/* ---- Regression ---------------------------------------------------------- */

static void regression_by_hand(void **state) {
    const float y[] = {1, 2, 3, 5}, t[] = {1, 3, 3, 1};
    midge_regression_measures m;
    assert_int_equal(midge_measure_regression(4, 1, y, t, 1.0f, &m), MIDGE_OK);
    assert_int_equal(m.n_rows, 4);
    assert_true(m.mse == 17.0 / 4.0);
    assert_true(m.rmse == sqrt(17.0 / 4.0));
    assert_true(m.mae == 5.0 / 4.0);
    assert_true(near(m.r2, 1.0 - 17.0 / 4.0));
    assert_int_equal(m.bit_fail, 2); /* exactly the limit counts */
}

/* Two outputs: R2 takes each about its own mean. */
static void regression_of_outputs(void **state) {
    const float y[] = {1, 10, 2, 20, 4, 30}, t[] = {1, 11, 3, 22, 5, 27};
    midge_regression_measures m;
    assert_int_equal(midge_measure_regression(3, 2, y, t, 9.0f, &m), MIDGE_OK);
    double squares = 1 + 1 + 4 + 1 + 9;
    double spread = 4 + 0 + 4 + 81 + 4 + 49;
    assert_true(near(m.mse, squares / 6));
    assert_true(near(m.r2, 1 - squares / spread));
    assert_int_equal(m.bit_fail, 0);
}

static void regression_undefined(void **state) {
    const float y[] = {1, 2}, t[] = {4, 4};
    midge_regression_measures m;
    assert_int_equal(midge_measure_regression(2, 1, y, t, 1.0f, &m), MIDGE_OK);
    assert_true(isnan(m.r2) && m.mae == 2.5);
    assert_int_equal(midge_measure_regression(0, 1, y, t, 1.0f, &m), MIDGE_OK);
    assert_true(isnan(m.mse) && isnan(m.rmse) && isnan(m.mae) && isnan(m.r2));
    assert_int_equal(midge_measure_regression(2, 0, y, t, 1.0f, &m),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_measure_regression(2, 1, NULL, t, 1.0f, &m),
                     MIDGE_E_INVALID);
}

/* ---- Classification ------------------------------------------------------ */

typedef struct sample {
    size_t n;
    uint32_t n_outputs;
    float p[ROWS * CLASSES];
    int32_t label[ROWS];
} sample;

static uint32_t n_classes(const sample *s) {
    return s->n_outputs == 1 ? 2 : s->n_outputs;
}

static double probability(const sample *s, size_t i, uint32_t c) {
    if (s->n_outputs == 1) {
        return c ? (double)s->p[i] : 1.0 - (double)s->p[i];
    }
    return (double)s->p[i * s->n_outputs + c];
}

static uint32_t said(const sample *s, size_t i) {
    for (uint32_t c = 0; c < n_classes(s); c++) {
        uint32_t better = 0;
        for (uint32_t d = 0; d < n_classes(s); d++) {
            better += probability(s, i, d) > probability(s, i, c);
        }
        if (better == 0) {
            return c;
        }
    }
    return UINT32_MAX;
}

/* Some ties, some classes without rows, some labels that are no class. */
static void draw(sample *s, mdg_rng *rng, size_t n, uint32_t n_outputs) {
    s->n = n;
    s->n_outputs = n_outputs;
    uint32_t present = 1 + mdg_rng_below(rng, n_classes(s));
    for (size_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (uint32_t c = 0; c < n_outputs; c++) {
            float v = (float)mdg_rng_below(rng, 9) / 8.0f;
            s->p[i * n_outputs + c] = v;
            sum += v;
        }
        for (uint32_t c = 0; n_outputs > 1 && c < n_outputs; c++) {
            s->p[i * n_outputs + c] /= sum > 0.0f ? sum : 1.0f;
        }
        s->label[i] = mdg_rng_below(rng, 12) == 0
                          ? -1
                          : (int32_t)mdg_rng_below(rng, present);
    }
}

static double pairs_auc(const sample *s, uint32_t c) {
    double won = 0, pairs = 0;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < s->n; j++) {
            if (s->label[i] == (int32_t)c && s->label[j] != (int32_t)c) {
                double a = probability(s, i, c), b = probability(s, j, c);
                won += a > b ? 1.0 : a == b ? 0.5 : 0.0;
                pairs += 1;
            }
        }
    }
    return pairs > 0 ? won / pairs : NAN;
}

static double plain_auc(const sample *s) {
    double sum = 0, n = 0;
    if (n_classes(s) == 2) {
        return pairs_auc(s, 1);
    }
    for (uint32_t c = 0; c < n_classes(s); c++) {
        double auc = pairs_auc(s, c);
        if (!isnan(auc)) {
            sum += auc;
            n += 1;
        }
    }
    return n > 0 ? sum / n : NAN;
}

static double plain_calibration(const sample *s) {
    double error = 0;
    for (int b = 0; b < 15; b++) {
        double confidence = 0, right = 0;
        for (size_t i = 0; i < s->n; i++) {
            double p = probability(s, i, said(s, i));
            int bin = (int)floor(p * 15);
            if ((bin > 14 ? 14 : bin) == b) {
                confidence += p;
                right += s->label[i] == (int32_t)said(s, i);
            }
        }
        error += fabs(confidence - right);
    }
    return error / (double)s->n;
}

static void check_class(const sample *s, uint32_t c,
                        const midge_class_measures *m,
                        const uint64_t *confusion) {
    double rows = 0, predicted = 0, both = 0;
    uint32_t k = n_classes(s);
    for (size_t i = 0; i < s->n; i++) {
        int is = s->label[i] == (int32_t)c;
        int says = said(s, i) == c && s->label[i] >= 0;
        rows += is;
        predicted += says;
        both += is && says;
    }
    double precision = predicted > 0 ? both / predicted : NAN;
    double recall = rows > 0 ? both / rows : NAN;
    double f1 = both > 0 ? 2 / (1 / precision + 1 / recall)
                : isnan(precision) && isnan(recall) ? NAN
                                                    : 0;
    assert_int_equal(m->n_rows, (size_t)rows);
    assert_true(near(m->precision, precision));
    assert_true(near(m->recall, recall));
    assert_true(near(m->f1, f1));
    for (uint32_t d = 0; d < k; d++) {
        uint64_t count = 0;
        for (size_t i = 0; i < s->n; i++) {
            count += s->label[i] == (int32_t)c && said(s, i) == d;
        }
        assert_int_equal(confusion[c * k + d], count);
    }
}

static void check_means(const sample *s, const midge_classification_measures *m,
                        const midge_class_measures *classes) {
    double precision = 0, recall = 0, f1 = 0, present = 0;
    double right = 0, loss = 0;
    for (uint32_t c = 0; c < n_classes(s); c++) {
        if (classes[c].n_rows > 0) {
            precision += isnan(classes[c].precision) ? 0 : classes[c].precision;
            recall += classes[c].recall;
            f1 += classes[c].f1;
            present += 1;
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        double p =
            s->label[i] < 0 ? 0 : probability(s, i, (uint32_t)s->label[i]);
        right += s->label[i] == (int32_t)said(s, i);
        loss -= log(p > 1e-15 ? p : 1e-15);
    }
    assert_true(near(m->accuracy, right / (double)s->n));
    assert_true(near(m->log_loss, loss / (double)s->n));
    assert_true(near(m->balanced_accuracy, recall / present));
    assert_true(near(m->macro_precision, precision / present));
    assert_true(near(m->macro_recall, recall / present));
    assert_true(near(m->macro_f1, f1 / present));
}

static void classification_by_definition(void **state) {
    struct test_env t;
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 17);
    for (int round = 0; round < 200; round++) {
        static sample s;
        midge_classification_measures m;
        midge_class_measures classes[CLASSES];
        uint64_t confusion[CLASSES * CLASSES];
        draw(&s, &rng, 1 + mdg_rng_below(&rng, ROWS),
             1 + mdg_rng_below(&rng, CLASSES));
        assert_int_equal(midge_measure_classification(&t.env, s.n, s.n_outputs,
                                                      s.p, s.label, &m, classes,
                                                      confusion),
                         MIDGE_OK);
        assert_int_equal(t.held_bytes, 0);
        assert_int_equal(m.n_rows, s.n);
        for (uint32_t c = 0; c < n_classes(&s); c++) {
            check_class(&s, c, &classes[c], confusion);
        }
        check_means(&s, &m, classes);
        assert_true(near(m.auc, plain_auc(&s)));
        assert_true(near(m.calibration_error, plain_calibration(&s)));
    }
}

/* One output is the probability of class 1; and p = 1/2 is class 0. */
static void one_output_is_two_classes(void **state) {
    struct test_env t;
    test_env_init(&t);
    const float one[] = {0.25f, 0.5f, 0.75f, 1.0f};
    const float two[] = {0.75f, 0.25f, 0.5f, 0.5f, 0.25f, 0.75f, 0.0f, 1.0f};
    const int32_t label[] = {0, 0, 1, 0};
    midge_classification_measures a, b;
    assert_int_equal(
        midge_measure_classification(&t.env, 4, 1, one, label, &a, NULL, NULL),
        MIDGE_OK);
    assert_int_equal(
        midge_measure_classification(&t.env, 4, 2, two, label, &b, NULL, NULL),
        MIDGE_OK);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.accuracy == 0.75);
    assert_true(near(a.auc, 2.0 / 3.0));
}

static void classification_undefined(void **state) {
    struct test_env t;
    test_env_init(&t);
    const float p[] = {0.5f, 0.5f, 1.0f, 0.0f};
    int32_t label[] = {0, 0};
    midge_classification_measures m;
    midge_class_measures classes[2];
    assert_int_equal(
        midge_measure_classification(&t.env, 2, 2, p, label, &m, classes, NULL),
        MIDGE_OK);
    assert_true(isnan(m.auc) && m.accuracy == 1.0);
    assert_true(isnan(classes[1].f1) && isnan(classes[1].recall) &&
                isnan(classes[1].precision));
    assert_int_equal(
        midge_measure_classification(&t.env, 0, 2, p, label, &m, NULL, NULL),
        MIDGE_OK);
    assert_true(isnan(m.accuracy) && isnan(m.log_loss) && isnan(m.macro_f1) &&
                isnan(m.auc) && isnan(m.calibration_error));
}

static void refuses_what_is_wrong(void **state) {
    struct test_env t;
    test_env_init(&t);
    float p[] = {0.5f, 0.5f};
    int32_t label[] = {2};
    midge_classification_measures m;
    assert_int_equal(
        midge_measure_classification(&t.env, 1, 2, p, label, &m, NULL, NULL),
        MIDGE_E_INVALID);
    label[0] = -2;
    assert_int_equal(
        midge_measure_classification(&t.env, 1, 2, p, label, &m, NULL, NULL),
        MIDGE_E_INVALID);
    label[0] = 0;
    p[1] = NAN;
    assert_int_equal(
        midge_measure_classification(&t.env, 1, 2, p, label, &m, NULL, NULL),
        MIDGE_E_INVALID);
    p[1] = 0.5f;
    for (long n = 1;; n++) {
        test_env_init(&t);
        t.fail_at = n;
        midge_status status = midge_measure_classification(
            &t.env, 1, 2, p, label, &m, NULL, NULL);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            break;
        }
        assert_int_equal(status, MIDGE_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regression_by_hand),
        cmocka_unit_test(regression_of_outputs),
        cmocka_unit_test(regression_undefined),
        cmocka_unit_test(classification_by_definition),
        cmocka_unit_test(one_output_is_two_classes),
        cmocka_unit_test(classification_undefined),
        cmocka_unit_test(refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
