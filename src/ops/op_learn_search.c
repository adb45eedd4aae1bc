/* op_learn_search.c: learn.search, the ways of thinking that search.
 *
 *   convergent  exploit: small steps from the best that is known
 *   divergent   explore: of many random networks the one farthest from all
 *               that was tried (largest smallest distance)
 *   lateral     another representation: random features and nearest neighbours
 *               in turn, their numbers chosen by a cheap look first
 *
 * The choice depends on the arguments alone, and the training on choice, seed
 * and rows: without a time limit the same task gives the same candidate.
 */
#include <string.h>

#include "ops/learn_candidate.h"
#include "ops/ops_table.h"

#define DRAWS       64
#define STEPS_TRIED 8

typedef struct search {
    mdg_fit fit;
    const midge_json *args;
    const midge_json *board; /* may be NULL */
    mdg_rng rng;
    int64_t round;
    int64_t variant; /* which of the agents with this pattern */
} search;

/* The smallest distance to a network that was tried; 2 when none was. */
static double nearest_tried(const search *s, const mdg_config *config) {
    double nearest = 2.0;
    for (const midge_json *c = mdg_board_first(s->board); c; c = c->next) {
        mdg_config tried;
        if (mdg_candidate_config(c, &tried, NULL) == MIDGE_OK) {
            double d = mdg_config_distance(config, &tried);
            nearest = d < nearest ? d : nearest;
        }
    }
    return nearest;
}

/* The best candidate of the family (NULL: of any). */
static int best_known(const search *s, const char *family, mdg_config *out) {
    for (const midge_json *c = mdg_board_first(s->board); c; c = c->next) {
        if ((!family ||
             strcmp(midge_json_get_string(c, "family", ""), family) == 0) &&
            mdg_candidate_config(c, out, NULL) == MIDGE_OK) {
            return 1;
        }
    }
    return 0;
}

static mdg_config choose_convergent(search *s) {
    mdg_config known = mdg_config_net(&s->fit.shape);
    if (!best_known(s, NULL, &known) && s->variant == 0) {
        return known;
    }
    mdg_config next = known;
    for (int i = 0; i < STEPS_TRIED; i++) {
        next = mdg_config_step(&known, &s->fit.shape, &s->rng);
        if (nearest_tried(s, &next) > 0.0) {
            break;
        }
    }
    return next;
}

static mdg_config choose_divergent(search *s) {
    mdg_config usual = mdg_config_net(&s->fit.shape);
    mdg_config best = usual;
    double best_distance = -1.0;
    for (int i = 0; i < DRAWS; i++) {
        mdg_config drawn = mdg_config_draw(&s->fit.shape, &s->rng);
        double d = nearest_tried(s, &drawn);
        double from_usual = mdg_config_distance(&drawn, &usual);
        d = d < from_usual ? d : from_usual;
        if (d > best_distance) {
            best_distance = d;
            best = drawn;
        }
    }
    return best;
}

/* Tries each of `configs` cheaply; the best one's number, and the time that
 * the last one took. */
static midge_status screen(const search *s, const mdg_config *configs,
                           uint32_t n, uint32_t *best, double *ms,
                           midge_error *err) {
    double best_score = 0.0;
    *best = 0;
    for (uint32_t i = 0; i < n; i++) {
        double score;
        MIDGE_TRY(mdg_fit_screen(&s->fit, &configs[i], &score, ms, err));
        if (i == 0 || score > best_score) {
            best_score = score;
            *best = i;
        }
    }
    return MIDGE_OK;
}

