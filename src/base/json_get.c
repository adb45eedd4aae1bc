#include "midge/json.h"

#include <string.h>

const midge_json *midge_json_get(const midge_json *object, const char *key) {
    if (!object || object->type != MIDGE_JSON_OBJECT) {
        return NULL;
    }
    size_t size = strlen(key);
    for (const midge_json *m = object->child; m; m = m->next) {
        if (m->key_size == size && memcmp(m->key, key, size) == 0) {
            return m;
        }
    }
    return NULL;
}

const char *midge_json_get_string(const midge_json *object, const char *key,
                                  const char *fallback) {
    const midge_json *m = midge_json_get(object, key);
    return m && m->type == MIDGE_JSON_STRING ? m->string : fallback;
}

int64_t midge_json_get_int(const midge_json *object, const char *key,
                           int64_t fallback) {
    const midge_json *m = midge_json_get(object, key);
    return m && m->type == MIDGE_JSON_INT ? m->integer : fallback;
}

double midge_json_get_double(const midge_json *object, const char *key,
                             double fallback) {
    const midge_json *m = midge_json_get(object, key);
    int is_number =
        m && (m->type == MIDGE_JSON_INT || m->type == MIDGE_JSON_DOUBLE);
    return is_number ? m->number : fallback;
}

int midge_json_get_bool(const midge_json *object, const char *key,
                        int fallback) {
    const midge_json *m = midge_json_get(object, key);
    return m && m->type == MIDGE_JSON_BOOL ? m->integer != 0 : fallback;
}
