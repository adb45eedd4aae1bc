/* nn_ops_test.c: operations of networks: what they learn, that what they say of
 * held-out rows is true, that files go round, what they refuse. */
#include <math.h>

#include "base/rng.h"
#include "midge/model.h"
#include "midge/nn_data.h"
#include "ops_flow.h"

/* Stores text as a blob. */
static void put(struct flow *f, const char *content, char ref[72]) {
    assert_int_equal(ops_host_put(&f->h, content, strlen(content), ref, NULL),
                     MIDGE_OK);
}

MIDGE_PRINTF(3, 4)
static const midge_json *call(struct flow *f, const char *op,
                              const char *format, ...) {
    char args[2048];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(args, sizeof args, format, list);
    va_end(list);
    assert_true(n > 0 && (size_t)n < sizeof args);
    return must(f, op, args);
}

static double number(const midge_json *object, const char *key) {
    return midge_json_get_double(object, key, NAN);
}

static int64_t whole(const midge_json *object, const char *key) {
    return midge_json_get_int(object, key, -1);
}

/* ---- Tables -------------------------------------------------------------- */

static const midge_json *train_birds(struct flow *f, const char *more) {
    return call(f, "nn.train", "{\"data\":\"%s\",\"target\":\"kind\"%s}",
                f->data, more);
}

static void learns_classes(void **state) {
    struct flow f;
    flow_init(&f);
    const midge_json *made = train_birds(&f, "");
    const midge_json *measures = midge_json_get(made, "measures");
    assert_string_equal(text(made, "problem"), "classification");
    assert_string_equal(text(made, "target"), "kind");
    assert_int_equal(whole(made, "rows"), 63);
    assert_int_equal(whole(made, "train_rows") +
                         whole(made, "validation_rows") +
                         whole(made, "test_rows"),
                     60);
    assert_int_equal(whole(made, "test_rows"), whole(measures, "rows"));
    assert_string_equal(text(made, "measured_on"), "test");
    assert_true(number(measures, "accuracy") == 1.0);
    /* Two classes of the same size, stratified. */
    assert_true(fabs(number(midge_json_get(made, "baseline"), "accuracy") -
                     0.5) < 0.13);
    assert_string_equal(text(made, "format"), "bundle");
    assert_string_equal(text(made, "output_activation"), "softmax");
    assert_string_equal(text(made, "loss"), "cross_entropy");
    const midge_json *said =
        call(&f, "nn.predict", "{\"data\":\"%s\",\"model\":\"%s\"}", f.data,
             text(made, "model"));
    const midge_json *v = midge_json_get(said, "values")->child;
    for (int i = 0; i < 60; i++, v = v->next) {
        assert_string_equal(v->string, i % 2 ? "far" : "near");
    }
    const midge_json *judged =
        call(&f, "nn.eval", "{\"data\":\"%s\",\"model\":\"%s\"}", f.data,
             text(made, "model"));
    assert_int_equal(whole(judged, "left_out"), 3);
    assert_true(number(midge_json_get(judged, "measures"), "accuracy") == 1.0);
    const midge_json *rows = midge_json_get(judged, "confusion")->child;
    assert_int_equal(rows->child->integer, 30);
    assert_int_equal(rows->child->next->integer, 0);
    assert_int_equal(rows->next->child->next->integer, 30);
    flow_deinit(&f);
}

