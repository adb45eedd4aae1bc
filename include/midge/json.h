/* json.h: strict JSON (RFC 8259), read into an arena and written to a buffer.
 *
 * Strict means: UTF-8 checked, duplicate keys refused, no trailing text, depth
 * at most MIDGE_JSON_DEPTH_MAX. Integers from INT64_MIN to INT64_MAX stay exact
 * (-0 is a double); every other number is the nearest double; numbers that
 * overflow are refused. Doubles are written in the shortest form that reads
 * back to the same bits.
 */
#ifndef MIDGE_JSON_H
#define MIDGE_JSON_H

#include "midge/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_JSON_DEPTH_MAX 64

typedef enum midge_json_type {
    MIDGE_JSON_NULL,
    MIDGE_JSON_BOOL,
    MIDGE_JSON_INT,
    MIDGE_JSON_DOUBLE,
    MIDGE_JSON_STRING,
    MIDGE_JSON_ARRAY,
    MIDGE_JSON_OBJECT
} midge_json_type;

/* A value, owned by the arena it was read into. Members of an object and
 * elements of an array are a list: value->child, then ->next. */
typedef struct midge_json {
    midge_json_type type;
    uint32_t count;     /* bytes of a string; children of array and object */
    int64_t integer;    /* INT; BOOL as 0 or 1 */
    double number;      /* INT and DOUBLE */
    const char *string; /* STRING, zero-terminated; may contain zeros */
    const char *key;    /* name inside an object, zero-terminated, else NULL */
    uint32_t key_size;
    struct midge_json *child;
    struct midge_json *next;
} midge_json;

/* Reads one value from `size` bytes. On failure *out is NULL and err has the
 * byte offset, line and column; a key that stands twice is looked for when its
 * object is complete, and the offset is where it stands again. Cost: linear,
 * and n log n comparisons of keys in an object of n, whatever the keys are. The
 * arena gets a node for each value, each string, and a pointer for each member
 * of a large object; what failed stays in it until it is deinitialised. */
MIDGE_API MIDGE_NODISCARD midge_status midge_json_read(midge_arena *arena,
                                                       const char *text,
                                                       size_t size,
                                                       const midge_json **out,
                                                       midge_error *err);

/* Member of an object by name; NULL if absent, or if `object` is NULL or not
 * an object. Linear in the members. */
MIDGE_API const midge_json *midge_json_get(const midge_json *object,
                                           const char *key);
/* The same with a default for an absent member or one of another type. */
MIDGE_API const char *midge_json_get_string(const midge_json *object,
                                            const char *key,
                                            const char *fallback);
MIDGE_API int64_t midge_json_get_int(const midge_json *object, const char *key,
                                     int64_t fallback);
MIDGE_API double midge_json_get_double(const midge_json *object,
                                       const char *key, double fallback);
MIDGE_API int midge_json_get_bool(const midge_json *object, const char *key,
                                  int fallback);

/* A writer puts commas and colons by itself. Errors stick: write everything,
 * then look at the status of midge_json_writer_end. NaN and infinity become
 * null. What is written is always UTF-8: in keys and strings each byte that is
 * not part of a valid sequence becomes U+FFFD. That keys are distinct is the
 * caller's part. `indent` 0 writes one line, else that many spaces per level.
 */
typedef struct midge_json_writer {
    midge_buf *buf;
    unsigned indent;
    unsigned depth;
    int after_key;
    uint8_t has_items[MIDGE_JSON_DEPTH_MAX + 1];
    midge_status status;
} midge_json_writer;

MIDGE_API void midge_json_writer_init(midge_json_writer *w, midge_buf *buf,
                                      unsigned indent);
MIDGE_API void midge_json_begin_object(midge_json_writer *w);
MIDGE_API void midge_json_end_object(midge_json_writer *w);
MIDGE_API void midge_json_begin_array(midge_json_writer *w);
MIDGE_API void midge_json_end_array(midge_json_writer *w);
MIDGE_API void midge_json_key(midge_json_writer *w, const char *key);
MIDGE_API void midge_json_key_n(midge_json_writer *w, const char *key,
                                size_t size);
MIDGE_API void midge_json_null(midge_json_writer *w);
MIDGE_API void midge_json_bool(midge_json_writer *w, int value);
MIDGE_API void midge_json_int(midge_json_writer *w, int64_t value);
MIDGE_API void midge_json_double(midge_json_writer *w, double value);
/* A float: the shortest decimal that reads back to the same float. */
MIDGE_API void midge_json_float(midge_json_writer *w, float value);
MIDGE_API void midge_json_string(midge_json_writer *w, const char *text);
MIDGE_API void midge_json_string_n(midge_json_writer *w, const char *text,
                                   size_t size);
/* `text` must itself be one JSON value (this is not checked); it is copied as
 * it stands. */
MIDGE_API void midge_json_raw(midge_json_writer *w, const char *text,
                              size_t size);
/* A value read before, written again. */
MIDGE_API void midge_json_value(midge_json_writer *w, const midge_json *value);
/* MIDGE_E_STATE when brackets are open, else the first failure or MIDGE_OK. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_json_writer_end(midge_json_writer *w);

#ifdef __cplusplus
}
#endif
#endif
