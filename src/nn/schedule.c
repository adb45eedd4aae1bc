/* schedule.c: how large the steps are, as training goes on. */
#include "base/fmath.h"
#include "nn/train.h"

#define PI 3.14159265358979323846

/* From `high` at phase 0 to `low` at phase 1, along half a cosine (Loshchilov &
 * Hutter 2017). */
static float half_cosine(float high, float low, double phase) {
    float share = 0.5f * (1.0f + mdg_cos_f32((float)(PI * phase)));
    return low + (high - low) * share;
}

#define RISE       0.3   /* of all steps */
#define RISE_START 25.0f /* of the rate at the top */

static float one_cycle(const midge_train_options *o, double phase) {
    const float top = o->learning_rate;
    if (phase < RISE) {
        const float start = top / RISE_START;
        return start + (top - start) * (float)(phase / RISE);
    }
    return half_cosine(top, o->final_learning_rate,
                       (phase - RISE) / (1.0 - RISE));
}

float mdg_schedule_rate(const mdg_training *tr, uint64_t step, uint64_t steps) {
    const midge_train_options *o = tr->o;
    /* More epochs than were planned stay where the plan ended. */
    const double phase = steps <= 1     ? 0.0
                         : step < steps ? (double)step / (double)(steps - 1)
                                        : 1.0;
    const uint32_t drops =
        o->schedule_epochs > 0 ? (tr->epoch - 1) / o->schedule_epochs : 0;
    switch (o->schedule) {
    case MIDGE_SCHEDULE_STEP:
        return o->learning_rate * mdg_pow_f32(o->schedule_factor, (float)drops);
    case MIDGE_SCHEDULE_COSINE:
        return half_cosine(o->learning_rate, o->final_learning_rate, phase);
    case MIDGE_SCHEDULE_ONE_CYCLE:
        return one_cycle(o, phase);
    case MIDGE_SCHEDULE_PLATEAU:
        return o->learning_rate * tr->plateau;
    case MIDGE_SCHEDULE_CONSTANT:
        break;
    }
    return o->learning_rate;
}

void mdg_schedule_epoch(mdg_training *tr, int better) {
    tr->plateau_epochs = better ? 0 : tr->plateau_epochs + 1;
    if (tr->o->schedule == MIDGE_SCHEDULE_PLATEAU &&
        tr->plateau_epochs >= tr->o->schedule_epochs) {
        tr->plateau *= tr->o->schedule_factor;
        tr->plateau_epochs = 0;
    }
}
