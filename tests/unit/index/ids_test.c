/* ids_test.c: ids against a naive list of which row has which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/ids.h"
#include "test_env.h"

enum { ROWS_MAX = 600, SPAN = 400, STEPS = 40000 };

/* What must be so: row i lives and has the id number_of[i]. */
struct model {
    struct test_env t;
    mdg_ids ids;
    uint8_t dead[(ROWS_MAX + 7) / 8];
    uint64_t number_of[ROWS_MAX];
    uint32_t n_rows;
    mdg_rng rng;
    char key[64];
};

static int is_dead(const struct model *m, uint32_t row) {
    return m->dead[row / 8] >> row % 8 & 1;
}

/* Keys of different lengths, many with the same beginning. */
static midge_text key_of(struct model *m, uint64_t number) {
    int size =
        snprintf(m->key, sizeof m->key, "%.*skey %llu", (int)(number % 23),
                 "a long and shared begin", (unsigned long long)number);
    return (midge_text){m->key, (size_t)size};
}

static uint32_t find(struct model *m, uint64_t number) {
    uint32_t row;
    midge_status status =
        m->ids.type == MIDGE_ID_TEXT
            ? mdg_ids_find_key(&m->ids, m->dead, key_of(m, number), &row)
            : mdg_ids_find_number(&m->ids, m->dead, number, &row);
    assert_int_equal(status, MIDGE_OK);
    return row;
}

static uint32_t naive_find(const struct model *m, uint64_t number) {
    for (uint32_t row = 0; row < m->n_rows; row++) {
        if (!is_dead(m, row) && m->number_of[row] == number) {
            return row;
        }
    }
    return MIDGE_INDEX_NO_ROW;
}

static void put(struct model *m, uint32_t row, uint64_t number,
                int with_table) {
    midge_text key = key_of(m, number);
    uint32_t capacity = m->n_rows + 1 > ROWS_MAX ? ROWS_MAX : m->n_rows + 1;
    assert_int_equal(mdg_ids_reserve(&m->ids, capacity, key.size, with_table),
                     MIDGE_OK);
    if (m->ids.type == MIDGE_ID_TEXT) {
        mdg_ids_set_key(&m->ids, row, key);
    } else {
        mdg_ids_set_number(&m->ids, row, number);
    }
    m->number_of[row] = number;
    m->dead[row / 8] = (uint8_t)(m->dead[row / 8] & ~(1u << row % 8));
    m->n_rows = row >= m->n_rows ? row + 1 : m->n_rows;
}

static void drop(struct model *m, uint32_t row) {
    mdg_ids_drop(&m->ids, row);
    m->dead[row / 8] = (uint8_t)(m->dead[row / 8] | 1u << row % 8);
}

static void init(struct model *m, midge_id_type type) {
    memset(m, 0, sizeof *m);
    test_env_init(&m->t);
    mdg_rng_seed(&m->rng, 7 + (uint64_t)type);
    mdg_ids_init(&m->ids, &m->t.env, type, 99);
}

static void deinit(struct model *m) {
    mdg_ids_deinit(&m->ids);
    assert_int_equal(m->t.held_bytes, 0);
}

static void check_all(struct model *m) {
    for (uint64_t number = 0; number < SPAN; number++) {
        assert_int_equal(find(m, number), naive_find(m, number));
    }
    for (uint32_t row = 0; row < m->n_rows; row++) {
        if (is_dead(m, row)) {
            continue;
        }
        if (m->ids.type == MIDGE_ID_TEXT) {
            midge_text want = key_of(m, m->number_of[row]);
            midge_text got = mdg_ids_key(&m->ids, row);
            assert_int_equal(got.size, want.size);
            assert_memory_equal(got.data, want.data, want.size);
        } else {
            assert_true(mdg_ids_number(&m->ids, row) == m->number_of[row]);
        }
    }
}

/* Every row a new number at random, dead ones away. */
static void renumber(struct model *m) {
    uint32_t order[ROWS_MAX], new_of[ROWS_MAX];
    uint64_t numbers[ROWS_MAX];
    uint32_t left = 0;
    for (uint32_t row = 0; row < m->n_rows; row++) {
        new_of[row] = UINT32_MAX;
        if (!is_dead(m, row)) {
            order[left++] = row;
        }
    }
    mdg_rng_shuffle(&m->rng, order, left);
    for (uint32_t i = 0; i < left; i++) {
        new_of[order[i]] = i;
        numbers[i] = m->number_of[order[i]];
    }
    mdg_mover mover;
    assert_int_equal(mdg_ids_movable(&m->ids, m->n_rows), MIDGE_OK);
    assert_int_equal(mdg_mover_init(&mover, &m->t.env, new_of, m->n_rows, 8),
                     MIDGE_OK);
    mdg_ids_renumber(&m->ids, &mover, left);
    mdg_mover_deinit(&mover);
    memcpy(m->number_of, numbers, left * sizeof *numbers);
    memset(m->dead, 0, sizeof m->dead);
    m->n_rows = left;
}

