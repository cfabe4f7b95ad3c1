/* Verdicts on queued packets, collected and handed to the kernel together, in the order of the
 * packets. */
#ifndef NATBOX_VERDICTS_H
#define NATBOX_VERDICTS_H

#include "ip_packet.h"

#include <libmnl/libmnl.h>
#include <stdalign.h>

enum {
	/* The longest packet that an attribute holds. */
	VERDICT_PACKET_MAX = 65535 - 4,
	/* Handed over once there is so much: with another message what the kernel has in one piece
	 * of memory, which it gets cheaply. */
	VERDICTS_FULL = 7 << 10,
	VERDICTS_ROOM = VERDICTS_FULL + 65536 + 256,
};

/* Of one queue. Zeros but for socket and number. */
struct verdicts {
	struct mnl_socket *socket;
	uint16_t number;
	/* All packets up to last_id that have no verdict yet are to get this: NF_ACCEPT, as they
	 * came, or NF_DROP. */
	bool is_open;
	uint32_t verdict, last_id;
	size_t length;
	alignas(struct nlmsghdr) char bytes[VERDICTS_ROOM];
};

/* The packet passes as it came. Those in a row cost one message, as do those that are dropped. */
void verdict_pass(struct verdicts *verdicts, uint32_t id);

void verdict_drop(struct verdicts *verdicts, uint32_t id);

/* It goes on with another payload, and so is at most VERDICT_PACKET_MAX long. */
void verdict_rewrite(struct verdicts *verdicts, uint32_t id, const struct ip_packet *packet,
	struct text payload, uint16_t identification);

/* 0 or a negative errno: then what has no verdict stays in the queue, and a later verdict_pass lets
 * it go. */
int verdicts_flush(struct verdicts *verdicts);

#endif
