/* Composes well-formed SIP messages from parts: header fields in any order, folded, compact and in
 * any case; IPv6; quoted strings full of separators; several Vias and Contacts, in one header field
 * or many. The same seed gives the same messages on every machine. */
#ifndef NATBOX_TESTS_GENERATE_H
#define NATBOX_TESTS_GENERATE_H

#include <natbox/base.h>

struct generator {
	uint64_t state;
};

void generator_seed(struct generator *generator, uint64_t seed);

/* 0 to limit - 1. */
uint32_t generator_below(struct generator *generator, uint32_t limit);

/* True once in so many times. */
bool generator_once_in(struct generator *generator, uint32_t times);

/* What the message is to be; zeros leave everything to chance. */
struct generate_wish {
	enum { GENERATE_ANY, GENERATE_REQUEST, GENERATE_RESPONSE } kind;
	const char *method;   /* of the request, or of the one answered */
	unsigned status;      /* of a response */
	const char *via_host; /* of the first Via, as it stands there, port and all */
	unsigned vias;        /* how many values */
	unsigned contacts;    /* how many values */
	bool no_contact;      /* none at all, whatever contacts says */
	bool no_star;         /* no "Contact: *" */
	bool empty_rport;     /* Vias with "rport=", which the grammar has not */
};

enum { GENERATED_MAX = 8192 };

struct generated {
	char bytes[GENERATED_MAX];
	size_t length;
	bool is_request;
	unsigned vias, contacts; /* values, in all header fields together; "*" is one */
	size_t body_length;
};

void generate_message(
	struct generator *generator, const struct generate_wish *wish, struct generated *message);

#endif
