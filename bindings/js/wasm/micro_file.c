/* micro_file.c: the file of an index (spec/formats/index.md), written from a
 * micro and read into one.
 *
 * The directory of a file follows from what is in it. So a reader makes the one
 * that it would write itself, and compares: what then is there can be copied.
 */
#include <string.h>

#include "entry.h"
#include "micro.h"

#define HEAD_BYTES  12288u
#define PAGE_BYTES  4096u
#define PARTS_MAX   (10 + 3 * MICRO_LEVELS)
#define VERSION     1u
#define KIND_STATE  1u
#define KIND_LEVELS 10u

/* As they lie in the file; wasm is little-endian, and nothing is padded. */
typedef struct header {
    char magic[8];
    uint32_t version, dim, metric, kind, storage, walk, id_type, m;
    uint32_t ef_construction, parts;
    uint64_t seed, directory_bytes, base_bytes;
    uint32_t directory_crc, crc;
} header;

typedef struct slot {
    uint64_t sequence, length;
    uint32_t header_crc, chain, frames;
    uint32_t zero[8];
    uint32_t crc;
} slot;

typedef struct entry {
    uint32_t kind, which;
    uint64_t at, count;
    uint32_t record, shift;
    uint64_t first_sum, zero;
} entry;

typedef struct state {
    uint32_t n_rows, n_dead, has_graph, n_levels, entry, ef;
    uint64_t next_id;
    uint32_t zero;
    uint32_t n_dropped, n_columns;
    uint32_t zeros[5];
} state;

_Static_assert(sizeof(header) == 80 && sizeof(slot) == 64 &&
                   sizeof(entry) == 48 && sizeof(state) == 64,
               "as in the file");

/* A file before it is written, or while it is compared. */
typedef struct plan {
    uint32_t count;
    uint32_t sums;
    uint64_t bytes;
    state state;
    entry entries[PARTS_MAX];
    void *memory[PARTS_MAX];
} plan;

/* ---- Checksums ----------------------------------------------------------- */

/* CRC-32C with a table that is made when it is first needed: the one of the
 * core would be a fourth of a kilobyte more. */
static uint32_t crc32c(uint32_t crc, const void *bytes, size_t size) {
    static uint32_t table[256];
    const uint8_t *at = bytes;
    for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
        uint32_t x = i;
        for (int bit = 0; bit < 8; bit++) {
            x = x >> 1 ^ (0x82f63b78u & (0u - (x & 1)));
        }
        table[i] = x;
    }
    crc = ~crc;
    for (; size > 0; size--) {
        crc = crc >> 8 ^ table[(crc ^ *at++) & 0xff];
    }
    return ~crc;
}

/* ---- What is in it ------------------------------------------------------- */

static void put(plan *p, uint32_t kind, uint32_t which, void *memory,
                uint64_t count, uint32_t record) {
    entry *e = &p->entries[p->count];
    p->memory[p->count++] = memory;
    *e = (entry){kind, which, 0, memory ? count : 0, record, 0, p->sums, 0};
    while (record << (e->shift + 1) <= PAGE_BYTES) {
        e->shift++;
    }
    p->sums += (uint32_t)((e->count + (1u << e->shift) - 1) >> e->shift);
}

static void lay_out(plan *p) {
    uint64_t at = HEAD_BYTES + p->count * sizeof(entry) + 4 * (uint64_t)p->sums;
    for (uint32_t i = 0; i < p->count; i++) {
        entry *e = &p->entries[i];
        const uint64_t to =
            e->kind >= 2 && e->kind <= 4 && e->count ? 4096 : 64;
        e->at = (at + to - 1) & ~(to - 1);
        at = e->at + e->count * e->record;
    }
    p->bytes = (at + 63) & ~(uint64_t)63;
}

/* `ids` NULL: row i has id i. */
static void make_plan(micro *o, plan *p, uint64_t *ids) {
    const uint32_t graph = o->entry != MDG_NO_NODE;
    const uint32_t code = ((o->dim + 3) & ~3u) + 8;
    const uint32_t n = o->n;
    memset(p, 0, sizeof *p);
    p->state = (state){.n_rows = n,
                       .n_dead = o->n_dead,
                       .has_graph = graph,
                       .n_levels = o->n_levels,
                       .entry = o->entry,
                       .ef = o->ef,
                       .next_id = o->next_id};
    put(p, KIND_STATE, 0, &p->state, 1, sizeof(state));
    put(p, 2, 0, o->rows, n, o->stride * 4);
    put(p, 3, 0, NULL, 0, code);
    put(p, 4, 0, graph ? o->links : NULL, n, 4 * (1 + 2 * o->m));
    put(p, 5, 0, o->dead, (n + 7) / 8, 1);
    put(p, 6, 0, ids, n, 8);
    put(p, 7, 0, NULL, 0, 8);
    put(p, 8, 0, NULL, 0, 4);
    put(p, 9, 0, NULL, 0, 1);
    for (uint32_t i = 0; i < o->n_levels; i++) {
        micro_level *l = &o->upper[i];
        put(p, KIND_LEVELS, i, l->row, l->count, 4);
        put(p, KIND_LEVELS + 1, i, l->down, l->count, 4);
        put(p, KIND_LEVELS + 2, i, l->links, l->count, 4 * (1 + o->m));
    }
    put(p, 13, 0, NULL, 0, 80);
    lay_out(p);
}

