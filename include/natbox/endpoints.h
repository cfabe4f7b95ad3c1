/* Endpoints: who must stay reachable, and why. Below, in this order: the proxies that endpoints
 * belong to; labels, the names that reasons carry; classes, by which some are kept alive in another
 * way; changes, which reasons a store has not seen yet;
 * unproven, the endpoints where it is open who is there; endpoints and their reasons; the review, a
 * look at each of them; records, what survives a restart; views, what is shown. */
#ifndef NATBOX_ENDPOINTS_H
#define NATBOX_ENDPOINTS_H

#include <natbox/nat.h>
#include <natbox/schedule.h>

/* The proxies: their addresses, and a small number for each that the tables use in its place. */

/* Most proxy addresses. A host with *:PORT has a few; the most seen is one an address of a /24. */
enum { PROXIES_MAX = 1024, PROXIES_BUCKETS = 4096, PROXY_NONE = UINT16_MAX };

/* Zeroed there is none. */
struct proxies {
	uint16_t count;
	struct address list[PROXIES_MAX];
	uint16_t buckets[PROXIES_BUCKETS]; /* open addressing; number + 1, 0 is empty */
};

/* Adds an address, or finds it there already. Its number, or PROXY_NONE when there are too many. */
uint16_t proxies_add(struct proxies *proxies, const struct address *address);

/* PROXY_NONE when it is none of them. */
uint16_t proxies_find(const struct proxies *proxies, const struct address *address);

/* Labels: the names that reasons carry (an AOR, a Call-ID), kept in one arena. Beside the name one
 * may hold the user of a Contact, which costs nothing where there is none. Sizes are rounded to
 * LABEL_UNIT bytes and each size has its own list of free pieces, so there is no allocation after
 * the start. Nothing is compacted: when the arena is used up, bigger free pieces are split, and a
 * name for which there is none is cut to a smaller one. So are long names, once such have half of
 * the arena: however long the Call-IDs of strangers, the other half is there for everybody's. */

enum {
	LABEL_UNIT = 4,
	LABEL_MAX = 510,      /* bytes of a name; a longer one is cut: it is for people and logs */
	LABEL_USER_MAX = 127, /* bytes of a user; there is none that is longer */
	LABEL_UNITS_MAX = (1 << 29) - 1, /* pieces fit 29 bits: 2 GB of names */
	LABEL_CLASSES = (2 + LABEL_MAX + LABEL_UNIT - 1) / LABEL_UNIT + 1,
};

struct labels {
	uint32_t *units;
	uint32_t limit, used; /* in units; unit 0 is no label */
	uint32_t share;       /* of one name of the average that there is room for */
	uint32_t beyond;      /* what longer names have beyond their share; half of all at most */
	uint32_t free[LABEL_CLASSES];
};

/* Room for count names of average bytes each. 0 or -ENOMEM. */
int labels_init(struct labels *labels, uint32_t count, uint32_t average);
void labels_free(struct labels *labels);

/* Keeps a copy, of as much of the name as there is room for where the arena is nearly full. The
 * user may be empty; it is kept whole or not at all, and only where both have LABEL_MAX bytes at
 * most. Returns the piece, or 0 when there is no room at all. */
uint32_t label_take(struct labels *labels, struct text name, struct text user);
void label_give(struct labels *labels, uint32_t piece);

/* The name, and the user, which may be empty. */
struct text label_text(const struct labels *labels, uint32_t piece);
struct text label_user(const struct labels *labels, uint32_t piece);

/* Classes: what natbox.ini says of some phones (settings.h). Each has a number, which an endpoint
 * keeps; 0: it has none, and is kept alive as [keepalive] says. A class that is still there after a
 * reload has its number still, whatever its place; that of one that is gone stands for 0 until
 * each endpoint has been looked at again, and is given to another as late as can be. */

enum { CLASS_NUMBERS = PACES_MAX };

struct classes {
	const struct settings *settings;
	struct keepalive_rules rules[CLASS_NUMBERS];
	char names[CLASS_NUMBERS][CLASS_NAME_MAX]; /* empty: the number is free */
	uint8_t numbers[CLASSES_MAX];              /* of each class of the settings */
	unsigned last;                             /* number that was given */
	bool ask_user_agent, ask_aor;              /* any of them does */
};

/* Takes over what the settings say, which are pointed to and may be others than before. Returns
 * whether an endpoint that stays in its class may have another interval now, or keepalives where it
 * had none. */
