/* What the core can be told: the sections nat, keepalive, timers, limits and class of natbox.ini,
 * and what relay says of answers, checked and in the core's own units. Filled in by ops/config; the
 * core only reads it. */
#ifndef NATBOX_SETTINGS_H
#define NATBOX_SETTINGS_H

#include <natbox/address.h>

/* NAT tests, a set of bits. The names in natbox.ini and events are nat_test_names[bit]. */
enum nat_test {
	NAT_VIA_SOURCE = 1 << 0,
	NAT_VIA_PRIVATE = 1 << 1,
	NAT_CONTACT_PRIVATE = 1 << 2,
	NAT_CONTACT_SOURCE = 1 << 3,
	NAT_CONTACT_PORT = 1 << 4,
	NAT_SDP_PRIVATE = 1 << 5,
};
enum { NAT_TESTS = 6 };
extern const char *const nat_test_names[NAT_TESTS];

enum nat_fix_via { FIX_VIA_FULL, FIX_VIA_RPORT, FIX_VIA_NO };

enum keepalive_scope { KEEPALIVE_NATTED, KEEPALIVE_ALL, KEEPALIVE_OFF };

enum keepalive_method { KEEPALIVE_NOTIFY, KEEPALIVE_OPTIONS, KEEPALIVE_CRLF, KEEPALIVE_ZERO };
extern const char *const keepalive_method_names[]; /* ended by NULL */

/* How somebody is kept alive: as [keepalive] says, or a class over it. The interval is never 0. */
struct keepalive_rules {
	enum keepalive_scope scope;
	enum keepalive_method method;
	uint64_t interval_us;
	unsigned max_lost; /* 0: never report one lost */
	bool drop_lost;
};

/* How keepalives leave: as Ethernet frames where that can be and nothing of this host would miss
 * them; wherever it can be; or through the kernel. */
enum keepalive_path { KEEPALIVE_PATH_AUTO, KEEPALIVE_PATH_LINK, KEEPALIVE_PATH_RAW };

/* What a request to a phone that is lost is answered with; off: it is relayed. */
enum lost_answer { LOST_ANSWER_OFF, LOST_ANSWER_430, LOST_ANSWER_480 };

enum {
	INTERVAL_MAX_S = 3600,   /* of keepalives */
	EXPIRES_FLOOR_S = 60,    /* nobody is told less, unless the registrar grants less */
	FROM_MAX = 256,          /* bytes of keepalive.from, with its zero */
	EXTRA_HEADERS_MAX = 1024 /* bytes of keepalive.extra-headers, with its zero */
};

/* Final statuses, 200 to 699, as a set of bits. */
enum {
	STATUS_FIRST = 200,
	STATUS_LAST = 699,
	STATUS_WORDS = (STATUS_LAST - STATUS_FIRST) / 64 + 1
};

/* Classes of phones that are kept alive in another way. All criteria of a class that are named have
 * to fit; of the classes that fit the first counts. */
enum {
	CLASSES_MAX = 32,
	CLASS_NAME_MAX = 32, /* bytes of a name, with its zero */
	CLASS_NETWORKS_MAX = 64,
	CLASS_GLOBS_MAX = 512, /* bytes of a list of globs, with its zero */
};

/* What a class may set over [keepalive]. */
enum class_effect {
	CLASS_SCOPE = 1 << 0,
	CLASS_INTERVAL = 1 << 1,
	CLASS_METHOD = 1 << 2,
	CLASS_MAX_LOST = 1 << 3,
	CLASS_DROP_LOST = 1 << 4,
};

struct phone_class {
	char name[CLASS_NAME_MAX]; /* letters, digits, '-' and '_' */
	/* Criteria; empty: any will do. Globs are separated by commas. */
	struct network networks[CLASS_NETWORKS_MAX];
	unsigned network_count;
	char user_agents[CLASS_GLOBS_MAX], aors[CLASS_GLOBS_MAX];
	unsigned effects; /* set of enum class_effect: which of these count */
	struct keepalive_rules rules;
};

struct settings {
	struct {
		unsigned detect; /* set of enum nat_test */
		struct networks exempt;
		enum nat_fix_via fix_via;
		bool fix_contact;
		bool restore;
		uint64_t max_expires_us; /* 0: as the registrar grants */
		uint32_t spread_expires; /* percent */
	} nat;
	struct {
		struct keepalive_rules rules;
		/* URI; PROXY stands for the proxy's address, USER for the phone's user, AOR for its
		 * address of record; each once at most. */
		char from[FROM_MAX];
		uint64_t not_alive[STATUS_WORDS];      /* bits: answers that are no sign of life */
		char extra_headers[EXTRA_HEADERS_MAX]; /* whole lines, each ended by CRLF; or empty
							*/
		bool registrations, subscriptions, dialogs;
		uint64_t reply_timeout_us;
	} keepalive;
	struct {
		uint64_t transaction_us, invite_us, dialog_us;
	} timers;
	struct {
		uint32_t endpoints, endpoints_per_address;
		uint32_t unproven, unproven_per_address; /* endpoints (endpoints.h) */
		uint32_t transactions, datagram;
	} limits;
	struct {
		enum lost_answer lost_answer;
	} relay;
	struct {
		unsigned count;
		struct phone_class list[CLASSES_MAX];
	} classes;
};

#endif
