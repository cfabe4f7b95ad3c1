/* The relay: every datagram between user agents and proxies, taken off its way by the kernel rules
 * (rules.h), shown to a handler and sent on with the addresses it had.
 *
 * There is a transparent UDP socket for either direction and address family, which gives each
 * datagram's true source and destination, and a raw socket for each family, which sends with any
 * source. What the raw sockets send carries own_mark, by which the rules know it.
 *
 * The TOS or traffic class of a datagram is kept, and so is its TTL or hop limit where its proxy is
 * on this host. On the way to or from another host the relay is a router: it takes one off, and a
 * datagram that has none left ends here, so that two hosts that route to each other end it as well.
 * Sent without DF: what exceeds the path's MTU the kernel fragments. */
#ifndef NATBOX_RELAY_H
#define NATBOX_RELAY_H

#include <natbox/wire.h>

struct relay;

enum relay_direction {
	RELAY_IN,  /* to a proxy */
	RELAY_OUT, /* from a proxy */
	RELAY_DIRECTIONS
};

struct relay_settings {
	uint16_t in_port, out_port; /* where the rules divert each direction to */
	uint32_t own_mark;          /* of what the relay sends; not 0 */
	const struct proxies *proxies;
};

struct relay_counters {
	uint64_t received[RELAY_DIRECTIONS];
	uint64_t sent;        /* relayed, and by relay_sender's */
	uint64_t misdirected; /* to no proxy, from no proxy, or straight to a relay port: dropped */
	uint64_t expired;     /* no hop left: dropped */
	uint64_t send_errors; /* the kernel refused: no route, a firewall, no buffer */
	uint64_t overruns;    /* lost in the kernel because the relay did not keep up */
	int last_send_error;  /* negative errno of the latest of send_errors, 0 */
};

/* Opens the sockets. Needs CAP_NET_ADMIN and CAP_NET_RAW, here only: sending needs neither. A host
 * without IPv6 gets a relay without it. 0 or a negative errno with *fault set. */
int relay_open(const struct relay_settings *settings, struct relay **relay, struct fault *fault);
void relay_close(struct relay *relay); /* NULL is fine */

/* The descriptors to poll for reading: how many, at most RELAY_DESCRIPTORS_MAX. */
enum { RELAY_DESCRIPTORS_MAX = 4 };
unsigned relay_descriptors(const struct relay *relay, int list[static RELAY_DESCRIPTORS_MAX]);

/* Takes at most one batch from each socket, has each datagram handled in turn and
 * sends on what is to be sent on. Never blocks. Returns how many were handled: 0 means that it is
 * time to poll. What the handler itself gives to the sender goes out with the batch. Once
 * WIRE_TURN_BYTES_MAX have been handled, or the handler has no time, the rest of a batch waits for
 * the next call: 64 of the longest datagrams there are would take as long as ten thousand ordinary
 * ones. */
unsigned relay_receive(struct relay *relay, uint64_t now_us, const struct wire_handler *handler);

/* Whether a part of a batch waits: then there may be nothing to poll for. */
bool relay_has_rest(const struct relay *relay);

/* For datagrams of natbox's own, which go out with its next flush or relay_receive. It lives as
 * long as the relay. */
struct sender *relay_sender(const struct relay *relay);

struct relay_counters relay_counters(const struct relay *relay);

#endif
