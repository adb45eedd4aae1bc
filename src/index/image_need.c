/* image_need.c: blocks of a file are checked before they are used.
 *
 * The large sections (rows, codes, links) are not read when an index is
 * opened. A block of them is checked when it is first touched: its checksum,
 * and of links that they lead to rows that are there. A bit then says that it
 * was seen. Several searchers may check the same block at once and come to the
 * same; nothing but the bit is written, so it needs no order.
 */
#include "index/image.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"

#define CHECK_GRAIN 64u /* blocks: some 256 KB */

int mdg_image_block_ok(const mdg_image *image, const mdg_section *section,
                       uint64_t b) {
    size_t size;
    const uint8_t *block = mdg_section_block(section, b, &size);
    const uint8_t *sum = image->sums + 4 * (size_t)(section->first_sum + b);
    return MDG_KERNEL(image->kernels, crc32c)(0, block, size) ==
           mdg_load_u32(sum);
}

midge_status mdg_image_damaged(const mdg_section *section, uint64_t b,
                               midge_error *err) {
    char name[MDG_SECTION_NAME];
    return midge_fail(err, MIDGE_E_CORRUPT, "%s: block %llu is damaged",
                      mdg_section_name(section->kind, section->which, name),
                      (unsigned long long)b);
}

int mdg_check_list(const uint32_t *list, uint32_t max, uint32_t bound) {
    int good = list[0] <= max;
    for (uint32_t i = 1; good && i <= list[0]; i++) {
        good = list[i] < bound;
    }
    return good;
}

/* Do the links in the block lead to rows of the image? */
static int links_ok(const midge_index *index, const mdg_section *section,
                    uint64_t b) {
    const uint32_t bound = index->image->n_links_max;
    int good = 1;
    size_t size;
    const uint8_t *block = mdg_section_block(section, b, &size);
    for (size_t at = 0; good && at < size; at += section->record_bytes) {
        good = mdg_check_list((const uint32_t *)(const void *)(block + at),
                              index->graph.m0, bound);
    }
    return good;
}

static int block_ok(const midge_index *index, const mdg_section *section,
                    uint64_t b) {
    return mdg_image_block_ok(index->image, section, b) &&
           (section->kind != MDG_SECTION_LINKS || links_ok(index, section, b));
}

/* ---- What was seen ------------------------------------------------------- */

static int is_lazy(const mdg_section *section) {
    return section->kind - MDG_LAZY_FIRST < MDG_LAZY_COUNT;
}

static int was_seen(const mdg_image *image, uint32_t lazy, uint64_t b) {
    uint32_t word =
        __atomic_load_n(&image->seen[lazy][b / 32], __ATOMIC_RELAXED);
    return word >> (b % 32) & 1;
}

static void mark_seen(mdg_image *image, uint32_t lazy, uint64_t b) {
    uint32_t bit = (uint32_t)1 << (b % 32);
    uint32_t before =
        __atomic_fetch_or(&image->seen[lazy][b / 32], bit, __ATOMIC_RELAXED);
    if (!(before & bit)) {
        __atomic_fetch_sub(&image->unseen[lazy], 1, __ATOMIC_RELAXED);
    }
}

static midge_status look_at(const midge_index *index, uint32_t lazy, uint64_t b,
                            midge_error *err) {
    const mdg_section *section = index->image->lazy[lazy];
    if (!block_ok(index, section, b)) {
        return mdg_image_damaged(section, b, err);
    }
    mark_seen(index->image, lazy, b);
    return MIDGE_OK;
}

static int all_seen(const mdg_image *image, uint32_t lazy) {
    return __atomic_load_n(&image->unseen[lazy], __ATOMIC_RELAXED) == 0;
}

midge_status mdg_image_touch(const midge_index *index, uint32_t kind,
                             uint32_t record, midge_error *err) {
    const mdg_image *image = index->image;
    const uint32_t lazy = kind - MDG_LAZY_FIRST;
    if (all_seen(image, lazy) || record >= image->lazy[lazy]->count) {
        return MIDGE_OK;
    }
    uint64_t b = record >> image->lazy[lazy]->shift;
    return was_seen(image, lazy, b) ? MIDGE_OK : look_at(index, lazy, b, err);
}

