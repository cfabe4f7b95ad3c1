#ifndef NATBOX_SIP_H
#define NATBOX_SIP_H

#include <natbox/address.h>

/* The SIP scanner (RFC 3261, 25): where the fields of interest stand in a datagram. It reads in
 * place: nothing is allocated, copied or changed, every text points into the datagram. A message is
 * scanned once for its header fields; values are taken apart only when somebody asks.
 *
 * Understood: compact forms, folded lines, several values in one header field, quoted strings with
 * escapes, comments, angle brackets. Line ends are CRLF; a bare LF is taken too. */

enum sip_method {
	SIP_OTHER,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_INFO,
	SIP_INVITE,
	SIP_NOTIFY,
	SIP_OPTIONS,
	SIP_PRACK,
	SIP_REFER,
	SIP_REGISTER,
	SIP_SUBSCRIBE,
	SIP_UPDATE,
};
enum { SIP_METHODS = SIP_UPDATE + 1 };

/* Header fields that may stand several times; the message keeps where each one is. */
enum sip_list {
	SIP_VIA,
	SIP_CONTACT,
	SIP_ROUTE,
	SIP_RECORD_ROUTE,
};

/* What one message may make the scanner and all that follow it do, so that no message takes longer
 * than a plain one of its length. */
enum {
	/* Values of the lists above, all together. RFC 3261's Max-Forwards ends a path after 70
	 * hops, which Via, Record-Route and Route may all tell; beside them stands no more than
	 * one list of an address of record's bindings, of which people have dozens. */
	SIP_VALUES_MAX = 256,
	/* Of that many bytes a value has to be in the mean, where there are more than so many. */
	SIP_VALUE_BYTES = 32,
	SIP_VALUES_FREE = 2,
	/* Parameters of one value: what a phone can do (RFC 3840) makes twenty or so; and of all
	 * Vias and Contacts. */
	SIP_PARAMS_MAX = 64,
	SIP_PARAM_BYTES = 8,
	SIP_PARAMS_FREE = 64,
	/* Quoted strings in the parameters of one URI, which has none by the grammar. */
	SIP_QUOTED_MAX = 8,
	/* Challenges that are looked at: one an algorithm (RFC 8760), of the proxy and of whoever
	 * is behind it. */
	SIP_AUTHS_MAX = 4,
};

struct sip_value {
	uint8_t list;     /* enum sip_list */
	struct text text; /* trimmed; may hold folded lines */
};

/* A parameter: value is what follows the equals sign, trimmed, quotes kept, with at NULL for a
 * flag; whole goes from its semicolon (with blanks before it) to its end, so that cutting it out
 * leaves a well-formed list. whole.at is NULL when there is none. */
struct sip_param {
	struct text value, whole;
};

/* One Via value (RFC 3261 20.42, RFC 3581). */
struct sip_via {
	struct text value;                /* all of it */
	struct text transport;            /* "UDP" */
	struct text host;                 /* of sent-by; IPv6 in its brackets */
	struct text sent_by;              /* host and port as they stand */
	uint16_t port;                    /* 0 when absent, or written so: 5060 is meant */
	struct text params;               /* from the first semicolon on */
	struct text branch;               /* value; at is NULL when missing */
	struct sip_param received, rport; /* the first ones */
	bool has_doubles;                 /* there is another received or rport */
	bool has_others;                  /* and a parameter that is none of these */
	unsigned param_count;
};

/* A URI. Taken apart only for sip: and sips:; others have scheme and nothing else. The grammar has
 * neither blanks nor quotes in it; proxies that hide what is behind them write parameters with
 * both, so there, and only there, they may stand. */
struct sip_uri {
	struct text whole;
	struct text scheme;     /* "sip", as written */
	bool is_sip;            /* sip:, not sips: */
	struct text user;       /* with password and all, without the @; at is NULL when missing */
	struct text host;       /* IPv6 in its brackets */
	struct text host_port;  /* host and port as they stand: what a rewrite replaces */
	uint16_t port;          /* 0 when absent, or written so: the default one is meant */
	bool is_address;        /* the host is an address and no name: */
	struct address address; /* this one; its port is 0 */
	struct text params;     /* from the first semicolon to the question mark */
	struct text headers;    /* from the question mark on */
};

/* A name-addr or addr-spec with its parameters: one value of Contact, From, To, Route. In an
 * addr-spec without brackets what follows a semicolon belongs to the header (RFC 3261 20). */
struct sip_name_addr {
	struct text value;   /* all of it */
	bool is_star;        /* "*": nothing below is set */
	struct text display; /* as it stands, quotes and all; at is NULL when missing */
	struct text uri;     /* without the brackets */
	bool is_odd;         /* it has blanks or quotes in its parameters */
	struct text params;  /* the header's own, from the first semicolon on */
	unsigned param_count;

	/* The values of two of them; at is NULL when missing, length 0 for a flag. That of expires
	 * is without quotes, where it has some. */
	struct text expires, instance; /* RFC 3261 20.10, RFC 5626 */
};

