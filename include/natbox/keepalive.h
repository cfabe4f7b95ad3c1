/* Keepalives: the message that is sent, and liveness, which sends it when an endpoint wakes and
 * notices who does not answer any more. When that is, src/schedule decides (schedule.h). */
#ifndef NATBOX_KEEPALIVE_H
#define NATBOX_KEEPALIVE_H

#include <natbox/endpoints.h>

/* Keepalive messages: what is sent, and how its answer is recognised without a table: the branch of
 * its Via carries the time it was sent and a keyed MAC over client, proxy and that time. */

/* The longest keepalive: a From with all that it may stand for, the user in Request-URI and To, the
 * extra headers, and all other lines. */
enum {
	KEEPALIVE_MAX = FROM_MAX + ADDRESS_TEXT_MAX + LABEL_USER_MAX + ADDRESSEE_AOR_MAX +
			2 * LABEL_USER_MAX + EXTRA_HEADERS_MAX + 1024
};

/* A form: all of a request that is the same for all user agents, of one method from one proxy. In
 * between go what differs: the parts end where it stands. */
enum keepalive_part {
	PART_PHONE,
	PART_BRANCH,
	PART_FROM, /* with all of its URI where that is the same, too */
	PART_TAG,
	PART_TO,
	PART_CALL_ID,
	PART_END,
	KEEPALIVE_PARTS
};

struct keepalive_form {
	enum keepalive_method method;
	struct address proxy; /* port 0: the form is empty */
	bool has_from;
	uint16_t ends[KEEPALIVE_PARTS];
	char text[FROM_MAX + 4 * ADDRESS_TEXT_MAX + EXTRA_HEADERS_MAX + 512];
};

/* Proxies whose forms are kept, as long as they do not share a place. */
enum { KEEPALIVE_FORMS = 8 };

struct keepalive {
	const struct settings *settings;
	struct hash_key key;
	struct keepalive_form forms[KEEPALIVE_FORMS];
};

/* To be called when the settings have changed. */
void keepalive_forget(struct keepalive *keepalive);

/* Between whom a keepalive goes, and for whom it is there. */
struct keepalive_route {
	const struct address *client, *proxy;
	struct addressee addressee;
};

/* Writes one and returns its length. sent_us makes it unique for its client. */
size_t keepalive_build(struct keepalive *keepalive, enum keepalive_method method,
	const struct keepalive_route *route, uint64_t sent_us, char out[static KEEPALIVE_MAX]);

/* What stands in keepalive.from for something else: the proxy's address, the user and the address
 * of record of whom a keepalive is for. */
enum { FROM_WORDS = 3 };
extern const char *const from_words[FROM_WORDS];

/* Writes keepalive.from at a place with room for it, with what these words stand for in the place
 * of the first of each, and returns the end. */
char *keepalive_put_from(
	char *at, const char *from, const struct addressee *addressee, struct text proxy);

/* Whether a user agent can be expected to answer; CRLF and zero bytes it does not. */
bool keepalive_is_answered(enum keepalive_method method);

/* Whether keepalive_build wrote this branch for this client and proxy: the message that has it in
 * its topmost Via is the keepalive itself or its answer. *sent_us is when it was sent. */
bool keepalive_recognise(const struct keepalive *keepalive, struct text branch,
	const struct address *client, const struct address *proxy, uint64_t *sent_us);

/* Liveness: an endpoint gets its keepalive, and answers it or not. */

/* What came from it at tick proves that the user agent is there: it lives, and its binding was
 * fresh then. */
void liveness_proven(struct endpoints *endpoints, uint32_t endpoint, uint32_t tick);

/* It answered the keepalive sent at sent_us: that counts when it is the last one, within the time
 * for an answer, and once. Whether it does: then somebody is there, though a status that is not
 * among keepalive.alive is no sign of life. */
bool liveness_replied(
	struct endpoints *endpoints, uint32_t endpoint, unsigned status, uint64_t sent_us);

/* Whether it is lost; never where it is asked for nothing, and so could not be found again. */
bool liveness_is_lost(const struct endpoints *endpoints, uint32_t endpoint);

/* It woke, to send or for something else: reasons end, a keepalive is sent or found missed, and it
 * is placed again. */
void liveness_wake(
	struct endpoints *endpoints, struct keepalive *keepalive, uint32_t endpoint, bool send);

#endif
