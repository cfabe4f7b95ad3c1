/* The wire: how datagrams come to natbox and leave it. There is one table of operations for each
 * way: sniff_wire captures copies and sends keepalives, through inline_wire passes everything
 * between user agents and proxies, and only while natbox shows that it lives, by sockets or in a
 * queue of the kernel's; replay_wire reads a capture file and writes another.
 *
 * A wire knows its settings, the proxies' addresses and a handler. Errors are negative errnos with
 * *fault set. */
#ifndef NATBOX_WIRE_H
#define NATBOX_WIRE_H

#include <natbox/endpoints.h>
#include <natbox/engine.h>

#include <stdio.h>
#include <sys/types.h>

enum {
	/* Descriptors that a wire may want polled. */
	WIRE_DESCRIPTORS_MAX = 4,
	/* What a wire hands over in one turn of the loop, so that the clock has its turn soon; less
	 * where that takes longer than there is time for. */
	WIRE_TURN_DATAGRAMS_MAX = 128,
	WIRE_TURN_BYTES_MAX = 512 << 10,
	/* How often it asks whether there is. */
	WIRE_ASK_DATAGRAMS = 8,
	WIRE_ASK_BYTES = 8192,
	/* Entries of natbox.proxy. */
	WIRE_NAMED_MAX = 256,
	/* A line for the log; what is longer is cut. */
	WIRE_LINE_MAX = 1024,
};

enum wire_notice { WIRE_DETAIL, WIRE_INFORMATION, WIRE_WARNING, WIRE_ERROR };

/* Whom a wire hands to what comes in, and tells what is worth a line in the log. */
struct wire_handler {
	void *context;
	/* One datagram that came at time_us, valid until this returns; so are the bytes of the
	 * outcome until the next call. Where datagrams pass through the wire, anything but PASS and
	 * REWRITE ends this one here. */
	struct outcome (*datagram)(
		void *context, uint64_t time_us, const struct flow *flow, struct text bytes);
	/* datagram is going to be called for these flows, in this order, though maybe not for each.
	 * NULL: nobody wants to know. */
	void (*expect)(void *context, const struct flow *flows, unsigned count);
	void (*notice)(void *context, enum wire_notice notice, const char *line);
	/* Asked in the midst of many datagrams: whether there is time for more in this turn. NULL:
	 * always. */
	bool (*has_time)(void *context);
};

static inline void wire_expect(
	const struct wire_handler *handler, const struct flow *flows, unsigned count)
{
	if (handler->expect)
		handler->expect(handler->context, flows, count);
}

static inline bool wire_has_time(const struct wire_handler *handler)
{
	return !handler->has_time || handler->has_time(handler->context);
}

/* Whether to ask for the time after so many datagrams, the last of which had so many bytes: not
 * after each, which would cost more than it is worth, and in less than a tenth of a
 * millisecond. */
static inline bool wire_is_to_ask(unsigned count, size_t bytes)
{
	return count % WIRE_ASK_DATAGRAMS == 0 || bytes >= WIRE_ASK_BYTES;
}

struct wire_settings {
	/* What natbox.proxy names. An unspecified ip is every address that this host has. */
	unsigned named_count;
	struct address named[WIRE_NAMED_MAX];
	const char *interface;  /* to sniff on; `any` is all */
	const char *read_path;  /* the capture to replay; "-" is standard input */
	const char *write_path; /* what a replay sends; NULL: nothing is written */
	bool replays_relay;     /* and what a relay would send on, too */
	bool sends;             /* false: a dry run */
	enum keepalive_path path;
	bool queues; /* mode queue; with own_mark and manual of those below */
	uint16_t queue_number;
	struct {
		uint16_t in_port, out_port;
		uint32_t mark, own_mark, table;
		bool manual; /* the operator installs and removes the kernel rules */
	} relay;
};

/* A wire. Zeros but for kind, settings and handler, and proxies before it is opened. */
struct wire {
	const struct wire_kind *kind;
	struct wire_settings settings;
	struct wire_handler handler;
	const struct proxies *proxies; /* all that they mean now; may grow while a wire is open */
	void *own;                     /* the kind's */
	unsigned claim_count;
	int claims[1 + WIRE_NAMED_MAX]; /* descriptors */
};

struct wire_counters {
	uint64_t dropped; /* packets that the kernel lost because nobody took them in time */
	uint64_t linked;  /* keepalives that have left as frames */
};

/* What a capture file held as far as it was read, in frames. */
struct wire_frames {
	uint64_t frames, datagrams;
	uint64_t unreadable; /* of a link type that natbox does not read */
	uint64_t cut;        /* captured with too short a snapshot length */
};

