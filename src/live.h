/* natbox on the network: what the event loop, opening, reload and the ways to the wire share. */
#ifndef NATBOX_LIVE_H
#define NATBOX_LIVE_H

#include "turns.h"

#include <natbox/engine.h>

#include <sys/types.h>

enum {
	/* Descriptors that a way to the wire may want polled. */
	WIRE_DESCRIPTORS_MAX = 4,
	/* What is done in one turn of the loop, so that neither packets nor the clock wait long:
	 * datagrams, and what engine_bound_work counts. Each is some milliseconds. */
	TURN_DATAGRAMS_MAX = 128,
	TURN_BYTES_MAX = 512 << 10,
	TURN_ENDPOINTS_MAX = 1000,
	PROXY_ADDRESSES_MAX = 1024,
};

struct live;

/* A way to the wire: sniffing.c or relaying.c. All errors are negative errnos with *fault set. */
struct wire {
	/* What one natbox alone may do besides to serve its proxies (claim.h). NULL: none. */
	const char *claim;
	int (*open)(struct live *live, struct fault *fault);
	/* After privileges were dropped. */
	int (*start)(struct live *live, struct fault *fault);
	unsigned (*descriptors)(const struct live *live, int list[static WIRE_DESCRIPTORS_MAX]);
	/* Hands what has come in to live_datagram, at most about TURN_DATAGRAMS_MAX, and not many
	 * more bytes than TURN_BYTES_MAX. */
	int (*receive)(struct live *live, struct fault *fault);
	/* Whether it has left something over that no descriptor tells of. NULL: never. */
	bool (*has_rest)(const struct live *live);
	/* A keepalive. */
	int (*send)(
		struct live *live, const struct flow *flow, struct text bytes, struct fault *fault);
	/* The end of a turn: what was queued goes out. */
	void (*flush)(struct live *live);
	/* About once a second: what is worth a line in the log. */
	void (*inspect)(struct live *live);
	/* Packets that the kernel lost because nobody took them in time. */
	uint64_t (*dropped)(const struct live *live);
	/* The end of the loop: SIP flows past from here on. Waits for no disk, and calls nothing
	 * that may end the process, as state has not been written yet. NULL: it always does. */
	void (*stop)(struct live *live);
	void (*close)(struct live *live);
	/* Whether what failed while natbox ran is there to be opened again. NULL: it is. */
	bool (*is_there)(const struct live *live);
	bool needs_net_admin; /* also while it runs */
	uint64_t longest_turn_us;
};

extern const struct wire sniff_wire, relay_wire;

struct live {
	const struct config_source *source; /* where the configuration is read from again */
	bool dry_run;
	struct config *config; /* what is in force */
	const struct wire *wire;
	void *wire_state; /* the wire's own */
	struct engine *engine;
	struct state *state;
	struct events *events;   /* NULL: none */
	struct metrics *metrics; /* NULL: off */
	struct turns turns;
	uint64_t now_us;   /* CLOCK_BOOTTIME, which goes on while the machine is suspended */
	bool is_reviewing; /* a reload has not reached all endpoints yet */
	bool is_ready;     /* everything is open, the loop runs */
	unsigned claim_count;
	int claims[1 + CONFIG_PROXIES_MAX];
	size_t proxy_count;
	struct address proxies[PROXY_ADDRESSES_MAX];
};

/* Before anything is opened, so that a second natbox disturbs nothing: refuses where another one
 * serves one of the proxies, or relays. A dry run goes on beside any. user: whom natbox is going to
 * run as. 0 or a negative errno with *fault set. */
int live_claim(struct live *live, uid_t user, struct fault *fault);
void live_disclaim(struct live *live);

/* The addresses of natbox.proxy, `*:PORT` being every address that this host has now. Returns how
 * many, at most PROXY_ADDRESSES_MAX, or a negative errno with *fault set. */
int live_list_proxies(const struct config *config, struct address list[static PROXY_ADDRESSES_MAX],
	struct fault *fault);

/* An address of this host that no user agent comes to. */
bool live_is_loopback(const struct address *address);

/* Adds what natbox.proxy means now to the engine's proxies. What an address of this host was once
 * stays a proxy's. 0 or a negative errno with *fault set. */
int live_find_proxies(struct live *live, struct fault *fault);

/* state_options.add_proxy: an address of this host may be there again in a moment, so in sniff mode
 * it stays a proxy's over a restart, too. */
bool live_stored_proxy(void *live, const struct address *proxy);

/* "198.51.100.1:5060", or with " and 3 more" behind the first that is no loopback address, where
 * one is not; "*:5060" where the configuration has that and it is loopback addresses alone. count
 * is not 0. Valid until the next call. */
const char *live_name_proxies(
	const struct config *config, const struct address *proxies, size_t count);

/* One datagram's way through the engine. age_us: how long ago it came, as far as that is known. */
struct outcome live_datagram(
	struct live *live, uint64_t age_us, const struct flow *flow, struct text bytes);

/* Prints the kernel rules of relay mode. Returns the exit status; what went wrong has been
 * logged. */
int rules_run(const struct config *config);

#endif
