/* Errands: what a thread that answers over HTTP asks of the packet loop. Each goes from hand to
 * hand, by its state alone, and nobody waits: the thread puts its connection aside, the loop does a
 * slice between two turns, and a third thread takes the connection up again when there is an
 * answer, or when there has been none for too long. */
#ifndef NATBOX_ERRANDS_H
#define NATBOX_ERRANDS_H

#include "survey.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	ERRANDS_MAX = 8, /* at a time; who wants another is told to come again */
	/* One that takes longer is given up: with a million endpoints and a loop that has hardly
	 * time for it a search takes some seconds. */
	ERRAND_LIMIT_US = 20 * 1000000,
};

enum errand_state {
	ERRAND_FREE,
	ERRAND_WANTED,   /* the loop is to take it */
	ERRAND_RUNNING,  /* the loop has it */
	ERRAND_DONE,     /* the asker has the answer */
	ERRAND_GIVEN_UP, /* nobody wants it any more, and the loop is to let it go */
};

struct errand {
	atomic_int state;
	struct survey_question question;
	struct json answer;
	char bytes[SURVEY_ANSWER_MAX];
	/* The asker's and the waker's, with the mutex. */
	bool is_held; /* by the asker */
	bool waits;   /* for the waker */
	uint64_t asked_us;
	void *asker;
};

struct errands {
	struct errand list[ERRANDS_MAX];
	atomic_uint open; /* that the loop has to do with */
	int asked, done;  /* eventfds: for the loop, and for the waker */
	pthread_mutex_t mutex;
	bool is_closed;
	/* The loop's own. */
	struct errand *current;
	struct survey survey;
	unsigned taken; /* places that were looked at for the next errand */
};

/* Zeroed before. 0 or a negative errno. */
int errands_init(struct errands *errands);
void errands_free(struct errands *errands);

/* The asker: has the loop asked. suspend is called with the asker before anybody can wake it. NULL:
 * there are too many, or no more. */
struct errand *errand_ask(struct errands *errands, const struct survey_question *question,
	uint64_t now_us, void *asker, void (*suspend)(void *asker));

/* The asker, awake again: whether there is an answer in errand->answer. */
bool errand_is_answered(struct errand *errand);

/* The asker is through with it, or gone. */
void errand_release(struct errands *errands, struct errand *errand);

/* The waker: wakes whose errand is done, or has taken too long. */
void errands_wake(struct errands *errands, uint64_t now_us, void (*wake)(void *asker));

/* The waker: gives up all, and takes no more. */
void errands_close(struct errands *errands, void (*wake)(void *asker));

/* The loop: whether there is something to do; to be asked each turn. */
static inline bool errands_are_open(const struct errands *errands)
{
	return atomic_load_explicit(&errands->open, memory_order_relaxed) != 0;
}

/* The loop: goes on with one, for about so long. */
void errands_run(struct errands *errands, struct endpoints *endpoints, uint64_t budget_us);

#endif
