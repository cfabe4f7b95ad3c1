/* The proxies that the modes relay and queue serve, and the kernel rules for them. */
#ifndef NATBOX_SERVED_H
#define NATBOX_SERVED_H

#include "rules/rules_settings.h"

#include <natbox/wire.h>

/* Of these proxies those that are served, into a list with room for all. Returns how many. */
size_t served_list(const struct wire_settings *settings, const struct address *proxies,
	size_t count, struct address *served);

/* served has to outlive what is returned. */
struct rules_settings served_rules(
	const struct wire_settings *settings, const struct address *served, size_t count);

/* There is none to be served: the fault that says so. */
int served_refuse_none(struct fault *fault);

/* Relay mode sends what is for a proxy on this host over the loopback interface: warns where that
 * is down, as in a network namespace that is new. Mode queue does not mind. */
void served_warn_of_loopback(const struct wire *wire, const struct address *served, size_t count);

/* Tells of all that is in the way of serving them on this host (natbox -t -t). */
void served_examine(struct wire *wire);

#endif
