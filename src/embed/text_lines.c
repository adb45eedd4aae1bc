/* text_lines.c: lines and fields, for word vectors and lists of frequencies. */
#include "embed/words.h"

#include <string.h>

midge_status mdg_fail_line(midge_error *err, midge_status status, uint64_t line,
                           const char *what) {
    (void)midge_fail(err, status, "line %llu: %s", (unsigned long long)line,
                     what);
    if (err) {
        err->line = (int64_t)line;
    }
    return status;
}

int mdg_take_line(const char **at, const char *end, const char **line,
                  size_t *size) {
    if (*at == end) {
        return 0;
    }
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *at = stop ? stop + 1 : end;
    size_t n = (size_t)((stop ? stop : end) - *line);
    if (n > 0 && (*line)[n - 1] == '\r') {
        n--;
    }
    while (n > 0 && mdg_separates((*line)[n - 1])) {
        n--;
    }
    *size = n;
    return 1;
}

size_t mdg_count_lines(const char *bytes, size_t size, size_t most) {
    const char *end = bytes + size;
    size_t n = 0;
    while (bytes < end && n < most) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        bytes = stop ? stop + 1 : end;
        n++;
    }
    return n;
}

size_t mdg_first_field(const char *line, size_t size) {
    size_t end = 0;
    while (end < size && !mdg_separates(line[end])) {
        end++;
    }
    return end;
}

size_t mdg_last_field(const char *line, size_t size) {
    while (size > 0 && !mdg_separates(line[size - 1])) {
        size--;
    }
    return size;
}
