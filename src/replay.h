#ifndef NATBOX_REPLAY_H
#define NATBOX_REPLAY_H

#include "options.h"

/* Lets the capture of the options go through the engine, to its end. Returns the exit status; what
 * went wrong has been logged. */
int replay_run(const struct options *options, const struct config *config);

#endif
