/* tags.h: metadata as bytes that JavaScript writes and reads (src/tags.ts),
 * instead of the text of JSON: a letter for the type, then the value,
 * little-endian, nothing between them.
 *
 *   n, t, f      null, true, false
 *   i            i64
 *   d            f64
 *   s            u32, so many bytes of UTF-8
 *   [ ... ]      values
 *   { ... }      a text as after s, a value, and so on
 *
 * Linked in the place of base/json_write.c: what the core writes as JSON is
 * written as tags here. */
#ifndef MIDGE_WASM_TAGS_H
#define MIDGE_WASM_TAGS_H

#include "midge/json.h"

/* `count` values; what has the tag n is NULL in the list. NULL without memory.
 * The bytes are those of src/tags.ts and not checked. */
const midge_json **tags_read(midge_arena *arena, const uint8_t *bytes,
                             size_t count);

#endif
