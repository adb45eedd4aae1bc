/* json_put.h: a key and its value in one call. */
#ifndef MDG_JSON_PUT_H
#define MDG_JSON_PUT_H

#include "midge/json.h"

static inline void mdg_put_text(midge_json_writer *w, const char *key,
                                const char *text) {
    midge_json_key(w, key);
    midge_json_string(w, text);
}

static inline void mdg_put_int(midge_json_writer *w, const char *key,
                               size_t value) {
    midge_json_key(w, key);
    midge_json_int(w, (int64_t)value);
}

static inline void mdg_put_number(midge_json_writer *w, const char *key,
                                  double value) {
    midge_json_key(w, key);
    midge_json_double(w, value);
}

#endif
