/* Interfaces: the addresses of this host, which a proxy `*:PORT` stands for. */
#ifndef NATBOX_INTERFACES_H
#define NATBOX_INTERFACES_H

#include <natbox/address.h>
#include <natbox/fault.h>

/* Lists each IPv4 and IPv6 address of this host once, loopback too, with port 0. At most size of
 * them; returns how many, -ENOSPC when there are more, or another negative errno, *fault set. */
int interfaces_list(struct address *addresses, size_t size, struct fault *fault);

#endif
