/* learn_text.h: numbers in text for a person. */
#ifndef MDG_LEARN_TEXT_H
#define MDG_LEARN_TEXT_H

#include "midge/buf.h"

/* `value` with `decimals` (0..6) digits after the point, rounded half away
 * from zero. */
void mdg_text_fixed(midge_buf *out, double value, unsigned decimals);
void mdg_text_int(midge_buf *out, int64_t value);

#endif
