/* ops_table.h: the table made from spec/ops, and the functions it names. An
 * operation `a.b` that opens the door "task" runs mdg_op_a_b. */
#ifndef MDG_OPS_TABLE_H
#define MDG_OPS_TABLE_H

#include "midge/ops.h"

extern const midge_op mdg_ops_table[]; /* sorted by name */
extern const size_t mdg_ops_table_size;

/* `args` were checked and are complete; see midge_op_fn. */
#define MDG_OP_FN(name)                                                        \
    midge_status mdg_op_##name(                                                \
        const midge_env *env, const midge_op_host *host,                       \
        const midge_json *args, midge_buf *result, midge_error *err)

MDG_OP_FN(data_load);
MDG_OP_FN(data_split);
MDG_OP_FN(learn_critique);
MDG_OP_FN(learn_ensemble);
MDG_OP_FN(learn_exchange);
MDG_OP_FN(learn_plan);
MDG_OP_FN(learn_report);
MDG_OP_FN(learn_search);
MDG_OP_FN(learn_test);
MDG_OP_FN(model_predict);
MDG_OP_FN(nn_convert);
MDG_OP_FN(nn_eval);
MDG_OP_FN(nn_info);
MDG_OP_FN(nn_predict);
MDG_OP_FN(nn_train);

#endif
