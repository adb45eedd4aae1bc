/* image_write.c: an index as the bytes of a new file.
 *
 * The directory holds the checksums of everything behind it and stands at the
 * front, so memory is read twice: once for the checksums, shared among the
 * workers, once to hand it out in order. A writer then never has to go back.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/parallel.h"
#include "index/image.h"

#define SUM_GRAIN   64u                       /* blocks: some 256 KB */
#define CHUNK_BYTES ((size_t)4 * 1024 * 1024) /* between calls of progress */

typedef struct image_writer {
    const midge_index *index;
    const midge_index_writer *out;
    midge_error *err;
    mdg_section_list list;
    uint8_t *directory; /* with the checksums */
    size_t directory_size;
    uint64_t base_length;
    uint64_t written;
    uint32_t header_crc;
    uint64_t sequence; /* of slot A; B is the next */
} image_writer;

/* ---- Places -------------------------------------------------------------- */

static uint64_t align_up(uint64_t at, uint64_t to) {
    return (at + to - 1) / to * to;
}

static int is_large(uint32_t kind) {
    return kind >= MDG_LAZY_FIRST && kind < MDG_LAZY_FIRST + MDG_LAZY_COUNT;
}

static midge_status lay_out(image_writer *w) {
    uint64_t sums = 0;
    for (uint32_t i = 0; i < w->list.count; i++) {
        w->list.sections[i].first_sum = sums;
        sums += mdg_section_blocks(&w->list.sections[i]);
    }
    uint64_t size = (uint64_t)w->list.count * MDG_IMAGE_ENTRY + sums * 4;
    if (size > SIZE_MAX / 2) {
        return MIDGE_E_NOMEM;
    }
    w->directory_size = (size_t)size;
    uint64_t at = MIDGE_INDEX_HEAD_BYTES + size;
    for (uint32_t i = 0; i < w->list.count; i++) {
        mdg_section *s = &w->list.sections[i];
        int page = is_large(s->kind) && s->count > 0;
        s->at = align_up(at, page ? MDG_IMAGE_PAGE : MDG_IMAGE_ALIGN);
        at = s->at + mdg_section_bytes(s);
    }
    w->base_length = align_up(at, MDG_IMAGE_ALIGN);
    w->directory = mdg_alloc_zero(w->index->env, w->directory_size, 1);
    return w->directory ? MIDGE_OK : MIDGE_E_NOMEM;
}

/* ---- Directory and header ------------------------------------------------ */

typedef struct summing {
    const image_writer *w;
    const mdg_section *section;
    uint8_t *out;
} summing;

static void sum_share(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    const summing *s = arg;
    for (size_t b = begin; b < end; b++) {
        size_t size;
        const uint8_t *block = mdg_section_block(s->section, b, &size);
        mdg_store_u32(s->out + 4 * b,
                      MDG_KERNEL(s->w->index->kernels, crc32c)(0, block, size));
    }
}

static void fill_directory(image_writer *w) {
    uint8_t *sums = w->directory + (size_t)w->list.count * MDG_IMAGE_ENTRY;
    for (uint32_t i = 0; i < w->list.count; i++) {
        const mdg_section *s = &w->list.sections[i];
        uint8_t *entry = w->directory + (size_t)i * MDG_IMAGE_ENTRY;
        mdg_store_u32(entry, s->kind);
        mdg_store_u32(entry + 4, s->which);
        mdg_store_u64(entry + 8, s->at);
        mdg_store_u64(entry + 16, s->count);
        mdg_store_u32(entry + 24, s->record_bytes);
        mdg_store_u32(entry + 28, s->shift);
        mdg_store_u64(entry + 32, s->first_sum);
        summing share = {w, s, sums + 4 * (size_t)s->first_sum};
        mdg_parallel_for(w->index->env, (size_t)mdg_section_blocks(s),
                         SUM_GRAIN, sum_share, &share);
    }
}

static void fill_header(image_writer *w, uint8_t header[MDG_IMAGE_PAGE]) {
    const midge_index_options *o = &w->index->options;
    const uint32_t fields[] = {MDG_IMAGE_VERSION,    o->dim,
                               (uint32_t)o->metric,  (uint32_t)o->kind,
                               (uint32_t)o->storage, (uint32_t)o->walk,
                               (uint32_t)o->id_type, o->m,
                               o->ef_construction,   w->list.count};
    memset(header, 0, MDG_IMAGE_PAGE);
    memcpy(header, MDG_IMAGE_MAGIC, 8);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        mdg_store_u32(header + 8 + 4 * i, fields[i]);
    }
    mdg_store_u64(header + 48, o->seed);
    mdg_store_u64(header + 56, w->directory_size);
    mdg_store_u64(header + 64, w->base_length);
    mdg_store_u32(header + 72, MDG_KERNEL(w->index->kernels, crc32c)(
                                   0, w->directory, w->directory_size));
    w->header_crc = mdg_crc32c(0, header, 76);
    mdg_store_u32(header + 76, w->header_crc);
}

