/* The queue: every datagram between user agents and proxies, handed over by the kernel rules
 * (rules/rules.h) as the IP packet that it is, shown to a handler and given back to the kernel as
 * it came, rewritten or not at all. Routes, firewall, TTL, TOS and fragments are the kernel's, as
 * of any packet that it forwards.
 *
 * A message that grows may be fragmented from here on: in IPv4 its DF is taken out; what IPv6 would
 * not let a router fragment is sent from here instead, in fragments (send/ipv6_fragments.h), as is,
 * by the sender, what no attribute holds; both carry own_mark.
 *
 * What there is no room for in the queue goes past it. */
#ifndef NATBOX_QUEUE_H
#define NATBOX_QUEUE_H

#include <natbox/wire.h>

struct queue;

struct queue_settings {
	uint16_t number;
	uint32_t own_mark; /* of what natbox sends itself; not 0 */
};

struct queue_counters {
	uint64_t passed;
	uint64_t unreadable;  /* of passed: not to be rewritten (ip_packet.h), or bad checksum */
	uint64_t send_errors; /* the kernel refused: no route, a firewall, no buffer */
	int last_send_error;  /* negative errno of the latest of send_errors, 0 */
	uint64_t refused;     /* went on late, and as they came: the kernel took no verdict */
	int last_refusal;     /* negative errno of the latest of refused, 0 */
	uint64_t overruns;    /* went past because natbox did not keep up */
};

/* Binds the queue. Needs CAP_NET_ADMIN, which giving packets back needs too, and CAP_NET_RAW, here
 * only. 0 or a negative errno with *fault set: -EBUSY when another program has the queue. */
int queue_open(const struct queue_settings *settings, struct queue **queue, struct fault *fault);

/* What is still in the queue is lost: release it before. NULL is fine. */
void queue_close(struct queue *queue);

/* To poll for reading. */
int queue_descriptor(const struct queue *queue);

/* Takes at most one batch, has each datagram handled in turn and gives it back. Never blocks.
 * Returns how many packets were handled: 0 means that it is time to poll. Once
 * WIRE_TURN_BYTES_MAX have been handled, or the handler has no time, the rest of the batch waits
 * for the next call. */
unsigned queue_receive(struct queue *queue, uint64_t now_us, const struct wire_handler *handler);

/* Whether a part of a batch waits: then there may be nothing to poll for. */
bool queue_has_rest(const struct queue *queue);

/* For datagrams of natbox's own, which go out with its next flush or queue_receive. It lives as
 * long as the queue. */
struct sender *queue_sender(const struct queue *queue);

/* Gives back everything that is in the queue, as it came. */
void queue_release(struct queue *queue);

struct queue_counters queue_counters(const struct queue *queue);

#endif