/* y = 3 x - 2 + 10 (colour is blue), in its own unit. */
static void learns_numbers(void **state) {
    struct flow f;
    static char csv[16384];
    char ref[72];
    double sum = 0, squares = 0;
    flow_init(&f);
    size_t at = (size_t)sprintf(csv, "x,colour,y\n");
    for (int i = 0; i < 200; i++) {
        double x = (i * 37 % 101) / 10.0, y = 3 * x - 2 + (i % 3 ? 0 : 10);
        at += (size_t)sprintf(csv + at, "%.1f,%s,%.1f\n", x,
                              i % 3 ? "red" : "blue", y);
        sum += y;
        squares += y * y;
    }
    put(&f, csv, ref);
    const midge_json *made = call(
        &f, "nn.train",
        "{\"data\":\"%s\",\"target\":\"y\",\"dropout\":0,\"seed\":3}", ref);
    const midge_json *m = midge_json_get(made, "measures");
    const midge_json *b = midge_json_get(made, "baseline");
    double deviation = sqrt(squares / 200 - sum / 200 * (sum / 200));
    assert_string_equal(text(made, "problem"), "regression");
    assert_true(number(m, "r2") > 0.98);
    assert_true(number(m, "rmse") < 1.4);
    assert_true(fabs(number(b, "rmse") - deviation) < 0.3 * deviation);
    assert_true(number(b, "r2") <= 0.0);
    assert_true(fabs(number(m, "mse") - number(m, "rmse") * number(m, "rmse")) <
                1e-9);
    flow_deinit(&f);
}

/* Labels without any sense: rows that were trained on are known by heart, and
 * rows that were held out are guessed. */
static void held_out_means_held_out(void **state) {
    struct flow f;
    static char csv[65536];
    char ref[72];
    mdg_rng rng;
    flow_init(&f);
    mdg_rng_seed(&rng, 12);
    size_t at = (size_t)sprintf(csv, "a,b,c,d,e,f,g,h,y\n");
    for (int i = 0; i < 400; i++) {
        for (int c = 0; c < 8; c++) {
            at += (size_t)sprintf(csv + at, "%.3f,",
                                  (double)mdg_rng_normal(&rng));
        }
        at += (size_t)sprintf(csv + at, "%s\n",
                              mdg_rng_below(&rng, 2) ? "yes" : "no");
    }
    put(&f, csv, ref);
    const midge_json *made =
        call(&f, "nn.train",
             "{\"data\":\"%s\",\"target\":\"y\",\"test\":0.5,"
             "\"validation\":0,\"dropout\":0,\"weight_decay\":0,"
             "\"epochs\":300,\"batch\":16}",
             ref);
    double held = number(midge_json_get(made, "measures"), "accuracy");
    const midge_json *all =
        call(&f, "nn.eval", "{\"data\":\"%s\",\"model\":\"%s\"}", ref,
             text(made, "model"));
    double total = number(midge_json_get(all, "measures"), "accuracy");
    assert_true(held > 0.36 && held < 0.64); /* 4 standard deviations */
    assert_true(fabs(total - (held + 1.0) / 2.0) < 0.02);
    flow_deinit(&f);
}

static void folds_cover_every_row(void **state) {
    struct flow f;
    flow_init(&f);
    const midge_json *made = train_birds(&f, ",\"folds\":4,\"epochs\":60");
    const midge_json *folds = midge_json_get(made, "folds");
    const midge_json *list = midge_json_get(folds, "measures");
    int64_t rows = 0;
    double sum = 0;
    assert_int_equal(list->count, 4);
    for (const midge_json *m = list->child; m; m = m->next) {
        assert_int_equal(whole(m, "rows"), 15);
        rows += whole(m, "rows");
        sum += number(m, "accuracy");
    }
    assert_int_equal(rows, 60);
    assert_true(fabs(number(folds, "mean") - sum / 4) < 1e-12);
    assert_true(number(folds, "mean") > 0.9);
    assert_string_equal(text(made, "measured_on"), "train");
    assert_int_equal(whole(made, "test_rows"), 0);
    flow_deinit(&f);
}

static void same_seed_same_model(void **state) {
    struct flow f;
    flow_init(&f);
    const char *one = text(train_birds(&f, ",\"epochs\":5"), "model");
    const char *two = text(train_birds(&f, ",\"epochs\":5"), "model");
    const char *three =
        text(train_birds(&f, ",\"epochs\":5,\"seed\":2"), "model");
    assert_string_equal(one, two);
    assert_string_not_equal(one, three);
    flow_deinit(&f);
}

