/* Filter: what the kernel hands to a live capture, as a libpcap filter (pcap-filter(7)). */
#ifndef NATBOX_FILTER_H
#define NATBOX_FILTER_H

#include <natbox/address.h>

enum {
	/* Most hosts and ports named. The kernel takes programs of up to 4096 instructions; as
	 * many hosts on as many ports make 3300 with VLAN tags. Beyond, all hosts or all ports
	 * pass, and the engine tells whose they are. */
	FILTER_HOSTS_MAX = 256,
	FILTER_PORTS_MAX = 8,
};

/* The filter for these proxies on that link type (DLT_): their UDP in both directions, IPv4 and
 * IPv6, on Ethernet also with one or two VLAN tags. A proxy whose ip is unspecified (:: or 0.0.0.0)
 * stands for any host. Of fragments all those of UDP from or to a proxy's host, as only the first
 * has ports; of IPv6 packets with extension headers likewise. But not the keepalives that natbox
 * sends in sniff mode: what bears INJECT_LABEL (inject.h) and begins as they do. A proxy's packet
 * bears it by chance at most once in 65536; then a NOTIFY or OPTIONS is missed, and no other
 * message. To be freed; NULL when memory is short. */
char *filter_write(const struct address *proxies, size_t count, int link_type);

#endif
