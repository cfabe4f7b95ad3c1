/* Policy routing: what bears the relay's mark is delivered to this host, whatever its destination.
 * One rule and one route for each address family, marked as ours by their protocol. */
#ifndef NATBOX_ROUTING_H
#define NATBOX_ROUTING_H

#include "rules_settings.h"

#include <natbox/base.h>

enum {
	/* Before the rules of others, but for the kernel's own of the local table: one of theirs
	 * that looks at sources or interfaces, as for several uplinks, takes nothing of ours. */
	ROUTING_PRIORITY = 1,
	/* Who made a rule or route: 'n'. Not among those of /etc/iproute2/rt_protos. */
	ROUTING_PROTOCOL = 110,
};

/* A way to the kernel's routing, opened once: what is to be put back later needs no descriptor that
 * may then be missing. */
struct routing;

/* 0 or a negative errno with *fault set. */
int routing_open(struct routing **routing, struct fault *fault);
void routing_close(struct routing *routing); /* NULL is fine */

/* What somebody else may use as well. */
enum routing_use { ROUTING_USES_MARK, ROUTING_USES_OWN_MARK, ROUTING_USES_TABLE };

/* 0, or -EEXIST and others with *fault set. */
int routing_check(const struct rules_settings *settings, enum routing_use use, struct fault *fault);

/* Puts in place what is missing; *added: whether anything was. 0 or a negative errno with *fault
 * set. */
int routing_install(struct routing *routing, const struct rules_settings *settings, bool *added,
	struct fault *fault);

/* Removes all that is ours, of whatever mark and table a crashed run had, too. */
void routing_remove(struct routing *routing, const struct rules_settings *settings);

#endif
