/* auc.c: the area under the ROC as Mann and Whitney's count of pairs: how often
 * a row of the class is rated above one of the rest, ties half. From ranks, in
 * one sort. */
#include "measure/auc.h"

#include "base/alloc.h"
#include "base/sort.h"

/* NaN when all rows are of the class, or none. `keys` (n_rows) is scratch. */
static double auc_of(const mdg_predictions *p, uint32_t c, uint64_t *keys) {
    const size_t n = p->n_rows;
    const uint32_t column = p->n_outputs == 1 ? 0 : c;
    uint64_t inside = 0;
    for (size_t i = 0; i < n; i++) {
        /* + 0: a -0 is as large as a 0. */
        uint64_t key = mdg_key_of_f32(p->p[i * p->n_outputs + column] + 0.0f);
        int is_inside = p->label[i] == (int32_t)c;
        keys[i] = key << 1 | (uint64_t)is_inside;
        inside += (uint64_t)is_inside;
    }
    mdg_sort_u64(keys, n);
    /* Twice the pairs that are won: whole numbers, so exact. */
    uint64_t twice = 0, below = 0;
    for (size_t i = 0, end; i < n; i = end) {
        uint64_t outside_here = 0, inside_here = 0;
        for (end = i; end < n && keys[end] >> 1 == keys[i] >> 1; end++) {
            inside_here += keys[end] & 1;
            outside_here += !(keys[end] & 1);
        }
        twice += inside_here * (2 * below + outside_here);
        below += outside_here;
    }
    return inside == 0 || below == 0
               ? (double)mdg_f32_of_bits(0x7fc00000u)
               : (double)twice / 2.0 / (double)inside / (double)below;
}

midge_status mdg_auc(const midge_env *env, const mdg_predictions *p,
                     double *out) {
    uint64_t *keys = mdg_alloc(env, p->n_rows, sizeof *keys);
    if (!keys && p->n_rows > 0) {
        return MIDGE_E_NOMEM;
    }
    double sum = 0.0, n = 0.0;
    for (uint32_t c = p->n_classes == 2; c < p->n_classes; c++) {
        double auc = auc_of(p, c, keys);
        sum += auc == auc ? auc : 0.0;
        n += auc == auc ? 1.0 : 0.0;
    }
    *out = n > 0.0 ? sum / n : (double)mdg_f32_of_bits(0x7fc00000u);
    mdg_release(env, keys, p->n_rows, sizeof *keys);
    return MIDGE_OK;
}