struct wire_kind {
	/* What one natbox alone may do besides to serve its proxies. NULL: none. */
	const char *claim;
	/* wire_examine, of what the kind needs. */
	void (*examine)(struct wire *wire);
	int (*open)(struct wire *wire, struct fault *fault);
	/* After privileges were dropped. */
	int (*start)(struct wire *wire, struct fault *fault);
	unsigned (*descriptors)(const struct wire *wire, int list[static WIRE_DESCRIPTORS_MAX]);
	/* Hands what has come in to the handler, at most about WIRE_TURN_DATAGRAMS_MAX, not many
	 * more bytes than WIRE_TURN_BYTES_MAX, and no more than the handler has time for. 1: there
	 * is more to be had without waiting, as in a file until its end; 0: that was all for
	 * now. */
	int (*receive)(struct wire *wire, uint64_t now_us, struct fault *fault);
	/* Whether it has left something over that no descriptor tells of. NULL: never. */
	bool (*has_rest)(const struct wire *wire);
	/* A keepalive, at now_us; where datagrams pass through the wire also an answer in a user
	 * agent's place, with its address as the source. */
	int (*send)(struct wire *wire, uint64_t now_us, const struct flow *flow, struct text bytes,
		struct fault *fault);
	/* The end of a turn: what was queued goes out. */
	void (*flush)(struct wire *wire);
	/* About once a second: tells what has gone wrong since. */
	void (*inspect)(struct wire *wire);
	struct wire_counters (*counters)(const struct wire *wire);
	/* How keepalives leave from now on, over the settings. */
	void (*set_path)(struct wire *wire, enum keepalive_path path);
	/* The end of the loop: SIP flows past from here on. Waits for no disk, and calls nothing
	 * that may end the process, as state has not been written yet. NULL: it always does. */
	void (*stop)(struct wire *wire);
	/* Also of one that could not be opened. An error: what was to be written is not all
	 * there, or rules are left. */
	int (*close)(struct wire *wire, struct fault *fault);
	/* Whether what failed while natbox ran is there to be opened again. NULL: it is. */
	bool (*is_there)(const struct wire *wire);
	/* Of a file alone: starts it over, and tells what was in it. */
	int (*rewind)(struct wire *wire, struct fault *fault);
	struct wire_frames (*frames)(const struct wire *wire);
	bool needs_net_admin; /* also while it runs */
	bool proxies_stay;    /* addresses that this host gets or loses later make no difference */
	uint64_t longest_turn_us;
	/* After a pause of natbox's own: how long SIP may still flow past. */
	uint64_t deaf_after_pause_us;
};

extern const struct wire_kind sniff_wire, inline_wire, replay_wire;

/* Before anything is opened, so that a second natbox disturbs nothing: refuses where another one
 * serves one of the proxies, or relays. A dry run goes on beside any. user: whom natbox is going to
 * run as. */
int wire_claim(struct wire *wire, uid_t user, struct fault *fault);
void wire_disclaim(struct wire *wire);

/* Whether the wire could be opened on this host as it is, and would serve its proxies: tells its
 * handler all that is in the way, each as a WIRE_ERROR, and leaves everything as it was. Needs the
 * privileges of open. The wire is not open; nor need its proxies be there. Where wire_claim has
 * found another natbox that relays, what that one has is no matter. */
void wire_examine(struct wire *wire);

/* The addresses of the proxies, as this host's are now. Returns how many, at most PROXIES_MAX, with
 * a line in *fault where there are more; or a negative errno. */
int wire_find_proxies(const struct wire_settings *settings, struct address list[static PROXIES_MAX],
	struct fault *fault);

/* Writes the commands that install and remove the kernel rules of mode relay or queue by hand. */
int wire_print_rules(const struct wire_settings *settings, FILE *file, struct fault *fault);

/* Writer: a capture file of what natbox would have put on the wire, or of what has passed: pcap,
 * raw IP, microseconds. The same datagrams give the same bytes every time. */

struct writer;

/* Creates the file, or empties it. Path is kept by name for later faults. 0 or a negative errno,
 * with *fault set. */
int writer_open(const char *path, struct writer **writer, struct fault *fault);

/* Appends one datagram at time_us since the epoch. 0; -EMSGSIZE when no IP packet can carry it,
 * -EINVAL when the flow has an IPv4 and an IPv6 end, or what writing the file failed with. */
int writer_add(struct writer *writer, uint64_t time_us, const struct flow *flow, struct text bytes,
	struct fault *fault);

/* Writes out what is still buffered and frees the writer. Only when this returns 0 is all of it in
 * the file. NULL is fine. */
int writer_close(struct writer *writer, struct fault *fault);

#endif
