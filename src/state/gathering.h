/* Putting reasons, as they are now, into a batch. */
#ifndef GATHERING_H
#define GATHERING_H

#include "store.h"

#include <natbox/endpoints.h>

/* The record of a slot, or that it is empty. False when the batch is full. */
bool gather_reason(struct batch *batch, const struct endpoints *endpoints, uint32_t slot);

/* The quiet times of one block of QUIET_SLOTS slots. False when the batch is full. */
bool gather_quiet(struct batch *batch, const struct endpoints *endpoints, uint32_t block);

#endif
