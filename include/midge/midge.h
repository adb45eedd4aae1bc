/* midge.h: everything that is public in the core, in one include. */
#ifndef MIDGE_H
#define MIDGE_H

#include "midge/buf.h"
#include "midge/embed.h"
#include "midge/env.h"
#include "midge/hash.h"
#include "midge/index.h"
#include "midge/index_image.h"
#include "midge/json.h"
#include "midge/measure.h"
#include "midge/model.h"
#include "midge/nn.h"
#include "midge/nn_data.h"
#include "midge/nn_exchange.h"
#include "midge/nn_quant.h"
#include "midge/nn_train.h"
#include "midge/ops.h"
#include "midge/selftest.h"
#include "midge/status.h"
#include "midge/swarm.h"
#include "midge/table.h"
#include "midge/vector_source.h"
#include "midge/version.h"

#endif
