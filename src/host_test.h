/* natbox -t -t: whether natbox could start on this host. */
#ifndef NATBOX_HOST_TEST_H
#define NATBOX_HOST_TEST_H

#include "options.h"

/* Tells everything on this host that would be in the way of this configuration, a line each, and
 * changes nothing. Needs the privileges that the start needs. 0, or EXIT_USAGE where there is
 * anything. */
int host_test(const struct options *options, const struct config *config);

#endif