/* ---- Writing ------------------------------------------------------------- */

/* Copies a part into the file or, with `sums` only, says whether the file's
 * checksums of it are right. */
static int sum_part(const entry *e, const uint8_t *file, uint32_t *sums,
                    int check) {
    const uint32_t step = e->record << e->shift;
    const uint8_t *at = file + e->at;
    uint32_t left = (uint32_t)e->count * e->record;
    for (uint32_t *sum = sums + e->first_sum; left > 0; sum++) {
        const uint32_t size = left < step ? left : step;
        const uint32_t crc = crc32c(0, at, size);
        if (check && crc != *sum) {
            return 0;
        }
        *sum = crc;
        at += size;
        left -= size;
    }
    return 1;
}

static void write_head(const micro *o, const plan *p, uint8_t *file) {
    const uint32_t bytes = p->count * sizeof(entry) + 4 * p->sums;
    header h = {"MIDGEVEC",
                VERSION,
                o->dim,
                o->metric,
                o->kind,
                MIDGE_STORAGE_F32,
                MIDGE_WALK_ROWS,
                MIDGE_ID_U64,
                o->m,
                o->ef_construction,
                p->count,
                o->seed,
                bytes,
                p->bytes,
                crc32c(0, file + HEAD_BYTES, bytes),
                0};
    h.crc = crc32c(0, &h, sizeof h - 4);
    memcpy(file, &h, sizeof h);
    for (uint32_t i = 0; i < 2; i++) {
        slot s = {i, p->bytes, h.crc, h.crc, 0, {0}, 0};
        s.crc = crc32c(0, &s, sizeof s - 4);
        memcpy(file + (1 + i) * PAGE_BYTES, &s, sizeof s);
    }
}

uint8_t *micro_write(micro *o, size_t *size) {
    plan p;
    make_plan(o, &p, o->ids);
    uint8_t *file =
        p.bytes < SIZE_MAX / 2 ? entry_alloc((size_t)p.bytes) : NULL;
    if (!file) {
        return NULL;
    }
    *size = (size_t)p.bytes;
    memset(file, 0, *size);
    memcpy(file + HEAD_BYTES, p.entries, p.count * sizeof(entry));
    uint32_t *sums =
        (uint32_t *)(void *)(file + HEAD_BYTES + p.count * sizeof(entry));
    for (uint32_t i = 0; i < p.count; i++) {
        const entry *e = &p.entries[i];
        if (e->count > 0) {
            memcpy(file + e->at, p.memory[i], (size_t)(e->count * e->record));
        }
        (void)sum_part(e, file, sums, 0);
    }
    write_head(o, &p, file);
    return file;
}

/* ---- Reading ------------------------------------------------------------- */

static midge_status damaged(const char *what) {
    return micro_fail(MIDGE_E_CORRUPT, what);
}

static midge_status foreign(void) {
    return micro_fail(MIDGE_E_UNSUPPORTED, "the file needs the whole module");
}

/* The newer slot; NULL when both are damaged. */
static const slot *choose_slot(const uint8_t *file, const header *h) {
    const slot *best = NULL;
    for (uint32_t i = 1; i <= 2; i++) {
        const slot *s = (const slot *)(const void *)(file + i * PAGE_BYTES);
        if (s->crc == crc32c(0, s, sizeof *s - 4) && s->header_crc == h->crc &&
            (!best || s->sequence > best->sequence)) {
            best = s;
        }
    }
    return best;
}

