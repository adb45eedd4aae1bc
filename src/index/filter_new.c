/* filter_new.c: a filter from its text: parsed, its terms laid in one array,
 * and the jumps between them. */
#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "index/filter.h"
#include "index/index_internal.h"

/* Moves the terms below a node into the filter's array, in the order in which
 * they stand. */
static void lay_terms(midge_filter *filter, mdg_node *node) {
    node->first_term = filter->n_terms;
    if (node->kind == MDG_NODE_TERM) {
        filter->terms[filter->n_terms++] = *node->term;
        node->term = NULL;
        return;
    }
    for (mdg_node *child = node->child; child; child = child->next) {
        lay_terms(filter, child);
    }
}

/* Where a term goes on: for `and` the first failure decides, for `or` the first
 * success, else the next child. */
static void lay_jumps(midge_filter *filter, const mdg_node *node, uint32_t yes,
                      uint32_t no) {
    if (node->kind == MDG_NODE_TERM) {
        filter->terms[node->first_term].yes = yes;
        filter->terms[node->first_term].no = no;
        return;
    }
    for (const mdg_node *child = node->child; child; child = child->next) {
        uint32_t next = child->next ? child->next->first_term : 0;
        int is_and = node->kind == MDG_NODE_AND;
        lay_jumps(filter, child, child->next && is_and ? next : yes,
                  child->next && !is_and ? next : no);
    }
}

static midge_status compile(midge_filter *filter, const char *text, size_t size,
                            midge_error *err) {
    mdg_node *root;
    MIDGE_TRY(mdg_filter_parse(filter, text, size, &root, err));
    filter->terms = midge_arena_alloc(
        &filter->arena, (size_t)filter->n_terms * sizeof *filter->terms);
    if (!filter->terms) {
        return mdg_no_memory("a filter", err);
    }
    uint32_t n_terms = filter->n_terms;
    filter->n_terms = 0;
    lay_terms(filter, root);
    mdg_assert(filter->n_terms == n_terms);
    (void)n_terms;
    lay_jumps(filter, root, MDG_JUMP_PASS, MDG_JUMP_FAIL);
    filter->root = root;
    return MIDGE_OK;
}

midge_status mdg_filter_make(const midge_env *env, const mdg_columns *columns,
                             const char *text, size_t size, midge_filter **out,
                             midge_error *err) {
    *out = NULL;
    midge_filter *filter = mdg_alloc_zero(env, 1, sizeof *filter);
    if (!filter) {
        return mdg_no_memory("a filter", err);
    }
    filter->columns = columns;
    midge_arena_init(&filter->arena, env, 0);
    midge_status status = compile(filter, text, size, err);
    if (status != MIDGE_OK) {
        midge_filter_free(filter);
        return status;
    }
    *out = filter;
    return MIDGE_OK;
}

midge_status midge_filter_new(const midge_index *index, const char *text,
                              size_t size, midge_filter **out,
                              midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!index || (!text && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "index or text missing");
    }
    MIDGE_TRY(
        mdg_filter_make(index->env, &index->columns, text, size, out, err));
    (*out)->index = index;
    return MIDGE_OK;
}

void midge_filter_free(midge_filter *filter) {
    if (!filter) {
        return;
    }
    const midge_env *env = filter->arena.env;
    midge_arena_deinit(&filter->arena);
    mdg_release(env, filter, 1, sizeof *filter);
}