midge_status mdg_image_need_vectors(const midge_index *index,
                                    const mdg_vectors *which, size_t count,
                                    const uint32_t *rows, midge_error *err) {
    const uint32_t kind =
        which == &index->codes ? MDG_SECTION_CODES : MDG_SECTION_ROWS;
    if (all_seen(index->image, kind - MDG_LAZY_FIRST)) {
        return MIDGE_OK;
    }
    for (size_t i = 0; i < count; i++) {
        MIDGE_TRY(
            mdg_image_touch(index, kind, rows ? rows[i] : (uint32_t)i, err));
    }
    return MIDGE_OK;
}

midge_status mdg_image_need_links(const midge_index *index, uint32_t row,
                                  midge_error *err) {
    return mdg_image_touch(index, MDG_SECTION_LINKS, row, err);
}

/* ---- Everything ---------------------------------------------------------- */

typedef struct touching {
    const midge_index *index;
    const mdg_section *section;
    uint64_t blocks;
    uint32_t first_bad; /* block, or UINT32_MAX */
} touching;

static void note_bad(touching *t, uint32_t b) {
    uint32_t first = __atomic_load_n(&t->first_bad, __ATOMIC_RELAXED);
    while (b < first &&
           !__atomic_compare_exchange_n(&t->first_bad, &first, b, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void touch_share(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    touching *t = arg;
    mdg_image *image = t->index->image;
    const uint32_t lazy = t->section->kind - MDG_LAZY_FIRST;
    for (size_t b = begin; b < end; b++) {
        if (!is_lazy(t->section)) {
            if (!mdg_image_block_ok(image, t->section, b)) {
                note_bad(t, (uint32_t)b);
            }
        } else if (!was_seen(image, lazy, b)) {
            if (block_ok(t->index, t->section, b)) {
                mark_seen(image, lazy, b);
            } else {
                note_bad(t, (uint32_t)b);
            }
        }
    }
}

midge_status mdg_image_touch_all(const midge_index *index,
                                 const mdg_section *section, midge_error *err) {
    touching t = {index, section, mdg_section_blocks(section), UINT32_MAX};
    if (is_lazy(section) &&
        all_seen(index->image, section->kind - MDG_LAZY_FIRST)) {
        return MIDGE_OK;
    }
    mdg_parallel_for(index->env, (size_t)t.blocks, CHECK_GRAIN, touch_share,
                     &t);
    return t.first_bad == UINT32_MAX
               ? MIDGE_OK
               : mdg_image_damaged(section, t.first_bad, err);
}

midge_status mdg_image_need_all(const midge_index *index, midge_error *err) {
    for (uint32_t i = 0; index->image && i < MDG_LAZY_COUNT; i++) {
        MIDGE_TRY(mdg_image_touch_all(index, index->image->lazy[i], err));
    }
    return MIDGE_OK;
}

/* ---- The end ------------------------------------------------------------- */

static uint32_t seen_words(const mdg_section *section) {
    return (uint32_t)(mdg_section_blocks(section) / 32 + 1);
}

midge_status mdg_image_watch(mdg_image *image) {
    for (uint32_t i = 0; i < MDG_LAZY_COUNT; i++) {
        const mdg_section *section = image->lazy[i];
        image->unseen[i] = (uint32_t)mdg_section_blocks(section);
        image->seen[i] = mdg_alloc_zero(image->env, seen_words(section),
                                        sizeof *image->seen[i]);
        if (!image->seen[i]) {
            return MIDGE_E_NOMEM;
        }
    }
    return MIDGE_OK;
}

void mdg_image_free(mdg_image *image) {
    for (uint32_t i = 0; i < MDG_LAZY_COUNT; i++) {
        if (image->rooms[i].memory) {
            image->bytes.unmap_fn(image->bytes.ctx, image->rooms[i].memory,
                                  image->rooms[i].bytes);
        }
        if (image->seen[i]) {
            mdg_release(image->env, image->seen[i], seen_words(image->lazy[i]),
                        sizeof *image->seen[i]);
        }
    }
    mdg_release(image->env, image->sections, image->n_sections,
                sizeof *image->sections);
    mdg_release(image->env, image, 1, sizeof *image);
}

void mdg_image_drop(midge_index *index) {
    mdg_track_free(index);
    if (index->image) {
        mdg_image_free(index->image);
        index->image = NULL;
    }
}