bool classes_set(struct classes *classes, const struct settings *settings);

/* The number of the class with a name; 0: there is none. */
unsigned classes_find(const struct classes *classes, struct text name);

/* Whether anybody gets keepalives at all. */
bool classes_keep_alive(const struct classes *classes);

/* The name of one; at is NULL for 0. */
static inline struct text classes_name(const struct classes *classes, unsigned number)
{
	const char *name = classes->names[number];

	return number ? (struct text){name, strlen(name)} : (struct text){0};
}

/* Whom a class is asked for. */
struct class_facts {
	const struct address *client;
	/* At is NULL where it is not known: it then is as the class until now asks for it. */
	struct text aor, user_agent;
	unsigned before; /* the number of the class until now */
};

/* The number of the first class whose criteria all fit; 0: none does. */
unsigned classes_match(const struct classes *classes, const struct class_facts *facts);

/* The same for whoever sent a message: of a request the AOR is that of From, of a REGISTER and of a
 * response that of To. */
unsigned classes_match_message(const struct classes *classes, const struct sip_message *message,
	const struct address *client);

/* Whether one of a list of globs, separated by commas, fits: * stands for any bytes, ? for one. Of
 * the text, CLASS_TEXT_MAX bytes are looked at. ASCII letters from folded on count in either case.
 */
enum { CLASS_TEXT_MAX = 256 };
bool globs_fit(struct text globs, struct text text, size_t folded);

/* The same for an address of record, a URI: the case of its user counts, that of all else does not.
 * Its scheme counts for globs that name one. */
bool globs_fit_aor(struct text globs, struct text aor);

/* Which reasons have changed since somebody last looked: a set of slots (indices of the pool of
 * reasons) that costs a bit each and a few instructions to add to. However often one changes, it
 * stands in the set once. */

struct changes {
	uint64_t *slots; /* a bit a slot; NULL: nobody wants to know */
	uint64_t *words; /* a bit for each word of slots that is not 0 */
	uint32_t limit;  /* the highest slot */
};

/* 0 or -ENOMEM. Until then, adding to it does nothing. */
int changes_init(struct changes *changes, uint32_t limit);
void changes_free(struct changes *changes);

static inline void changes_add(struct changes *changes, uint32_t slot)
{
	if (!changes->slots)
		return;
	changes->slots[slot / 64] |= 1ull << slot % 64;
	changes->words[slot / 4096] |= 1ull << slot / 64 % 64;
}

/* Whether this one is in the set. */
static inline bool changes_have(const struct changes *changes, uint32_t slot)
{
	return changes->slots && slot <= changes->limit &&
	       changes->slots[slot / 64] >> slot % 64 & 1;
}

/* Takes one out that is in it. */
void changes_remove(struct changes *changes, uint32_t slot);

/* Takes the first slot from that one on out of the set and returns it; 0 when there is none. */
uint32_t changes_take(struct changes *changes, uint32_t from);

bool changes_any(const struct changes *changes);

/* Unproven endpoints, by index: in the order in which they came, all of them and those of each
 * address, which is a number here. However many there are, nothing takes longer. */

struct unproven_items {
	struct pool pool;
	uint32_t *heads;
};

struct unproven_list {
	uint32_t oldest, newest; /* places; 0: there is none */
	uint32_t count;
};

struct unproven {
	struct unproven_items places, addresses;
	struct unproven_list all;
};

/* Room for so many at a time. 0 or -ENOMEM. */
int unproven_init(struct unproven *unproven, uint32_t limit);
void unproven_free(struct unproven *unproven);

/* There is to be room for it (all.count); and it is to be there. */
void unproven_add(struct unproven *unproven, uint32_t endpoint, uint32_t address);
void unproven_remove(struct unproven *unproven, uint32_t endpoint);

/* The endpoint that has been there longest, 0 when there is none: of all; and of an address, with
 * how many that has. */
uint32_t unproven_oldest(const struct unproven *unproven);
uint32_t unproven_oldest_of(const struct unproven *unproven, uint32_t address, uint32_t *count);

/* Endpoints and the reasons that keep them. An endpoint is the public address:port of a user agent
 * as the border sees it, paired with the proxy it talks to. A reason is one registration, one
 * subscription or one dialog leg. An endpoint lives exactly as long as it has a reason.
 *
 * A source address can be forged. An endpoint is proven by what only somebody who receives there
 * can send: the answer to a keepalive, or a request with a nonce or a tag that was sent there.
 * Until then it is unproven: it gets a few keepalives and no more, there are not many of them, and
 * they give way to others.
 *
 * Sized for a million of each on one core: 32-bit indices into pools, keyed hashes, nothing
 * allocated after the start. */

