#include "sender.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct sender {
	struct outgoing *ipv4;
	struct outgoing *ipv6; /* NULL: this host has none */
	struct sent_counters counters;
};

int sender_open(const struct sender_settings *settings, struct sender **sender)
{
	struct sender *opened = calloc(1, sizeof(*opened));
	int error;

	if (!opened)
		return -ENOMEM;
	error = outgoing_open(AF_INET, settings, &opened->counters, &opened->ipv4);
	if (!error)
		error = outgoing_open(AF_INET6, settings, &opened->counters, &opened->ipv6);
	if (error == -EAFNOSUPPORT && opened->ipv4)
		error = 0;
	if (error) {
		sender_close(opened);
		return error;
	}
	*sender = opened;
	return 0;
}

void sender_close(struct sender *sender)
{
	if (!sender)
		return;
	outgoing_close(sender->ipv4);
	outgoing_close(sender->ipv6);
	free(sender);
}

bool sender_has_ipv6(const struct sender *sender)
{
	return sender->ipv6 != NULL;
}

/* NULL: the flow's ends are not of one family that there is. */
static struct outgoing *outgoing_of(const struct sender *sender, const struct flow *flow)
{
	const bool ipv4 = address_is_ipv4(&flow->destination);

	if (address_is_ipv4(&flow->source) != ipv4)
		return NULL;
	return ipv4 ? sender->ipv4 : sender->ipv6;
}

int sender_add(struct sender *sender, const struct flow *flow, struct hop hop, struct text bytes)
{
	struct outgoing *outgoing = outgoing_of(sender, flow);

	return outgoing ? outgoing_add(outgoing, flow, hop, bytes) : -EAFNOSUPPORT;
}

int sender_add_in_place(
	struct sender *sender, const struct flow *flow, struct hop hop, struct text bytes)
{
	struct outgoing *outgoing = outgoing_of(sender, flow);

	return outgoing ? outgoing_add_in_place(outgoing, flow, hop, bytes) : -EAFNOSUPPORT;
}

void sender_flush(struct sender *sender)
{
	outgoing_flush(sender->ipv4);
	if (sender->ipv6)
		outgoing_flush(sender->ipv6);
}

struct sent_counters sender_counters(const struct sender *sender)
{
	return sender->counters;
}
