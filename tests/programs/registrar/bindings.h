/* What a registrar has bound for one address of record (RFC 3261 10.3). The unit tests and the
 * registrar of the lab share it. Nothing runs out. */
#ifndef NATBOX_TESTS_BINDINGS_H
#define NATBOX_TESTS_BINDINGS_H

#include <natbox/sip.h>

enum { BINDINGS_MAX = 32, BINDING_URI_MAX = 256, BINDING_CALL_ID_MAX = 128 };

struct binding {
	char uri[BINDING_URI_MAX], call_id[BINDING_CALL_ID_MAX];
	uint32_t expires_s, cseq;
	bool is_new; /* of the REGISTER that came last */
};

struct bindings {
	bool compares_bytes; /* off: as RFC 3261 19.1.4 says */
	bool keeps_all;      /* what is to be taken back stays */
	unsigned count;
	struct binding list[BINDINGS_MAX];
};

/* Does what a REGISTER asks for, Contact by Contact (RFC 3261 10.3, steps 6 and 7). False when
 * there is no room: what stood before the Contact without room has been done. */
bool bindings_take(struct bindings *bindings, const struct sip_message *message);

/* The value of the Contact header field that lists them, empty where there are none. Returns its
 * length, without the 0 at its end; size has to do for all. */
size_t bindings_list(const struct bindings *bindings, char *out, size_t size);

/* Whether RFC 3261 19.1.4 takes them for one: a parameter that is its own, such as natbox, counts
 * where both have it. */
bool uris_are_equal(const struct sip_uri *one, const struct sip_uri *other);

#endif
