/* answer.h: the bytes that a call answers beside its status, good until the
 * next call. JavaScript copies them and may give the memory back at once. */
#ifndef MIDGE_WASM_ANSWER_H
#define MIDGE_WASM_ANSWER_H

#include "midge/buf.h"

#define ANSWER_BYTES_MAX 0x7fff0000u /* half of the memory there can be */

extern midge_buf answer;

/* Empties the answer and appends these; returns a midge_status. */
int answer_bytes(const void *bytes, size_t size);

#endif
