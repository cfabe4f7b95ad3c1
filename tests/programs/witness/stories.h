/* What phones live through: they register, move and unregister, subscribe, call and hang up,
 * through a real proxy. A phone is alive from the first 2xx that gives it a reason, and gone with
 * the one that ends the last. */
#ifndef STORIES_H
#define STORIES_H

#include "phones.h"

enum {
	STORIES = 150, /* going on at a time */
	FIELD_MAX = 512,
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

struct stories {
	struct phones phones;
	bool is_repaired; /* natbox repairs Contacts, so phones may say where they think they are */
	unsigned begun;
	unsigned failed; /* requests refused, or never answered */
	struct story list[STORIES];
};

/* The one whose plot is that. */
const struct story *stories_notifier(const struct stories *stories);

/* A datagram waits at a phone. */
void stories_receive(struct stories *stories, struct phone *phone);

/* Each story goes on whose time has come. */
void stories_go_on(struct stories *stories);

/* natbox is dead: phones_expect; and where nobody can tell for sure what natbox knows of a story,
 * it comes to its end. */
void stories_expect(struct stories *stories, uint64_t settled_us);

/* natbox may not have seen what phones did: all of them go, and others come. */
void stories_begin_anew(struct stories *stories);

#endif
