/* text_scan.h: text of a line-oriented file, read from left to right. Where a
 * pattern of scanf would take white space or none, so does this. Errors carry
 * the line.
 */
#ifndef MDG_TEXT_SCAN_H
#define MDG_TEXT_SCAN_H

#include "midge/status.h"

#include <stddef.h>

typedef struct mdg_scan {
    const char *text;
    size_t size;
    size_t at;
    int64_t line; /* of `at`, from 1 */
    midge_error *err;
} mdg_scan;

void mdg_scan_init(mdg_scan *scan, const void *bytes, size_t size,
                   midge_error *err);
size_t mdg_scan_left(const mdg_scan *scan);
/* Puts the line into what midge_fail filled; returns `status`. */
midge_status mdg_scan_fail(const mdg_scan *scan, midge_status status);

void mdg_scan_space(mdg_scan *scan);
/* 1 and behind it, when the text goes on with `word` (after white space). */
int mdg_scan_is(mdg_scan *scan, const char *word);
/* The same, or MIDGE_E_PARSE. */
midge_status mdg_scan_word(mdg_scan *scan, const char *word);
/* "name=" */
midge_status mdg_scan_key(mdg_scan *scan, const char *name);
/* A whole number of at most `max`; `what` is it called in errors. */
midge_status mdg_scan_uint(mdg_scan *scan, const char *what, uint32_t max,
                           uint32_t *out);
/* A decimal, finite as a float; with `whole` a whole number of 32 bits. */
midge_status mdg_scan_number(mdg_scan *scan, const char *what, int whole,
                             double *out);

#endif
