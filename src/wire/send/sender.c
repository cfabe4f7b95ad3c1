#include "sender.h"

#include "shortcut.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct sender {
	struct outgoing *ipv4;
	struct outgoing *ipv6; /* NULL: this host has none */
	/* NULL: this host has no packet sockets. */
	struct outgoing *frames;
	struct shortcut *shortcut;
	struct sent_counters counters, linked; /* by raw sockets, as frames */
};

/* What a device refuses the raw socket takes, which tells what is wrong, if anything is. */
static void send_instead(void *context, int error, const struct flow *flow, struct text bytes)
{
	struct sender *sender = context;

	if (error != -EAGAIN && error != -ENOBUFS)
		shortcut_doubt(sender->shortcut);
	sender_add(sender, flow, hop_of_this_host, bytes);
}

static int open_shortcut(struct sender *sender, const struct sender_settings *settings)
{
	int error = outgoing_open(AF_PACKET, settings, &sender->linked, &sender->frames);

	if (!error) {
		outgoing_hand_back(sender->frames, send_instead, sender);
		error = shortcut_open(settings->mark, &sender->shortcut);
	}
	return error == -EAFNOSUPPORT || error == -EPERM ? 0 : error;
}

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
	if (!error)
		error = open_shortcut(opened, settings);
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
	shortcut_close(sender->shortcut);
	outgoing_close(sender->frames);
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

static bool find_hop(
	struct sender *sender, const struct flow *flow, size_t bytes, struct next_hop *hop)
{
	if (!sender->shortcut || !shortcut_is_wanted(sender->shortcut))
		return false;
	if (outgoing_make_room(sender->frames))
		shortcut_look(sender->shortcut);
	return shortcut_find(sender->shortcut, flow, bytes, hop);
}

int sender_add_keepalive(struct sender *sender, const struct flow *flow, struct text bytes)
{
	struct outgoing *outgoing = outgoing_of(sender, flow);
	struct ipv4_fields fields = {0};
	struct next_hop hop;

	if (!outgoing)
		return -EAFNOSUPPORT;
	if (!find_hop(sender, flow, bytes.length, &hop))
		return outgoing_add(outgoing, flow, hop_of_this_host, bytes);
	if (outgoing == sender->ipv4)
		fields = outgoing_ipv4_fields(outgoing, flow, hop_of_this_host);
	outgoing_add_frame(sender->frames, flow, &hop, &fields, bytes);
	return 0;
}

void sender_set_path(struct sender *sender, enum keepalive_path path)
{
	if (sender->shortcut)
		shortcut_set_path(sender->shortcut, path);
}

bool sender_path_news(struct sender *sender, struct fault *line)
{
	return sender->shortcut && shortcut_news(sender->shortcut, line);
}

void sender_flush(struct sender *sender)
{
	if (sender->shortcut)
		outgoing_flush(sender->frames);
	outgoing_flush(sender->ipv4);
	if (sender->ipv6)
		outgoing_flush(sender->ipv6);
}

struct sent_counters sender_counters(const struct sender *sender)
{
	struct sent_counters counters = sender->counters;

	counters.linked = sender->linked.sent;
	counters.sent += counters.linked;
	return counters;
}

const char *sender_advice(int error)
{
	switch (error) {
	case -EAGAIN:
	case -ENOBUFS:
		return "the interface does not keep up";
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EINVAL: /* a route that is a blackhole */
	case -EACCES: /* or prohibits */
		return "`ip route get` tells why there is no way there";
	case -EPERM:
		return "see which firewall rule forbids it";
	default:
		return "they are lost";
	}
}
