/* event_copy.c: deep copies of events.
 *
 * A decided event borrows from the command and the state, and the state changes
 * with the first event that is applied. The driver keeps a whole batch of
 * events until the store has them, so each is copied first.
 */
#include "loop/event_copy.h"

#include <string.h>

static int copy_text(midge_arena *arena, midge_text *text) {
    if (text->size == 0) {
        return 1;
    }
    text->data = midge_arena_copy(arena, text->data, text->size);
    return text->data != NULL;
}

/* A control character in JSON can only stand between tokens; blanks there keep
 * an event one line, and the projections equal to those of a replay. */
static int copy_json(midge_arena *arena, midge_text *json) {
    if (json->size == 0) {
        return 1;
    }
    char *copy = midge_arena_copy(arena, json->data, json->size);
    for (uint32_t i = 0; copy && i < json->size; i++) {
        copy[i] = (unsigned char)copy[i] < ' ' ? ' ' : copy[i];
    }
    json->data = copy;
    return copy != NULL;
}

static int copy_deps(midge_arena *arena, midge_event *event) {
    if (event->n_deps == 0) {
        return 1;
    }
    size_t bytes = (size_t)event->n_deps * sizeof *event->deps;
    uint32_t *deps = midge_arena_alloc(arena, bytes);
    if (deps) {
        memcpy(deps, event->deps, bytes);
    }
    event->deps = deps;
    return deps != NULL;
}

static int copy_capabilities(midge_arena *arena, midge_event *event) {
    if (event->n_capabilities == 0) {
        return 1;
    }
    size_t bytes = (size_t)event->n_capabilities * sizeof *event->capabilities;
    midge_text *list = midge_arena_alloc(arena, bytes);
    if (!list) {
        return 0;
    }
    memcpy(list, event->capabilities, bytes);
    event->capabilities = list;
    for (uint32_t i = 0; i < event->n_capabilities; i++) {
        if (!copy_text(arena, &list[i])) {
            return 0;
        }
    }
    return 1;
}

midge_event *mdg_event_copy(midge_arena *arena, const midge_event *event) {
    midge_event *copy = midge_arena_alloc(arena, sizeof *copy);
    if (!copy) {
        return NULL;
    }
    *copy = *event;
    int whole =
        copy_text(arena, &copy->name) && copy_text(arena, &copy->key) &&
        copy_text(arena, &copy->kind) && copy_text(arena, &copy->pattern) &&
        copy_json(arena, &copy->input) && copy_json(arena, &copy->result) &&
        copy_text(arena, &copy->error) && copy_deps(arena, copy) &&
        copy_capabilities(arena, copy);
    return whole ? copy : NULL;
}