/* A dead row, or a new one; ROWS_MAX when all places are taken. */
static uint32_t free_row(struct model *m) {
    uint32_t start = mdg_rng_below(&m->rng, ROWS_MAX);
    for (uint32_t i = 0; m->n_rows > 0 && i < m->n_rows; i++) {
        uint32_t row = (start + i) % m->n_rows;
        if (is_dead(m, row)) {
            return row;
        }
    }
    return m->n_rows;
}

static void stress(midge_id_type type) {
    struct model m;
    init(&m, type);
    for (int step = 0; step < STEPS; step++) {
        uint64_t number = mdg_rng_below(&m.rng, SPAN);
        uint32_t row = find(&m, number);
        assert_int_equal(row, naive_find(&m, number));
        uint32_t what = mdg_rng_below(&m.rng, 1000);
        if (what == 0) {
            renumber(&m);
        } else if (row != MIDGE_INDEX_NO_ROW) {
            drop(&m, row);
        } else if (free_row(&m) < ROWS_MAX) {
            /* numbers out of order come with the table */
            put(&m, free_row(&m), number, type == MIDGE_ID_U64 || (what & 1));
        }
        if (step % 5000 == 0) {
            check_all(&m);
        }
    }
    check_all(&m);
    deinit(&m);
}

static void numbers_are_as_a_naive_list(void **state) {
    (void)state;
    stress(MIDGE_ID_U64);
}

static void keys_are_as_a_naive_list(void **state) {
    (void)state;
    stress(MIDGE_ID_TEXT);
}

static void given_numbers_take_no_memory(void **state) {
    (void)state;
    struct model m;
    init(&m, MIDGE_ID_U64);
    for (uint32_t row = 0; row < 300; row++) {
        assert_true(m.ids.next == row);
        put(&m, row, m.ids.next, 0);
    }
    drop(&m, 17);
    check_all(&m);
    assert_int_equal(m.t.calls, 0);
    put(&m, 17, m.ids.next, 0); /* a free place, the next number */
    check_all(&m);
    assert_int_equal(find(&m, 300), 17);
    deinit(&m);
}

static void every_number_is_an_id(void **state) {
    (void)state;
    static const uint64_t ids[] = {0, UINT64_MAX, UINT64_MAX - 1, 1,
                                   (uint64_t)1 << 63};
    struct model m;
    init(&m, MIDGE_ID_U64);
    for (uint32_t row = 0; row < 5; row++) {
        assert_int_equal(find(&m, ids[row]), MIDGE_INDEX_NO_ROW);
        put(&m, row, ids[row], 1);
    }
    for (uint32_t row = 0; row < 5; row++) {
        assert_int_equal(find(&m, ids[row]), row);
    }
    assert_true(m.ids.next == UINT64_MAX);
    deinit(&m);
}

/* Rows that were left out are not found, whatever number they would have. */
static void gaps_have_no_id(void **state) {
    (void)state;
    for (int type = 0; type < 2; type++) {
        struct model m;
        init(&m, (midge_id_type)type);
        put(&m, 0, 5, 1);
        assert_int_equal(mdg_ids_reserve(&m.ids, 50, 64, 1), MIDGE_OK);
        for (uint32_t row = 1; row < 40; row++) {
            m.number_of[row] = 1000;
            m.dead[row / 8] = (uint8_t)(m.dead[row / 8] | 1u << row % 8);
        }
        m.n_rows = 40;
        put(&m, 40, 7, 1);
        check_all(&m);
        put(&m, 7, 9, 1);
        check_all(&m);
        renumber(&m);
        check_all(&m);
        deinit(&m);
    }
}

