/* Who calls whom in the world of calls_on_a_lossy_network.c, and the border in their midst, which
 * is watched: whoever is in a call is kept reachable where the border can know that he is, and what
 * was kept is let go when the call is over. */
#ifndef NATBOX_TESTS_CALL_WORLD_H
#define NATBOX_TESTS_CALL_WORLD_H

#include "agenda.h"
#include "border.h"
#include "generate.h"

enum {
	CALLS = 24,
	PHONES = 16,
	PLACES = 64, /* of a phone, at most */
	SESSION_SECONDS = 120,
};

#define SECOND  UINT64_C(1000000)
#define T1      (SECOND / 2)
#define T2      (4 * SECOND)
#define TIMEOUT (64 * T1) /* timers B, F, H */

enum side { CALLER, CALLEE };
enum method { INVITE, ACK, CANCEL, UPDATE, BYE, METHODS };

struct message {
	unsigned call;
	enum side from;
	enum method method;
	unsigned cseq;
	unsigned status;    /* 0: a request */
	unsigned place, to; /* of who sends it, and of whom it is for */
};

struct event_due {
	enum {
		ARRIVE,
		REQUEST_AGAIN,
		RESPOND_AGAIN,
		ANSWER,
		GIVE_UP,
		UPDATE_NOW,
		HANG_UP,
		UPDATE_ONCE,
		START,
		MOVE,
		ANSWER_KEEPALIVE,
		RESTART
	} what;
	struct message message;
	unsigned hop;
	uint64_t waited_us; /* between the last two transmissions */
	uint64_t started_us;
};

/* The last request with a method, and from where or to where it went, a bit for each place. */
struct asked {
	unsigned cseq, restarts;
	uint64_t places;
};

struct agent {
	unsigned phone;
	enum { IDLE, TRYING, RINGING, UP, OVER } state;
	unsigned cseq;
	unsigned awaiting
		[METHODS]; /* CSeq of the request sent that has no final response; 0: none */
	unsigned updated;  /* CSeq of the last UPDATE accepted */
	unsigned byes;
	unsigned ringing_at; /* the callee, who is asked there */
	/* Where the other side is, as far as the agent knows, and the CSeq that said so. */
	unsigned target, target_cseq;
	/* What the border has seen: requests of the agent, and to it; and where it is known to be,
	 * and until when. */
	struct asked asks[METHODS], is_asked[METHODS];
	uint64_t places; /* a bit each */
	uint64_t until_us;
	bool counts; /* its call is one that the border has to know of */
};

struct call {
	struct agent agents[2];
	bool has_timer, was_up, cancelled, was_restarted, end_is_seen;
	unsigned invited_from;
	unsigned final; /* the callee's final response to INVITE, until its ACK */
	unsigned reasons;
	uint64_t seen_us, let_go_us; /* by the border */
};

struct phone {
	unsigned place;       /* numbered from 0 on */
	uint64_t expected_us; /* since when keepalives are; 0: they are not */
	uint64_t alive_us;
};

extern struct call_world {
	struct generator chance;
	unsigned seed, restarts;
	bool moves, has_restarts, answers_where_it_came_last, is_ipv6;
	struct border *border;
	uint64_t now_us;
	struct call calls[CALLS];
	struct phone phones[PHONES];
	struct agenda agenda;
	unsigned confirmed, keepalives;
} world;

uint64_t chance_us(double from_seconds, double to_seconds);
void plan(struct event_due event, uint64_t in_us);

/* Where the phone of a side of a call is. */
unsigned place_of(unsigned call, enum side side);

/* A border that is watched. */
void watch(void);

/* A message passes it, on its way to the proxy or from there. */
void pass_border(const struct message *message, bool to_proxy);

/* A phone answers a keepalive. */
void answer_keepalive(const struct message *message);

/* Whether phones have to be kept reachable may be another matter from now on. Asserts that they
 * were until now. */
void note_all(void);

/* Asserts that a call that is over was let go in time. */
void check_call(unsigned number);

#endif
