/* Which endpoints somebody asks for: those that all filters of a request let through, or those of a
 * target, an address or an address of record. */
#ifndef NATBOX_CONTROL_FILTER_H
#define NATBOX_CONTROL_FILTER_H

#include <natbox/endpoints.h>

/* Of a pattern or a target, with its zero: what is longer matches nothing that natbox keeps. */
enum { CONTROL_PATTERN_MAX = LABEL_MAX + 1 };

/* Zeroed it lets everything through. */
struct control_filter {
	unsigned given; /* which kinds have been added */
	bool has_network, has_proxy, is_lost;
	struct network network;
	struct address proxy;          /* port 0: whatever its port */
	char aor[CONTROL_PATTERN_MAX]; /* empty: any */
	char class[CLASS_NAME_MAX];    /* empty: any, and none */
	unsigned reasons;  /* set of 1 << enum reason_kind, one of which it has; 0: any */
	uint64_t quiet_us; /* longer than this without a sign of life; 0: any */
};

/* Adds one filter, such as network=10.0.0.0/8, lost or quiet>5m. 0, or -EINVAL with *fault set. */
int control_filter_add(struct control_filter *filter, struct text word, struct fault *fault);

bool control_filter_matches(
	const struct control_filter *filter, const struct endpoints *endpoints, uint32_t endpoint);

/* The kind of what it names and natbox has not, neither now nor for any endpoint. NULL: none. */
const char *control_filter_lacks(
	const struct control_filter *filter, const struct endpoints *endpoints);

struct control_target {
	bool is_all;
	bool is_address;
	struct address address; /* port 0: whatever its port */
	char aor[CONTROL_PATTERN_MAX];
};

/* An address with or without port, or an address of record: whole, without scheme, or its user
 * alone. 0, or -EINVAL with *fault set. */
int control_target_parse(struct control_target *target, struct text word, struct fault *fault);

bool control_target_matches(
	const struct control_target *target, const struct endpoints *endpoints, uint32_t endpoint);

/* Whether an address is the one that is wanted; port 0 of that: whatever its port. */
bool control_is_at(const struct address *wanted, const struct address *address);

/* Whether an address of record is the target's. */
bool control_target_is_aor(const struct control_target *target, struct text aor);

#endif