static void every_trainer_trains(void **state) {
    static const char *const trainers[] = {"incremental",
                                           "batch",
                                           "rprop",
                                           "quickprop",
                                           "sarprop",
                                           "sgd",
                                           "rmsprop",
                                           "adam",
                                           "adamw",
                                           "lbfgs",
                                           "levenberg-marquardt"};
    struct flow f;
    flow_init(&f);
    for (size_t i = 0; i < sizeof trainers / sizeof *trainers; i++) {
        const midge_json *made =
            call(&f, "nn.train",
                 "{\"data\":\"%s\",\"target\":\"kind\",\"trainer\":\"%s\","
                 "\"epochs\":400,\"layers\":\"6\",\"scale\":\"min-max\"}",
                 f.data, trainers[i]);
        assert_true(number(midge_json_get(made, "measures"), "accuracy") > 0.8);
    }
    flow_deinit(&f);
}

/* ---- Being asked to end -------------------------------------------------- */

static int looks_left;

static int cancelled_later(void *ctx) {
    (void)ctx;
    return --looks_left < 0;
}

static void ends_with_the_best_so_far(void **state) {
    struct flow f;
    midge_error err;
    const midge_json *made;
    char args[512];
    flow_init(&f);
    f.h.host.cancelled = cancelled_later;
    looks_left = 100;
    made = train_birds(&f, ",\"epochs\":100000,\"patience\":0");
    assert_string_equal(text(made, "stop"), "cancelled");
    assert_true(whole(made, "epochs") > 0 && whole(made, "epochs") < 101);
    const midge_json *judged =
        call(&f, "nn.eval", "{\"data\":\"%s\",\"model\":\"%s\"}", f.data,
             text(made, "model"));
    assert_true(number(midge_json_get(judged, "measures"), "accuracy") > 0.5);
    looks_left = 0;
    print_into(args, sizeof args, "{\"data\":\"%s\",\"target\":\"kind\"}",
               f.data);
    assert_int_equal(run(&f, "nn.train", args, &made, &err), MIDGE_E_CANCELLED);
    flow_deinit(&f);
}

static void time_runs_out(void **state) {
    struct flow f; /* whose clock moves by 1 ms a look */
    flow_init(&f);
    const midge_json *made =
        train_birds(&f, ",\"epochs\":100000,\"patience\":0,\"time_limit\":0.2");
    assert_string_equal(text(made, "stop"), "time");
    flow_deinit(&f);
}

/* ---- FANN's training data, networks by themselves ------------------------ */

static const char xor_data[] = "4 2 1\n-1 -1\n-1\n-1 1\n1\n1 -1\n1\n1 1\n-1\n";

static void learns_xor(void **state) {
    struct flow f;
    char ref[72];
    flow_init(&f);
    put(&f, xor_data, ref);
    const midge_json *made = call(&f, "nn.train", "{\"data\":\"%s\"}", ref);
    assert_string_equal(text(made, "format"), "net");
    assert_string_equal(text(made, "problem"), "classification");
    assert_string_equal(text(made, "measured_on"), "train");
    assert_true(number(midge_json_get(made, "measures"), "accuracy") == 1.0);
    const midge_json *said =
        call(&f, "nn.predict", "{\"data\":\"%s\",\"model\":\"%s\"}", ref,
             text(made, "model"));
    const midge_json *row = midge_json_get(said, "outputs")->child;
    for (int i = 0; i < 4; i++, row = row->next) {
        double wanted = i == 1 || i == 2 ? 1 : -1;
        assert_true(fabs(row->child->number - wanted) < 0.5);
    }
    flow_deinit(&f);
}

static void grows(void **state) {
    struct flow f;
    char ref[72];
    flow_init(&f);
    put(&f, xor_data, ref);
    const midge_json *made =
        call(&f, "nn.train", "{\"data\":\"%s\",\"cascade\":8}", ref);
    int64_t units = whole(made, "units");
    assert_true(units >= 1 && units <= 8);
    assert_int_equal(midge_json_get(made, "layers")->count, units + 2);
    assert_string_equal(text(made, "stop"), "reached");
    assert_true(number(midge_json_get(made, "measures"), "accuracy") == 1.0);
    const midge_json *birds = train_birds(&f, ",\"cascade\":4");
    assert_int_equal(whole(birds, "validation_rows"), 0);
    assert_true(number(midge_json_get(birds, "measures"), "accuracy") == 1.0);
    flow_deinit(&f);
}

