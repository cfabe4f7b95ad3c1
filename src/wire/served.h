/* The proxies that the modes relay and queue serve, and the kernel rules for them. */
#ifndef NATBOX_SERVED_H
#define NATBOX_SERVED_H

#include "rules/rules.h"
#include "send/sender.h"
#include "tell.h"

#include <natbox/wire.h>

/* What both modes have: the own of their wires begins with it. */
struct served {
	size_t proxy_count;
	struct address proxies[PROXIES_MAX];
	struct installed_rules *rules;
	struct sender *sender; /* the relay's or the queue's */
	struct growth send_errors, forged;
};

/* Which proxies are served: 0, or a negative errno where there are none. */
int served_find(struct wire *wire, struct fault *fault);

/* Once the mode's own is open: installs the rules. 0 or a negative errno. */
int served_install(struct wire *wire, struct sender *sender, struct fault *fault);

/* For people: a line for each proxy that is served, which is "queued" or "diverted"; and all of
 * them in one (named_line). */
void served_tell(const struct wire *wire, const char *what);
const char *served_line(const struct wire *wire);

/* The operations of wire_kind that are alike. */
int served_send(struct wire *wire, uint64_t now_us, const struct flow *flow, struct text bytes,
	struct fault *fault);
void served_flush(struct wire *wire);
void served_set_path(struct wire *wire, enum keepalive_path path);
uint64_t served_linked(const struct wire *wire);

/* Tells what has gone wrong since: of send_errors datagrams in all, of which last was the latest,
 * and of the rules. */
void served_inspect(struct wire *wire, uint64_t send_errors, int last);

/* Relay mode sends what is for a proxy on this host over the loopback interface: warns where that
 * is down, as in a network namespace that is new. Mode queue does not mind. */
void served_warn_of_loopback(const struct wire *wire, const struct address *served, size_t count);

/* Where one is behind this host, which does not forward. */
void served_warn_of_forwarding(const struct wire *wire, const struct address *served, size_t count);

/* Tells of all that is in the way of serving them on this host (natbox -t -t). */
void served_examine(struct wire *wire);

#endif
