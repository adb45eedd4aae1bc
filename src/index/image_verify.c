/* image_verify.c: every committed byte of a file, and what the bytes mean.
 *
 * Opening checks the small sections and the frames, and each block that a frame
 * writes over; the blocks that are left are checked here, all of them, so that
 * a report can say how many are damaged.
 */
#include <string.h>

#include "base/parallel.h"
#include "index/image.h"

#define STEP_BLOCKS 4096u /* between calls of progress: some 16 MB */
#define CHECK_GRAIN 64u

typedef struct verifying {
    midge_index *index;
    midge_index_report *report;
    midge_progress_fn progress;
    void *progress_ctx;
    uint64_t done, total; /* bytes of large sections */
    midge_status status;  /* of the first damage */
    midge_error *err;
} verifying;

typedef struct share {
    const midge_index *index;
    const mdg_section *section;
    uint64_t first;
    uint32_t damaged;
    uint32_t first_bad;
} share;

static void check_share(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    share *s = arg;
    for (size_t i = begin; i < end; i++) {
        uint64_t b = s->first + i;
        if (mdg_image_touch(s->index, s->section->kind,
                            (uint32_t)(b << s->section->shift),
                            NULL) != MIDGE_OK) {
            __atomic_fetch_add(&s->damaged, 1, __ATOMIC_RELAXED);
            uint32_t bad = __atomic_load_n(&s->first_bad, __ATOMIC_RELAXED);
            while ((uint32_t)b < bad &&
                   !__atomic_compare_exchange_n(
                       &s->first_bad, &bad, (uint32_t)b, 0, __ATOMIC_RELAXED,
                       __ATOMIC_RELAXED)) {
            }
        }
    }
}

static midge_status tell(verifying *v) {
    if (v->progress &&
        v->progress(v->progress_ctx, (size_t)v->done, (size_t)v->total)) {
        return midge_fail(v->err, MIDGE_E_CANCELLED, "cancelled");
    }
    return MIDGE_OK;
}

static midge_status check_section(verifying *v, const mdg_section *section) {
    const uint64_t blocks = mdg_section_blocks(section);
    for (uint64_t at = 0; at < blocks; at += STEP_BLOCKS) {
        uint64_t left = blocks - at;
        size_t step = (size_t)(left < STEP_BLOCKS ? left : STEP_BLOCKS);
        share s = {v->index, section, at, 0, UINT32_MAX};
        mdg_parallel_for(v->index->env, step, CHECK_GRAIN, check_share, &s);
        if (s.damaged > 0 && v->status == MIDGE_OK) {
            v->status = mdg_image_damaged(section, s.first_bad, v->err);
        }
        v->report->damaged_blocks += s.damaged;
        v->done += mdg_section_bytes(section) * step / blocks;
        MIDGE_TRY(tell(v));
    }
    return MIDGE_OK;
}

static midge_status check_large(verifying *v) {
    const mdg_image *image = v->index->image;
    for (uint32_t i = 0; i < MDG_LAZY_COUNT; i++) {
        v->total += mdg_section_bytes(image->lazy[i]);
    }
    for (uint32_t i = 0; i < MDG_LAZY_COUNT; i++) {
        MIDGE_TRY(check_section(v, image->lazy[i]));
    }
    return v->status;
}

/* ---- What the bytes mean ------------------------------------------------- */

