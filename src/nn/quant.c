/* quant.c: from a network of floats to one of bytes. Ranges come from running
 * the network of floats layer by layer over the calibration rows (Jacob et al.,
 * "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", 2018; weights symmetric and by output,
 * inputs affine and by layer). */
#include "nn/quant.h"

#include "base/alloc.h"
#include "base/sort.h"
#include "nn/pass.h"

#include <string.h>

/* ---- Memory. ------------------------------------------------------------- */

/* Room for `bytes` bytes that start on a cache line. */
static void *take(mdg_slab *slab, size_t count, size_t size) {
    return mdg_slab_take(slab, count, size / sizeof(float));
}

static void lay_out_layer(mdg_layer_int8 *l, mdg_slab *slab) {
    const size_t cols = MDG_GEMM_I8_COLS((size_t)l->n_out);
    const size_t groups = MDG_GEMM_I8_DEPTH((size_t)l->n_in) / 4;
    l->weight_step = take(slab, cols, sizeof(float));
    l->bias = take(slab, cols, sizeof(float));
    l->offset = take(slab, cols, sizeof(int32_t));
    l->factor = take(slab, cols, sizeof(float));
    l->weights = take(slab, groups, 4 * cols);
}

/* `net` has the counts. The first layout only counts. */
static void lay_out(midge_net_int8 *net, const mdg_shape *shape, int inputs,
                    int outputs, mdg_slab *slab) {
    mdg_layer_int8 none = {0};
    net->layers = take(slab, shape->n_layers, sizeof *net->layers);
    net->units = take(slab, shape->n_units, sizeof *net->units);
    net->inputs =
        inputs ? take(slab, shape->sizes[0], sizeof *net->inputs) : NULL;
    net->outputs = outputs ? take(slab, shape->sizes[shape->n_layers],
                                  sizeof *net->outputs)
                           : NULL;
    for (uint32_t i = 0; i < shape->n_layers; i++) {
        mdg_layer_int8 *l = net->layers ? &net->layers[i] : &none;
        l->n_in = shape->sizes[i];
        l->n_out = shape->sizes[i + 1];
        lay_out_layer(l, slab);
    }
}

/* The runs of each layer, which cover it. */
static void assign_runs(midge_net_int8 *net, const mdg_shape *shape) {
    uint32_t run = 0;
    memcpy(net->units, shape->units, shape->n_units * sizeof *net->units);
    for (uint32_t i = 0; i < net->n_layers; i++) {
        mdg_layer_int8 *l = &net->layers[i];
        l->units = run;
        for (uint32_t covered = 0; covered < l->n_out; run++) {
            covered += net->units[run].count;
        }
        l->n_units = run - l->units;
    }
}

midge_status mdg_int8_make(const midge_env *env, const mdg_shape *shape,
                           int inputs, int outputs, midge_net_int8 **out) {
    *out = NULL;
    midge_net_int8 *net = mdg_alloc_zero(env, 1, sizeof *net);
    if (!net) {
        return MIDGE_E_NOMEM;
    }
    net->env = env;
    net->kernels = mdg_kernels_select(env->cpu);
    net->n_layers = shape->n_layers;
    net->n_units = shape->n_units;
    mdg_slab slab = {.env = env};
    lay_out(net, shape, inputs, outputs, &slab);
    midge_status status = mdg_slab_allocate(&slab, &net->block_floats);
    if (status != MIDGE_OK) {
        mdg_release(env, net, 1, sizeof *net);
        return status;
    }
    memset(slab.base, 0, net->block_floats * sizeof(float));
    lay_out(net, shape, inputs, outputs, &slab);
    assign_runs(net, shape);
    *out = net;
    return MIDGE_OK;
}

void midge_net_int8_free(midge_net_int8 *net) {
    if (net) {
        const midge_env *env = net->env;
        mdg_release(env, net->layers, net->block_floats, sizeof(float));
        mdg_release(env, net, 1, sizeof *net);
    }
}

