/* What the kernel rules of relay mode are made from. */
#ifndef NATBOX_RULES_SETTINGS_H
#define NATBOX_RULES_SETTINGS_H

#include <natbox/address.h>

/* Most proxies: as many elements as fit into one netlink attribute of 64 KiB. */
enum { RULES_PROXIES_MAX = 1024 };

struct rules_settings {
	uint16_t in_port, out_port; /* of the relay */
	uint32_t mark;              /* of what is diverted; not 0 */
	uint32_t own_mark;          /* of what the relay sends; not 0, not mark */
	uint32_t table;             /* routing table of our own */
	bool manual; /* the operator installs and removes; proxies are kept alive all the same */
	const struct address *proxies; /* "any address" already resolved (natbox/host.h) */
	size_t proxy_count;
};

#endif
