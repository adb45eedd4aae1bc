/* quant_run.c: running a network of bytes, block of rows by block, so that what
 * lies between two layers stays in cache. The floats that a layer gives are
 * bytes before the next one writes: one matrix of each is enough. */
#include "nn/quant.h"

#include "base/alloc.h"
#include "base/parallel.h"

/* Rows of a block: a multiple of the height of every tile; few where they are
 * long, so that a block is at most 8 MiB. */
#define RUN_ROWS      96
#define RUN_ROWS_WIDE 24
#define WIDE          8192
/* Products of a share: some 30 us. */
#define SHARE_PRODUCTS ((size_t)1 << 22)

uint32_t midge_net_int8_n_inputs(const midge_net_int8 *net) {
    return net ? net->layers[0].n_in : 0;
}

uint32_t midge_net_int8_n_outputs(const midge_net_int8 *net) {
    return net ? mdg_int8_last(net)->n_out : 0;
}

const midge_scaling *midge_net_int8_input_scaling(const midge_net_int8 *net) {
    return net ? net->inputs : NULL;
}

const midge_scaling *midge_net_int8_output_scaling(const midge_net_int8 *net) {
    return net ? net->outputs : NULL;
}

size_t midge_net_int8_bytes(const midge_net_int8 *net) {
    size_t bytes = 0;
    for (uint32_t i = 0; net && i < net->n_layers; i++) {
        const mdg_layer_int8 *l = &net->layers[i];
        bytes += (size_t)l->n_in * l->n_out + 2 * sizeof(float) * l->n_out;
    }
    return bytes;
}

/* The memory of one block. */
typedef struct block {
    size_t rows;
    size_t bytes_stride; /* of a row of bytes */
    size_t bytes;        /* of all rows of bytes, then of floats, together */
} block;

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

static block block_of(const midge_net_int8 *net, size_t n_rows) {
    size_t widest = 0;
    size_t hidden = 0;
    for (uint32_t i = 0; i < net->n_layers; i++) {
        const mdg_layer_int8 *l = &net->layers[i];
        widest = l->n_in > widest ? l->n_in : widest;
        hidden = i > 0 && l->n_in > hidden ? l->n_in : hidden;
    }
    const size_t most = widest > WIDE ? RUN_ROWS_WIDE : RUN_ROWS;
    block b = {.rows = n_rows < most ? n_rows : most};
    b.bytes_stride = MDG_GEMM_I8_DEPTH(widest);
    b.bytes = round_up(b.rows * b.bytes_stride, 64) +
              round_up(b.rows * hidden * sizeof(float), 64);
    return b;
}

/* Blocks at work at once. */
static size_t workers_for(const midge_net_int8 *net, const block *b,
                          size_t n_rows) {
    return n_rows > b->rows ? mdg_workers(net->env) : 1;
}

size_t midge_net_int8_workspace_bytes(const midge_net_int8 *net,
                                      size_t n_rows) {
    if (!net) {
        return 0;
    }
    const block b = block_of(net, n_rows);
    size_t bytes;
    return mdg_multiply_size(b.bytes, workers_for(net, &b, n_rows), &bytes) &&
                   bytes > 0
               ? bytes
               : 64;
}

/* Floats (rows, n_in) to bytes whose rows are whole groups. */
static void quantise_rows(const mdg_kernels *kernels, const mdg_layer_int8 *l,
                          size_t rows, const float *x, uint8_t *a) {
    const size_t depth = MDG_GEMM_I8_DEPTH((size_t)l->n_in);
    const float factor = 1.0f / l->step;
    if (depth == l->n_in) {
        MDG_KERNEL(kernels, f32_to_u8)(rows * depth, factor, l->zero, x, a);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        MDG_KERNEL(kernels, f32_to_u8)(l->n_in, factor, l->zero,
                                       x + i * l->n_in, a + i * depth);
    }
}

static void run_layer(const midge_net_int8 *net, const mdg_layer_int8 *l,
                      size_t rows, const uint8_t *a, float *y) {
    const mdg_gemm_i8 g = {.m = rows,
                           .n = l->n_out,
                           .k = l->n_in,
                           .a = a,
                           .lda = MDG_GEMM_I8_DEPTH((size_t)l->n_in),
                           .b = l->weights,
                           .offset = l->offset,
                           .factor = l->factor,
                           .bias = l->bias,
                           .c = y,
                           .ldc = l->n_out};
    MDG_KERNEL(net->kernels, gemm_i8)(&g);
    const mdg_units *u = &net->units[l->units];
    for (uint32_t i = 0; i < l->n_units; i++) {
        mdg_activate(net->kernels, u[i].activation, u[i].steepness, rows,
                     u[i].count, l->n_out, y + u[i].first);
    }
}

typedef struct job {
    const midge_net_int8 *net;
    size_t n_rows;
    const float *x;
    float *y;
    uint8_t *workspace;
    block block;
} job;

static void run_blocks(void *arg, size_t begin, size_t end, unsigned worker) {
    const job *j = arg;
    const midge_net_int8 *net = j->net;
    uint8_t *bytes = j->workspace + worker * j->block.bytes;
    const size_t floats_at =
        round_up(j->block.rows * j->block.bytes_stride, 64);
    float *hidden = (float *)(void *)(bytes + floats_at);
    for (size_t i = begin; i < end; i++) {
        const size_t at = i * j->block.rows;
        const size_t left = j->n_rows - at;
        const size_t rows = left < j->block.rows ? left : j->block.rows;
        const float *in = j->x + at * net->layers[0].n_in;
        for (uint32_t l = 0; l < net->n_layers; l++) {
            const mdg_layer_int8 *layer = &net->layers[l];
            float *out =
                l + 1 < net->n_layers ? hidden : j->y + at * layer->n_out;
            quantise_rows(net->kernels, layer, rows, in, bytes);
            run_layer(net, layer, rows, bytes, out);
            in = out;
        }
    }
}

midge_status midge_net_int8_run(const midge_net_int8 *net, size_t n_rows,
                                const float *x, float *y, void *workspace) {
    if (!net || (n_rows > 0 && (!x || !y || !workspace))) {
        return MIDGE_E_INVALID;
    }
    if (n_rows == 0) {
        return MIDGE_OK;
    }
    job j = {.net = net, .n_rows = n_rows, .x = x, .y = y};
    j.workspace = workspace;
    j.block = block_of(net, n_rows);
    const size_t blocks = (n_rows + j.block.rows - 1) / j.block.rows;
    const size_t grain =
        SHARE_PRODUCTS / (j.block.rows * midge_net_int8_bytes(net) + 1) + 1;
    mdg_parallel_for(net->env, blocks, grain, run_blocks, &j);
    return MIDGE_OK;
}
