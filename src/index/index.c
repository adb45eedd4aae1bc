/* index.c: making an index, and looking into it. Changes are in change.c. */
#include "index/index_internal.h"

#include <string.h>

#include "base/alloc.h"

#define M_DEFAULT               16u
#define EF_CONSTRUCTION_DEFAULT 128u
#define EF_DEFAULT              64u

/* ---- Options ------------------------------------------------------------- */

static midge_status check_numbers(const midge_index_options *o,
                                  midge_error *err) {
    static const struct {
        const char *name;
        unsigned least, most;
    } bounds[] = {
        {"metric", 0, MIDGE_METRIC_HAMMING},
        {"kind", 0, MIDGE_INDEX_HNSW},
        {"storage", 0, MIDGE_STORAGE_BINARY},
        {"walk", 0, MIDGE_WALK_INT8},
        {"id_type", 0, MIDGE_ID_TEXT},
        {"dim", 1, MIDGE_INDEX_DIM_MAX},
        {"m", 2, MIDGE_INDEX_M_MAX},
        {"ef", 1, MIDGE_INDEX_EF_MAX},
        {"ef_construction", 1, MIDGE_INDEX_EF_MAX},
    };
    const unsigned values[] = {o->metric, o->kind,    o->storage,
                               o->walk,   o->id_type, o->dim,
                               o->m,      o->ef,      o->ef_construction};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (values[i] < bounds[i].least || values[i] > bounds[i].most) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "%s is %u, it must be %u to %u", bounds[i].name,
                              values[i], bounds[i].least, bounds[i].most);
        }
    }
    return MIDGE_OK;
}

static midge_status check_pairs(const midge_index_options *o,
                                midge_error *err) {
    int bits = o->storage == MIDGE_STORAGE_BINARY;
    if (bits != (o->metric == MIDGE_METRIC_HAMMING)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "binary storage and the Hamming metric go with each "
                          "other only");
    }
    if (o->walk != MIDGE_WALK_INT8) {
        return MIDGE_OK;
    }
    if (bits || o->metric == MIDGE_METRIC_L1) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "with the metric l1 or hamming the walk is by rows");
    }
    if (o->storage == MIDGE_STORAGE_INT8) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "int8 rows are walked as they are: choose the walk "
                          "by rows");
    }
    return MIDGE_OK;
}

static midge_index_options with_defaults(const midge_index_options *given) {
    midge_index_options o = *given;
    o.m = o.m ? o.m : M_DEFAULT;
    o.ef = o.ef ? o.ef : EF_DEFAULT;
    o.ef_construction =
        o.ef_construction ? o.ef_construction : EF_CONSTRUCTION_DEFAULT;
    if (o.walk == MIDGE_WALK_AUTO && !mdg_walk_may_choose(&o)) {
        o.walk = MIDGE_WALK_ROWS;
    }
    return o;
}

/* ---- Making -------------------------------------------------------------- */

midge_status mdg_index_make(const midge_env *env,
                            const midge_index_options *options,
                            midge_index **out, midge_error *err) {
    midge_index *index = mdg_alloc_zero(env, 1, sizeof *index);
    *out = index;
    if (!index) {
        return mdg_no_memory("an index", err);
    }
    index->env = env;
    index->kernels = mdg_kernels_select(env->cpu);
    index->options = *options;
    mdg_vectors_init(&index->rows, index->kernels, options->metric,
                     options->storage, options->dim);
    mdg_vectors_init(&index->codes, index->kernels, options->metric,
                     MIDGE_STORAGE_INT8, options->dim);
    mdg_ids_init(&index->ids, env, options->id_type, options->seed);
    mdg_columns_init(&index->columns, env, options->seed);
    index->graph.m = options->m;
    index->graph.m0 = 2 * options->m;
    index->graph.entry = MDG_NO_NODE;
    return MIDGE_OK;
}

