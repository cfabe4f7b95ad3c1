#include "shortcut.h"

#include "../hops/onlookers.h"
#include "frames.h"

#include <errno.h>
#include <stdlib.h>
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

struct shortcut {
	struct shortcut_settings settings;
	struct frames *frames;
	struct hops *hops;
	struct onlookers *onlookers;
	uint64_t looked_ms;
	uint64_t sent;
	enum keepalive_path path;
	enum way way, told;
};

int shortcut_open(const struct shortcut_settings *settings, struct shortcut **out)
{
	struct shortcut *shortcut = calloc(1, sizeof(*shortcut));
	int error = -ENOMEM;

	if (!shortcut)
		return error;
	shortcut->settings = *settings;
	shortcut->path = KEEPALIVE_PATH_RAW;
	shortcut->onlookers = onlookers_new();
	if (shortcut->onlookers)
		error = frames_open(settings->sender.mark, &shortcut->frames);
	if (!error)
		error = hops_open(settings->sender.mark, HOPS_PATIENCE_MS, &shortcut->hops);
	if (error) {
		shortcut_close(shortcut);
		return error;
	}
	*out = shortcut;
	return 0;
}

void shortcut_close(struct shortcut *shortcut)
{
	if (!shortcut)
		return;
	frames_close(shortcut->frames);
	hops_close(shortcut->hops);
	onlookers_free(shortcut->onlookers);
	free(shortcut);
}

static enum way decide(const struct shortcut *shortcut)
{
	if (shortcut->path == KEEPALIVE_PATH_RAW)
		return WANTED;
	if (onlookers_encrypt(shortcut->onlookers))
		return ENCRYPTED;
	if (shortcut->path == KEEPALIVE_PATH_AUTO && onlookers_filter(shortcut->onlookers))
		return FILTERED;
	return hops_are_too_many(shortcut->hops) ? TOO_MANY : LINKED;
}

/* The coarse clock goes on every few milliseconds. */
static void look(struct shortcut *shortcut)
{
	const uint64_t now_ms = clock_us(CLOCK_MONOTONIC_COARSE) / 1000;

	if (now_ms == shortcut->looked_ms)
		return;
	shortcut->looked_ms = now_ms;
	hops_look(shortcut->hops, now_ms);
	onlookers_look(shortcut->onlookers, now_ms);
	shortcut->way = decide(shortcut);
}

void shortcut_set_path(struct shortcut *shortcut, enum keepalive_path path)
{
	shortcut->path = path;
	shortcut->way = decide(shortcut);
}

bool shortcut_find(
	struct shortcut *shortcut, const struct flow *flow, size_t bytes, struct next_hop *hop)
{
	const size_t headers =
		address_is_ipv4(&flow->destination) ? DATAGRAM_IPV4_LENGTH : DATAGRAM_IPV6_LENGTH;

	if (shortcut->path == KEEPALIVE_PATH_RAW)
		return false;
	if (frames_are_full(shortcut->frames))
		shortcut_flush(shortcut);
	if (frames_are_empty(shortcut->frames))
		look(shortcut);
	return shortcut->way == LINKED &&
	       hops_find(shortcut->hops, flow, headers + DATAGRAM_UDP_LENGTH + bytes, hop);
}

void shortcut_add(struct shortcut *shortcut, const struct flow *flow, const struct next_hop *hop,
	const struct ipv4_fields *fields, struct text bytes)
{
	frames_add(shortcut->frames, flow, hop, fields, shortcut->settings.sender.label, bytes);
}

/* A device that is down or gone is not believed in further. */
static void hand_back(void *context, int error, const struct flow *flow, struct text bytes)
{
	struct shortcut *shortcut = context;

	if (error != -EAGAIN && error != -ENOBUFS)
		hops_forget(shortcut->hops);
	shortcut->settings.refused(shortcut->settings.context, flow, bytes);
}

void shortcut_flush(struct shortcut *shortcut)
{
	if (!frames_are_empty(shortcut->frames))
		shortcut->sent += frames_flush(shortcut->frames, hand_back, shortcut);
}

uint64_t shortcut_sent(const struct shortcut *shortcut)
{
	return shortcut->sent;
}

static void say(const struct shortcut *shortcut, struct fault *line)
{
	if (shortcut->way == LINKED)
		fault_set(line, 0, "keepalives leave at the link layer, past this host's firewall");
	else if (shortcut->way == ENCRYPTED)
		fault_set(line, 0,
			"keepalives leave through the kernel, as an IPsec policy may be for them");
	else if (shortcut->way == FILTERED)
		fault_set(line, 0,
			"keepalives leave through the kernel, as %s is to see them; with "
			"keepalive.path = link they go past it",
			onlookers_rule(shortcut->onlookers));
	else if (shortcut->way == TOO_MANY)
		fault_set(line, 0,
			"keepalives leave through the kernel, as it has more routes than natbox "
			"follows");
	else
		fault_set(line, 0, "keepalives leave through the kernel");
}

bool shortcut_news(struct shortcut *shortcut, struct fault *line)
{
	look(shortcut);
	if (!onlookers_are_settled(shortcut->onlookers) || shortcut->told == shortcut->way)
		return false;
	shortcut->told = shortcut->way;
	say(shortcut, line);
	return true;
}
