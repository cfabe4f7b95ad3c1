/* The way to a host, as this host's routes are now. */
#ifndef NATBOX_WAY_H
#define NATBOX_WAY_H

#include <natbox/address.h>

/* *interface: the number of the one that what is sent there leaves by; that of the loopback where
 * it is this host itself; 0 where no route leads there. 0, or a negative errno where the kernel
 * cannot be asked. */
int way_to(const struct address *host, unsigned *interface);

#endif
