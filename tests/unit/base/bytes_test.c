/* bytes_test.c: numbers there and back, the reader at its end, CRC-32C against
 * RFC 3720 and against shifting bit by bit, and frames cut or changed anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/frame.h"
#include "base/rng.h"
#include "test_env.h"

static uint32_t crc_by_bits(uint32_t crc, const uint8_t *bytes, size_t size) {
    crc = ~crc;
    for (size_t i = 0; i < 8 * size; i++) {
        uint32_t bit = (uint32_t)(bytes[i / 8] >> (i % 8)) & 1;
        crc = ((crc ^ bit) & 1) ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

/* RFC 3720, appendix B.4. */
static void crc_has_the_published_values(void **state) {
    static const uint8_t scsi[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_true(mdg_crc32c(0, bytes, 32) == 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_true(mdg_crc32c(0, bytes, 32) == 0x62a8ab43u);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_true(mdg_crc32c(0, bytes, 32) == 0x46dd794eu);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    assert_true(mdg_crc32c(0, bytes, 32) == 0x113fdb5cu);
    assert_true(mdg_crc32c(0, scsi, sizeof scsi) == 0xd9963a56u);
    assert_true(mdg_crc32c(0, "123456789", 9) == 0xe3069283u);
    assert_true(mdg_crc32c(0, NULL, 0) == 0);
}

static void crc_agrees_bit_by_bit(void **state) {
    uint8_t bytes[160];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)mdg_rng_next(&rng);
    }
    for (size_t from = 0; from < 8; from++) {
        for (size_t size = 0; from + size <= sizeof bytes; size++) {
            uint32_t whole = mdg_crc32c(0, bytes + from, size);
            assert_true(whole == crc_by_bits(0, bytes + from, size));
            size_t first = mdg_rng_below(&rng, (uint32_t)size + 1);
            uint32_t parts = mdg_crc32c(0, bytes + from, first);
            parts = mdg_crc32c(parts, bytes + from + first, size - first);
            assert_true(parts == whole);
        }
    }
}

