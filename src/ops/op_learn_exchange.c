/* op_learn_exchange.c: learn.exchange, what all agents know after a round. */
#include <string.h>

#include "base/alloc.h"
#include "ops/learn_candidate.h"
#include "ops/ops_table.h"

#define BOARD_MAX                                                              \
    100u /* so that a board stays far below a result's maximum                 \
          */

typedef struct list {
    const midge_json **items;
    size_t count;
} list;

static double score_of(const midge_json *candidate) {
    return midge_json_get_double(candidate, "score", 0.0);
}

/* Keeps the order of equals: who was there before stays before. */
static void insert_sorted(list *l, const midge_json *candidate) {
    size_t at = l->count++;
    while (at > 0 && score_of(l->items[at - 1]) < score_of(candidate)) {
        l->items[at] = l->items[at - 1];
        at--;
    }
    l->items[at] = candidate;
}

static size_t count_all(const midge_json *found, const midge_json *board) {
    const midge_json *old = midge_json_get(board, "candidates");
    return (size_t)found->count + (old ? old->count : 0);
}

static midge_status collect(list *l, const midge_json *found,
                            const midge_json *board, midge_error *err) {
    for (const midge_json *c = mdg_board_first(board); c; c = c->next) {
        insert_sorted(l, c);
    }
    for (const midge_json *f = found->child; f; f = f->next) {
        const midge_json *candidate = midge_json_get(f, "candidate");
        if (!candidate) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "found holds something that is no result of "
                              "learn.search");
        }
        if (candidate->type == MIDGE_JSON_OBJECT) {
            insert_sorted(l, candidate);
        }
    }
    return MIDGE_OK;
}

static void write_failed(const midge_json *found, const midge_json *board,
                         midge_json_writer *w) {
    const midge_json *old = midge_json_get(board, "failed");
    midge_json_key(w, "failed");
    midge_json_begin_array(w);
    for (const midge_json *f = old ? old->child : NULL; f; f = f->next) {
        midge_json_value(w, f);
    }
    for (const midge_json *f = found->child; f; f = f->next) {
        const midge_json *candidate = midge_json_get(f, "candidate");
        if (candidate && candidate->type == MIDGE_JSON_NULL) {
            midge_json_begin_object(w);
            midge_json_key(w, "agent");
            midge_json_string(w, midge_json_get_string(f, "agent", ""));
            midge_json_key(w, "round");
            midge_json_int(w, midge_json_get_int(f, "round", 0));
            midge_json_key(w, "reason");
            midge_json_string(w, midge_json_get_string(f, "reason", ""));
            midge_json_key(w, "seconds");
            midge_json_double(w, midge_json_get_double(f, "seconds", 0.0));
            midge_json_end_object(w);
        }
    }
    midge_json_end_array(w);
}

static midge_status write_board(const list *l, const midge_json *found,
                                const midge_json *board, midge_buf *result) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "leader");
    if (l->count > 0) {
        midge_json_string(&w, midge_json_get_string(l->items[0], "name", ""));
    } else {
        midge_json_null(&w);
    }
    midge_json_key(&w, "candidates");
    midge_json_begin_array(&w);
    for (size_t i = 0; i < l->count && i < BOARD_MAX; i++) {
        midge_json_value(&w, l->items[i]);
    }
    midge_json_end_array(&w);
    write_failed(found, board, &w);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(learn_exchange) {
    const midge_json *found = midge_json_get(args, "found");
    const midge_json *board = midge_json_get(args, "board");
    size_t room = count_all(found, board) + 1;
    list l = {mdg_alloc(env, room, sizeof(midge_json *)), 0};
    if (!l.items) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    (void)host;
    midge_status status = collect(&l, found, board, err);
    if (status == MIDGE_OK) {
        status = write_board(&l, found, board, result);
    }
    mdg_release(env, l.items, room, sizeof(midge_json *));
    return status;
}
