/* What natbox on the network does for those who control it, or ask over HTTP. */
#ifndef NATBOX_HOSTING_H
#define NATBOX_HOSTING_H

#include "live.h"

/* Whether there is to be a control socket, and whether natbox is to end where it cannot be made, as
 * the operator has named it. */
enum hosting_wish { HOSTING_NOT, HOSTING_IF_POSSIBLE, HOSTING_OR_END };
enum hosting_wish hosting_wish(const struct config *config, bool dry_run);

/* Makes the control socket, where there is to be one. What cannot be made is an error or a warning.
 * 0 or a negative errno with *fault set. */
int hosting_open(struct live *live, const struct identity *identity, struct fault *fault);

/* From now on those who control it are answered. */
void hosting_start(struct live *live);

enum hosting_wanted {
	HOSTING_CONTROL = 1 << 0, /* somebody who controls natbox waits */
	HOSTING_PAGE = 1 << 1,    /* somebody who looks at the status page does */
};

/* The part of a turn that is theirs. wanted: a set of enum hosting_wanted, not empty. is_idle:
 * nothing else waits to be done. */
void hosting_turn(struct live *live, unsigned wanted, bool is_idle);

#endif
