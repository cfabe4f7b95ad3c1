#include "sender.h"

#include "../hops/hops.h"
#include "../hops/onlookers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* How keepalives leave: at the link layer, or through the kernel, and why. */
enum way {
	UNDECIDED,
	LINKED,
	WANTED,    /* by keepalive.path */
	ENCRYPTED, /* an IPsec policy */
	FILTERED,  /* a rule */
	TOO_MANY,  /* routes */
};

/* Keepalives leave as frames wherever their next hop is known and nothing on this host is to see
 * them first, as keepalive.path has it. */
struct sender {
	struct outgoing *ipv4;
	struct outgoing *ipv6; /* NULL: this host has none */
	/* Not used where hops is NULL: this host has no packet sockets. */
	struct outgoing *frames;
	struct onlookers *onlookers;
	struct hops *hops;
	uint64_t looked_ms;
	enum keepalive_path path;
	enum way way, told;
	struct sent_counters counters, linked; /* by raw sockets, as frames */
};

/* What a device refuses the raw socket takes, which tells what is wrong, if anything is. One that
 * is down or gone is not believed in further. */
static void send_instead(void *context, int error, const struct flow *flow, struct text bytes)
{
	struct sender *sender = context;

	if (error != -EAGAIN && error != -ENOBUFS)
		hops_forget(sender->hops);
	sender_add(sender, flow, hop_of_this_host, bytes);
}

static int open_frames(struct sender *sender, const struct sender_settings *settings)
{
	int error = outgoing_open(AF_PACKET, settings, &sender->linked, &sender->frames);

	if (!error) {
		outgoing_hand_back(sender->frames, send_instead, sender);
		sender->onlookers = onlookers_new();
		error = sender->onlookers
				? hops_open(settings->mark, HOPS_PATIENCE_MS, &sender->hops)
				: -ENOMEM;
	}
	return error == -EAFNOSUPPORT || error == -EPERM ? 0 : error;
}

int sender_open(const struct sender_settings *settings, struct sender **sender)
{
	struct sender *opened = calloc(1, sizeof(*opened));
	int error;

	if (!opened)
		return -ENOMEM;
	opened->path = KEEPALIVE_PATH_RAW;
	error = outgoing_open(AF_INET, settings, &opened->counters, &opened->ipv4);
	if (!error)
		error = outgoing_open(AF_INET6, settings, &opened->counters, &opened->ipv6);
	if (error == -EAFNOSUPPORT && opened->ipv4)
		error = 0;
	if (!error)
		error = open_frames(opened, settings);
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
	hops_close(sender->hops);
	onlookers_free(sender->onlookers);
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

static enum way decide(const struct sender *sender)
{
	if (sender->path == KEEPALIVE_PATH_RAW)
		return WANTED;
	if (onlookers_encrypt(sender->onlookers))
		return ENCRYPTED;
	if (sender->path == KEEPALIVE_PATH_AUTO && onlookers_filter(sender->onlookers))
		return FILTERED;
	return hops_are_too_many(sender->hops) ? TOO_MANY : LINKED;
}

/* The coarse clock goes on every few milliseconds. */
static void look(struct sender *sender)
{
	const uint64_t now_ms = clock_us(CLOCK_MONOTONIC_COARSE) / 1000;

	if (now_ms == sender->looked_ms)
		return;
	sender->looked_ms = now_ms;
	hops_look(sender->hops, now_ms);
	onlookers_look(sender->onlookers, now_ms);
	sender->way = decide(sender);
}

static bool find_hop(
	struct sender *sender, const struct flow *flow, size_t bytes, struct next_hop *hop)
{
	const size_t headers =
		address_is_ipv4(&flow->destination) ? DATAGRAM_IPV4_LENGTH : DATAGRAM_IPV6_LENGTH;

	if (!sender->hops || sender->path == KEEPALIVE_PATH_RAW)
		return false;
	/* Before the first frame of a batch. */
	if (outgoing_make_room(sender->frames))
		look(sender);
	return sender->way == LINKED &&
	       hops_find(sender->hops, flow, headers + DATAGRAM_UDP_LENGTH + bytes, hop);
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
	if (!sender->hops)
		return;
	sender->path = path;
	sender->way = decide(sender);
}

static void say(const struct sender *sender, struct fault *line)
{
	static const char *const lines[] = {
		[LINKED] = "keepalives leave at the link layer, past this host's firewall",
		[WANTED] = "keepalives leave through the kernel",
		[ENCRYPTED] = "keepalives leave through the kernel, as an IPsec policy may be for "
			      "them",
		[TOO_MANY] = "keepalives leave through the kernel, as it has more routes than "
			     "natbox follows",
	};

	if (sender->way == FILTERED)
		fault_set(line, 0,
			"keepalives leave through the kernel, as %s is to see them; with "
			"keepalive.path = link they go past it",
			onlookers_rule(sender->onlookers));
	else
		fault_set(line, 0, "%s", lines[sender->way]);
}

/* What the kernel tells is taken while nothing is sent, too. */
bool sender_path_news(struct sender *sender, struct fault *line)
{
	if (!sender->hops)
		return false;
	look(sender);
	if (!onlookers_are_settled(sender->onlookers) || sender->told == sender->way)
		return false;
	sender->told = sender->way;
	say(sender, line);
	return true;
}

void sender_flush(struct sender *sender)
{
	if (sender->hops)
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
