/* fuzz_frame.c: any bytes as a framed file. As they are they must be refused
 * with the right status or hold their checksum; put into a frame they come back
 * the same, and no longer when one bit of the frame is turned. The reader
 * behind it gives zeros past its end, whatever is asked of it. */
#include "base/frame.h"
#include "fuzz_support.h"

#define MAGIC   "FUZZFRAM"
#define VERSION 3u
#define AROUND  (MDG_FRAME_MAGIC + 4u + 4u)

/* Reads as the bytes themselves say, to the end and beyond. */
static void read_anyhow(mdg_reader r, const uint8_t *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t left = mdg_reader_left(&r);
        int failed = r.failed;
        size_t wanted = steps[i] % 4 == 0   ? 4
                        : steps[i] % 4 == 1 ? 8
                                            : steps[i];
        uint64_t value = 0;
        const uint8_t *bytes = NULL;
        if (wanted == 4) {
            value = mdg_get_u32(&r);
        } else if (wanted == 8) {
            value = mdg_get_u64(&r);
        } else {
            bytes = mdg_get_bytes(&r, wanted);
        }
        if (failed || wanted > left) {
            FUZZ_CHECK(r.failed && value == 0 && bytes == NULL);
        } else {
            FUZZ_CHECK(!r.failed && mdg_reader_left(&r) == left - wanted);
        }
    }
}

static void check_status(midge_status status, const mdg_reader *content,
                         const midge_error *err) {
    FUZZ_CHECK(status == MIDGE_OK || status == MIDGE_E_PARSE ||
               status == MIDGE_E_VERSION || status == MIDGE_E_CORRUPT);
    fuzz_check_error(status, err);
    FUZZ_CHECK(status == MIDGE_OK || mdg_reader_left(content) == 0);
}

static void frame_them(const midge_env *env, const uint8_t *data, size_t size) {
    midge_buf file;
    mdg_reader content;
    size_t start;
    midge_buf_init(&file, env, 0);
    FUZZ_CHECK(mdg_frame_begin(&file, MAGIC, VERSION, &start) == MIDGE_OK);
    FUZZ_CHECK(mdg_frame_end(&file, start,
                             midge_buf_append(&file, data, size)) == MIDGE_OK);
    FUZZ_CHECK(file.size == size + AROUND);
    FUZZ_CHECK(mdg_frame_open(file.data, file.size, MAGIC, VERSION, "frame",
                              &content, NULL) == MIDGE_OK);
    FUZZ_CHECK(mdg_reader_left(&content) == size);
    const uint8_t *back = mdg_get_bytes(&content, size);
    FUZZ_CHECK(size == 0 || memcmp(back, data, size) == 0);
    size_t bit = size ? (data[0] + 256u * size) % (8 * file.size) : 77;
    file.data[bit / 8] = (char)(file.data[bit / 8] ^ (1 << bit % 8));
    FUZZ_CHECK(mdg_frame_open(file.data, file.size, MAGIC, VERSION, "frame",
                              &content, NULL) != MIDGE_OK);
    midge_buf_deinit(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    mdg_reader content;
    midge_status status =
        mdg_frame_open(data, size, MAGIC, VERSION, "frame", &content, &err);
    check_status(status, &content, &err);
    read_anyhow(content, data, size < 64 ? size : 64);
    mdg_reader_init(&content, data, size);
    read_anyhow(content, data, size < 64 ? size : 64);
    frame_them(&env, data, size);
    return 0;
}
