/* shape_file.c: the head of a file of a network, and scalings in it. */
#include "nn/shape_file.h"

#include "base/alloc.h"

#include <string.h>

midge_status mdg_put_runs(const mdg_units *units, uint32_t n, midge_buf *out) {
    MIDGE_TRY(mdg_put_u32(out, n));
    for (uint32_t i = 0; i < n; i++) {
        MIDGE_TRY(mdg_put_u32(out, units[i].count));
        MIDGE_TRY(mdg_put_u32(out, (uint32_t)units[i].activation));
        MIDGE_TRY(mdg_put_f32(out, units[i].steepness));
    }
    return MIDGE_OK;
}

static midge_status corrupt(const char *text, midge_error *err) {
    return midge_fail(err, MIDGE_E_CORRUPT, "%s", text);
}

/* The runs, layer by layer; a run that is too long for its layer is left for
 * the judge. */
static void read_runs(mdg_reader *r, mdg_shape_file *f, const uint32_t *sizes) {
    uint32_t layer = 0;
    uint32_t covered = 0;
    for (uint32_t i = 0; i < f->shape.n_units; i++) {
        mdg_units *u = &f->units[i];
        u->first = covered;
        u->count = mdg_get_u32(r);
        u->activation = (midge_activation)mdg_get_u32(r);
        u->steepness = mdg_get_f32(r);
        covered += u->count;
        if (layer < f->shape.n_layers && covered >= sizes[layer + 1]) {
            layer++;
            covered = 0;
        }
    }
}

midge_status mdg_get_shape(const midge_env *env, mdg_reader *r,
                           uint32_t flags_known, mdg_shape_file *out,
                           midge_error *err) {
    memset(out, 0, sizeof *out);
    uint32_t n = mdg_get_u32(r);
    out->flags = mdg_get_u32(r);
    size_t sizes_at = r->at;
    if (n < 1 || n > MIDGE_NET_LAYERS_MAX || out->flags > flags_known ||
        !mdg_get_bytes(r, ((size_t)n + 1) * sizeof(uint32_t))) {
        return corrupt("the head of a network file makes no sense", err);
    }
    out->shape.n_layers = n;
    out->shape.n_units = mdg_get_u32(r);
    if (out->shape.n_units > mdg_reader_left(r) / MDG_RUN_BYTES) {
        return corrupt("network file cut short", err);
    }
    out->room = (size_t)out->shape.n_units + n / 4 + 1;
    out->units = mdg_alloc(env, out->room, sizeof *out->units);
    if (!out->units) {
        return mdg_no_memory("a network", err);
    }
    uint32_t *sizes = (uint32_t *)(void *)(out->units + out->shape.n_units);
    mdg_reader head = *r;
    head.at = sizes_at;
    for (uint32_t i = 0; i <= n; i++) {
        sizes[i] = mdg_get_u32(&head);
    }
    out->shape.sizes = sizes;
    out->shape.units = out->units;
    read_runs(r, out, sizes);
    return MIDGE_OK;
}

void mdg_shape_file_deinit(const midge_env *env, mdg_shape_file *file) {
    mdg_release(env, file->units, file->room, sizeof *file->units);
    file->units = NULL;
}

midge_status mdg_put_scaling(const midge_scaling *s, size_t n, midge_buf *out) {
    for (size_t i = 0; s && i < n; i++) {
        const float v[] = {s[i].mean, s[i].deviation, s[i].new_min,
                           s[i].factor};
        MIDGE_TRY(mdg_put_f32s(out, v, 4));
    }
    return MIDGE_OK;
}

midge_status mdg_get_scaling(mdg_reader *r, size_t n, midge_scaling *out,
                             midge_error *err) {
    for (size_t i = 0; i < n; i++) {
        out[i].mean = mdg_get_f32(r);
        out[i].deviation = mdg_get_f32(r);
        out[i].new_min = mdg_get_f32(r);
        out[i].factor = mdg_get_f32(r);
    }
    return mdg_scaling_good(n, out)
               ? MIDGE_OK
               : corrupt("a scaling is not finite, or 0", err);
}