struct sip_contact {
	struct sip_name_addr name_addr;
	struct sip_uri uri; /* empty for "*" */
};

/* How far a walk over the values of a list has come. */
struct sip_cursor {
	unsigned place; /* start with zeros */
};

/* What is wrong with a datagram that means to be SIP. */
enum sip_defect {
	DEFECT_NONE,
	DEFECT_BAD_START_LINE,
	DEFECT_NOT_SIP_2,
	DEFECT_BAD_STATUS,
	DEFECT_FOLDED_START_LINE,
	DEFECT_NO_LINE_END,
	DEFECT_NO_COLON,
	DEFECT_TOO_MANY_VALUES,
	DEFECT_TOO_MANY_PARAMETERS,
	DEFECT_TWO_FROM,
	DEFECT_TWO_TO,
	DEFECT_TWO_CALL_ID,
	DEFECT_TWO_CSEQ,
	DEFECT_TWO_CONTENT_LENGTH,
	DEFECT_NO_FROM,
	DEFECT_NO_TO,
	DEFECT_NO_CALL_ID,
	DEFECT_NO_CSEQ,
	DEFECT_NO_VIA,
	DEFECT_BAD_CALL_ID,
	DEFECT_BAD_CSEQ,
	DEFECT_CSEQ_OF_ANOTHER,
	DEFECT_BAD_VIA,
	DEFECT_BAD_CONTENT_LENGTH,
	DEFECT_SHORT_BODY,
	SIP_DEFECTS
};

/* In short words, as "no Via" and "two Call-ID". */
extern const char *const sip_defect_names[SIP_DEFECTS];

struct sip_message {
	struct text whole; /* the datagram */
	bool is_request;
	enum sip_method method;  /* the request's own; in a response that of CSeq */
	struct text method_name; /* likewise */
	struct text request_uri; /* requests */
	unsigned status;         /* responses: 100 to 699 */
	struct text reason;      /* responses, may be empty */

	/* What is wrong with a message that can be read none the less: it is to be followed as far
	 * as it tells, and to leave as it came. */
	enum sip_defect flaw;

	/* Single header fields: the value, trimmed; at is NULL when missing. One that stands twice
	 * counts when both say the same. Where they do not, the first From, To, Call-ID and CSeq
	 * counts, as for most proxies, and that is a flaw; any other counts as missing. */
	struct text call_id;
	struct text from;
	struct text to;
	struct text cseq;
	struct text expires;
	struct text event;
	struct text subscription_state;
	struct text session_expires;
	struct text refer_sub;
	struct text content_type;
	struct text content_length;

	/* Challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization and
	 * Proxy-Authorization, of each message the first few. */
	struct text auths[SIP_AUTHS_MAX];
	unsigned auth_count;

	/* What follows the empty line, cut to Content-Length where that is less. */
	struct text body;

	uint32_t cseq_number;
	unsigned via_count; /* values, in all */
	unsigned value_count, contact_count;
	bool has_more_contacts;                  /* beyond the bounds, left out */
	uint32_t contradicted;                   /* sip_contradicts */
	uint32_t repeated;                       /* sip_repeats */
	unsigned param_count;                    /* of all Vias and Contacts */
	struct sip_value values[SIP_VALUES_MAX]; /* of the lists, in the order of the message */

	struct sip_via top_via;                      /* the first value */
	struct sip_contact contacts[SIP_VALUES_MAX]; /* those that are well-formed */
};

/* Finds the fields of a datagram. 0; -ENOMSG when it is no SIP message at all (empty, CRLF, zero
 * bytes, STUN, noise); -EBADMSG when it means to be SIP but is not usable: *defect then says
 * what is wrong. *message is filled only at 0, and may have a flaw.
 * Mandatory: a start line for SIP/2.0, Via, From, To, Call-ID, CSeq (RFC 3261 8.1.1) and the method
 * of CSeq that of the request line. Call-ID, CSeq and every Via value are checked; all else when it
 * is parsed. The Request-URI is what stands between the method and the version.
 * Flaws: blanks too many in the start line or in Call-ID, a Request-URI that is none, a line
 * without colon, two that contradict each other of From, To, Call-ID, CSeq or Content-Length, more
 * Contacts or parameters of them than the bounds above let in, a Content-Length that is no number
 * or more than there is. */
int sip_scan(
	const char *bytes, size_t length, struct sip_message *message, enum sip_defect *defect);

/* What can be said of a response without reading it all. */
struct sip_glance {
	unsigned status;
	struct text branch; /* of the topmost Via, never empty */
};

/* Looks at status line and topmost Via alone, where they stand as nearly all write them: true, then
 * sip_scan finds the same in them, or something wrong with the message. False leaves *glance
 * undefined and says nothing: the message is to be scanned. */
bool sip_glance(struct text datagram, struct sip_glance *glance);