/* ---- Handing out --------------------------------------------------------- */

static midge_status hand_out(image_writer *w, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        size_t step = size < CHUNK_BYTES ? size : CHUNK_BYTES;
        if (w->out->progress &&
            w->out->progress(w->out->progress_ctx, (size_t)w->written,
                             (size_t)w->base_length)) {
            return midge_fail(w->err, MIDGE_E_CANCELLED, "cancelled");
        }
        midge_status status = w->out->write_fn(w->out->ctx, at, step);
        if (status != MIDGE_OK) {
            return midge_fail(w->err, status, "the image was not written");
        }
        at += step;
        size -= step;
        w->written += step;
    }
    return MIDGE_OK;
}

/* Few zeros at a time: in a wasm module they are bytes of its file. */
static midge_status pad_to(image_writer *w, uint64_t at) {
    static const uint8_t zeros[256];
    while (w->written < at) {
        const uint64_t left = at - w->written;
        MIDGE_TRY(hand_out(w, zeros,
                           left < sizeof zeros ? (size_t)left : sizeof zeros));
    }
    return MIDGE_OK;
}

static midge_status write_slots(image_writer *w, uint8_t page[MDG_IMAGE_PAGE]) {
    uint64_t even = w->sequence + (w->sequence & 1);
    for (uint64_t i = 0; i < 2; i++) {
        /* The even one stands first, whichever is the newer. */
        uint64_t sequence = i == 0 ? even : w->sequence + 1 - (w->sequence & 1);
        mdg_slot slot = {sequence, w->base_length, w->header_crc, w->header_crc,
                         0};
        memset(page, 0, MDG_IMAGE_PAGE);
        mdg_slot_put(&slot, page);
        MIDGE_TRY(hand_out(w, page, MDG_IMAGE_PAGE));
    }
    return MIDGE_OK;
}

static midge_status write_all(image_writer *w) {
    uint8_t *page = mdg_alloc(w->index->env, MDG_IMAGE_PAGE, 1);
    if (!page) {
        return mdg_no_memory("a page", w->err);
    }
    fill_header(w, page);
    midge_status status = hand_out(w, page, MDG_IMAGE_PAGE);
    if (status == MIDGE_OK) {
        status = write_slots(w, page);
    }
    mdg_release(w->index->env, page, MDG_IMAGE_PAGE, 1);
    MIDGE_TRY(status);
    MIDGE_TRY(hand_out(w, w->directory, w->directory_size));
    for (uint32_t i = 0; i < w->list.count; i++) {
        const mdg_section *s = &w->list.sections[i];
        MIDGE_TRY(pad_to(w, s->at));
        MIDGE_TRY(hand_out(w, s->memory, (size_t)mdg_section_bytes(s)));
    }
    MIDGE_TRY(pad_to(w, w->base_length));
    if (w->out->progress) {
        (void)w->out->progress(w->out->progress_ctx, (size_t)w->written,
                               (size_t)w->base_length);
    }
    return MIDGE_OK;
}

midge_status midge_index_image_write(const midge_index *index,
                                     const midge_index_writer *writer,
                                     midge_index_written *written,
                                     midge_error *err) {
    if (written) {
        *written = (midge_index_written){0, 0, 0};
    }
    if (!index || !writer || !writer->write_fn) {
        return midge_fail(err, MIDGE_E_INVALID, "index or writer missing");
    }
    MIDGE_TRY(mdg_image_need_all(index, err));
    image_writer w = {.index = index, .out = writer, .err = err};
    w.sequence = index->track ? index->track->slot.sequence + 1 : 0;
    midge_status status = mdg_section_list_init(&w.list, index);
    if (status == MIDGE_OK) {
        status = lay_out(&w);
    }
    if (status != MIDGE_OK) {
        status = midge_fail(err, status, "no memory for the directory");
    } else {
        fill_directory(&w);
        status = write_all(&w);
    }
    if (status == MIDGE_OK && written) {
        *written =
            (midge_index_written){w.base_length, w.sequence + 1, w.header_crc};
    }
    mdg_release(index->env, w.directory, w.directory_size, 1);
    mdg_section_list_deinit(&w.list);
    return status;
}