/* Two outputs far from 0 and 1, scaled and scaled back. */
static void learns_plain_numbers(void **state) {
    struct flow f;
    static char data[32768];
    char ref[72], csv_ref[72];
    static char csv[32768];
    flow_init(&f);
    size_t at = (size_t)sprintf(data, "150 2 2\n"), to = 0;
    to += (size_t)sprintf(csv, "a,b,s,d\n");
    for (int i = 0; i < 150; i++) {
        int a = i * 7 % 31, b = i * 11 % 17;
        at += (size_t)sprintf(data + at, "%d %d\n%d %d\n", a, b, 100 + a + b,
                              1000 * (a - b));
        to += (size_t)sprintf(csv + to, "%d,%d,%d,%d\n", a, b, 100 + a + b,
                              1000 * (a - b));
    }
    put(&f, data, ref);
    put(&f, csv, csv_ref);
    const midge_json *made =
        call(&f, "nn.train", "{\"data\":\"%s\",\"trainer\":\"rprop\"}", ref);
    const midge_json *m = midge_json_get(made, "measures");
    assert_string_equal(text(made, "problem"), "regression");
    assert_true(number(m, "r2") > 0.99);
    const midge_json *same =
        call(&f, "nn.eval", "{\"data\":\"%s\",\"model\":\"%s\"}", csv_ref,
             text(made, "model"));
    assert_true(number(midge_json_get(same, "measures"), "r2") > 0.99);
    flow_deinit(&f);
}

/* What the network of a bundle says of plain numbers is what the bundle says of
 * the table; and FANN's format says the same again. */
static void leaves_its_bundle(void **state) {
    struct flow f;
    static char csv[16384], plain[16384];
    char table[72], rows[72];
    flow_init(&f);
    size_t at = (size_t)sprintf(csv, "x,c,y\n");
    size_t to = (size_t)sprintf(plain, "60 3 0\n");
    for (int i = 0; i < 60; i++) {
        double x = 100 + (i * 37 % 101) * 3;
        at += (size_t)sprintf(csv + at, "%g,%s,%g\n", x, i % 2 ? "u" : "v",
                              sqrt(x) + i % 2);
        to += (size_t)sprintf(plain + to, "%g %d %d\n", x, !(i % 2), i % 2);
    }
    put(&f, csv, table);
    put(&f, plain, rows);
    const midge_json *made = call(
        &f, "nn.train",
        "{\"data\":\"%s\",\"target\":\"y\",\"activation\":\"tanh\"}", table);
    const midge_json *mnet =
        call(&f, "nn.convert", "{\"model\":\"%s\",\"to\":\"mnet\"}",
             text(made, "model"));
    const midge_json *fann =
        call(&f, "nn.convert", "{\"model\":\"%s\",\"to\":\"fann\"}",
             text(mnet, "file"));
    const midge_json *json =
        call(&f, "nn.convert", "{\"model\":\"%s\",\"to\":\"json\"}",
             text(fann, "file"));
    assert_string_equal(dump(&f, midge_json_get(mnet, "inputs")),
                        "[[\"x\"],[\"c\",\"v\"],[\"c\",\"u\"]]");
    const midge_json *by_bundle =
        call(&f, "nn.predict", "{\"model\":\"%s\",\"data\":\"%s\"}",
             text(made, "model"), table);
    const char *const nets[] = {text(mnet, "file"), text(fann, "file"),
                                text(json, "file")};
    for (int i = 0; i < 3; i++) {
        const midge_json *by_net =
            call(&f, "nn.predict", "{\"model\":\"%s\",\"data\":\"%s\"}",
                 nets[i], rows);
        const midge_json *a = midge_json_get(by_bundle, "values")->child;
        const midge_json *b = midge_json_get(by_net, "outputs")->child;
        for (; a; a = a->next, b = b->next) {
            assert_true(fabs(a->number - b->child->number) <
                        1e-5 * fabs(a->number));
        }
        assert_null(b);
    }
    const midge_json *info = call(&f, "nn.info", "{\"model\":\"%s\"}", nets[1]);
    assert_string_equal(text(info, "format"), "fann");
    assert_int_equal(whole(info, "inputs"), 3);
    assert_true(midge_json_get_bool(info, "input_scaling", 0));
    assert_true(midge_json_get_bool(info, "output_scaling", 0));
    flow_deinit(&f);
}

