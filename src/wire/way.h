/* The way to a host, as this host's routes are now. */
#ifndef NATBOX_WAY_H
#define NATBOX_WAY_H

#include <natbox/address.h>

/* The number of the interface that what is sent there leaves by; that of the loopback where it is
 * this host itself; 0 where no route leads there, or none can be asked for. */
unsigned way_to(const struct address *host);

#endif