midge_status midge_index_new(const midge_env *env,
                             const midge_index_options *options,
                             midge_index **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || !options) {
        return midge_fail(err, MIDGE_E_INVALID, "env or options missing");
    }
    midge_index_options filled = with_defaults(options);
    MIDGE_TRY(check_numbers(&filled, err));
    MIDGE_TRY(check_pairs(&filled, err));
    return mdg_index_make(env, &filled, out, err);
}

void midge_index_free(midge_index *index) {
    if (!index) {
        return;
    }
    const midge_env *env = index->env;
    mdg_image_let_go(index, UINT32_MAX);
    mdg_hnsw_free(index);
    mdg_place_free(env, index->rows.data, index->rows.capacity,
                   index->rows.row_bytes);
    mdg_place_free(env, index->codes.data, index->codes.capacity,
                   index->codes.row_bytes);
    mdg_place_free(env, index->dead, index->dead_bytes, 1);
    mdg_place_free(env, index->free_rows, index->free_capacity,
                   sizeof(uint32_t));
    mdg_place_free(env, index->changed, index->changed_capacity, 1);
    mdg_ids_deinit(&index->ids);
    mdg_columns_deinit(&index->columns);
    mdg_image_drop(index);
    mdg_release(env, index, 1, sizeof *index);
}

/* ---- Room ---------------------------------------------------------------- */

static midge_status grow_vectors(midge_index *index, mdg_vectors *v,
                                 uint32_t capacity) {
    void *data = v->data;
    midge_status status =
        mdg_place_grow(index->env, &data, &v->capacity, index->n_rows, capacity,
                       v->row_bytes, 0);
    v->data = data;
    return status;
}

static midge_status grow_bytes(midge_index *index, uint8_t **bytes,
                               uint32_t *held, uint32_t used, uint32_t wanted) {
    void *data = *bytes;
    midge_status status =
        mdg_place_grow(index->env, &data, held, used, wanted, 1, 1);
    *bytes = data;
    return status;
}

static midge_status grow_parts(midge_index *index, uint32_t capacity) {
    uint32_t n = index->n_rows;
    mdg_graph *g = &index->graph;
    MIDGE_TRY(grow_vectors(index, &index->rows, capacity));
    if (index->options.walk == MIDGE_WALK_INT8) {
        MIDGE_TRY(grow_vectors(index, &index->codes, capacity));
    }
    MIDGE_TRY(grow_bytes(index, &index->dead, &index->dead_bytes, (n + 7) / 8,
                         capacity / 8));
    if (index->changed) {
        MIDGE_TRY(grow_bytes(index, &index->changed, &index->changed_capacity,
                             n, capacity));
    }
    MIDGE_TRY(mdg_columns_reserve(&index->columns, capacity));
    if (index->has_graph) {
        void *links = g->links;
        midge_status status =
            mdg_place_grow(index->env, &links, &g->capacity, n, capacity,
                           (1 + (size_t)g->m0) * sizeof(uint32_t), 1);
        g->links = links;
        MIDGE_TRY(status);
    }
    return MIDGE_OK;
}

midge_status mdg_index_reserve(midge_index *index, uint32_t capacity,
                               midge_error *err) {
    capacity = (capacity + 63) / 64 * 64;
    mdg_image_let_go(index, capacity);
    midge_status status = grow_parts(index, capacity);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no memory for %u rows", capacity);
    }
    if (capacity > index->capacity) {
        index->capacity = capacity;
    }
    return MIDGE_OK;
}

/* ---- Columns ------------------------------------------------------------- */

midge_status midge_index_column_add(midge_index *index, const char *name,
                                    midge_column_kind kind, midge_error *err) {
    if (!index || !name) {
        return midge_fail(err, MIDGE_E_INVALID, "index or name missing");
    }
    index->generation++;
    return mdg_columns_add(&index->columns, name, kind, err);
}

uint32_t midge_index_n_columns(const midge_index *index) {
    return index->columns.count;
}

