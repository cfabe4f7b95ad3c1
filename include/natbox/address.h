#ifndef NATBOX_ADDRESS_H
#define NATBOX_ADDRESS_H

#include <natbox/base.h>

/* Transport addresses and networks, IPv4 and IPv6 alike. */

/* An IP address and UDP port. IPv4 is kept mapped into IPv6 (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so
 * that there is one shape to hash, compare and store. ip is in network order, port in host order.
 */
struct address {
	uint8_t ip[16];
	uint16_t port;
};

/* Room for the longest "[IPv6]:port" with its terminating zero. */
enum { ADDRESS_TEXT_MAX = 56 };

/* A network: the leading bits of ip, counted over the mapped form (an IPv4 /8 has bits = 104). */
struct network {
	uint8_t ip[16];
	uint8_t bits;
};

struct address address_ipv4(const void *ip, uint16_t port); /* ip: 4 bytes, network order */
struct address address_ipv6(const void *ip, uint16_t port); /* 16 bytes, a mapped one, too */

bool address_is_ipv4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);
bool address_same_host(const struct address *a, const struct address *b);

/* A keyed hash of an IP address and a port: quicker than a hash of bytes, and good for 32 bits
 * among few; where a table stands on it, hash_start and its kin serve. */
uint32_t hash_address(const struct hash_key *key, const struct address *address, uint16_t port);

/* Not for the public internet: RFC 1918, 6598 (100.64/10), 3927 (169.254/16), 6333 (192.0.0.0/29),
 * loopback, IPv6 unique local (RFC 4193), link local and ::1. */
bool address_is_private(const struct address *address);

/* 127/8 and ::1, where no user agent comes from. */
bool address_is_loopback(const struct address *address);

/* 0.0.0.0 and ::, whatever the port. */
bool address_is_unspecified(const struct address *address);

/* Private or unspecified: it tells nobody elsewhere where to send. */
bool address_is_no_place(const struct address *address);

/* Whether one host can be sent to there: not with port 0, which is nobody's (RFC 768), nor the
 * unspecified address and its network (RFC 1122 3.2.1.3), nor multicast, broadcast or what is
 * reserved beyond that (RFC 1112 4, RFC 4291 2.7). */
bool address_is_one_host(const struct address *address);

/* The host of a SIP URI or Via: an IPv4 address, an IPv6 address with or without brackets. The port
 * of *address is left alone. False for a name or anything else. */
bool address_parse_host(struct text host, struct address *address);

/* "1.2.3.4:5060" or "[2001:db8::1]:5060"; without a port, default_port. 0 or -EINVAL. */
int address_parse(struct text text, uint16_t default_port, struct address *address);

/* Writes "1.2.3.4:5060" or "[2001:db8::1]:5060" with a terminating zero; returns its length. */
size_t address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

/* The host alone, as a URI wants it: IPv6 in brackets (RFC 3261 25.1). */
size_t address_format_host(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

/* "10.0.0.0/8", "2001:db8::/32", or a lone address. 0 or -EINVAL, also where host bits are set. */
int network_parse(struct text text, struct network *network);

/* No network of IPv6 contains an address of IPv4. */
bool network_contains(const struct network *network, const struct address *address);

/* Source and destination of a datagram as its IP and UDP headers give them. */
struct flow {
	struct address source, destination;
};

/* A set of networks that is asked about every packet: how many it holds makes next to no
 * difference. Networks either lie apart or one within the other, so only the outermost are kept, in
 * order, and an address can be in one of them alone. */

enum { NETWORKS_MAX = 256 };

/* Zeroed it is empty. */
struct networks {
	unsigned count;
	/* Those of IPv6 first, each in order of ip; host bits are zero. */
	struct network list[NETWORKS_MAX];
};

/* Adds a network, which may be in the set already. 0, or -ENOSPC when the set is full. */
int networks_add(struct networks *networks, const struct network *network);

/* Whether one of them contains the address. */
bool networks_contain(const struct networks *networks, const struct address *address);

#endif
