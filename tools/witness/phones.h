/* Phones behind NAT that live through stories: they register, move and unregister, subscribe, call
 * and hang up, through a real proxy. Of each address that a phone has had it is known since when
 * natbox has to keep it reachable, or no longer, as far as one can tell who sees nothing but the
 * packets that reach the phones.
 *
 * An address takes part in one story only: it is alive from the first 2xx that gives it a reason,
 * and gone with the one that ends the last. */
#ifndef PHONES_H
#define PHONES_H

#include <natbox/address.h>

enum {
	STORIES = 150,     /* going on at a time */
	PHONES_MAX = 2048, /* with those that are gone, which are listened to for a while */
	MESSAGE_MAX = 4096,
	FIELD_MAX = 512,
};

enum liveness { UNKNOWN, ALIVE, GONE };

struct story;

struct phone {
	int fd; /* -1: this place is free */
	uint16_t port;
	const char *role;
	struct story *story; /* NULL: it has played its part */
	enum liveness liveness;
	uint64_t since_us;      /* of liveness */
	enum liveness expected; /* of the natbox that runs now; UNKNOWN: nothing is */
	bool heard;             /* a keepalive from it */
	uint64_t last_us;       /* the last keepalive, or packet that the phone sent */
};

/* What a story tells. NOTIFIER: registered all the time, and whoever subscribes does so to it. */
enum plot { NOTIFIER, REGISTRATION, SUBSCRIPTION, CALL, PLOTS };

enum step { REGISTER, MOVE, UNREGISTER, SUBSCRIBE, UNSUBSCRIBE, INVITE, BYE };

struct story {
	enum plot plot;
	unsigned number;
	struct phone *phone; /* it registers, subscribes or calls; NULL: not begun yet */
	struct phone *callee;
	bool is_registered; /* phone, or in a call the callee */
	bool has_dialog;
	uint64_t lost_us; /* when a reason ended last */
	bool ends;        /* nothing but its end is left */
	uint64_t due_us;  /* of the next step */

	bool waits; /* for the answer to this request */
	enum step step;
	struct phone *sender;
	unsigned sequence, sendings;
	uint64_t resend_us;
	char request[MESSAGE_MAX];

	/* Of the dialog. */
	char target[FIELD_MAX], route[FIELD_MAX];
};

struct phones {
	struct address client, proxy;
	bool is_repaired; /* natbox repairs Contacts, so phones may say where they think they are */
	int poll;         /* of all phones; the event's pointer is the phone */
	unsigned begun;   /* stories */
	struct story stories[STORIES];
	struct phone list[PHONES_MAX];

	unsigned kept, left, missing, returned; /* of what was expected: as it was, and not */
	unsigned failed;                        /* requests refused, or never answered */
	uint64_t longest_silence_us;            /* before natbox kept somebody again */
};

uint64_t now_us(void);

/* client: the IPv4 address of all phones, each of which has a port of it. */
void phones_open(struct phones *phones, const struct address *client, const struct address *proxy,
	bool is_repaired, int poll);

/* A datagram waits at a phone. */
void phone_receive(struct phones *phones, struct phone *phone);

/* Each story goes on whose time has come. Exits with status 2 where a socket cannot be had. */
void phones_go_on(struct phones *phones);

/* natbox is dead: what has been so for settled_us is expected of the next one, and what is not known
 * for sure any more comes to its end. What has arrived until now counts for nothing. */
void phones_expect(struct phones *phones, uint64_t settled_us);

/* The time for natbox to send everybody a keepalive is over: who has not got one is missing, and who
 * is gone and has not got one is not listened to any more. */
void phones_compare(struct phones *phones);

#endif