/* The same keys dropped and set for ever, and always new ones. */
static void churn_is_bounded(void **state) {
    (void)state;
    for (int fresh = 0; fresh < 2; fresh++) {
        struct model m;
        init(&m, MIDGE_ID_TEXT);
        size_t after = 0;
        for (uint32_t row = 0; row < 100; row++) {
            put(&m, row, row, 1);
        }
        for (uint64_t i = 0; i < 100000; i++) {
            uint32_t row = (uint32_t)(i % 100);
            drop(&m, row);
            put(&m, row, fresh ? 100 + i : row, 1);
            after = i == 1000 ? m.t.held_bytes : after;
        }
        assert_true(m.t.held_bytes <= 2 * after);
        assert_int_equal(find(&m, m.number_of[42]), 42);
        deinit(&m);
    }
}

/* Arrays that lie in a file: read in place, copied before they change. */
static void borrowed_arrays_are_left_alone(void **state) {
    (void)state;
    static const uint64_t at[] = {0, 3, 8};
    static const uint32_t sizes[] = {3, 5, 2};
    static const char texts[] = "onethreeab";
    static const uint64_t numbers[] = {30, 10, 20};
    struct model m;
    init(&m, MIDGE_ID_TEXT);
    m.ids.n_rows = m.n_rows = 3;
    m.ids.text_at = (uint64_t *)(uintptr_t)at;
    m.ids.text_size = (uint32_t *)(uintptr_t)sizes;
    m.ids.texts = (char *)(uintptr_t)texts;
    m.ids.texts_size = 10;
    uint32_t row;
    midge_text three = {"three", 5};
    assert_int_equal(mdg_ids_find_key(&m.ids, m.dead, three, &row), MIDGE_OK);
    assert_int_equal(row, 1);
    drop(&m, 1);
    assert_int_equal(mdg_ids_find_key(&m.ids, m.dead, three, &row), MIDGE_OK);
    assert_int_equal(row, MIDGE_INDEX_NO_ROW);
    put(&m, 1, 77, 1);
    assert_int_equal(find(&m, 77), 1);
    assert_int_equal(mdg_ids_key(&m.ids, 2).data[1], 'b');
    deinit(&m);

    init(&m, MIDGE_ID_U64);
    m.ids.n_rows = m.n_rows = 3;
    m.ids.next = 31;
    m.ids.numbers = (uint64_t *)(uintptr_t)numbers;
    assert_int_equal(find(&m, 20), 2);
    drop(&m, 2);
    put(&m, 3, 20, 0);
    assert_int_equal(find(&m, 20), 3);
    assert_int_equal(find(&m, 30), 0);
    deinit(&m);
}

static midge_status fill(mdg_ids *ids, struct model *m) {
    static const uint32_t new_of[] = {3, UINT32_MAX, 0, 1, 2};
    for (uint32_t row = 0; row < 5; row++) {
        midge_text key = key_of(m, row);
        uint32_t found;
        MIDGE_TRY(mdg_ids_reserve(ids, row + 1, key.size, row > 2));
        if (ids->type == MIDGE_ID_TEXT) {
            mdg_ids_set_key(ids, row, key);
        } else {
            mdg_ids_set_number(ids, row, row);
        }
        MIDGE_TRY(ids->type == MIDGE_ID_TEXT
                      ? mdg_ids_find_key(ids, NULL, key, &found)
                      : mdg_ids_find_number(ids, NULL, row, &found));
        assert_int_equal(found, row);
    }
    mdg_mover mover;
    MIDGE_TRY(mdg_ids_movable(ids, 5));
    MIDGE_TRY(mdg_mover_init(&mover, ids->env, new_of, 5, 8));
    mdg_ids_renumber(ids, &mover, 4);
    mdg_mover_deinit(&mover);
    return MIDGE_OK;
}

static void lack_of_memory_is_told(void **state) {
    (void)state;
    for (int type = 0; type < 2; type++) {
        int ran_through = 0;
        for (long n = 1; !ran_through; n++) {
            struct model m;
            init(&m, (midge_id_type)type);
            m.t.fail_at = n;
            midge_status status = fill(&m.ids, &m);
            ran_through = m.t.calls < n;
            assert_true(status == MIDGE_E_NOMEM || status == MIDGE_OK);
            assert_true(!ran_through || status == MIDGE_OK);
            deinit(&m);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_a_naive_list),
        cmocka_unit_test(keys_are_as_a_naive_list),
        cmocka_unit_test(given_numbers_take_no_memory),
        cmocka_unit_test(every_number_is_an_id),
        cmocka_unit_test(gaps_have_no_id),
        cmocka_unit_test(churn_is_bounded),
        cmocka_unit_test(borrowed_arrays_are_left_alone),
        cmocka_unit_test(lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
