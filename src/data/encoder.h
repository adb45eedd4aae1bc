/* encoder.h: what an encoder is inside. Everything lies in its arena. */
#ifndef MDG_DATA_ENCODER_H
#define MDG_DATA_ENCODER_H

#include "midge/table.h"

#define MDG_CATEGORIES_MAX   32   /* of a text column that is used */
#define MDG_CLASSES_MAX      1000 /* of a text target */
#define MDG_WHOLE_VALUES_MAX 20   /* of a number target that is classes */
#define MDG_ROWS_PER_VALUE   10   /* at least, on average; not asked of two */

typedef struct mdg_input {
    const char *name;
    uint32_t position; /* in the table fitted on: looked at first */
    midge_column_type type;
    float fill; /* stands in for a missing number; NaN: a missing cell is
                   refused */
    float centre, scale;
    uint32_t n_categories; /* features of a text column */
    const char **categories;
} mdg_input;

struct midge_encoder {
    const midge_env *env;
    midge_arena arena;
    midge_problem problem;
    midge_column_type target_type;
    const char *target;
    float centre, scale; /* of a regression target */
    uint32_t n_classes;
    const char **classes;
    float *values; /* of number classes, n_classes; NULL for text */
    uint32_t n_inputs;
    mdg_input *inputs;
    uint32_t n_features; /* made from inputs */
    uint32_t n_dropped;
    const char **dropped;
};

midge_status mdg_encoder_make(const midge_env *env, midge_encoder **out,
                              midge_error *err);
midge_status mdg_encoder_no_memory(midge_error *err);
/* MIDGE_E_INVALID names the first row whose cell is missing. */
midge_status mdg_encoder_refuse(const mdg_input *in, const midge_table *table,
                                size_t column, const uint32_t *rows,
                                size_t n_rows, midge_error *err);

#endif
