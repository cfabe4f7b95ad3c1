/* A border host in a test: an engine under a virtual clock with its proxies, what came out of
 * it, and phones that write their messages by hand. Time starts at 1000 s. */
#ifndef BORDER_H
#define BORDER_H

#include <natbox/engine.h>

enum { BORDER_LOG_MAX = 1 << 20, BORDER_SENT_MAX = 4096, BORDER_BINDINGS_MAX = 16 };

struct border_sent {
	uint64_t time_us;
	struct flow flow;
	char bytes[4096];
	size_t length;
};

/* A Contact of an address of record that the test's registrar has heard of. */
struct border_binding {
	char aor[64], call_id[64], contact[256];
	bool is_listed;
};

struct border {
	struct settings settings; /* change them before the first packet */
	bool repairs;
	struct engine *engine;
	uint64_t now_us;
	uint64_t deaf_us;     /* after a pause */
	struct address proxy; /* the one that messages go to and come from */
	struct address first_proxy;
	char log[BORDER_LOG_MAX]; /* events since the last expect, a line each */
	size_t log_length;
	/* Takes the events instead of the log, where there is one. */
	void (*listener)(void *context, const struct event *event);
	void *listener_context;
	/* And the keepalives besides, where there is one. */
	void (*taker)(void *context, const struct border_sent *keepalive);
	bool sends_nothing;   /* a dry run */
	bool leaves_unproven; /* off: each endpoint is proven once it is there */
	struct flow added;    /* the endpoint that a packet has added */
	bool logs_keepalives; /* off: keepalive and reply events are not in the log */
	bool logs_restored;   /* off: nor are those of what a restart has put back */
	char aor[64];         /* of the last event that is; empty: it has none */
	unsigned sent_count;
	struct border_sent *sent; /* keepalives; number i stands at i % BORDER_SENT_MAX */
	struct outcome outcome;   /* of the last packet */
	unsigned binding_count;
	struct border_binding bindings[BORDER_BINDINGS_MAX];
};

/* natbox.ini's defaults. */
struct settings border_settings(void);

/* Adds to nat.exempt. */
void border_exempt(struct settings *settings, const char *network);

/* With one proxy, 198.51.100.1:5060. */
struct border *border_new(void);
void border_free(struct border *border);

/* From now on messages take this proxy, which becomes one of the border's. */
void border_take_proxy(struct border *border, const char *proxy);

/* A datagram from client to the proxy, or from the proxy to client. printf's format. */
void border_in(struct border *border, const char *client, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void border_out(struct border *border, const char *client, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void border_packet(struct border *border, const struct flow *flow, struct text bytes);

void border_wait(struct border *border, double seconds);

/* The engine does what it has to do next, at its time, where that is before this one. False when
 * there is nothing: then the clock stands at this time. */
bool border_runs_before(struct border *border, uint64_t time_us);

/* Another engine takes the place of the one there is, with what that leaves to the state file. */
void border_restart(struct border *border);

/* So long the engine is not run, and nothing is heard for as long after that as the border says. */
void border_pause(struct border *border, double seconds);

/* Asserts that the events since the last time are these lines, and forgets them. A line is the
 * event, its client, the proxy where that is not the first, and then what matters of it:
 *     endpoint-add 203.0.113.1:5061 via-source,contact-private
 *     reason-add 203.0.113.1:5061 registration sip:alice@example.com 60
 *     reason-end 203.0.113.1:5061 at 198.51.100.2:5060 registration sip:alice@example.com expired
 * and with "restored " before it where that is what it is. */
#define border_expect(border, lines) border_expect_at(border, lines, __FILE__, __LINE__)
void border_expect_at(struct border *border, const char *lines, const char *file, int line);

/* Forgets the events so far. */
void border_forget(struct border *border);

/* A phone's REGISTER and what a registrar answers to it. Zero and NULL stand for what most tests
 * want: sip:alice@example.com, Call-ID "call", branch made of Call-ID and CSeq, an empty branch is
 * none; the first Call-ID at 192.168.1.10:5060, the next one at 192.168.1.11:5060; in a 2xx the
 * Contacts of all that have registered. */
struct registration {
	const char *aor, *call_id, *branch, *contact, *via;
	unsigned cseq;
	const char *expires;     /* "60", NULL: no Expires header */
	const char *extra;       /* more header lines for the response, each with its line end */
	const char *credentials; /* and for the request */
};
void border_register(struct border *border, const char *client, struct registration registration);
void border_answer(struct border *border, const char *client, unsigned status,
	struct registration registration);

/* Both, answered with 200. */
void border_bind(struct border *border, const char *client, struct registration registration);

/* So many phones, at the ports of 203.0.113.1 from 10000 on, are bound for an hour, each with an
 * address of record of its own. Their events are forgotten, and as many are allowed from there. */
void border_bind_many(struct border *border, unsigned count);

#endif
