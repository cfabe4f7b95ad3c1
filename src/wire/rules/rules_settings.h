/* What the kernel rules of the modes relay and queue are made from. */
#ifndef NATBOX_RULES_SETTINGS_H
#define NATBOX_RULES_SETTINGS_H

#include <natbox/endpoints.h>

_Static_assert((int)PROXIES_MAX <= 1024, "elements fit into one netlink attribute of 64 KiB");

struct rules_settings {
	bool queues; /* mode queue: packets are handed over in a queue, not diverted to sockets */
	uint16_t queue;             /* its number */
	uint16_t in_port, out_port; /* of the relay; so are mark and table */
	uint32_t mark;              /* of what is diverted; not 0 */
	uint32_t own_mark;          /* of what natbox sends; not 0, not mark */
	uint32_t table;             /* routing table of our own */
	bool manual; /* the operator installs and removes; proxies are kept alive all the same */
	const struct address *proxies; /* "any address" already resolved (natbox/host.h) */
	size_t proxy_count;            /* at most PROXIES_MAX */
};

#endif