/* Small integers answer nearly the same, in a bundle and by themselves. */
static void becomes_small(void **state) {
    struct flow f;
    char plain[72];
    flow_init(&f);
    put(&f, xor_data, plain);
    const midge_json *birds = train_birds(&f, "");
    const midge_json *xor = call(&f, "nn.train", "{\"data\":\"%s\"}", plain);
    const char *const nets[] = {text(birds, "model"), text(xor, "model")};
    const char *const data[] = {f.data, plain};
    static const char *const formats[] = {"bundle", "int8"};
    for (int i = 0; i < 2; i++) {
        const midge_json *small =
            call(&f, "nn.convert",
                 "{\"model\":\"%s\",\"to\":\"int8\",\"data\":\"%s\"}", nets[i],
                 data[i]);
        assert_true(whole(small, "bytes") < whole(small, "bytes_before"));
        double worst = number(midge_json_get(small, "difference"), "worst");
        double rms = number(midge_json_get(small, "difference"), "rms");
        assert_true(worst < 0.1 && rms <= worst);
        const midge_json *judged =
            call(&f, "nn.eval", "{\"data\":\"%s\",\"model\":\"%s\"}", data[i],
                 text(small, "file"));
        assert_true(number(midge_json_get(judged, "measures"), "accuracy") ==
                    1.0);
        const midge_json *info =
            call(&f, "nn.info", "{\"model\":\"%s\"}", text(small, "file"));
        assert_string_equal(text(info, "format"), formats[i]);
    }
    flow_deinit(&f);
}

static void tells_what_is_there(void **state) {
    struct flow f;
    flow_init(&f);
    const midge_json *made = train_birds(&f, ",\"layers\":\"9, 4\"");
    const midge_json *info =
        call(&f, "nn.info", "{\"model\":\"%s\"}", text(made, "model"));
    assert_string_equal(text(info, "format"), "bundle");
    assert_string_equal(text(info, "family"), "net");
    assert_string_equal(text(info, "target"), "kind");
    assert_string_equal(dump(&f, midge_json_get(info, "classes")),
                        "[\"near\",\"far\"]");
    assert_int_equal(whole(info, "inputs"), 5);
    assert_int_equal(whole(info, "weights"), 5 * 9 + 9 + 9 * 4 + 4 + 4 * 2 + 2);
    assert_string_equal(dump(&f, midge_json_get(made, "layers")), "[5,9,4,2]");
    const midge_json *layer = midge_json_get(info, "layers")->child->next;
    assert_int_equal(whole(layer, "inputs"), 9);
    assert_string_equal(text(layer, "activation"), "relu");
    flow_deinit(&f);
}

/* ---- Refusing ------------------------------------------------------------ */

static void refused(struct flow *f, const char *op, const char *args,
                    midge_status wanted, const char *why) {
    const midge_json *out;
    midge_error err = {.text = ""};
    int blobs = f->h.n_blobs;
    midge_status status = run(f, op, args, &out, &err);
    if (status != wanted || !strstr(err.text, why)) {
        fail_msg("%s: %d: %s", args, status, err.text);
    }
    assert_int_equal(f->h.n_blobs, blobs);
}

