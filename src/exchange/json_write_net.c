/* json_write_net.c: a network as JSON (spec/formats/net_json.md). A row of
 * numbers stands on one line. */
#include "midge/json.h"
#include "midge/nn_exchange.h"

#include "nn/net.h"

typedef struct writer {
    midge_json_writer json;
    midge_buf line; /* a row, while it is put together */
} writer;

static void begin_line(writer *w) {
    midge_buf_clear(&w->line);
}

static void end_line(writer *w) {
    if (w->line.status != MIDGE_OK && w->json.status == MIDGE_OK) {
        w->json.status = w->line.status;
    }
    midge_json_raw(&w->json, w->line.data, w->line.size);
}

/* count numbers, null where mask (which may be NULL) has 0. */
static void put_row(writer *w, const float *values, const uint8_t *mask,
                    size_t count) {
    midge_json_writer row;
    begin_line(w);
    midge_json_writer_init(&row, &w->line, 0);
    midge_json_begin_array(&row);
    for (size_t i = 0; i < count; i++) {
        if (mask && !mask[i]) {
            midge_json_null(&row);
        } else {
            midge_json_float(&row, values[i]);
        }
    }
    midge_json_end_array(&row);
    end_line(w);
}

static void put_scaling(writer *w, const char *key, const midge_scaling *s,
                        uint32_t count) {
    midge_json_key(&w->json, key);
    if (!s) {
        midge_json_null(&w->json);
        return;
    }
    midge_json_begin_array(&w->json);
    for (uint32_t i = 0; i < count; i++) {
        midge_json_writer row;
        begin_line(w);
        midge_json_writer_init(&row, &w->line, 0);
        midge_json_begin_object(&row);
        midge_json_key(&row, "mean");
        midge_json_float(&row, s[i].mean);
        midge_json_key(&row, "deviation");
        midge_json_float(&row, s[i].deviation);
        midge_json_key(&row, "new_min");
        midge_json_float(&row, s[i].new_min);
        midge_json_key(&row, "factor");
        midge_json_float(&row, s[i].factor);
        midge_json_end_object(&row);
        end_line(w);
    }
    midge_json_end_array(&w->json);
}

static void put_units(writer *w, const mdg_units *units, uint32_t n_units) {
    midge_json_key(&w->json, "units");
    midge_json_begin_array(&w->json);
    for (uint32_t i = 0; i < n_units; i++) {
        midge_json_writer row;
        begin_line(w);
        midge_json_writer_init(&row, &w->line, 0);
        midge_json_begin_object(&row);
        midge_json_key(&row, "count");
        midge_json_int(&row, units[i].count);
        midge_json_key(&row, "activation");
        midge_json_string(&row, midge_activation_name(units[i].activation));
        midge_json_key(&row, "steepness");
        midge_json_float(&row, units[i].steepness);
        midge_json_end_object(&row);
        end_line(w);
    }
    midge_json_end_array(&w->json);
}

static void put_layer(writer *w, const midge_net *net, const mdg_layer *layer) {
    const uint8_t *mask = net->mask;
    midge_json_begin_object(&w->json);
    put_units(w, net->units + layer->units, layer->n_units);
    midge_json_key(&w->json, "weights");
    midge_json_begin_array(&w->json);
    for (uint32_t i = 0; i < layer->n_in; i++) {
        const size_t at = layer->w + (size_t)i * layer->n_out;
        put_row(w, net->weights + at, mask ? mask + at : NULL, layer->n_out);
    }
    midge_json_end_array(&w->json);
    midge_json_key(&w->json, "biases");
    put_row(w, net->weights + layer->b, mask ? mask + layer->b : NULL,
            layer->n_out);
    midge_json_end_object(&w->json);
}

midge_status midge_net_write_json(const midge_net *net, midge_buf *out) {
    if (!net || !out) {
        return MIDGE_E_INVALID;
    }
    writer w;
    midge_json_writer *json = &w.json;
    midge_json_writer_init(json, out, 2);
    midge_buf_init(&w.line, net->env, 0);
    midge_json_begin_object(json);
    midge_json_key(json, "format");
    midge_json_string(json, "midge-net");
    midge_json_key(json, "version");
    midge_json_int(json, 1);
    midge_json_key(json, "inputs");
    midge_json_int(json, mdg_net_inputs(net));
    midge_json_key(json, "shortcuts");
    midge_json_bool(json, net->shortcut);
    put_scaling(&w, "input_scaling", net->inputs, mdg_net_inputs(net));
    put_scaling(&w, "output_scaling", net->outputs, mdg_net_last(net)->n_out);
    midge_json_key(json, "layers");
    midge_json_begin_array(json);
    for (uint32_t l = 0; l < net->n_layers; l++) {
        put_layer(&w, net, &net->layers[l]);
    }
    midge_json_end_array(json);
    midge_json_end_object(json);
    midge_status status = midge_json_writer_end(json);
    (void)midge_buf_puts(out, "\n");
    midge_buf_deinit(&w.line);
    return status != MIDGE_OK ? status : out->status;
}
