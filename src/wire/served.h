/* The proxies that the modes relay and queue serve, and the kernel rules for them. */
#ifndef NATBOX_SERVED_H
#define NATBOX_SERVED_H

#include "rules/rules.h"

#include <natbox/wire.h>

/* It stays where it is: the rules point to the proxies. */
struct served {
	struct address proxies[PROXIES_MAX];
	struct rules_settings rules;
};

/* Of these proxies, at most PROXIES_MAX, those that are served: 0, or a negative errno where there
 * are none. */
int served_choose(const struct wire_settings *settings, const struct address *proxies, size_t count,
	struct served *served, struct fault *fault);

/* For people: a line for each of them. */
void served_tell(const struct wire *wire, const struct served *served);

/* Of what keeps this host from serving them all the same. */
void served_warn(const struct wire *wire, const struct served *served);

/* Tells of all that is in the way of serving those that there are now (natbox -t -t). */
void served_examine(struct wire *wire);

#endif