static midge_status choose_features(search *s, mdg_config *out,
                                    midge_error *err) {
    static const float gammas[] = {0.1f, 0.25f, 0.6f, 1.5f};
    mdg_config configs[4];
    mdg_config usual = mdg_config_features(&s->fit.shape);
    if (best_known(s, "features", &usual)) {
        *out = mdg_config_step(&usual, &s->fit.shape, &s->rng);
        return MIDGE_OK;
    }
    uint32_t few = usual.n_features < 512 ? usual.n_features : 512;
    for (uint32_t i = 0; i < 4; i++) {
        configs[i] = usual;
        configs[i].n_features = few;
        configs[i].gamma = gammas[i];
    }
    uint32_t best;
    double ms;
    MIDGE_TRY(screen(s, configs, 4, &best, &ms, err));
    *out = usual;
    out->gamma = configs[best].gamma;
    /* With a limit: as many features as fit; cost grows with their square and
     * with the rows. */
    double folds = (double)s->fit.n_folds + 1.0;
    double rows = (double)s->fit.shape.n_rows;
    double per_row = ms * folds * (rows < 3000.0 ? 1.0 : rows / 3000.0);
    while (s->fit.limit_ms > 0.0 && out->n_features > 64) {
        double ratio = (double)out->n_features / (double)few;
        if (per_row * ratio * ratio <= s->fit.limit_ms) {
            break;
        }
        out->n_features /= 2;
    }
    return MIDGE_OK;
}

static midge_status choose_knn(search *s, mdg_config *out, midge_error *err) {
    static const uint32_t ks[] = {1, 3, 5, 9, 15};
    mdg_config configs[10];
    mdg_config known;
    if (best_known(s, "knn", &known)) {
        *out = mdg_config_step(&known, &s->fit.shape, &s->rng);
        return MIDGE_OK;
    }
    for (uint32_t i = 0; i < 10; i++) {
        configs[i] = mdg_config_knn();
        configs[i].k = ks[i % 5];
        configs[i].cosine = i >= 5;
    }
    uint32_t best;
    double ms;
    MIDGE_TRY(screen(s, configs, 10, &best, &ms, err));
    *out = configs[best];
    return MIDGE_OK;
}

static midge_status choose(search *s, const char *pattern, mdg_config *out,
                           midge_error *err) {
    if (strcmp(pattern, "convergent") == 0) {
        *out = choose_convergent(s);
        return MIDGE_OK;
    }
    if (strcmp(pattern, "divergent") == 0) {
        *out = choose_divergent(s);
        return MIDGE_OK;
    }
    if (strcmp(pattern, "lateral") == 0) {
        int features = (s->round + s->variant) % 2 == 1 ||
                       !mdg_config_knn_is_bearable(&s->fit.shape);
        return features ? choose_features(s, out, err)
                        : choose_knn(s, out, err);
    }
    return midge_fail(err, MIDGE_E_INVALID,
                      "pattern must be convergent, divergent or lateral");
}

static midge_status work(search *s, midge_buf *result, midge_error *err) {
    const char *pattern = midge_json_get_string(s->args, "pattern", "");
    const midge_op_host *host = s->fit.host;
    mdg_config config;
    double start = host->now_ms(host->ctx);
    MIDGE_TRY(choose(s, pattern, &config, err));
    if (s->fit.limit_ms > 0.0) { /* the choice took some of it */
        double left = s->fit.limit_ms - (host->now_ms(host->ctx) - start);
        s->fit.limit_ms = left < 1.0 ? 1.0 : left;
    }
    mdg_candidate_head head = {midge_json_get_string(s->args, "agent", ""),
                               pattern, s->round};
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "agent");
    midge_json_string(&w, head.agent);
    midge_json_key(&w, "round");
    midge_json_int(&w, head.round);
    double score;
    int found;
    MIDGE_TRY(mdg_candidate_make(&s->fit, &config, &head, &w, NULL, &score,
                                 &found, err));
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(learn_search) {
    mdg_rows rows;
    search s = {.args = args, .board = midge_json_get(args, "board")};
    MIDGE_TRY(mdg_fit_open(&s.fit, &rows, env, host, args, err));
    uint64_t seed = (uint64_t)midge_json_get_int(args, "seed", 1);
    s.round = midge_json_get_int(args, "round", 1);
    s.variant = midge_json_get_int(args, "variant", 0);
    s.fit.fold_seed = (uint64_t)midge_json_get_int(args, "fold_seed", 1);
    s.fit.seed = mdg_rng_mix(seed, 1);
    mdg_rng_seed(&s.rng, mdg_rng_mix(seed, 2));
    midge_status status = work(&s, result, err);
    mdg_rows_deinit(&rows);
    return status;
}