static void refuses_options(void **state) {
    static const struct {
        const char *more, *why;
    } wrong[] = {
        {"\"trainer\":\"magic\"", "trainer has no 'magic'; there are: incr"},
        {"\"activation\":\"step\"", "activation has no 'step'"},
        {"\"output_activation\":\"x\"", "output_activation has no 'x'"},
        {"\"loss\":\"hinge\"", "mse, cross_entropy, tanh, huber, l1, quantile"},
        {"\"schedule\":\"x\"", "constant, step, cosine, one_cycle, plateau"},
        {"\"init\":\"x\"", "auto, uniform, glorot, he, nguyen_widrow"},
        {"\"scale\":\"x\"", "none, standard, min_max, robust"},
        {"\"missing\":\"x\"", "mean, median, refuse"},
        {"\"layers\":\"8 x\"", "layers '8 x'"},
        {"\"layers\":\"0 8\"", "layers '0 8'"},
        {"\"layers\":\"99999\"", "layers '99999'"},
        {"\"folds\":1", "folds must be 2 or more"},
        {"\"folds\":100", "100 folds of 60 rows"},
        {"\"folds\":3,\"test\":0.1", "no test rows besides"},
        {"\"cascade\":3,\"layers\":\"4\"", "give layers or cascade"},
        {"\"cascade\":3,\"validation\":0.1", "no use for validation rows"},
        {"\"validation\":0.6,\"test\":0.5", "together below 1"},
        {"\"missing\":\"refuse\"", "has no 'noise'"},
        {"\"epochs\":0", "epochs must be at least 1"},
        {"\"nonsense\":1", "no argument nonsense"},
    };
    struct flow f;
    char args[512];
    flow_init(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        print_into(args, sizeof args,
                   "{\"data\":\"%s\",\"target\":\"kind\",%s}", f.data,
                   wrong[i].more);
        refused(&f, "nn.train", args, MIDGE_E_INVALID, wrong[i].why);
    }
    flow_deinit(&f);
}

static void refuses_data(void **state) {
    static const struct {
        const char *bytes, *target;
        midge_status status;
        const char *why;
    } wrong[] = {
        {"a,b\n1,2\n3,4\n", "c", MIDGE_E_NOT_FOUND,
         "no column named 'c'; there are: a, b"},
        {"a,b\n1,2\n3,4\n", NULL, MIDGE_E_NOT_FOUND,
         "a table needs a target; there are: a, b"},
        {"a,b\n1,2\n3,2\n", "b", MIDGE_E_INVALID, "the same value in every"},
        {"a,b\n1,x\n3,x\n", "b", MIDGE_E_INVALID, "the same value in every"},
        {"a,b\n1,\n3,2\n", "b", MIDGE_E_INVALID, "nothing to learn"},
        {"a,b\n1,1\n1,2\n", "b", MIDGE_E_INVALID, "no column but the target"},
        {"a,b\n1\n", "b", MIDGE_E_PARSE, ""},
        {"2 1 1\n1 2 3\n", NULL, MIDGE_E_PARSE, ""},
        {"2 1 1\n1 2 3 4\n", "b", MIDGE_E_INVALID, "no target"},
        {"2 1 0\n1 2\n", NULL, MIDGE_E_INVALID, "no outputs"},
    };
    struct flow f;
    char args[512], ref[72];
    flow_init(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put(&f, wrong[i].bytes, ref);
        print_into(args, sizeof args, "{\"data\":\"%s\"%s%s%s}", ref,
                   wrong[i].target ? ",\"target\":\"" : "",
                   wrong[i].target ? wrong[i].target : "",
                   wrong[i].target ? "\"" : "");
        refused(&f, "nn.train", args, wrong[i].status, wrong[i].why);
    }
    flow_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
    struct flow f;
    char args[512], ref[72], plain[72], net[72], few[72], holes[72];
    flow_init(&f);
    put(&f, "not a network", ref);
    put(&f, xor_data, plain);
    put(&f, "a,b,c\n1,2,3\n", few);
    put(&f, "a,b\n1,2\n,3\n", holes);
    const midge_json *made = train_birds(&f, ",\"epochs\":2");
    const midge_json *xor =
        call(&f, "nn.train", "{\"data\":\"%s\",\"epochs\":2}", plain);
    print_into(net, sizeof net, "%s", text(xor, "model"));
    print_into(args, sizeof args, "{\"model\":\"%s\"}", ref);
    refused(&f, "nn.info", args, MIDGE_E_PARSE, "this is no network");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}",
               text(made, "model"), plain);
    refused(&f, "nn.eval", args, MIDGE_E_MISMATCH, "learned from a table");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}",
               text(made, "model"), few);
    refused(&f, "nn.eval", args, MIDGE_E_MISMATCH, "no column 'kind'");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}", net,
               f.data);
    refused(&f, "nn.predict", args, MIDGE_E_MISMATCH,
            "4 columns; the network has 2 inputs and 1 outputs");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"data\":\"%s\"}", net,
               holes);
    refused(&f, "nn.predict", args, MIDGE_E_MISMATCH, "row 2");
    refused(&f, "nn.eval", args, MIDGE_E_MISMATCH, "2 columns");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"to\":\"exe\"}", net);
    refused(&f, "nn.convert", args, MIDGE_E_INVALID, "no format 'exe'");
    print_into(args, sizeof args, "{\"model\":\"%s\",\"to\":\"fann\"}",
               text(made, "model"));
    refused(&f, "nn.convert", args, MIDGE_E_UNSUPPORTED, "relu");
    flow_deinit(&f);
}

