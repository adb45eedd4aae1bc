/* status.c: texts of statuses, and midge_fail with the small formatter that
 * the core uses instead of printf. */
#include "midge/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/decimal.h"
#include "base/mdg_assert.h"

const char *midge_status_text(midge_status status) {
    switch (status) {
#define STATUS_TEXT(name, value, text)                                         \
    case MIDGE_##name:                                                         \
        return text;
        MIDGE_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

const char *midge_status_name(midge_status status) {
    switch (status) {
#define STATUS_NAME(name, value, text)                                         \
    case MIDGE_##name:                                                         \
        return #name;
        MIDGE_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "E_UNKNOWN";
}

/* Where the text goes; what does not fit is dropped. */
typedef struct sink {
    char *text;
    size_t size;
    size_t capacity; /* without the final zero */
} sink;

/* One conversion: %[-|0][width][.precision][l|ll|z]letter */
typedef struct spec {
    int zero;
    int left;
    size_t width;
    size_t precision; /* SIZE_MAX when absent */
    int longs;        /* how many l; z counts as size_t below */
    int is_size;
    char letter;
} spec;

static void put(sink *out, const char *text, size_t size) {
    size_t room = out->capacity - out->size;
    size_t take = size < room ? size : room;
    memcpy(out->text + out->size, text, take);
    out->size += take;
}

static void put_padded(sink *out, const spec *s, const char *text,
                       size_t size) {
    size_t sign = s->zero && size > 0 && text[0] == '-';
    put(out, text, sign);
    for (size_t i = size; !s->left && i < s->width; i++) {
        put(out, s->zero ? "0" : " ", 1);
    }
    put(out, text + sign, size - sign);
    for (size_t i = size; s->left && i < s->width; i++) {
        put(out, " ", 1);
    }
}

static void put_number(sink *out, const spec *s, unsigned long long value,
                       int negative) {
    char digits[24];
    size_t at = sizeof digits;
    unsigned base = s->letter == 'x' ? 16 : 10;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[--at] = '-';
    }
    put_padded(out, s, digits + at, sizeof digits - at);
}

static size_t read_digits(const char **at) {
    size_t value = 0;
    while (**at >= '0' && **at <= '9') {
        value = value * 10 + (size_t)(*(*at)++ - '0');
    }
    return value;
}

/* Reads one conversion behind the '%'; leaves *at behind its letter. */
static spec read_spec(const char **at, va_list *args) {
    spec s = {0};
    s.precision = SIZE_MAX;
    while (**at == '0' || **at == '-') {
        s.zero |= **at == '0';
        s.left |= **at == '-';
        (*at)++;
    }
    s.width = read_digits(at);
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            int given = va_arg(*args, int);
            /* printf reads up to a zero when it is negative; a size that
             * went wrong must not become that. */
            s.precision = given < 0 ? 0 : (size_t)given;
            (*at)++;
        } else {
            s.precision = read_digits(at);
        }
    }
    while (**at == 'l' || **at == 'z') {
        s.longs += **at == 'l';
        s.is_size |= **at == 'z';
        (*at)++;
    }
    s.letter = **at;
    if (s.letter != '\0') {
        (*at)++;
    }
    return s;
}

/* Cuts a UTF-8 sequence that the end of the text broke. */
static size_t whole_characters(const char *text, size_t size) {
    size_t lead = size;
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80) {
        lead--;
    }
    if (lead == 0) {
        return size;
    }
    unsigned char first = (unsigned char)text[lead - 1];
    size_t wanted = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return size - (lead - 1) < wanted ? lead - 1 : size;
}

static void put_text(sink *out, const spec *s, const char *text) {
    spec plain = *s;
    size_t size = 0;
    plain.zero = 0;
    text = text ? text : "(null)";
    while (size < s->precision && text[size] != '\0') {
        size++;
    }
    if (size == s->precision) {
        size = whole_characters(text, size);
    }
    put_padded(out, &plain, text, size);
}

static unsigned long long next_unsigned(const spec *s, va_list *args) {
    if (s->is_size) {
        return va_arg(*args, size_t);
    }
    if (s->longs == 0) {
        return va_arg(*args, unsigned);
    }
    return s->longs == 1 ? va_arg(*args, unsigned long)
                         : va_arg(*args, unsigned long long);
}

static long long next_signed(const spec *s, va_list *args) {
    if (s->is_size) {
        return (long long)va_arg(*args, size_t);
    }
    if (s->longs == 0) {
        return va_arg(*args, int);
    }
    return s->longs == 1 ? va_arg(*args, long) : va_arg(*args, long long);
}

static void put_double(sink *out, const spec *s, double value) {
    char digits[MDG_DECIMAL_MAX];
    if (value != value) {
        put_text(out, s, "nan");
    } else if (value - value != 0.0) {
        put_text(out, s, value > 0 ? "inf" : "-inf");
    } else {
        put_padded(out, s, digits, mdg_decimal_write_f64(value, digits));
    }
}

static void put_spec(sink *out, const spec *s, va_list *args) {
    if (s->letter == 's') {
        put_text(out, s, va_arg(*args, const char *));
    } else if (s->letter == 'c') {
        char c = (char)va_arg(*args, int);
        put_padded(out, s, &c, 1);
    } else if (s->letter == 'd' || s->letter == 'i') {
        long long value = next_signed(s, args);
        put_number(out, s,
                   value < 0 ? 0ull - (unsigned long long)value
                             : (unsigned long long)value,
                   value < 0);
    } else if (s->letter == 'u' || s->letter == 'x') {
        put_number(out, s, next_unsigned(s, args), 0);
    } else if (s->letter == 'g') {
        put_double(out, s, va_arg(*args, double));
    } else if (!mdg_never(s->letter != '%')) {
        put(out, "%", 1);
    }
}

midge_status midge_fail(midge_error *err, midge_status status,
                        const char *format, ...) {
    if (!err) {
        return status;
    }
    sink out = {err->text, 0, MIDGE_ERROR_TEXT_MAX - 1};
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at != '\0';) {
        const char *from = at;
        while (*at != '\0' && *at != '%') {
            at++;
        }
        put(&out, from, (size_t)(at - from));
        if (*at == '%') {
            at++;
            spec s = read_spec(&at, &args);
            put_spec(&out, &s, &args);
        }
    }
    va_end(args);
    if (out.size == out.capacity) {
        out.size = whole_characters(err->text, out.size);
    }
    err->text[out.size] = '\0';
    err->status = status;
    err->offset = -1;
    err->line = -1;
    err->column = -1;
    return status;
}
