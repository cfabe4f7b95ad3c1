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

/* Tells of all that is in the way of serving them on this host (natbox -t -t). */
void served_examine(struct wire *wire);

#endif