static midge_status check_head(const uint8_t *file, size_t size,
                               const header *h) {
    if (size < HEAD_BYTES || memcmp(h->magic, "MIDGEVEC", 8) != 0) {
        return micro_fail(MIDGE_E_PARSE, "this is no index file");
    }
    if (h->version != VERSION) {
        return micro_fail(MIDGE_E_VERSION, "unknown version");
    }
    const slot *s = choose_slot(file, h);
    if (h->crc != crc32c(0, h, sizeof *h - 4) || !s) {
        return damaged("header: it is damaged");
    }
    if (h->metric > MIDGE_METRIC_IP || h->storage | h->id_type ||
        h->walk > MIDGE_WALK_ROWS || h->parts > PARTS_MAX || s->frames > 0) {
        return foreign();
    }
    if (h->base_bytes > size || h->directory_bytes > size - HEAD_BYTES ||
        h->directory_crc !=
            crc32c(0, file + HEAD_BYTES, (size_t)h->directory_bytes)) {
        return damaged("directory: it is damaged");
    }
    return MIDGE_OK;
}

static int lists_fit(const uint32_t *links, uint32_t count, uint32_t most) {
    for (uint32_t i = 0; i < count; i++, links += 1 + most) {
        int good = links[0] <= most;
        for (uint32_t j = 1; good && j <= links[0]; j++) {
            good = links[j] < count;
        }
        if (!good) {
            return 0;
        }
    }
    return 1;
}

/* Every number lies within what it points into. */
static int numbers_fit(const micro *o, int graph) {
    uint32_t below = o->n;
    for (uint32_t i = 0; i < o->n_levels; i++) {
        const micro_level *l = &o->upper[i];
        for (uint32_t j = 0; j < l->count; j++) {
            if (l->row[j] >= o->n || l->down[j] >= below) {
                return 0;
            }
        }
        if (!lists_fit(l->links, l->count, o->m)) {
            return 0;
        }
        below = l->count;
    }
    return !graph || (o->entry < below && lists_fit(o->links, o->n, 2 * o->m));
}

/* Room for everything that the directory names. */
static midge_status make_room(micro *o, const header *h, const entry *e,
                              const state *s) {
    o->n_dead = s->n_dead;
    o->n_levels = s->n_levels;
    o->entry = s->has_graph ? s->entry : MDG_NO_NODE;
    o->ef = s->ef;
    o->next_id = s->next_id;
    if (s->n_columns > 0 || o->n_levels > MICRO_LEVELS ||
        h->parts != 10 + 3 * o->n_levels) {
        return foreign();
    }
    int good = micro_reserve(o, s->n_rows);
    o->n = s->n_rows;
    for (uint32_t i = 0; good && i < o->n_levels; i++) {
        const uint64_t count = e[9 + 3 * i].count;
        good = count < o->n &&
               micro_reserve_level(o, &o->upper[i], (uint32_t)count + 1);
        o->upper[i].count = (uint32_t)count;
    }
    return good ? MIDGE_OK : micro_fail(MIDGE_E_NOMEM, "no memory for rows");
}

/* Copies what lies in the file, and checks it. */
static midge_status take_parts(micro *o, const uint8_t *file, const header *h) {
    const entry *e = (const entry *)(const void *)(file + HEAD_BYTES);
    uint32_t *sums = (uint32_t *)(uintptr_t)(e + h->parts);
    plan p;
    make_plan(o, &p, e[5].count ? o->ids : NULL);
    p.state = *(const state *)(const void *)(file + e[0].at);
    if (p.bytes != h->base_bytes ||
        memcmp(p.entries, e, h->parts * sizeof *e) != 0) {
        return damaged("directory: it is damaged");
    }
    for (uint32_t i = 0; i < p.count; i++) {
        if (!sum_part(&e[i], file, sums, 1)) {
            return damaged("a section: it is damaged");
        }
        if (i > 0 && e[i].count > 0) {
            memcpy(p.memory[i], file + e[i].at,
                   (size_t)(e[i].count * e[i].record));
        }
    }
    for (uint32_t i = 0; i < o->n; i++) {
        o->ids[i] = e[5].count ? o->ids[i] : i;
        if (!micro_dead(o, i)) {
            micro_remember(o, i);
        }
    }
    return numbers_fit(o, o->entry != MDG_NO_NODE)
               ? MIDGE_OK
               : damaged("links: it is damaged");
}

midge_status micro_read(micro *o, const uint8_t *file, size_t size) {
    const header *h = (const header *)(const void *)file;
    const entry *e = (const entry *)(const void *)(file + HEAD_BYTES);
    MIDGE_TRY(check_head(file, size, h));
    o->dim = h->dim;
    o->metric = h->metric;
    o->kind = h->kind;
    o->m = h->m;
    o->ef_construction = h->ef_construction;
    o->seed = h->seed;
    o->stride = o->dim + (o->metric == MIDGE_METRIC_COSINE);
    if (h->parts < 10 || e[0].at > size - sizeof(state)) {
        return damaged("directory: it is damaged");
    }
    MIDGE_TRY(
        make_room(o, h, e, (const state *)(const void *)(file + e[0].at)));
    return take_parts(o, file, h);
}