enum {
	/* Reasons an endpoint may have on average before the table is full: a registration, a
	 * subscription or two and a call. It costs address space only, until it is used. */
	REASONS_PER_ENDPOINT = 4,
	/* Most reasons of one endpoint. Any one of them keeps it alive, and their list is walked
	 * when one comes or goes, so more would do nothing but cost. A private branch exchange
	 * behind NAT has that many calls at a time. */
	REASONS_OF_ONE_MAX = 512,
	LABEL_AVERAGE = 38,
	/* The longest time a reason is believed to last. A registrar may grant 136 years. */
	REASON_SECONDS_MAX = 90 * 24 * 3600,
	MISSED_MAX = (1 << 14) - 1,
	EXPECTED_MAX = 64, /* messages; as many as the kernel hands over at a time */
};

/* 40 bytes; with its place on the wheel, its shares of the hash tables, one registration and the
 * AOR an endpoint is to stay below 128. */
struct endpoint {
	struct address client;
	uint16_t proxy; /* number in proxies */
	uint32_t hash_next;
	uint32_t reasons;      /* the first; linked by reason.next */
	uint32_t expires;      /* tick; no reason ends before */
	uint32_t refreshed;    /* tick of the last sign of life, or keepalive */
	uint16_t missed : 14;  /* keepalives in a row; while it is unproven, all of them */
	uint16_t lost : 1;     /* reported so, and no sign of life since */
	uint16_t rejected : 1; /* the last keepalive had an answer that does not count */
	uint16_t nat : 6;      /* set of enum nat_test */
	uint16_t heard : 1;    /* it gave a sign of life since it was placed on the wheel */
	uint16_t awaiting : 1; /* the last keepalive has not been answered */
	uint16_t proven : 1;
	uint16_t class : 7; /* its number; 0: none */
};

/* RFC 3261 8.1.1.5: a CSeq number is of 31 bits. */
enum { CSEQ_MAX = INT32_MAX };

struct reason {
	uint32_t key[2]; /* a keyed hash of what identifies it; two halves keep it 40 bytes */
	uint32_t hash_next;
	uint32_t endpoint;
	uint32_t next;                 /* of the same endpoint */
	uint32_t expires;              /* tick */
	uint32_t label : 29, kind : 2; /* label is 0 while the slot is empty */
	uint32_t early : 1;            /* a dialog leg that is not confirmed yet (RFC 3261 12) */
	/* Of a registration: a keyed hash of its Contact as the registrar lists it; 0: not known,
	 * or several. Of a REFER's subscription: the REFER's CSeq number. */
	uint32_t binding;
	/* Of a registration: a keyed hash of that Contact, or of one of several, as the user agent
	 * itself wrote it, 16 bits of host and port, 8 of the user and 8 of the parameters; and the
	 * CSeq number it last did so with, at most CSEQ_MAX. 0: not known.
	 * cseq is of a subscription the CSeq number of its last NOTIFY; of a dialog leg, in as many
	 * bits, the tick at which its BYE passed. */
	uint32_t written, cseq : 31;
	/* Of a registration: the REGISTER that it is from came from another place as well, and
	 * there is one of it there. */
	uint32_t doubled : 1;
};

/* Where a look at every endpoint has got to. */
struct review {
	uint32_t next; /* the endpoint that is looked at next; 0: none is under way */
	bool places;   /* each gets a new place on the schedule */
};

/* Endpoints that a restart has put back and of which no event has told yet. */
struct untold {
	struct changes endpoints; /* by index; without slots once all are told */
	uint32_t next;            /* those before it are told */
};

/* What look-ups for the message of the moment are likely to ask for. */
struct lookup {
	struct address client;
	uint16_t proxy;
	uint32_t *head;    /* of the list that has this client at this proxy; NULL: none yet */
	uint32_t endpoint; /* whose latest reason is tried first; 0: none */
};

/* What look-ups for the next messages are going to ask for, in this order. */
struct expected {
	unsigned count, next;
	struct lookup list[EXPECTED_MAX];
};

