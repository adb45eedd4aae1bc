/* pass_all.c: all rows in blocks, on one thread or several.
 *
 * A gradient is summed first within a block and then over the blocks, in their
 * order: two short chains of roundings instead of one that is as long as the
 * data. With threads a wave of as many blocks as there are workers is computed
 * at once, each in a pass of its own, and then added up in the same order: the
 * bits are those of one thread, and the memory does not grow with the data. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/pass.h"

#include <string.h>

#define WAVE_MAX 64 /* blocks at once; more workers have nothing to do */

/* The passes of a wave. Their network is the one of the pass they belong to,
 * but in an env without threads: a loop may not start another. */
struct mdg_wave {
    midge_env env;
    midge_net net;
    unsigned count;
    mdg_pass passes[WAVE_MAX];
};

size_t mdg_block_rows(size_t n_rows) {
    return n_rows < MDG_PASS_ROWS ? n_rows : MDG_PASS_ROWS;
}

midge_status mdg_pass_spread(mdg_pass *pass, size_t n_rows, int backward) {
    const midge_net *net = pass->net;
    unsigned workers = mdg_workers(net->env);
    if (workers == 1 || n_rows <= MDG_PASS_ROWS) {
        return MIDGE_OK;
    }
    struct mdg_wave *wave = mdg_alloc(net->env, 1, sizeof *wave);
    if (!wave) {
        return MIDGE_E_NOMEM;
    }
    pass->wave = wave;
    wave->count = 0;
    wave->env = *net->env;
    wave->env.parallel_fn = NULL;
    wave->net = *net;
    wave->net.env = &wave->env;
    while (wave->count < workers && wave->count < WAVE_MAX) {
        MIDGE_TRY(mdg_pass_init(&wave->passes[wave->count], &wave->net,
                                MDG_PASS_ROWS, backward, 0));
        wave->count++;
    }
    return MIDGE_OK;
}

void mdg_wave_free(const midge_env *env, struct mdg_wave *wave) {
    for (unsigned i = 0; wave && i < wave->count; i++) {
        mdg_pass_deinit(&wave->passes[i]);
    }
    mdg_release(env, wave, 1, sizeof *wave);
}

typedef struct job {
    const mdg_objective *objective;
    float scale;
    const midge_net_data *data;
    int backward;
    size_t first; /* row of the wave */
    mdg_pass *passes;
} job;

static size_t rows_of(const job *j, size_t block, const float **x,
                      const float **t) {
    const midge_net *net = j->passes->net;
    size_t at = j->first + block * MDG_PASS_ROWS;
    *x = j->data->x + at * mdg_net_inputs(net);
    *t = j->data->t + at * mdg_net_last(net)->n_out;
    return mdg_block_rows(j->data->n_rows - at);
}

static void compute(void *arg, size_t begin, size_t end, unsigned worker) {
    const job *j = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        const float *x;
        const float *t;
        size_t rows = rows_of(j, i, &x, &t);
        mdg_pass_forward(&j->passes[i], rows, x, NULL);
        if (j->backward) {
            mdg_pass_backward(&j->passes[i], j->objective, rows, j->scale, x,
                              t);
        }
    }
}

static void add_up(const job *j, size_t blocks, float *gradient,
                   mdg_tally *tally) {
    for (size_t i = 0; i < blocks; i++) {
        const float *x;
        const float *t;
        const midge_net *net = j->passes[i].net;
        size_t rows = rows_of(j, i, &x, &t);
        mdg_pass_tally(&j->passes[i], j->objective, rows, t, tally);
        if (gradient) {
            MDG_KERNEL(net->kernels, axpy_f32)(net->n_weights, 1.0f,
                                               j->passes[i].gradient, gradient);
        }
    }
}

void mdg_pass_all(mdg_pass *pass, const mdg_objective *objective, float scale,
                  const midge_net_data *data, float *gradient,
                  mdg_tally *tally) {
    const midge_net *net = pass->net;
    size_t at_once = pass->wave ? pass->wave->count : 1;
    job j = {.objective = objective, .scale = scale, .data = data};
    j.backward = gradient != NULL;
    j.passes = pass->wave ? pass->wave->passes : pass;
    *tally = (mdg_tally){0, 0, 0};
    if (gradient) {
        memset(gradient, 0, net->n_weights * sizeof *gradient);
    }
    while (j.first < data->n_rows) {
        size_t left = (data->n_rows - j.first - 1) / MDG_PASS_ROWS + 1;
        size_t blocks = left < at_once ? left : at_once;
        if (pass->wave) {
            mdg_parallel_for(net->env, blocks, 1, compute, &j);
        } else {
            compute(&j, 0, 1, 0);
        }
        add_up(&j, blocks, gradient, tally);
        j.first += blocks * MDG_PASS_ROWS;
    }
}

midge_status midge_net_loss(const midge_net *net, midge_loss loss,
                            float loss_parameter, const midge_net_data *data,
                            double *value, float *gradient) {
    if (!value) {
        return MIDGE_E_INVALID;
    }
    *value = 0;
    if (!net || !data || data->n_rows == 0 || !data->x || !data->t) {
        return MIDGE_E_INVALID;
    }
    const mdg_objective objective = {.loss = loss, .parameter = loss_parameter};
    MIDGE_TRY(gradient ? mdg_objective_check(net, &objective, NULL)
                       : mdg_loss_check(net, loss, loss_parameter, NULL));
    mdg_pass pass;
    MIDGE_TRY(mdg_pass_init(&pass, net, mdg_block_rows(data->n_rows),
                            gradient != NULL, 0));
    midge_status status =
        mdg_pass_spread(&pass, data->n_rows, gradient != NULL);
    if (status == MIDGE_OK) {
        mdg_tally tally;
        mdg_pass_all(&pass, &objective, (float)(1.0 / (double)data->n_rows),
                     data, gradient, &tally);
        *value = tally.loss / (double)data->n_rows;
    }
    mdg_pass_deinit(&pass);
    return status;
}
