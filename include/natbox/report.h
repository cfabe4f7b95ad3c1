/* What the core reports: events and counters, the sink that the caller gives to take events and
 * keepalives, and the report that the rooms above share, with the time of the moment. */
#ifndef NATBOX_REPORT_H
#define NATBOX_REPORT_H

#include <natbox/sip.h>

/* Events. natbox.8, EVENTS, has the JSON form, which src/ops/log writes. */

enum event_type {
	EVENT_ENDPOINT_ADD,
	EVENT_ENDPOINT_REMOVE,
	EVENT_REASON_ADD,
	EVENT_REASON_REFRESH,
	EVENT_REASON_END,
	EVENT_REWRITE,
	EVENT_KEEPALIVE,
	EVENT_REPLY,
	EVENT_LOST,
	EVENT_FOUND,
	EVENT_MALFORMED,
	EVENT_REFUSED,
};
enum { EVENT_TYPES = 12, EVENTS_ALL = (1 << EVENT_TYPES) - 1 };

enum reason_kind { REASON_REGISTRATION, REASON_SUBSCRIPTION, REASON_DIALOG };
enum { REASON_KINDS = 3 };

enum rewritten_field {
	REWRITTEN_CONTACT = 1 << 0,
	REWRITTEN_VIA = 1 << 1,
	REWRITTEN_RURI = 1 << 2,
	REWRITTEN_OTHER = 1 << 3,
};
enum { REWRITTEN_FIELDS = 4 };

/* A limit that something was refused for. */
enum refusal {
	REFUSED_ENDPOINTS,
	REFUSED_ENDPOINTS_PER_ADDRESS,
	REFUSED_UNPROVEN,
	REFUSED_UNPROVEN_PER_ADDRESS,
	REFUSED_REASONS,
	REFUSED_REASONS_PER_ENDPOINT,
	REFUSED_TRANSACTIONS,
	REFUSED_DATAGRAM,
	REFUSALS
};

/* As users see them; of a field by the number of its bit. */
extern const char *const event_type_names[EVENT_TYPES];
extern const char *const reason_kind_names[REASON_KINDS];
extern const char *const rewritten_field_names[REWRITTEN_FIELDS];
extern const char *const refusal_names[REFUSALS];

/* Everything an event points to lives until the callback returns. */
struct event {
	enum event_type type;
	bool restored; /* endpoint-add, reason-add: not new, but from before a restart */
	uint64_t time_us;
	struct address client, proxy;
	/* Of the client's registration, which reason_ events have in reason.id; at is NULL where
	 * there is none, and in events that come with every message or keepalive. */
	struct text aor;
	union {
		struct {
			unsigned nat;      /* endpoint-add: set of enum nat_test */
			const char *class; /* and its name; NULL: it has none */
		};
		const char *why; /* endpoint-remove, reason-end, malformed, refused: a constant */
		struct {         /* reason-add, -refresh, -end (which uses why from here) */
			enum reason_kind kind;
			struct text id;
			uint32_t expires; /* seconds from now */
			const char *why;
		} reason;
		struct {
			bool in;
			struct text method; /* of the request, or of the one answered */
			unsigned status;    /* 0: a request */
			unsigned fields;    /* set of enum rewritten_field */
		} rewrite;
		const char *method; /* keepalive */
		struct {
			unsigned status;
			uint64_t rtt_us;
		} reply;
		unsigned missed;   /* lost */
		uint64_t silent_s; /* found: how long there was no sign of life */
	};
};

/* Counters. */

enum verdict {
	VERDICT_PASS,    /* send on the bytes as they came */
	VERDICT_REWRITE, /* send on outcome.bytes instead */
	VERDICT_CONSUME, /* ends here: the answer to a keepalive, or answered for a lost phone */
	VERDICTS
};
extern const char *const verdict_names[VERDICTS];

enum direction {
	DIRECTION_IN,  /* from a user agent to a proxy */
	DIRECTION_OUT, /* from a proxy to a user agent */
	/* Not natbox's: between two proxies, between none, exempt, or where no user agent can
	 * be. */
	DIRECTION_NONE,
	DIRECTIONS
};

/* Times from a keepalive to its answer are counted by how long they are, at most: microseconds. The
 * last of the counters is of those beyond. */