/* By their bits: a loop that compilers turn into wide ones. */
static int finite_floats(const uint8_t *at, size_t count) {
    const uint32_t *x = (const uint32_t *)(const void *)at;
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        bad |= (x[i] & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

static int finite_halves(const uint8_t *at, size_t count) {
    const uint16_t *x = (const uint16_t *)(const void *)at;
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        bad |= (x[i] & 0x7c00u) == 0x7c00u;
    }
    return !bad;
}

static int record_ok(const mdg_vectors *v, uint32_t row) {
    const uint8_t *record = mdg_record(v, row);
    if (!finite_floats(record + v->factors_at,
                       (v->row_bytes - v->factors_at) / sizeof(float))) {
        return 0;
    }
    switch (v->storage) {
    case MIDGE_STORAGE_F32:
        return finite_floats(record, v->dim);
    case MIDGE_STORAGE_F16:
        return finite_halves(record, v->dim);
    case MIDGE_STORAGE_BINARY:
        return v->dim % 8 == 0 || record[v->dim / 8] >> (v->dim % 8) == 0;
    default:
        return 1;
    }
}

typedef struct records {
    const mdg_vectors *vectors;
    uint32_t bad; /* a row, or UINT32_MAX */
} records;

static void records_share(void *arg, size_t begin, size_t end,
                          unsigned worker) {
    (void)worker;
    records *r = arg;
    for (size_t row = begin; row < end; row++) {
        if (!record_ok(r->vectors, (uint32_t)row)) {
            __atomic_store_n(&r->bad, (uint32_t)row, __ATOMIC_RELAXED);
        }
    }
}

static midge_status check_records(const verifying *v, const mdg_vectors *which,
                                  const char *name) {
    records r = {which, UINT32_MAX};
    if (!which->data) {
        return MIDGE_OK;
    }
    mdg_parallel_for(v->index->env, v->index->n_rows, 1024, records_share, &r);
    return r.bad == UINT32_MAX
               ? MIDGE_OK
               : midge_fail(v->err, MIDGE_E_CORRUPT,
                            "%s: row %u has a value that is not finite", name,
                            r.bad);
}

/* Each row that lives is found by its id. */
static midge_status check_ids(const verifying *v) {
    midge_index *index = v->index;
    mdg_ids *ids = &index->ids;
    for (uint32_t row = 0; row < index->n_rows; row++) {
        uint32_t found = row;
        if (mdg_row_dead(index, row)) {
            continue;
        }
        midge_status status =
            ids->type == MIDGE_ID_TEXT
                ? mdg_ids_find_key(ids, index->dead, mdg_ids_key(ids, row),
                                   &found)
                : mdg_ids_find_number(ids, index->dead,
                                      mdg_ids_number(ids, row), &found);
        if (status != MIDGE_OK) {
            return midge_fail(v->err, status, "no memory for ids");
        }
        if (found != row) {
            return midge_fail(v->err, MIDGE_E_CORRUPT,
                              "ids: that of row %u is there twice, or empty",
                              row);
        }
    }
    return MIDGE_OK;
}

static midge_status check_index(verifying *v) {
    const midge_index *index = v->index;
    MIDGE_TRY(check_large(v));
    MIDGE_TRY(check_records(v, &index->rows, "rows"));
    MIDGE_TRY(check_records(v, &index->codes, "codes"));
    return check_ids(v);
}

midge_status
midge_index_image_verify(const midge_env *env, const midge_index_bytes *bytes,
                         midge_progress_fn progress, void *progress_ctx,
                         midge_index_report *report, midge_error *err) {
    midge_index_report local;
    midge_index *index = NULL;
    report = report ? report : &local;
    memset(report, 0, sizeof *report);
    MIDGE_TRY(midge_index_image_open(env, bytes, 0, &index, err));
    verifying v = {.index = index,
                   .report = report,
                   .progress = progress,
                   .progress_ctx = progress_ctx,
                   .err = err};
    const mdg_image *image = index->image;
    report->bytes = index->track->slot.length;
    report->frames = index->track->slot.frames;
    report->slot_damaged = index->track->slot_damaged;
    report->sections = image->n_sections;
    report->rows = index->n_rows;
    for (uint32_t i = 0; i < image->n_sections; i++) {
        report->blocks += mdg_section_blocks(&image->sections[i]);
    }
    midge_status status = check_index(&v);
    midge_index_free(index);
    return status;
}
