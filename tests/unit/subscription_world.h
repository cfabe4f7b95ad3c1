/* Who subscribes and who notifies in the world of subscriptions_on_a_lossy_network.c, and the
 * border in their midst, which is watched: whoever is subscribed, and has been granted that where
 * he is now, is kept reachable; what was kept is let go once the border has seen the end of it. */
#ifndef NATBOX_TESTS_SUBSCRIPTION_WORLD_H
#define NATBOX_TESTS_SUBSCRIPTION_WORLD_H

#include "agenda.h"
#include "border.h"
#include "generate.h"

enum {
	PHONES = 5,
	SUBSCRIPTIONS = 12,
	NOTIFIERS = 2, /* that a request is forked to */
	PLACES_MAX = 256,
	PLACE_MAX = 48,
	CSEQS_MAX = 256,
	LOST_ONCE_IN = 10, /* on either side of the border */
	REPEATED_ONCE_IN = 20,
};

#define SECOND  UINT64_C(1000000)
#define T1      (SECOND / 2)
#define T2      (4 * SECOND)
#define TIMEOUT (64 * T1)              /* timer F */
#define LATE    (TIMEOUT + 3 * SECOND) /* the last one of a request that is repeated */

enum what {
	AT_BORDER,
	AT_PHONE,
	AT_NOTIFIER,
	REQUEST_AGAIN,
	REFRESH,
	NOTIFY,
	RUN_OUT, /* at a notifier */
	MOVE,
	FORGET, /* a phone is switched off and on */
	RESTART,
	ANSWER_KEEPALIVE,
};

struct message {
	uint8_t subscription, notifier; /* NOTIFIERS: a request without To tag */
	bool is_notify, is_terminated;
	uint16_t place;  /* of the phone */
	uint16_t status; /* 0: a request */
	uint32_t cseq, seconds;
};

struct happening {
	enum what what;
	struct message message;
	uint64_t started_us, waited_us;
	uint32_t number;
};

struct notifier {
	bool exists, is_awaited; /* the answer to its last NOTIFY */
	uint64_t until_us;
	uint32_t cseq, target, round;
	/* What it answered to each request. */
	struct message answers[CSEQS_MAX];
	/* What the border has seen: where and until when it is granted, and its end. */
	bool is_granted, end_is_seen;
	uint32_t place, granted; /* CSeq */
	/* CSeq of the last NOTIFY, and of the last one since then to where it was granted. */
	uint32_t heard, asked;
	uint64_t end_seen_us, granted_until_us;
};

enum judgement { NOT_SEEN, PASSED, CHALLENGED };

struct subscription {
	unsigned phone;
	bool is_refer, has_id, is_leaving, may_fork;
	enum judgement judgements[CSEQS_MAX]; /* on each request, in front of the notifiers */
	uint32_t cseq, awaited;               /* CSeq of the request without answer; 0: none */
	bool is_first;                        /* that one has no To tag */
	/* What the border has seen of the last request from a place first: when, and after how many
	 * restarts; 0: nothing. */
	struct {
		uint64_t time_us;
		uint32_t cseq, restarts;
	} asked[PLACES_MAX];
	bool known[NOTIFIERS];     /* by the phone */
	uint32_t heard[NOTIFIERS]; /* CSeq of the last NOTIFY */
	struct message answers[NOTIFIERS][CSEQS_MAX];
	struct notifier notifiers[NOTIFIERS];
	int reasons;
	uint64_t let_go_us;
};

struct phone {
	uint32_t place;
	uint64_t alive_us, expected_us; /* 0: no keepalives are */
};

extern struct subscription_world {
	struct generator chance;
	unsigned seed;
	struct border *border;
	uint64_t now_us;
	struct agenda agenda;
	unsigned restarts;
	bool is_ipv6, has_restarted, answers_where_it_came_last, challenges, moves, proves;
	unsigned place_count;
	char places[PLACES_MAX][PLACE_MAX];
	struct phone phones[PHONES];
	struct subscription subscriptions[SUBSCRIPTIONS];
	unsigned keepalives, granted;
} scene;

uint64_t some_us(double from_seconds, double to_seconds);
void arrange(struct happening happening, uint64_t in_us);

/* A phone gets another place, which nobody else ever has. */
void move(struct phone *phone);

struct phone *phone_of(const struct message *message);

/* A border that is watched. */
void watch_subscriptions(void);

/* A message passes it. */
void cross_border(const struct message *message);

/* Something has happened to a phone, or to any: whether it has to be kept reachable may be another
 * matter now. Asserts that it was until now. */
void note_phone(struct phone *phone, bool is_alive);
void note_phones(void);

/* Asserts that a subscription that is over was let go in time. */
void check(unsigned number);

#endif
