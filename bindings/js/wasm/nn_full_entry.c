/* nn_full_entry.c: what midge-nn-full has more: cascade-correlation. */
#include "entry.h"
#include "nn_entry.h"

static struct {
    midge_cascade_options cascade;
    midge_cascade_result grown;
} shown;

EXPORT(cascade_defaults) midge_cascade_options *entry_cascade_defaults(void);
EXPORT(net_cascade)
int entry_net_cascade(network *o, const midge_net_data *train);
EXPORT(cascade_result) const midge_cascade_result *entry_cascade_result(void);

/* The options that net_cascade takes, to be changed where they lie. */
midge_cascade_options *entry_cascade_defaults(void) {
    shown.cascade = midge_cascade_defaults();
    nn_ask_the_caller(&shown.cascade.train);
    return &shown.cascade;
}

int entry_net_cascade(network *o, const midge_net_data *train) {
    nn_room_release(&o->room); /* more units need a larger workspace */
    return (int)midge_net_cascade(o->net, train, &shown.cascade, &shown.grown,
                                  &entry_error);
}

const midge_cascade_result *entry_cascade_result(void) {
    return &shown.grown;
}
