/* encoder_fixture.h: a small table as people have them (missing cells, text,
 * columns of no use) and what is needed to encode it. */
#ifndef ENCODER_FIXTURE_H
#define ENCODER_FIXTURE_H

#include <stdio.h>

#include "midge/table.h"
#include "test_env.h"

enum { BIRDS = 24 };

/* Species of three; missing numbers, sexes and islands; a constant column, one
 * without a value, one with a category a row. */
static const char birds_csv[] =
    "Species,Island,Bill,Mass,Sex,Planet,Nothing,Tag\n"
    "Adelie,Torgersen,39.1,3750,MALE,Earth,,t00\n"
    "Adelie,Torgersen,39.5,3800,FEMALE,Earth,,t01\n"
    "Adelie,Torgersen,,,NA,Earth,,t02\n"
    "Adelie,Biscoe,37.8,3400,FEMALE,Earth,,t03\n"
    "Adelie,Biscoe,37.7,3600,MALE,Earth,,t04\n"
    "Adelie,Dream,39.5,3250,FEMALE,Earth,,t05\n"
    "Adelie,Dream,37.2,3900,MALE,Earth,,t06\n"
    "Adelie,Dream,38.8,3300,,Earth,,t07\n"
    "Chinstrap,Dream,46.5,3500,FEMALE,Earth,,t08\n"
    "Chinstrap,Dream,50,3900,MALE,Earth,,t09\n"
    "Chinstrap,Dream,51.3,3650,MALE,Earth,,t10\n"
    "Chinstrap,Dream,45.4,3525,FEMALE,Earth,,t11\n"
    "Chinstrap,Dream,52.7,3725,MALE,Earth,,t12\n"
    "Chinstrap,,45.2,3950,FEMALE,Earth,,t13\n"
    "Chinstrap,Dream,46.1,3250,FEMALE,Earth,,t14\n"
    "Chinstrap,Dream,51.3,3750,MALE,Earth,,t15\n"
    "Gentoo,Biscoe,46.1,4500,FEMALE,Earth,,t16\n"
    "Gentoo,Biscoe,50,5700,MALE,Earth,,t17\n"
    "Gentoo,Biscoe,48.7,4450,FEMALE,Earth,,t18\n"
    "Gentoo,Biscoe,50,5700,MALE,Earth,,t19\n"
    "Gentoo,Biscoe,47.6,5400,MALE,Earth,,t20\n"
    "Gentoo,Biscoe,46.5,4550,FEMALE,Earth,,t21\n"
    "Gentoo,Biscoe,45.4,,FEMALE,Earth,,t22\n"
    "Gentoo,Biscoe,46.7,5200,MALE,Earth,,t23\n";

static inline midge_table *table_of(struct test_env *t, const char *csv) {
    midge_table *table;
    midge_error err = {.text = ""};
    if (midge_table_read(&t->env, csv, strlen(csv), &table, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return table;
}

/* 0, 1, 2, ... */
static inline const uint32_t *all_rows(void) {
    static uint32_t rows[4096];
    for (uint32_t i = 0; i < 4096; i++) {
        rows[i] = i;
    }
    return rows;
}

/* An encoder of the named target on the first n rows. */
static inline midge_status fit_on(struct test_env *t, const midge_table *table,
                                  const char *target, size_t n,
                                  midge_encoder **out, midge_error *err) {
    int64_t column = midge_table_find_column(table, target);
    return midge_encoder_fit(&t->env, table, (size_t)column, all_rows(), n,
                             NULL, out, err);
}

#endif
