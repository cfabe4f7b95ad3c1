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

/* What a capture is to see. A packet from a proxy is believed where it can come from: this host
 * sends it, or it comes in at the interface that the way to the proxy goes through; a capture also
 * sees what the firewall drops afterwards. On one interface, which is chosen for what passes there,
 * that is asked of the proxies of this host alone. */
struct filter_view {
	const struct address *proxies; /* with an unspecified ip (:: or 0.0.0.0): any host */
	const unsigned *ways;          /* the interface that leads to each; 0: none is known */
	size_t count;
	const struct address *own; /* this host's addresses, where a proxy is any host */
	size_t own_count;
	unsigned loopback;  /* the interface's number */
	unsigned interface; /* of the one that is captured on; 0: any, as DLT_LINUX_SLL2 */
	int link_type;      /* DLT_ */
};

/* The filter for UDP of these proxies in both directions, IPv4 and IPv6, on Ethernet also with one
 * or two VLAN tags. Of fragments all those of UDP from or to a proxy's host, as only the first has
 * ports; of IPv6 packets with extension headers likewise. But not the keepalives that natbox sends
 * in sniff mode: what bears INJECT_LABEL (inject.h) and begins as they do. A proxy's packet bears
 * it by chance at most once in 65536; then a NOTIFY or OPTIONS is missed, and no other message. To
 * be freed; NULL when memory is short. */
char *filter_write(const struct filter_view *view);

#endif