void mdg_int8_finish(midge_net_int8 *net) {
    for (uint32_t i = 0; i < net->n_layers; i++) {
        mdg_layer_int8 *l = &net->layers[i];
        for (size_t j = 0; j < l->n_out; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < l->n_in; k++) {
                sum += l->weights[mdg_gemm_i8_at(l->n_in, k, j)];
            }
            l->offset[j] = -(int32_t)l->zero * sum;
            l->factor[j] = l->step * l->weight_step[j];
        }
    }
}

/* ---- Ranges. ------------------------------------------------------------- */

/* The value with `rank` smaller ones among n, found a byte of its key at a
 * time: no memory, whatever n. */
static float ranked(const float *x, size_t n, size_t rank) {
    uint32_t key = 0;
    uint32_t known = 0;
    for (unsigned shift = 24; shift < 32; shift -= 8) {
        size_t count[256] = {0};
        uint32_t byte = 0;
        for (size_t i = 0; i < n; i++) {
            const uint32_t k = mdg_key_of_f32(x[i]);
            count[k >> shift & 255] += (k & known) == key;
        }
        while (rank >= count[byte]) {
            rank -= count[byte++];
        }
        key |= byte << shift;
        known |= 255u << shift;
    }
    return mdg_f32_of_key(key);
}

/* Step and zero point of a layer whose inputs are these n values. Where all of
 * them are next to nothing, any step serves. */
static void fit_inputs(const float *x, size_t n, float tail,
                       mdg_layer_int8 *l) {
    const size_t cut = (size_t)((double)tail * (double)(n - 1));
    double low = (double)ranked(x, n, cut);
    double high = (double)ranked(x, n, n - 1 - cut);
    low = low < 0.0 ? low : 0.0;
    high = high > 0.0 ? high : 0.0;
    l->step = (float)((high - low) / 255.0);
    l->step = l->step >= MDG_STEP_MIN ? l->step : 1.0f;
    const double zero = -low / (double)l->step + 0.5;
    l->zero = (uint8_t)(zero < 255.0 ? zero : 255.0);
}

/* ---- Weights. ------------------------------------------------------------ */

/* Column j of W, `part` rows at a time. */
static void quantise_unit(const mdg_kernels *kernels, const float *w,
                          const float *bias, size_t j, mdg_layer_int8 *l) {
    enum { PART = 64 };
    float most = 0.0f;
    for (size_t i = 0; i < l->n_in; i++) {
        const float v = w[i * l->n_out + j];
        const float size = v < 0.0f ? -v : v;
        most = size > most ? size : most;
    }
    const int any = most / 127.0f >= MDG_STEP_MIN;
    l->weight_step[j] = any ? most / 127.0f : 1.0f;
    l->bias[j] = bias[j];
    for (size_t at = 0; at < l->n_in; at += PART) {
        float column[PART];
        int8_t bytes[PART];
        const size_t n = l->n_in - at < PART ? l->n_in - at : PART;
        for (size_t i = 0; i < n; i++) {
            column[i] = w[(at + i) * l->n_out + j];
        }
        MDG_KERNEL(kernels, f32_to_i8)(n, 1.0f / l->weight_step[j], column,
                                       bytes);
        for (size_t i = 0; i < n; i++) {
            l->weights[mdg_gemm_i8_at(l->n_in, at + i, j)] = bytes[i];
        }
    }
}

/* ---- All. ---------------------------------------------------------------- */

static size_t widest_hidden(const midge_net *net) {
    size_t widest = 0;
    for (uint32_t l = 0; l + 1 < net->n_layers; l++) {
        const size_t n_out = net->layers[l].n_out;
        widest = n_out > widest ? n_out : widest;
    }
    return widest;
}

/* Layer by layer: what goes into it, its weights, what comes out of it for the
 * next; `hidden` has room for two layers of all rows. */
