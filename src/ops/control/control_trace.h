/* One phone's messages, as they come and as they leave, to whoever has asked for them. */
#ifndef NATBOX_CONTROL_TRACE_H
#define NATBOX_CONTROL_TRACE_H

#include "control_client.h"

/* A phone of that address is followed from now on. */
void trace_add(struct control_client *client, const struct address *address);

/* Begins, with the addresses that were added. */
void trace_start(struct control_client *client);

/* control_packet, for one client that traces. */
void trace_packet(struct control_client *client, const struct flow *flow, struct text bytes,
	const struct outcome *outcome);

/* Where the address of record that is traced registers, its messages are followed. */
void trace_event(struct control_client *client, const struct event *event);

/* Ends when its time is over. */
void trace_inspect(struct control_client *client);

#endif
