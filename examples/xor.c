/* xor.c: trains a small net on the exclusive or, then asks it. Ends with 0 only
 * when the net learned it, so that it is a test as well. */
#include <stdio.h>

#include "midge/midge.h"
#include "midge/os.h"

static const float inputs[] = {0, 0, 0, 1, 1, 0, 1, 1}; /* (4, 2) */
static const float wanted[] = {0, 1, 1, 0};             /* (4, 1) */

static midge_status learn(midge_net *net, midge_error *err) {
    midge_net_data data = {.n_rows = 4, .x = inputs, .t = wanted};
    midge_train_options options = midge_train_defaults(MIDGE_TRAIN_RPROP);
    options.loss = MIDGE_LOSS_CROSS_ENTROPY;
    options.max_epochs = 200;
    midge_train_result result;
    MIDGE_TRY(midge_net_train(net, &data, NULL, &options, &result, err));
    printf("after %u epochs the loss is %.4f\n", (unsigned)result.epochs,
           result.train_loss);
    return MIDGE_OK;
}

static int ask(const midge_net *net) {
    _Alignas(64) static unsigned char workspace[4096];
    float answers[4];
    if (midge_net_workspace_bytes(net, 4) > sizeof workspace ||
        midge_net_run(net, 4, inputs, answers, workspace) != MIDGE_OK) {
        return 1;
    }
    int wrong = 0;
    for (int i = 0; i < 4; i++) {
        printf("%.0f xor %.0f = %.3f\n", (double)inputs[2 * i],
               (double)inputs[2 * i + 1], (double)answers[i]);
        wrong += (answers[i] > 0.5F) != (wanted[i] > 0.5F);
    }
    return wrong;
}

int main(void) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_net *net = NULL;
    const uint32_t sizes[] = {2, 8, 1};
    midge_net_options options = {.n_layers = 2,
                                 .sizes = sizes,
                                 .hidden = MIDGE_ACT_TANH,
                                 .output = MIDGE_ACT_SIGMOID,
                                 .seed = 1};
    int code = 1;
    if (midge_net_new(&env, &options, &net, &err) != MIDGE_OK ||
        learn(net, &err) != MIDGE_OK) {
        fprintf(stderr, "%s\n", err.text);
    } else {
        code = ask(net);
    }
    midge_net_free(net);
    return code;
}
