/* answer.c: where the answer of a call is. */
#include "answer.h"
#include "entry.h"

midge_buf answer = {.env = &entry_env, .max_bytes = ANSWER_BYTES_MAX};

EXPORT(answer_data) const void *entry_answer_data(void);
EXPORT(answer_size) size_t entry_answer_size(void);
EXPORT(answer_release) void entry_answer_release(void);

const void *entry_answer_data(void) {
    return answer.data;
}

size_t entry_answer_size(void) {
    return answer.size;
}

void entry_answer_release(void) {
    midge_buf_deinit(&answer);
}

int answer_bytes(const void *bytes, size_t size) {
    midge_buf_clear(&answer);
    return (int)midge_buf_append(&answer, bytes, size);
}
