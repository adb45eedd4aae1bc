/* op_nn_info.c: nn.info: what is in a file that holds a network. */
#include "ops/json_put.h"
#include "ops/learn_config.h"
#include "ops/learn_table.h"
#include "ops/nn_file.h"
#include "ops/ops_table.h"

#define FEATURES_SHOWN 100u

static void write_layers(const midge_net *net, midge_json_writer *w) {
    midge_json_key(w, "layers");
    midge_json_begin_array(w);
    for (uint32_t l = 0; l < midge_net_n_layers(net); l++) {
        midge_layer layer;
        if (midge_net_layer(net, l, &layer) != MIDGE_OK) {
            break;
        }
        midge_json_begin_object(w);
        mdg_put_int(w, "inputs", layer.n_in);
        mdg_put_int(w, "units", layer.n_out);
        midge_json_key(w, "activation");
        midge_json_string(
            w, layer.mixed ? "mixed" : midge_activation_name(layer.activation));
        midge_json_key(w, "steepness");
        midge_json_float(w, layer.steepness);
        midge_json_end_object(w);
    }
    midge_json_end_array(w);
}

static void write_net(const midge_net *net, midge_json_writer *w) {
    mdg_put_int(w, "weights", midge_net_n_weights(net));
    mdg_put_int(w, "connections", midge_net_n_connections(net));
    midge_json_key(w, "shortcuts");
    midge_json_bool(w, midge_net_has_shortcuts(net));
    midge_json_key(w, "input_scaling");
    midge_json_bool(w, midge_net_input_scaling(net) != NULL);
    midge_json_key(w, "output_scaling");
    midge_json_bool(w, midge_net_output_scaling(net) != NULL);
    write_layers(net, w);
}

/* "Bill", or "Island = Dream" for a category. */
static void write_feature(const midge_encoder *e, uint32_t i,
                          midge_json_writer *w) {
    const char *category;
    const char *column = midge_encoder_feature(e, i, &category);
    midge_json_begin_object(w);
    midge_json_key(w, "column");
    midge_json_string(w, column);
    midge_json_key(w, "category");
    if (category) {
        midge_json_string(w, category);
    } else {
        midge_json_null(w);
    }
    midge_json_end_object(w);
}

static void write_encoder(const midge_encoder *e, midge_json_writer *w) {
    midge_json_key(w, "problem");
    midge_json_string(w, mdg_problem_name(midge_encoder_problem(e)));
    midge_json_key(w, "target");
    midge_json_string(w, midge_encoder_target(e));
    mdg_write_classes(e, w);
    midge_json_key(w, "features");
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < midge_encoder_n_features(e) && i < FEATURES_SHOWN;
         i++) {
        write_feature(e, i, w);
    }
    midge_json_end_array(w);
    mdg_write_dropped(e, w);
}

MDG_OP_FN(nn_info) {
    mdg_nn_file file;
    midge_json_writer w;
    MIDGE_TRY(mdg_nn_file_read(
        env, host, midge_json_get_string(args, "model", ""), &file, err));
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "format");
    midge_json_string(&w, mdg_nn_kind_name(file.kind));
    mdg_put_int(&w, "bytes", file.bytes);
    midge_json_key(&w, "family");
    midge_json_string(&w, file.model
                              ? mdg_family_name(midge_model_family(file.model))
                              : "net");
    mdg_put_int(&w, "inputs", mdg_nn_file_n_inputs(&file));
    mdg_put_int(&w, "outputs", mdg_nn_file_n_outputs(&file));
    if (file.encoder) {
        write_encoder(file.encoder, &w);
    }
    if (file.net) {
        write_net(file.net, &w);
    }
    midge_json_end_object(&w);
    mdg_nn_file_deinit(&file);
    return midge_json_writer_end(&w);
}
