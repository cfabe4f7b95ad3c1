/* This host: which addresses are its own. */
#ifndef NATBOX_HOST_H
#define NATBOX_HOST_H

#include <natbox/address.h>

/* Most addresses of a host that are looked at: four /24 of service addresses. More are left out. */
enum { HOST_ADDRESSES_MAX = 1024 };

/* Addresses are sorted, each once, the port always 0. Link-local IPv6 addresses are left out: they
 * mean nothing without an interface, which neither a SIP URI nor a struct address names. */
struct host {
	unsigned count;
	bool loopback_is_up;
	bool is_cut; /* there are more */
	struct address list[HOST_ADDRESSES_MAX];
};

/* Reads the addresses as they are now. 0 or a negative errno: *host is then unchanged. */
int host_read(struct host *host);

/* Whether the address, whatever its port, is this host's; all of 127.0.0.0/8 is. */
bool host_has(const struct host *host, const struct address *address);

#endif
