/* vectors_power_test.c: the power fails at any moment while an index file is
 * written.
 *
 * The linker wraps the calls that write, and their order is noted. Then, for
 * every moment, the disk is made up as it may be found: what was synced is
 * there; of what was written since, each sector is there or not, and the last
 * one may be torn. Whatever comes out must open, verify, and hold a commit no
 * older than the last one that was acknowledged.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "index_maker.h"
#include "midge/index_file.h"
#include "midge/os.h"
#include "temp_dir.h"

enum { OPS_MAX = 400, SECTOR = 512, COMMITS = 24, DISKS = 12 };

enum op_kind { OP_WRITE, OP_SYNC, OP_ACK, OP_RENAME };

typedef struct op {
    enum op_kind kind;
    uint64_t at;
    size_t size;
    uint8_t *bytes;
    uint64_t rows; /* acknowledged */
} op;

static midge_env env;
static op ops[OPS_MAX];
static size_t n_ops;
static int noting;
static uint64_t seed = 3;

static op *note(enum op_kind kind) {
    static op nowhere;
    assert_true(!noting || n_ops < OPS_MAX);
    op *o = noting ? &ops[n_ops++] : &nowhere;
    *o = (op){.kind = kind};
    return o;
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    if (noting) {
        op *o = note(OP_WRITE);
        o->at = (uint64_t)at;
        o->size = size;
        o->bytes = malloc(size + 1);
        memcpy(o->bytes, bytes, size);
    }
    return __real_pwrite64(fd, bytes, size, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd) {
    (void)note(OP_SYNC);
    return __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    (void)note(OP_SYNC);
    return __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
    (void)note(OP_RENAME);
    return __real_rename(from, to);
}

static void forget_ops(void) {
    for (size_t i = 0; i < n_ops; i++) {
        free(ops[i].bytes);
    }
    n_ops = 0;
}

/* ---- The disk ------------------------------------------------------------ */

typedef struct disk {
    uint8_t *bytes; /* aligned */
    size_t size;
    size_t capacity;
} disk;

static uint32_t draw(uint32_t below) {
    seed = maker_mix(seed);
    return (uint32_t)(seed >> 20) % below;
}

static void put(disk *d, uint64_t at, const uint8_t *bytes, size_t size) {
    assert_true(at + size <= d->capacity);
    memcpy(d->bytes + at, bytes, size);
    d->size = at + size > d->size ? (size_t)at + size : d->size;
}

/* Each sector of a write is there or not; one of them is torn. */
static void put_some(disk *d, const op *o) {
    for (size_t from = 0; from < o->size;) {
        size_t sector = (size_t)((o->at + from) % SECTOR);
        size_t size = SECTOR - sector;
        size = size < o->size - from ? size : o->size - from;
        uint32_t fate = draw(8);
        size_t there = fate < 4 ? 0 : fate < 7 ? size : draw((uint32_t)size);
        if (there > 0) {
            put(d, o->at + from, o->bytes + from, there);
        }
        from += size;
    }
}

/* The disk after the first `n` operations. */
static void make_disk(disk *d, const disk *before, size_t n) {
    size_t synced = 0;
    memset(d->bytes, 0, d->capacity);
    d->size = 0;
    put(d, 0, before->bytes, before->size);
    for (size_t i = 0; i < n; i++) {
        synced = ops[i].kind == OP_SYNC ? i : synced;
    }
    for (size_t i = 0; i < n; i++) {
        if (ops[i].kind == OP_WRITE && i < synced) {
            put(d, ops[i].at, ops[i].bytes, ops[i].size);
        } else if (ops[i].kind == OP_WRITE) {
            put_some(d, &ops[i]);
        }
    }
}

static uint64_t acknowledged(size_t n, uint64_t rows) {
    for (size_t i = 0; i < n; i++) {
        rows = ops[i].kind == OP_ACK ? ops[i].rows : rows;
    }
    return rows;
}

/* Rows are only added, so their number tells the commit. */
static void check_disk(disk *d, uint64_t least, int *healed) {
    const midge_index_bytes bytes = {.data = d->bytes, .size = d->size};
    midge_index *index = NULL;
    midge_index_info info;
    midge_index_image_info image;
    midge_error err = {.text = ""};
    if (midge_index_image_open(&env, &bytes, 0, &index, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    midge_index_info_get(index, &info);
    midge_index_image_info_get(index, &image);
    assert_true(info.count >= least);
    assert_int_equal(info.count % 5, 0);
    for (uint64_t id = 0; id < info.count; id++) {
        assert_int_not_equal(midge_index_find(index, id), MIDGE_INDEX_NO_ROW);
    }
    *healed += image.heal;
    midge_index_free(index);
}

static void add_five(midge_index_file *file, uint64_t first) {
    uint64_t ids[5];
    midge_error err = {.text = ""};
    for (uint64_t i = 0; i < 5; i++) {
        ids[i] = first + i;
    }
    if (maker_put(&env, midge_index_file_index(file), 5, ids, 0, 1, &err) !=
            MIDGE_OK ||
        midge_index_file_commit(file, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    note(OP_ACK)->rows = first + 5;
}

static void read_disk(const char *path, disk *d) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    d->capacity = (size_t)1 << 20;
    d->bytes = aligned_alloc(64, d->capacity);
    d->size = fread(d->bytes, 1, d->capacity, f);
    fclose(f);
}

static void the_power_fails_at_any_moment(void **state) {
    (void)state;
    struct temp_dir dir;
    midge_index_file *file = NULL;
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    disk before;
    disk found;
    int healed = 0;
    o.dim = 8;
    o.kind = MIDGE_INDEX_HNSW;
    o.m = 4;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    assert_int_equal(midge_index_file_create(&env, path, &o, NULL, &file, NULL),
                     MIDGE_OK);
    assert_int_equal(maker_columns(midge_index_file_index(file)), MIDGE_OK);
    add_five(file, 0);
    read_disk(path, &before);
    read_disk(path, &found);
    noting = 1;
    for (uint64_t i = 1; i <= COMMITS; i++) {
        add_five(file, i * 5);
    }
    noting = 0;
    midge_index_file_close(file);
    assert_true(n_ops >= 5 * COMMITS);
    for (size_t n = 0; n <= n_ops; n++) {
        for (int k = 0; k < DISKS; k++) {
            make_disk(&found, &before, n);
            check_disk(&found, acknowledged(n, 5), &healed);
        }
    }
    assert_true(healed > 3); /* torn slots were met */
    forget_ops();
    free(before.bytes);
    free(found.bytes);
    temp_dir_remove(&dir);
}

/* A whole file: durable before it has its name, and its name before that is
 * told. */
static void a_file_has_its_name_when_it_is_durable(void **state) {
    (void)state;
    struct temp_dir dir;
    midge_index_file *file = NULL;
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    size_t named = 0;
    o.dim = 8;
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "a.midx");
    assert_int_equal(midge_index_file_create(&env, path, &o, NULL, &file, NULL),
                     MIDGE_OK);
    assert_int_equal(maker_columns(midge_index_file_index(file)), MIDGE_OK);
    add_five(file, 0);
    noting = 1;
    assert_int_equal(midge_index_file_compact(file, NULL), MIDGE_OK);
    noting = 0;
    midge_index_file_close(file);
    for (size_t i = 0; i < n_ops; i++) {
        named = ops[i].kind == OP_RENAME ? i : named;
        assert_true(ops[i].kind != OP_WRITE || named == 0);
    }
    assert_true(named > 1 && named + 1 < n_ops);
    assert_int_equal(ops[named - 1].kind, OP_SYNC);
    assert_int_equal(ops[named + 1].kind, OP_SYNC);
    forget_ops();
    temp_dir_remove(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_power_fails_at_any_moment),
        cmocka_unit_test(a_file_has_its_name_when_it_is_durable),
    };
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
