/* absent.c: parts that are not there yet, and say so. Each function goes when
 * its own file comes; this file must be empty and gone before the work is done.
 */
#include "index/index_internal.h"

/* ---- packed -------------------------------------------------------------- */
midge_status mdg_packed_build(midge_index *index, midge_error *err) {
    return midge_fail(err, MIDGE_E_UNSUPPORTED, "not built yet");
}
void mdg_packed_row(midge_index *index, uint32_t row) {
}
void mdg_packed_free(midge_index *index) {
}
uint64_t mdg_packed_bytes(const midge_index *index) {
    return 0;
}
size_t mdg_packed_stride(const midge_index *index) {
    return 0;
}
void mdg_packed_renumber(midge_index *index, mdg_mover *mover) {
}
