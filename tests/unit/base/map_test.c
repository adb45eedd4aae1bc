/* map_test.c: long random histories against a plain array, with a hash that
 * spreads and with keys that all want the same place; sweeps and growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/rng.h"
#include "test_env.h"

#define KEYS 96u

/* The model: value of key i, 0 when absent. */
typedef struct history {
    struct test_env t;
    mdg_map map;
    char keys[KEYS][24];
    uint32_t values[KEYS];
    uint32_t count;
} history;

static uint32_t size_of(const history *h, uint32_t i) {
    return (uint32_t)strlen(h->keys[i]);
}

static void check_all(const history *h) {
    assert_int_equal(h->map.count, h->count);
    assert_true(h->map.capacity == 0 || h->map.count < h->map.capacity);
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_int_equal(mdg_map_get(&h->map, h->keys[i], size_of(h, i)),
                         h->values[i]);
    }
}

static void step(history *h, mdg_rng *rng) {
    uint32_t i = mdg_rng_below(rng, KEYS);
    char copy[24]; /* looked up by content, not by pointer */
    memcpy(copy, h->keys[i], sizeof copy);
    if (mdg_rng_below(rng, 100) < 45) {
        assert_int_equal(mdg_map_remove(&h->map, copy, size_of(h, i)),
                         h->values[i] != 0);
        h->count -= h->values[i] != 0;
        h->values[i] = 0;
    } else {
        uint32_t value = 1 + mdg_rng_below(rng, UINT32_MAX);
        assert_int_equal(mdg_map_put(&h->map, h->keys[i], size_of(h, i), value),
                         MIDGE_OK);
        h->count += h->values[i] == 0;
        h->values[i] = value;
    }
}

static void play(history *h, uint64_t seed, int steps) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (int i = 0; i < steps; i++) {
        step(h, &rng);
        check_all(h);
    }
    mdg_map_deinit(&h->map);
    mdg_map_deinit(&h->map);
    assert_int_equal(h->t.held_bytes, 0);
}

static void begin(history *h, uint64_t seed) {
    memset(h, 0, sizeof *h);
    test_env_init(&h->t);
    mdg_map_init(&h->map, &h->t.env, seed);
}

static void agrees_with_the_model(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        history h;
        begin(&h, seed);
        /* keys[0] stays the empty key */
        for (uint32_t i = 1; i < KEYS; i++) {
            snprintf(h.keys[i], sizeof h.keys[i], "key/%u", i * i);
        }
        play(&h, seed, 3000);
    }
}

/* Where a key would like to be, found by asking a map that is empty. */
static uint32_t home_of(history *h, const char *key) {
    mdg_map probe;
    uint32_t home = UINT32_MAX;
    mdg_map_init(&probe, &h->t.env, h->map.seed);
    assert_int_equal(mdg_map_reserve(&probe, 180), MIDGE_OK);
    assert_int_equal(mdg_map_put(&probe, key, (uint32_t)strlen(key), 1),
                     MIDGE_OK);
    for (uint32_t i = 0; i < probe.capacity; i++) {
        home = probe.entries[i].value ? i : home;
    }
    mdg_map_deinit(&probe);
    return home;
}

/* Keys of the last two and the first places: long runs that wrap around, and
 * removal has to move others back across the end of the table. */
static void survives_keys_of_one_place(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        history h;
        begin(&h, seed);
        uint32_t found = 0;
        for (uint32_t i = 0; found < KEYS; i++) {
            char key[24];
            snprintf(key, sizeof key, "%u", i);
            uint32_t home = home_of(&h, key);
            if (home >= 254 || home < 1) {
                memcpy(h.keys[found++], key, sizeof key);
            }
        }
        assert_int_equal(mdg_map_reserve(&h.map, 180), MIDGE_OK);
        assert_int_equal(h.map.capacity, 256);
        play(&h, seed, 4000);
    }
}

static void reserved_puts_cannot_fail(void **state) {
    static char keys[1000][8];
    (void)state;
    for (uint32_t n = 1; n <= 1000; n += 7) {
        struct test_env t;
        mdg_map map;
        test_env_init(&t);
        mdg_map_init(&map, &t.env, n);
        assert_int_equal(mdg_map_reserve(&map, n), MIDGE_OK);
        t.fail_at = t.calls + 1;
        for (uint32_t i = 0; i < n; i++) {
            snprintf(keys[i], sizeof keys[i], "%u", i);
            uint32_t size = (uint32_t)strlen(keys[i]);
            assert_int_equal(mdg_map_put(&map, keys[i], size, i + 1), MIDGE_OK);
        }
        assert_true(map.count * 4 <= map.capacity * 3);
        assert_int_equal(mdg_map_put(&map, "0", 1, 9), MIDGE_OK);
        mdg_map_deinit(&map);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* A full map that may not grow still replaces, and is unharmed by a put that
 * fails. */
static void replaces_without_memory(void **state) {
    static const char keys[] = "abcdefghijklmnop";
    struct test_env t;
    mdg_map map;
    uint32_t held = 0;
    (void)state;
    test_env_init(&t);
    mdg_map_init(&map, &t.env, 5);
    assert_int_equal(mdg_map_put(&map, keys, 1, 1), MIDGE_OK);
    t.fail_at = t.calls + 1;
    for (held = 1; mdg_map_put(&map, keys + held, 1, held + 1) == MIDGE_OK;) {
        held++;
        assert_true(held < sizeof keys - 1);
    }
    t.fail_at = t.calls + 1;
    for (uint32_t i = 0; i < held; i++) {
        assert_int_equal(mdg_map_get(&map, keys + i, 1), i + 1);
        assert_int_equal(mdg_map_put(&map, keys + i, 1, 100 + i), MIDGE_OK);
        assert_int_equal(mdg_map_get(&map, keys + i, 1), 100 + i);
    }
    assert_int_equal(mdg_map_get(&map, keys + held, 1), 0);
    mdg_map_deinit(&map);
    assert_int_equal(t.held_bytes, 0);
}

static void refuses_what_is_too_large(void **state) {
    struct test_env t;
    mdg_map map;
    (void)state;
    test_env_init(&t);
    mdg_map_init(&map, &t.env, 0);
    assert_int_equal(mdg_map_get(&map, "a", 1), 0);
    assert_int_equal(mdg_map_remove(&map, "a", 1), 0);
    assert_int_equal(mdg_map_reserve(&map, UINT32_MAX), MIDGE_E_LIMIT);
    t.fail_at = 1;
    assert_int_equal(mdg_map_put(&map, "a", 1, 1), MIDGE_E_NOMEM);
    assert_int_equal(map.count, 0);
    assert_int_equal(mdg_map_get(&map, "a", 1), 0);
    mdg_map_deinit(&map);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(survives_keys_of_one_place),
        cmocka_unit_test(reserved_puts_cannot_fail),
        cmocka_unit_test(replaces_without_memory),
        cmocka_unit_test(refuses_what_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