struct endpoints {
	const struct settings *settings;
	struct report *report;
	const struct proxies *proxies;
	struct hash_key key;
	struct pool endpoints, reasons;
	uint32_t *endpoint_heads, *reason_heads;
	uint32_t endpoint_mask, reason_mask;
	/* Endpoints by hash of their IP address alone, of IPv6 its /64. Two may share a
	 * counter and so its limit; with as many counters as endpoints that matters to none but
	 * the heaviest. */
	uint32_t *per_address;
	struct unproven unproven;
	struct labels labels;
	struct classes classes;
	struct changes changes;   /* reasons that a store has not seen yet */
	struct natted natted;     /* where endpoints were, and where some are about to be */
	struct schedule schedule; /* when each wakes, by its index */
	struct review review;
	struct untold untold;
	struct lookup likely;
	struct expected expected;
};

/* What is kept is pointed to, not copied. 0 or -ENOMEM; then what there is is to be freed, too. */
int endpoints_init(struct endpoints *endpoints, const struct settings *settings,
	struct report *report, const struct proxies *proxies, const struct hash_key *key);
void endpoints_free(struct endpoints *endpoints);

/* What fills up with endpoints and their reasons. */
void endpoints_list_fillings(const struct endpoints *endpoints, struct fillings *fillings);

/* Most endpoints from now on. False when that needs bigger tables: the limit is then theirs. */
bool endpoints_set_limit(struct endpoints *endpoints, uint32_t limit);

static inline struct endpoint *endpoint_at(const struct endpoints *endpoints, uint32_t index)
{
	return pool_item(&endpoints->endpoints, index);
}

static inline struct reason *reason_at(const struct endpoints *endpoints, uint32_t index)
{
	return pool_item(&endpoints->reasons, index);
}

static inline uint64_t reason_key(const struct reason *reason)
{
	return (uint64_t)reason->key[1] << 32 | reason->key[0];
}

/* The endpoint where a reason stands. */
static inline const struct endpoint *reason_endpoint(
	const struct endpoints *endpoints, uint32_t reason)
{
	return endpoint_at(endpoints, reason_at(endpoints, reason)->endpoint);
}

/* The index of an endpoint, 0 when there is none. */
uint32_t endpoint_find(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy);

/* endpoint_prefetch is going to be called for the clients and proxies of endpoints.expected, in
 * this order, though not for each: what is known of all of them is fetched into the cache at once,
 * where one after the other would wait. */
void endpoints_prefetch_expected(struct endpoints *endpoints);

/* What is asked for next is likely this endpoint: what endpoint_find looks at begins to be fetched
 * into the cache, which takes as long as a scan. */
void endpoint_prefetch(struct endpoints *endpoints, const struct address *client, uint16_t proxy);

/* What an endpoint is made of; each is known from the one before. */
enum endpoint_part { ENDPOINT_ITSELF, ENDPOINT_REASON, ENDPOINT_LABEL };

/* That part of it begins to be fetched into the cache; the ones before it are to be there. */
static inline void endpoint_prefetch_part(
	const struct endpoints *endpoints, uint32_t index, enum endpoint_part part)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct reason *reason = reason_at(endpoints, endpoint->reasons);

	if (part == ENDPOINT_ITSELF)
		prefetch(endpoint);
	else if (part == ENDPOINT_REASON)
		prefetch(reason);
	else
		prefetch(&endpoints->labels.units[reason->label]);
}

/* What is asked for next is the reason with this key, likely the latest of this endpoint, which may
 * be gone; 0: there is no such guess. Where it holds, reason_find is through with one step; what it
 * looks at otherwise, and registration_next does, begins to be fetched into the cache. */
void reason_expect(struct endpoints *endpoints, uint64_t key, uint32_t endpoint);

/* The tests that hit the user agent there, when its message hits these. Whoever stands where
 * one is behind a NAT is behind it, also where one message does not show it; so is who says that he
 * stands there, and comes from another port of that address. 0: no endpoint. */
unsigned endpoints_learn_nat(struct endpoints *endpoints, uint32_t endpoint,
	const struct address *client, const struct sip_message *message, unsigned nat);

/* These tests hit it: where that was not known before, its reasons are changed for a store, too. */
void endpoint_add_nat(struct endpoints *endpoints, uint32_t index, unsigned nat);

/* It is proven that its user agent is there, now: it is kept alive from now on. */
void endpoint_prove(struct endpoints *endpoints, uint32_t index);