/* ---- Memory that fails --------------------------------------------------- */

static void no_memory_is_survived(void **state) {
    struct flow f;
    char args[512], plain[72];
    flow_init(&f);
    put(&f, xor_data, plain);
    print_into(args, sizeof args,
               "{\"data\":\"%s\",\"target\":\"kind\",\"epochs\":2,"
               "\"layers\":\"3\",\"folds\":2}",
               f.data);
    sweep(&f, "nn.train", args);
    print_into(args, sizeof args,
               "{\"data\":\"%s\",\"epochs\":2,\"layers\":\"3\"}", plain);
    sweep(&f, "nn.train", args);
    const midge_json *birds =
        train_birds(&f, ",\"epochs\":2,\"activation\":\"tanh\","
                        "\"output_activation\":\"sigmoid\"");
    const midge_json *xor = must(&f, "nn.train", args);
    print_into(args, sizeof args, "{\"data\":\"%s\",\"model\":\"%s\"}", f.data,
               text(birds, "model"));
    sweep(&f, "nn.eval", args);
    sweep(&f, "nn.predict", args);
    print_into(args, sizeof args, "{\"data\":\"%s\",\"model\":\"%s\"}", plain,
               text(xor, "model"));
    sweep(&f, "nn.eval", args);
    sweep(&f, "nn.predict", args);
    print_into(args, sizeof args, "{\"model\":\"%s\"}", text(birds, "model"));
    sweep(&f, "nn.info", args);
    print_into(args, sizeof args, "{\"model\":\"%s\",\"to\":\"fann\"}",
               text(birds, "model"));
    sweep(&f, "nn.convert", args);
    print_into(args, sizeof args,
               "{\"model\":\"%s\",\"to\":\"int8\",\"data\":\"%s\"}",
               text(birds, "model"), f.data);
    sweep(&f, "nn.convert", args);
    flow_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_classes),
        cmocka_unit_test(learns_numbers),
        cmocka_unit_test(held_out_means_held_out),
        cmocka_unit_test(folds_cover_every_row),
        cmocka_unit_test(same_seed_same_model),
        cmocka_unit_test(every_trainer_trains),
        cmocka_unit_test(ends_with_the_best_so_far),
        cmocka_unit_test(time_runs_out),
        cmocka_unit_test(learns_xor),
        cmocka_unit_test(grows),
        cmocka_unit_test(learns_plain_numbers),
        cmocka_unit_test(leaves_its_bundle),
        cmocka_unit_test(becomes_small),
        cmocka_unit_test(tells_what_is_there),
        cmocka_unit_test(refuses_options),
        cmocka_unit_test(refuses_data),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(no_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