const char *midge_index_column_name(const midge_index *index, uint32_t column) {
    return column < index->columns.count ? index->columns.columns[column].name
                                         : NULL;
}

midge_column_kind midge_index_column_kind(const midge_index *index,
                                          uint32_t column) {
    return column < index->columns.count ? index->columns.columns[column].kind
                                         : MIDGE_META_INT;
}

/* ---- Looking ------------------------------------------------------------- */

static uint64_t graph_bytes(const midge_index *index) {
    const mdg_graph *g = &index->graph;
    uint64_t sum = (uint64_t)index->n_rows * (1 + g->m0) * sizeof(uint32_t);
    for (uint32_t i = 0; i < g->n_levels; i++) {
        sum += (uint64_t)g->upper[i].count * (3 + g->m) * sizeof(uint32_t);
    }
    return index->has_graph ? sum : 0;
}

void midge_index_info_get(const midge_index *index, midge_index_info *info) {
    *info = (midge_index_info){.options = index->options};
    info->count = index->n_rows - index->n_dead;
    info->n_deleted = index->n_dead;
    info->has_graph = index->has_graph;
    info->n_columns = index->columns.count;
    info->vector_bytes = (uint64_t)index->n_rows * index->rows.row_bytes;
    if (index->codes.data) {
        info->walk_bytes = (uint64_t)index->n_rows * index->codes.row_bytes;
    }
    info->graph_bytes = graph_bytes(index);
    info->id_bytes = mdg_ids_bytes(&index->ids);
    info->metadata_bytes = mdg_columns_bytes(&index->columns);
}

int midge_index_has_row(const midge_index *index, uint32_t row) {
    return row < index->n_rows && !mdg_row_dead(index, row);
}

uint64_t midge_index_id(const midge_index *index, uint32_t row) {
    int has = row < index->n_rows && index->options.id_type == MIDGE_ID_U64;
    return has ? mdg_ids_number(&index->ids, row) : 0;
}

midge_text midge_index_key(const midge_index *index, uint32_t row) {
    int has = row < index->n_rows && index->options.id_type == MIDGE_ID_TEXT;
    return has ? mdg_ids_key(&index->ids, row) : (midge_text){NULL, 0};
}

uint32_t midge_index_find(midge_index *index, uint64_t id) {
    uint32_t row = MIDGE_INDEX_NO_ROW;
    if (index->options.id_type != MIDGE_ID_U64 ||
        mdg_ids_find_number(&index->ids, index->dead, id, &row) != MIDGE_OK) {
        return MIDGE_INDEX_NO_ROW;
    }
    return row;
}

uint32_t midge_index_find_key(midge_index *index, midge_text key) {
    uint32_t row = MIDGE_INDEX_NO_ROW;
    if (index->options.id_type != MIDGE_ID_TEXT ||
        mdg_ids_find_key(&index->ids, index->dead, key, &row) != MIDGE_OK) {
        return MIDGE_INDEX_NO_ROW;
    }
    return row;
}

static midge_status need_row(const midge_index *index, uint32_t row,
                             midge_error *err) {
    if (!midge_index_has_row(index, row)) {
        return midge_fail(err, MIDGE_E_NOT_FOUND, "no row %u", row);
    }
    return MIDGE_OK;
}

midge_status midge_index_vector(const midge_index *index, uint32_t row,
                                void *out, midge_error *err) {
    MIDGE_TRY(need_row(index, row, err));
    if (index->image) {
        MIDGE_TRY(mdg_image_need_vectors(index, &index->rows, 1, &row, err));
    }
    mdg_vectors_get(&index->rows, row, out);
    return MIDGE_OK;
}

midge_status midge_index_metadata(const midge_index *index, uint32_t row,
                                  midge_json_writer *w, midge_error *err) {
    MIDGE_TRY(need_row(index, row, err));
    mdg_columns_write(&index->columns, row, w);
    return MIDGE_OK;
}
