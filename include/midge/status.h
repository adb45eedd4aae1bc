/* status.h: how every fallible function of Midge reports what happened.
 *
 * A function that can fail returns `midge_status`; `MIDGE_OK` is 0. Functions
 * that parse, verify or touch the world also take a last `midge_error *err`
 * (may be NULL), which the caller owns and which receives text for a person.
 * There is no errno, no thread-local and no global behind any of this.
 *
 * The list below is the only place where a status is named: the enum, the
 * texts, the JavaScript constants and the reference page are made from it.
 * The values are frozen: new ones go to the end.
 */
#ifndef MIDGE_STATUS_H
#define MIDGE_STATUS_H

#include <stdint.h>

#if defined(__GNUC__)
#define MIDGE_NODISCARD __attribute__((warn_unused_result))
#define MIDGE_PRINTF(format_at, first)                                         \
    __attribute__((format(printf, format_at, first)))
#else
#define MIDGE_NODISCARD
#define MIDGE_PRINTF(format_at, first)
#endif

#if defined(_WIN32)
#define MIDGE_API
#elif defined(__GNUC__)
#define MIDGE_API __attribute__((visibility("default")))
#else
#define MIDGE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text) */
#define MIDGE_STATUS_LIST(X)                                                   \
    X(OK, 0, "ok")                                                             \
    X(E_NOMEM, 1, "out of memory")                                             \
    X(E_INVALID, 2, "invalid argument")                                        \
    X(E_LIMIT, 3, "a limit was exceeded")                                      \
    X(E_PARSE, 4, "input could not be parsed")                                 \
    X(E_CORRUPT, 5, "stored data is damaged")                                  \
    X(E_VERSION, 6, "unsupported version of a format")                         \
    X(E_NOT_FOUND, 7, "not found")                                             \
    X(E_EXISTS, 8, "already exists")                                           \
    X(E_STATE, 9, "not allowed in this state")                                 \
    X(E_STALE, 10, "the lease is no longer held (stale fence)")                \
    X(E_CANCELLED, 11, "cancelled")                                            \
    X(E_TIMEOUT, 12, "timed out")                                              \
    X(E_IO, 13, "input/output error")                                          \
    X(E_BUSY, 14, "in use by another process")                                 \
    X(E_UNSUPPORTED, 15, "not supported")                                      \
    X(E_MISMATCH, 16, "shapes or types do not fit together")                   \
    X(E_INTERNAL, 17, "internal error (a bug in Midge)")

typedef enum midge_status {
#define MIDGE_STATUS_ENUM(name, value, text) MIDGE_##name = value,
    MIDGE_STATUS_LIST(MIDGE_STATUS_ENUM)
#undef MIDGE_STATUS_ENUM
} midge_status;

/* Text of a status, for a person; never NULL, static storage. */
MIDGE_API const char *midge_status_text(midge_status status);

/* Name of a status ("E_NOMEM"), for logs and files; never NULL. */
MIDGE_API const char *midge_status_name(midge_status status);

#define MIDGE_ERROR_TEXT_MAX 256

/* What went wrong, for a person. The caller owns it; a function fills it only
 * when it returns a status other than MIDGE_OK. `offset`, `line` and `column`
 * are -1 where they do not apply; line and column count from 1. */
typedef struct midge_error {
    midge_status status;
    int64_t offset;
    int64_t line;
    int64_t column;
    char text[MIDGE_ERROR_TEXT_MAX];
} midge_error;

/* Fills `err` (may be NULL) and returns `status`, so that a failing path reads
 * `return midge_fail(err, MIDGE_E_PARSE, "no column named %s", name)`. The text
 * is cut at MIDGE_ERROR_TEXT_MAX - 1 bytes, on a UTF-8 boundary. Understands
 * %s %.*s %c %d %i %u %ld %lu %lld %llu %zu %x %g %% and a field width, with -
 * or 0 before it; nothing else. As in printf, but %g writes the shortest
 * decimal that reads back, a precision cuts %s on a UTF-8 boundary, and a
 * negative one takes nothing. */
MIDGE_API midge_status midge_fail(midge_error *err, midge_status status,
                                  const char *format, ...) MIDGE_PRINTF(3, 4);

#define MIDGE_TRY(call)                                                        \
    do {                                                                       \
        midge_status try_status_ = (call);                                     \
        if (try_status_ != MIDGE_OK) {                                         \
            return try_status_;                                                \
        }                                                                      \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
