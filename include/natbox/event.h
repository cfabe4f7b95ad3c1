/* What the core reports. CONTRACT "Events" gives the JSON form, which ops/events writes. */
#ifndef NATBOX_EVENT_H
#define NATBOX_EVENT_H

#include <natbox/address.h>
#include <natbox/text.h>

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
	EVENT_MALFORMED,
	EVENT_REFUSED,
};
enum { EVENT_TYPES = 11 };

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
	uint64_t time_us;
	struct address client, proxy;
	union {
		unsigned nat;    /* endpoint-add: set of enum nat_test */
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
		unsigned missed; /* lost */
	};
};

#endif