/* How it is kept alive. */
static inline const struct keepalive_rules *endpoint_rules(
	const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	return &endpoints->classes.rules[endpoint->class];
}

/* It is of this class from now on: counted, its reasons are changed for a store, and its next
 * keepalive is due as the class says. */
void endpoint_change_class(struct endpoints *endpoints, uint32_t index, unsigned class);
static inline void endpoint_set_class(struct endpoints *endpoints, uint32_t index, unsigned class)
{
	if (endpoint_at(endpoints, index)->class != class)
		endpoint_change_class(endpoints, index, class);
}

/* How many keepalives an unproven endpoint gets at most, the last of which is another question than
 * the others; and whether it has got them all. */
unsigned endpoint_trials(const struct keepalive_rules *rules);
static inline bool endpoint_is_given_up(
	const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	return !endpoint->proven &&
	       endpoint->missed >= endpoint_trials(endpoint_rules(endpoints, endpoint));
}

/* Reports an event of this endpoint that has happened and is wanted (report.h): of it only the type
 * and its own fields are to be set. What a restart has put back is told first. */
void endpoint_report(struct endpoints *endpoints, uint32_t endpoint, struct event *event);

/* Whether the settings want an endpoint at all: it is in no exempt network, and natted where
 * that is asked for, by its class or by [keepalive]; and whether a kind of reason counts. */
bool endpoint_is_wanted(const struct endpoints *endpoints, const struct address *client,
	unsigned nat, unsigned class);
bool reason_is_wanted(const struct settings *settings, enum reason_kind kind);

/* Ends all its reasons and removes it. why_reason and why_endpoint are for the events. */
void endpoint_remove(struct endpoints *endpoints, uint32_t endpoint, const char *why_reason,
	const char *why_endpoint);

/* A claim that a user agent must stay reachable. */
struct reason_claim {
	struct address client;
	uint16_t proxy;
	unsigned nat; /* set of enum nat_test */
	enum reason_kind kind;
	bool early;
	bool proven; /* that the user agent is there */
	bool lost;   /* it was before a restart */
	/* Number of the class of what asks for it. It counts for a registration, and for an
	 * endpoint that is new. */
	uint8_t class;
	uint64_t key;
	struct text id;                  /* AOR or Call-ID */
	struct text user;                /* of the Contact; at is NULL where it is not known */
	uint32_t binding, written, cseq; /* as in struct reason */
	uint32_t seconds;                /* from now; more than 0 */
};

/* Adds the reason, with its endpoint where that is new; or refreshes the one with this key; or,
 * when that one stands at another endpoint, moves it: the old one ends at once. A registration
 * does not move: that there may be one with the same key elsewhere is its registrar's business.
 * Each is reported. Returns its index, or 0 when a limit refuses it, which is reported too; what
 * there was then stays as it was. */
uint32_t reason_hold(struct endpoints *endpoints, const struct reason_claim *claim);

/* Refreshes a reason where it stands, with all that its claim says but its key and name. */
void reason_renew(struct endpoints *endpoints, uint32_t reason, const struct reason_claim *claim);

/* Whether there is room for a claim where it stands, once this reason has left its own place for
 * it; if not, that is reported: nothing is to end for a move that a limit then refuses. */
bool reason_may_move(
	struct endpoints *endpoints, const struct reason_claim *claim, uint32_t reason);

/* Sets when it runs out, more than 0 seconds from now: reported, or without a word. */
void reason_refresh(struct endpoints *endpoints, uint32_t reason, uint32_t seconds);
void reason_prolong(struct endpoints *endpoints, uint32_t reason, uint32_t seconds);

/* The BYE of a dialog leg is under way, or has been refused: what a restart puts back of it lasts
 * no longer than that may take. */
void reason_note_bye(struct endpoints *endpoints, uint32_t reason, bool under_way);

uint32_t reason_seconds_left(const struct endpoints *endpoints, uint32_t reason);

/* The user of a registration's Contact, as the registrar lists it, before it is refreshed; where at
 * is NULL, nothing is known of it, and what there was stays. */
void reason_set_user(struct endpoints *endpoints, uint32_t reason, struct text user);

/* Gives it another key, that no other reason at its endpoint has; or its own, and then it is the
 * first to be found with that one. */
void reason_rekey(struct endpoints *endpoints, uint32_t reason, uint64_t key);

/* The key of an early dialog leg that a restart has parted from its INVITE transaction: it goes by
 * its Call-ID and the endpoint where it stands. */