enum { RTT_BOUNDS = 11 };
extern const uint32_t rtt_bounds_us[RTT_BOUNDS];

/* What a class may have for a number is less. */
enum { CLASS_COUNTERS = 128 };

/* Proxies whose endpoints are counted apart: a figure for each is what people can look at, and what
 * a database of figures bears. Those of all further ones are counted together. */
enum { PROXIES_COUNTED = 32 };

/* Counters since engine_new, and the sizes of now. */
struct engine_counters {
	uint64_t packets, sip, requests, responses, malformed, other, rewritten;
	uint64_t keepalives, replies, missed, lost, refused;
	uint32_t endpoints, endpoints_max, unproven, lost_now, reasons, transactions;

	/* The same in more detail. */
	uint64_t verdicts[DIRECTIONS][VERDICTS];
	uint64_t rewritten_fields[REWRITTEN_FIELDS];
	uint32_t reasons_of[REASON_KINDS];
	uint32_t endpoints_of_class[CLASS_COUNTERS]; /* by its number (endpoints.h) */
	uint32_t natted;                             /* endpoints that a test of nat.detect hits */
	uint32_t of_proxies[PROXIES_COUNTED + 1];    /* endpoints, by the number of their proxy */
	uint64_t rtt_us;                             /* of all replies together */
	uint64_t rtts[RTT_BOUNDS + 1];
	uint64_t defects[SIP_DEFECTS];
	uint64_t refusals[REFUSALS];
	uint64_t lost_answers; /* requests that were answered for a phone that was lost */
};

/* All of a direction. */
static inline uint64_t packets_of(const struct engine_counters *counters, unsigned direction)
{
	uint64_t sum = 0;

	for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
		sum += counters->verdicts[direction][verdict];
	return sum;
}

/* The sink: where events go, and what natbox sends of its own. */

struct engine_sink {
	void *context;
	void (*event)(void *context, const struct event *event);
	/* A keepalive, or the answer for a phone that is lost, to put on the wire with exactly this
	 * source and destination. NULL: neither is sent, and no answer missed. */
	void (*send)(void *context, uint64_t now_us, const struct flow *flow, struct text bytes);
};

/* The report: what each room of the core is given to report with. */

/* Work is counted so that it can be bounded, in units of very roughly half a microsecond: what a
 * look at something takes, and what an event does together with what it tells of, a keepalive
 * say. */
enum { WORK_LOOK = 1, WORK_EVENT = 4 };

struct report {
	struct engine_sink sink;
	unsigned events; /* that the sink wants: set of enum event_type */
	uint64_t now_us;
	struct engine_counters counters;
	uint64_t work;       /* done since engine_advance was called */
	uint64_t work_limit; /* what may be done until it returns */
};

static inline bool report_has_time(const struct report *report)
{
	return report->work < report->work_limit;
}

static inline uint32_t report_tick(const struct report *report)
{
	return (uint32_t)(report->now_us / TICK_US);
}

/* Microseconds until a tick near the present, and since one; 0 when it is over, or to come. */
static inline uint64_t report_us_until(const struct report *report, uint32_t tick)
{
	const uint32_t now = report_tick(report);

	return tick_before(now, tick) ? (uint64_t)(tick - now) * TICK_US : 0;
}

static inline uint64_t report_us_since(const struct report *report, uint32_t tick)
{
	const uint32_t now = report_tick(report);

	return tick_before(tick, now) ? (uint64_t)(now - tick) * TICK_US : 0;
}

/* An event of this type has happened, which counts as work. True: the sink wants it; it is to be
 * composed and handed to report_event. What nobody wants costs no more than this. */
static inline bool report_happened(struct report *report, enum event_type type)
{
	report->work += WORK_EVENT;
	return report->events >> type & 1;
}

/* Stamps the event with the time and hands it to the sink. */
void report_event(struct report *report, struct event *event);

/* A limit was reached. Counted too. aor: as in an event. */
void report_refused(struct report *report, const struct address *client,
	const struct address *proxy, enum refusal refusal, struct text aor);

/* The answer to a keepalive came after so long: counted. */
void report_reply(struct report *report, uint64_t rtt_us);

#endif
