/* decimal.h: numbers as decimal text, exactly, without the C library: the
 * nearest double to any decimal, and the shortest decimal of a double. */
#ifndef MDG_DECIMAL_H
#define MDG_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Parses the JSON number grammar (an optional '-' first; no '+', no hex) from
 * all of `size` bytes. 1 and the correctly rounded value, 0 when it is not a
 * number or overflows to infinity. */
int mdg_decimal_read(const char *text, size_t size, double *value);
/* The same of C's decimals: also "+1", "007", ".5" and "5.". */
int mdg_decimal_read_loose(const char *text, size_t size, double *value);

/* A number, exactly as far as whole numbers of 64 bits go. */
typedef struct mdg_number {
    double value;  /* the nearest */
    int64_t floor; /* the largest whole number not above, if it is in range */
    int is_whole;
    int beyond; /* -1: below INT64_MIN, 1: above INT64_MAX, else 0 */
} mdg_number;
/* As mdg_decimal_read. */
int mdg_decimal_read_number(const char *text, size_t size, mdg_number *number);

/* Longest output and a zero. */
#define MDG_DECIMAL_MAX 32

/* The shortest decimal that reads back to the same bits ("0.1", "1e+21",
 * "-0"), zero-terminated; returns its length. Finite values only. */
size_t mdg_decimal_write_f64(double value, char out[MDG_DECIMAL_MAX]);
size_t mdg_decimal_write_f32(float value, char out[MDG_DECIMAL_MAX]);
/* A whole number; likewise. */
size_t mdg_decimal_write_i64(int64_t value, char out[MDG_DECIMAL_MAX]);

#endif