static void writes_little_endian(void **state) {
    static const uint8_t wanted[] = {0x04, 0x03, 0x02, 0x01, 0x0f, 0x0e,
                                     0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08,
                                     0x00, 0x00, 0x80, 0x3f};
    struct test_env t;
    midge_buf buf;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(mdg_put_u32(&buf, 0x01020304), MIDGE_OK);
    assert_int_equal(mdg_put_u64(&buf, 0x08090a0b0c0d0e0fu), MIDGE_OK);
    assert_int_equal(mdg_put_f32(&buf, 1.0f), MIDGE_OK);
    assert_int_equal(buf.size, sizeof wanted);
    assert_memory_equal(buf.data, wanted, sizeof wanted);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* Bits of floats, NaN and subnormals among them, come back as they were. */
static void numbers_come_back(void **state) {
    enum { COUNT = 500 };
    struct test_env t;
    midge_buf buf;
    mdg_rng rng;
    mdg_reader r;
    float values[COUNT], again[COUNT];
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    mdg_rng_seed(&rng, 2);
    for (int i = 0; i < COUNT; i++) {
        uint32_t bits = (uint32_t)mdg_rng_next(&rng);
        memcpy(&values[i], &bits, sizeof bits);
        assert_int_equal(mdg_put_u32(&buf, bits), MIDGE_OK);
        assert_int_equal(mdg_put_u64(&buf, bits * 0x100000001u), MIDGE_OK);
    }
    assert_int_equal(mdg_put_f32s(&buf, values, COUNT), MIDGE_OK);
    assert_int_equal(mdg_put_f32s(&buf, NULL, 0), MIDGE_OK);
    mdg_reader_init(&r, buf.data, buf.size);
    mdg_rng_seed(&rng, 2);
    for (int i = 0; i < COUNT; i++) {
        uint32_t bits = (uint32_t)mdg_rng_next(&rng);
        assert_true(mdg_get_u32(&r) == bits);
        assert_true(mdg_get_u64(&r) == bits * 0x100000001u);
    }
    mdg_get_f32s(&r, again, COUNT);
    assert_memory_equal(again, values, sizeof values);
    assert_false(r.failed);
    assert_int_equal(mdg_reader_left(&r), 0);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* The first read past the end fails; it, and all behind it, give zeros. */
static void reader_stops_at_the_end(void **state) {
    (void)state;
    for (size_t size = 0; size < 24; size++) {
        uint8_t *exact = malloc(size + 1); /* cut to size, for ASan */
        uint8_t *bytes = size ? realloc(exact, size) : exact;
        mdg_reader r;
        assert_non_null(bytes);
        memset(bytes, 0x11, size);
        mdg_reader_init(&r, bytes, size);
        for (size_t at = 0; at < 32; at += 4) {
            uint32_t value = mdg_get_u32(&r);
            assert_true(value == (at + 4 <= size ? 0x11111111u : 0));
            assert_int_equal(r.failed, at + 4 > size);
        }
        assert_null(mdg_get_bytes(&r, 0)); /* failed stays failed */
        assert_true(mdg_get_f32(&r) == 0.0f);
        mdg_reader_init(&r, bytes, size);
        assert_null(mdg_get_bytes(&r, SIZE_MAX));
        assert_true(r.failed);
        mdg_reader_init(&r, bytes, size);
        assert_ptr_equal(mdg_get_bytes(&r, size), bytes);
        assert_ptr_equal(mdg_get_bytes(&r, 0), bytes + size);
        assert_null(mdg_get_bytes(&r, 1));
        mdg_reader_init(&r, bytes, size);
        assert_true(mdg_get_u64(&r) == (size >= 8 ? 0x1111111111111111u : 0));
        assert_int_equal(r.failed, size < 8);
        free(bytes);
    }
}

/* A number is appended whole or not at all. */
static void failed_puts_leave_nothing(void **state) {
    static const float values[8] = {0};
    (void)state;
    for (size_t max = 1; max < 40; max++) {
        struct test_env t;
        midge_buf buf;
        test_env_init(&t);
        midge_buf_init(&buf, &t.env, max);
        while (mdg_put_u64(&buf, UINT64_MAX) == MIDGE_OK) {
        }
        assert_int_equal(buf.size, max / 8 * 8);
        midge_buf_clear(&buf);
        assert_int_equal(mdg_put_f32s(&buf, values, 8),
                         max >= 32 ? MIDGE_OK : MIDGE_E_LIMIT);
        assert_int_equal(buf.size, max >= 32 ? 32 : 0);
        assert_int_equal(mdg_put_f32s(&buf, values, SIZE_MAX / 2),
                         MIDGE_E_LIMIT);
        midge_buf_deinit(&buf);
        assert_int_equal(t.held_bytes, 0);
    }
}

#define MAGIC "MIDGEtst"

static midge_status write_frame(midge_buf *buf, uint32_t version) {
    size_t start;
    midge_status status = mdg_frame_begin(buf, MAGIC, version, &start);
    if (status == MIDGE_OK) {
        status = midge_buf_puts(buf, "what stands between");
    }
    return mdg_frame_end(buf, start, status);
}

static midge_status open_frame(const void *bytes, size_t size, mdg_reader *r,
                               midge_error *err) {
    *r = (mdg_reader){(const uint8_t *)"old", 3, 0, 0};
    midge_status status =
        mdg_frame_open(bytes, size, MAGIC, 3, "test file", r, err);
    if (status != MIDGE_OK) {
        assert_int_equal(mdg_reader_left(r), 0);
        assert_int_equal(err->status, status);
        assert_non_null(strstr(err->text, "test file"));
    }
    return status;
}

static void frame_opens(void **state) {
    struct test_env t;
    midge_buf buf;
    mdg_reader r;
    midge_error err;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(midge_buf_puts(&buf, "before"), MIDGE_OK);
    assert_int_equal(write_frame(&buf, 3), MIDGE_OK);
    const char *frame = buf.data + 6;
    size_t size = buf.size - 6;
    assert_int_equal(size, 8 + 4 + 19 + 4);
    assert_int_equal(open_frame(frame, size, &r, &err), MIDGE_OK);
    assert_int_equal(mdg_reader_left(&r), 19);
    assert_memory_equal(mdg_get_bytes(&r, 19), "what stands between", 19);
    midge_buf_clear(&buf);
    assert_int_equal(write_frame(&buf, 4), MIDGE_OK);
    assert_int_equal(open_frame(buf.data, buf.size, &r, &err), MIDGE_E_VERSION);
    assert_non_null(strstr(err.text, "version 4"));
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* Cut after every byte: no magic, cut short, or a checksum that does not fit.
 */
static void frame_refuses_every_truncation(void **state) {
    struct test_env t;
    midge_buf buf;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(write_frame(&buf, 3), MIDGE_OK);
    for (size_t size = 0; size < buf.size; size++) {
        mdg_reader r;
        midge_error err;
        uint8_t *exact = malloc(size + 1);
        uint8_t *cut = size ? realloc(exact, size) : exact;
        assert_non_null(cut);
        memcpy(cut, buf.data, size);
        assert_int_equal(open_frame(cut, size, &r, &err),
                         size < 8 ? MIDGE_E_PARSE : MIDGE_E_CORRUPT);
        free(cut);
    }
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

static void frame_refuses_every_changed_bit(void **state) {
    struct test_env t;
    midge_buf buf;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    assert_int_equal(write_frame(&buf, 3), MIDGE_OK);
    for (size_t bit = 0; bit < 8 * buf.size; bit++) {
        mdg_reader r;
        midge_error err;
        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << (bit % 8));
        assert_int_equal(open_frame(buf.data, buf.size, &r, &err),
                         bit < 64   ? MIDGE_E_PARSE
                         : bit < 96 ? MIDGE_E_VERSION
                                    : MIDGE_E_CORRUPT);
        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << (bit % 8));
    }
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* With every maximum, a frame is there whole or not at all. */
static void frame_is_written_whole_or_not(void **state) {
    (void)state;
    for (size_t max = 6; max < 50; max++) {
        struct test_env t;
        midge_buf buf;
        test_env_init(&t);
        midge_buf_init(&buf, &t.env, max);
        assert_int_equal(midge_buf_puts(&buf, "before"), MIDGE_OK);
        midge_status status = write_frame(&buf, 3);
        assert_int_equal(status, max < 41 ? MIDGE_E_LIMIT : MIDGE_OK);
        assert_int_equal(buf.size, max < 41 ? 6 : 41);
        assert_memory_equal(buf.data, "before", 6);
        midge_buf_deinit(&buf);
        assert_int_equal(t.held_bytes, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_has_the_published_values),
        cmocka_unit_test(crc_agrees_bit_by_bit),
        cmocka_unit_test(writes_little_endian),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(reader_stops_at_the_end),
        cmocka_unit_test(failed_puts_leave_nothing),
        cmocka_unit_test(frame_opens),
        cmocka_unit_test(frame_refuses_every_truncation),
        cmocka_unit_test(frame_refuses_every_changed_bit),
        cmocka_unit_test(frame_is_written_whole_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
