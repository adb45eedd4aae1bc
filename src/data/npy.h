/* npy.h: the head of a NumPy array and its elements. */
#ifndef MDG_NPY_H
#define MDG_NPY_H

#include "base/bytes.h"

typedef struct mdg_npy_head {
    char kind; /* u i f b */
    size_t item;
    int fortran;
    size_t n_rows, n_columns;
} mdg_npy_head;

int mdg_is_npy(const void *bytes, size_t size);
/* Reads up to the elements, of which `r` then has exactly as many bytes left as
 * the head says. */
midge_status mdg_npy_read_head(mdg_reader *r, mdg_npy_head *head,
                               midge_error *err);
/* One element, wherever it lies. */
double mdg_npy_value(const mdg_npy_head *head, const uint8_t *at);

#endif