/* Whether a single header field of the message, such as &message->to, stands there twice and says
 * one thing once and another the other time. */
bool sip_contradicts(const struct sip_message *message, const struct text *field);

/* What sent it says of itself: User-Agent, in a response else Server (RFC 3261 20.41, 20.35). At is
 * NULL when missing. Looked for in the whole message at each call. */
struct text sip_user_agent(const struct sip_message *message);

/* Whether it stands there more than once, whatever it says. */
bool sip_repeats(const struct sip_message *message, const struct text *field);

/* Walks the values of a list, first to last, over all its header fields and commas. A value may be
 * empty or ill-formed: its parser says so. */
bool sip_next_value(const struct sip_message *message, enum sip_list list,
	struct sip_cursor *cursor, struct text *value);

unsigned sip_count_values(const struct sip_message *message, enum sip_list list);

/* Finds a parameter of ";name=value;flag". Names compare without case. True when it is there;
 * *value and *whole are then as above. params starts at its first semicolon or is empty. */
bool sip_param(struct text params, struct text name, struct text *value);
bool sip_param_span(struct text params, struct text name, struct text *value, struct text *whole);

/* A parameter's value without the quotes around it. */
struct text sip_unquoted(struct text value);

/* Finds several in one walk, the first of each name, which has two letters at least. values: one a
 * name, at NULL before, and after where there is none. */
void sip_params(struct text params, const struct text *names, unsigned count, struct text *values);

/* A host as the received parameter has it: an IPv6 address without its brackets (RFC 3261 25.1,
 * via-received). */
static inline struct text sip_received(struct text host)
{
	if (host.at[0] == '[')
		return (struct text){host.at + 1, host.length - 2};
	return host;
}

/* Takes one Via value apart. 0, or -EBADMSG with *via undefined. */
int sip_via_parse(struct text value, struct sip_via *via);

/* A URI; one value of Contact, From, To or Route; and that with its URI. 0 or -EBADMSG. */
int sip_uri_parse(struct text uri, struct sip_uri *out);
int sip_name_addr_parse(struct text value, struct sip_name_addr *out);
int sip_contact_parse(struct text value, struct sip_contact *out);

/* The nonce of a challenge or of credentials (RFC 3261 20.44, 20.7), without its quotes; never
 * empty. */
bool sip_nonce(struct text auth, struct text *nonce);

enum { SIP_DEFAULT_PORT = 5060, SIPS_DEFAULT_PORT = 5061 };

/* Whether a host is this address, however it is spelt. A name never is. */
bool host_is_at(struct text host, const struct address *address);

/* Whether a sip: or sips: URI names exactly this address and port; port 0 is no place. */
bool uri_is_at(const struct sip_uri *uri, const struct address *address);

/* The port it names, or the default one of its scheme. */
uint16_t uri_port(const struct sip_uri *uri);

/* Add to a hash what RFC 3261 19.1.4 compares of a URI, so that those that are equal add the same:
 * a user with or without escapes, a host in either case or an address in any spelling, a port that
 * is missing or the default one. The rest are scheme, headers and the parameters that count where
 * they stand in one of two URIs only; false when there is nothing of it that would tell two apart,
 * and then nothing is added. */
void uri_hash_user(struct hash *hash, const struct sip_uri *uri);
void uri_hash_host_port(struct hash *hash, const struct sip_uri *uri);
bool uri_hash_rest(struct hash *hash, const struct sip_uri *uri);

/* Edits: a short list of splices over a message, applied once, on the way out. What no edit names
 * leaves as it came, byte for byte. */

/* Most edits of one message; beyond, it stays as it is. A repair takes up to three for the Via and
 * up to three a Contact. What is repaired can be given back: that takes at most twice as many, and
 * one a Contact where it is told another time. */
enum { REPAIR_EDITS_MAX = 64, EDITS_MAX = 3 * REPAIR_EDITS_MAX + 8, EDITS_BYTES_MAX = 4096 };

struct edit {
	struct text replaced; /* a span of the message; empty: insert before this place */
	uint16_t offset;      /* of the new bytes in edits.bytes */
	uint16_t length;
};

struct edits {
	unsigned count;
	size_t used;
	bool overflow; /* an edit found no room: none of them may be applied */
	struct edit list[EDITS_MAX];
	char bytes[EDITS_BYTES_MAX];
};

void edits_reset(struct edits *edits);

/* Puts a copy of with in the place of span. Spans of one message must not overlap; any order. */
void edits_replace(struct edits *edits, struct text span, struct text with);

/* Takes a value out of a list of the message, with the comma before or after it; with its header
 * field, where it is alone there. */
void edits_cut_value(struct edits *edits, const struct sip_message *message, struct text value);

/* Writes message with all edits applied. Returns its new length; -ENOBUFS when it would not fit
 * or an edit found no room, -EINVAL when spans overlap or lie outside: out is undefined then. */
long edits_apply(struct edits *edits, struct text message, char *out, size_t size);

#endif