static midge_status fit(const midge_net *net, size_t n_rows, const float *x,
                        float tail, float *const *hidden, midge_net_int8 *out) {
    for (uint32_t i = 0; i < net->n_layers; i++) {
        const mdg_layer *from = &net->layers[i];
        mdg_layer_int8 *l = &out->layers[i];
        const size_t n = n_rows * from->n_in;
        if (!mdg_all_finite(n, x)) {
            return MIDGE_E_INVALID;
        }
        fit_inputs(x, n, tail, l);
        for (size_t j = 0; j < l->n_out; j++) {
            quantise_unit(net->kernels, net->weights + from->w,
                          net->weights + from->b, j, l);
        }
        if (i + 1 < net->n_layers) {
            mdg_layer_forward(net, i, n_rows, x, from->n_in, hidden[i % 2],
                              from->n_out, NULL);
            x = hidden[i % 2];
        }
    }
    mdg_int8_finish(out);
    return MIDGE_OK;
}

static midge_status make_from(const midge_net *net, midge_net_int8 **out) {
    const size_t n = (size_t)net->n_layers + 1;
    uint32_t *sizes = mdg_alloc(net->env, n, sizeof *sizes);
    if (!sizes) {
        return MIDGE_E_NOMEM;
    }
    sizes[0] = mdg_net_inputs(net);
    for (uint32_t l = 0; l < net->n_layers; l++) {
        sizes[l + 1] = net->layers[l].n_out;
    }
    const mdg_shape shape = {.n_layers = net->n_layers,
                             .sizes = sizes,
                             .units = net->units,
                             .n_units = net->n_units};
    midge_status status = mdg_int8_make(net->env, &shape, net->inputs != NULL,
                                        net->outputs != NULL, out);
    mdg_release(net->env, sizes, n, sizeof *sizes);
    if (status == MIDGE_OK && net->inputs) {
        memcpy((*out)->inputs, net->inputs,
               mdg_net_inputs(net) * sizeof *net->inputs);
    }
    if (status == MIDGE_OK && net->outputs) {
        memcpy((*out)->outputs, net->outputs,
               mdg_net_last(net)->n_out * sizeof *net->outputs);
    }
    return status;
}

static midge_status quantise(const midge_net *net, size_t n_rows,
                             const float *x, float tail, midge_net_int8 *out,
                             midge_error *err) {
    float *hidden[2];
    mdg_slab slab = {.env = net->env};
    size_t floats = 0;
    const size_t widest = widest_hidden(net);
    (void)mdg_slab_take(&slab, n_rows, widest);
    (void)mdg_slab_take(&slab, n_rows, widest);
    midge_status status = MIDGE_OK;
    if (slab.count > 0 || slab.overflow) {
        status = mdg_slab_allocate(&slab, &floats);
    }
    if (status != MIDGE_OK) {
        return mdg_no_memory("the calibration rows", err);
    }
    hidden[0] = mdg_slab_take(&slab, n_rows, widest);
    hidden[1] = mdg_slab_take(&slab, n_rows, widest);
    status = fit(net, n_rows, x, tail, hidden, out);
    if (slab.base) {
        mdg_release(net->env, slab.base, floats, sizeof(float));
    }
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, status,
                            "a value of the calibration rows, or "
                            "computed from them, is not finite");
}

midge_status midge_net_quantise(const midge_net *net, size_t n_rows,
                                const float *x, float tail,
                                midge_net_int8 **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!net || !x || n_rows == 0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "net or calibration rows missing");
    }
    if (!(tail >= 0.0f && tail < 0.5f)) {
        return midge_fail(err, MIDGE_E_INVALID, "tail is not in [0, 0.5)");
    }
    if (net->shortcut) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "a network with shortcuts cannot be quantised");
    }
    midge_net_int8 *made;
    if (make_from(net, &made) != MIDGE_OK) {
        return mdg_no_memory("a quantised network", err);
    }
    midge_status status = quantise(net, n_rows, x, tail, made, err);
    if (status != MIDGE_OK) {
        midge_net_int8_free(made);
        return status;
    }
    *out = made;
    return MIDGE_OK;
}
