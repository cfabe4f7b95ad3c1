/* The proxies: their addresses, and a small number for each that the tables use in its place. */
#ifndef NATBOX_PROXIES_H
#define NATBOX_PROXIES_H

#include <natbox/address.h>

/* Most proxy addresses. A host with *:PORT has a few; the most seen is one an address of a /24. */
enum { PROXIES_MAX = 1024, PROXIES_SLOTS = 4096, PROXY_NONE = UINT16_MAX };

struct proxies {
	uint16_t count;
	struct address list[PROXIES_MAX];
	uint16_t slots[PROXIES_SLOTS]; /* open addressing; number + 1, 0 is empty */
};

void proxies_init(struct proxies *proxies);

/* Adds an address, or finds it there already. Its number, or PROXY_NONE when there are too many. */
uint16_t proxies_add(struct proxies *proxies, const struct address *address);

/* PROXY_NONE when it is none of them. */
uint16_t proxies_find(const struct proxies *proxies, const struct address *address);

#endif