uint64_t reason_orphan_key(const struct endpoints *endpoints, const struct address *client,
	uint16_t proxy, struct text call_id);

/* The index of the reason with this key, 0 when there is none. Only registrations may have one key
 * at several endpoints. */
uint32_t reason_find(const struct endpoints *endpoints, uint64_t key);

/* The one of them that stands at the endpoint of this client and proxy. */
uint32_t reason_find_at(const struct endpoints *endpoints, uint64_t key,
	const struct address *client, uint16_t proxy);

/* Ends a reason, and its endpoint with the last one. */
void reason_end(struct endpoints *endpoints, uint32_t reason, const char *why);

/* Ends every reason of the endpoint that has run out at tick; the endpoint goes with the last.
 * False when it is gone. */
bool endpoint_expire(struct endpoints *endpoints, uint32_t endpoint, uint32_t tick);

/* Registrations by address of record (AOR). The lower half of a registration's key is a hash of its
 * AOR and proxy. It says where in the hash table a reason stands, so all that a registrar may list
 * for one AOR stand in one place, and to find them is one look-up. */

/* Most registrations of one AOR at one proxy: of a registrar that lists more, no answer can be
 * read. */
enum { REGISTRATIONS_OF_AOR_MAX = SIP_VALUES_MAX };

struct aor {
	struct sip_uri uri; /* its parameters do not count (RFC 3261 10.3) */
	uint16_t proxy;
};

/* The key of a registration of it; identity is a keyed hash of what tells it from others. */
uint64_t registration_key(
	const struct endpoints *endpoints, const struct aor *aor, uint64_t identity);

/* Whether a registration is told from others of its AOR by that. */
bool registration_is_identical(const struct reason *registration, uint64_t identity);

/* The next registration of it after that one; 0: the first, which was added or rekeyed latest. key
 * is that of any of them. 0 at the end. Without an AOR, all whose keys have that half: hardly ever
 * there is one of another AOR among them. */
uint32_t registration_next(
	const struct endpoints *endpoints, const struct aor *aor, uint64_t key, uint32_t after);

/* Whom a message to an endpoint is for: of its registrations the one whose AOR comes first, byte by
 * byte. Lives until something changes. */
struct addressee {
	struct text aor; /* as it was written; at is NULL where there is no registration */
	/* Of the Contact, where that has one, else of the AOR, without password: as RFC 3261 25.1
	 * has it, LABEL_USER_MAX bytes at most. Empty: there is none. */
	struct text user;
};
struct addressee endpoint_addressee(const struct endpoints *endpoints, uint32_t endpoint);

/* For an event of an address: the AOR of the latest registration there, where that is among the
 * latest reasons. */
struct text endpoint_find_aor(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy);

/* Whether an AOR can stand in angle brackets in a message of ours, and is not longer than that. */
enum { ADDRESSEE_AOR_MAX = 255 };
bool aor_is_plain(struct text aor);

/* It is lost from now on, or is so no more: counted, and its reasons are changed for a store. */
void endpoint_set_lost(struct endpoints *endpoints, uint32_t endpoint, bool lost);

/* A look at every endpoint, after the settings have changed or natbox was away: whether it is still
 * wanted, and when its next keepalive is due. There may be a million, so it is done in slices. */

/* Begins one, also in the middle of another: every endpoint is then looked at once from now on.
 * places: each gets a new place on the schedule, for when its keepalive is due. */
void review_start(struct endpoints *endpoints, bool places);

static inline bool review_is_pending(const struct endpoints *endpoints)
{
	return endpoints->review.next != 0;
}

/* Whether a review that is under way, if one is, has this endpoint behind it. */
static inline bool review_has_reached(const struct endpoints *endpoints, uint32_t endpoint)
{
	return endpoint < endpoints->review.next || !review_is_pending(endpoints);
}

/* Looks at one before it is its turn. False when it is gone, or has got its new place. */
bool review_one(struct endpoints *endpoints, uint32_t endpoint);

/* Goes on with it for so much work (report.h). */
void review_run(struct endpoints *endpoints, uint64_t work);

/* What a restart must not lose: each reason as a record of its own, with all that is needed to put
 * it and its endpoint back. A reason stands in one slot (its index in the pool) from the moment it
 * is added until it ends, also while it is refreshed, renamed or moved to another endpoint.
 *
 * Transactions are not kept. An early dialog leg comes back without the INVITE that it belongs to,
 * and is known by its Call-ID until a message shows what has become of the call.
 *
 * Times are relative to the engine's present. */

