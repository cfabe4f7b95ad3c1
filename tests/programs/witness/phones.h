/* Phones behind NAT. Of each, which has one address and takes part in one story (stories.h), it is
 * known since when natbox has to keep it reachable, or no longer, as far as one can tell who sees
 * nothing but the packets that reach the phones; and after a restart of natbox, whether it does. */
#ifndef PHONES_H
#define PHONES_H

#include <natbox/address.h>

enum {
	PHONES_MAX = 2048, /* with those that are gone, which are listened to for a while */
	MESSAGE_MAX = 4096,
};

enum liveness {
	UNKNOWN,
	ALIVE, /* there is a reason to keep it */
	GONE,  /* or none any more, or none yet */
};

struct story;

struct phone {
	int fd; /* -1: this place is free */
	uint16_t port;
	uint8_t home; /* the last byte of the address that it has itself */
	const char *role;
	struct story *story; /* NULL: it has played its part */
	enum liveness liveness;
	uint64_t since_us;      /* of liveness */
	enum liveness expected; /* of the natbox that runs now; UNKNOWN: nothing is */
	bool heard;             /* a keepalive from it */
	uint64_t last_us;       /* the last keepalive, or packet that the phone sent */
};

struct phones {
	struct address client, proxy;
	int poll; /* of all phones; the event's pointer is the phone */
	struct phone list[PHONES_MAX];

	/* Of what was expected: as it was, and not. */
	unsigned kept, left, missing, returned;
	uint64_t killed_us;          /* the natbox before the one that runs now */
	uint64_t ready_us;           /* the one that runs now */
	uint64_t late_us;            /* the longest time between two keepalives of that one's */
	uint64_t longest_silence_us; /* before natbox kept somebody again */
};

uint64_t now_us(void);

/* client: the IPv4 address of all phones, each of which has a port of it. */
void phones_open(
	struct phones *phones, const struct address *client, const struct address *proxy, int poll);

/* A phone at a port that none has had for long, gone so far. Exits with status 2 when it cannot be
 * had. */
struct phone *phone_open(struct phones *phones, struct story *story, const char *role);
void phone_close(struct phone *phone);

/* All of them. */
void phones_close(struct phones *phones);

/* Sends something to the proxy, other than the answer to a keepalive. That refreshes the binding,
 * so that the next keepalive is due later, or it may be a new reason for one: either way keepalives
 * prove nothing any more about a restart. */
void phone_speak(struct phones *phones, struct phone *phone, const char *message);

void phone_becomes(struct phone *phone, enum liveness liveness);

/* natbox is ready: what it does counts from now on. */
void phones_begin(struct phones *phones);

/* The longest time for which a phone that is kept has heard nothing, of this natbox's life. */
uint64_t phones_latest_us(const struct phones *phones);

/* A keepalive has come, and this is what to say to it. */
void phone_kept_alive(struct phones *phones, struct phone *phone, const char *answer);

/* natbox is dead: what has been so for settled_us is expected of the next one. What has not is not
 * known for sure any more. What has arrived until now counts for nothing. */
void phones_expect(struct phones *phones, uint64_t settled_us);

/* Whether everybody who is expected to be kept has got a keepalive. */
bool phones_are_heard(const struct phones *phones);

/* The time for natbox to send everybody a keepalive is over: who has not got one is missing. Who is
 * gone and has not got one is not listened to any more. */
void phones_compare(struct phones *phones);

#endif
