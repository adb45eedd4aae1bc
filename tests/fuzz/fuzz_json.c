/* fuzz_json.c: any bytes into the JSON reader; what it takes is written and
 * read again, and the second writing equals the first. */
#include "fuzz_support.h"

static void write_value(const midge_json *value, midge_buf *out) {
    midge_json_writer w;
    midge_json_writer_init(&w, out, 0);
    midge_json_value(&w, value);
    FUZZ_CHECK(midge_json_writer_end(&w) == MIDGE_OK);
}

static void round_trip(const midge_env *env, const midge_json *value) {
    midge_buf first, second;
    midge_buf_init(&first, env, 0);
    midge_buf_init(&second, env, 0);
    write_value(value, &first);
    midge_arena arena;
    midge_arena_init(&arena, env, 0);
    const midge_json *again = NULL;
    FUZZ_CHECK(midge_json_read(&arena, first.data, first.size, &again, NULL) ==
               MIDGE_OK);
    write_value(again, &second);
    FUZZ_CHECK(first.size == second.size &&
               memcmp(first.data, second.data, first.size) == 0);
    midge_arena_deinit(&arena);
    midge_buf_deinit(&first);
    midge_buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_arena arena;
    midge_arena_init(&arena, &env, 1u << 24);
    midge_error err = {0};
    const midge_json *value = NULL;
    midge_status status =
        midge_json_read(&arena, (const char *)data, size, &value, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (value != NULL));
    if (value) {
        round_trip(&env, value);
    }
    midge_arena_deinit(&arena);
    return 0;
}
