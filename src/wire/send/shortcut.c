#include "shortcut.h"

#include "../hops/onlookers.h"
#include "datagram.h"

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
	struct hops *hops;
	struct onlookers *onlookers;
	uint64_t looked_ms;
	enum keepalive_path path;
	enum way way, told;
};

int shortcut_open(uint32_t mark, struct shortcut **out)
{
	struct shortcut *shortcut = calloc(1, sizeof(*shortcut));
	int error = -ENOMEM;

	if (!shortcut)
		return error;
	shortcut->path = KEEPALIVE_PATH_RAW;
	shortcut->onlookers = onlookers_new();
	if (shortcut->onlookers)
		error = hops_open(mark, HOPS_PATIENCE_MS, &shortcut->hops);
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
void shortcut_look(struct shortcut *shortcut)
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

bool shortcut_is_wanted(const struct shortcut *shortcut)
{
	return shortcut->path != KEEPALIVE_PATH_RAW;
}

bool shortcut_find(
	struct shortcut *shortcut, const struct flow *flow, size_t bytes, struct next_hop *hop)
{
	const size_t headers =
		address_is_ipv4(&flow->destination) ? DATAGRAM_IPV4_LENGTH : DATAGRAM_IPV6_LENGTH;

	return shortcut->way == LINKED &&
	       hops_find(shortcut->hops, flow, headers + DATAGRAM_UDP_LENGTH + bytes, hop);
}

void shortcut_doubt(struct shortcut *shortcut)
{
	hops_forget(shortcut->hops);
}

static void say(const struct shortcut *shortcut, struct fault *line)
{
	static const char *const lines[] = {
		[LINKED] = "keepalives leave at the link layer, past this host's firewall",
		[WANTED] = "keepalives leave through the kernel",
		[ENCRYPTED] = "keepalives leave through the kernel, as an IPsec policy may be for "
			      "them",
		[TOO_MANY] = "keepalives leave through the kernel, as it has more routes than "
			     "natbox follows",
	};

	if (shortcut->way == FILTERED)
		fault_set(line, 0,
			"keepalives leave through the kernel, as %s is to see them; with "
			"keepalive.path = link they go past it",
			onlookers_rule(shortcut->onlookers));
	else
		fault_set(line, 0, "%s", lines[shortcut->way]);
}

bool shortcut_news(struct shortcut *shortcut, struct fault *line)
{
	shortcut_look(shortcut);
	if (!onlookers_are_settled(shortcut->onlookers) || shortcut->told == shortcut->way)
		return false;
	shortcut->told = shortcut->way;
	say(shortcut, line);
	return true;
}