struct record {
	struct address client, proxy;
	unsigned nat; /* set of enum nat_test */
	enum reason_kind kind;
	bool early, proven, lost;
	uint64_t key;
	uint32_t binding, written;
	struct text id;    /* AOR or Call-ID; of a record read, valid until something changes */
	struct text user;  /* of the Contact where it is not the AOR's; likewise; mostly empty */
	struct text class; /* the name of the endpoint's; likewise; mostly empty */
	uint64_t left_us;  /* until it runs out */
	uint64_t quiet_us; /* since the endpoint's binding was last refreshed */
};

/* Has changes noted from now on. 0 or -ENOMEM. */
int records_watch(struct endpoints *endpoints);

/* Declares that everything there is has changed. */
void records_change_all(struct endpoints *endpoints);

/* The record in a slot; false when it is empty. A reason whose time is over but which has not been
 * woken yet counts as none. */
bool record_read(const struct endpoints *endpoints, uint32_t slot, struct record *record);

/* The endpoint of the reason in a slot has been quiet for this long; and whether it is slow, with a
 * longer interval than [keepalive]'s. False when it is empty. */
bool record_quiet(
	const struct endpoints *endpoints, uint32_t slot, uint64_t *quiet_us, bool *is_slow);

/* Puts records back, without an event, before anything else is in the tables. slots, one each:
 * where its reason stands from now on; with a key of its own, which is a change, where it is an
 * early dialog leg. Or it stays out for this time, as the settings are other ones now, and a store
 * goes on keeping it:
 *     -ENOENT  its proxy is none of the proxies
 *     -EPERM   the settings do not want it: an exempt network, a kind of reason that does not count
 * Or it stays out for good:
 *     -ETIME   its time is over
 *     -EINVAL  no user agent can be there
 *     -EEXIST  another reason has its key
 *     -ENOSPC  a limit is reached */
void records_restore(
	struct endpoints *endpoints, const struct record *records, unsigned count, int64_t *slots);

/* After the last of these: starts the keepalives, each at most one interval after the
 * endpoint was last heard or sent one, and never too many at once. Where events of new endpoints
 * and reasons are wanted, there are such of those that were put back, too, marked as restored:
 * before the first other event of an endpoint, and of the rest when restored_tell is called. */
void records_resume(struct endpoints *endpoints);

/* Views: what there is to show of an endpoint, for people and programs that ask for it. */

struct endpoint_view {
	struct address client, proxy;
	unsigned nat;                   /* set of enum nat_test */
	bool proven, lost;              /* as in struct endpoint */
	unsigned missed;                /* likewise */
	uint32_t reasons[REASON_KINDS]; /* how many of each */
	struct text class;              /* its name; at is NULL where it has none */
	struct text aor, user;          /* of its addressee */
	uint64_t silent_us;             /* since the last sign of life */
	uint64_t left_us;               /* until the last of its reasons runs out */
	uint64_t next_us;               /* until its next keepalive; UINT64_MAX: it gets none */
};

/* What it points to lives until something changes. */
void endpoint_view(
	const struct endpoints *endpoints, uint32_t endpoint, struct endpoint_view *view);

struct reason_view {
	enum reason_kind kind;
	bool early;
	struct text id;   /* AOR or Call-ID */
	struct text user; /* of the Contact; empty where it is the AOR's */
	uint64_t left_us; /* until it runs out */
};
void reason_view(const struct endpoints *endpoints, uint32_t reason, struct reason_view *view);

/* Shows endpoints from an index on, 1 at first, at most so many places of the table. visit gets
 * each that there is; where it returns false the walk ends there, with this one behind it. Returns
 * the index to go on from, 0 at the end of the table. In between endpoints may come and go: who is
 * there all the while is shown once. */
uint32_t endpoints_walk(struct endpoints *endpoints, uint32_t from, uint32_t count,
	bool (*visit)(void *context, uint32_t endpoint), void *context);

/* For how long there has been no sign of life. */
uint64_t endpoint_silent_us(const struct endpoints *endpoints, uint32_t endpoint);

/* Whether some are still to be told of; and tells of so many of them at most. */
static inline bool restored_are_untold(const struct endpoints *endpoints)
{
	return endpoints->untold.endpoints.slots;
}
void restored_tell(struct endpoints *endpoints, unsigned most);

#endif
