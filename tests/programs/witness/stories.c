#include "stories.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	STEP_US = 6000000,  /* the longest time from one step of a story to the next */
	RESEND_US = 500000, /* RFC 3261 17.1.1.1: T1 */
	SENDINGS_MAX = 24,  /* in 12 s, for a busy machine */
};

static void story_pause(struct story *story)
{
	story->due_us = now_us() + (uint64_t)rand() % STEP_US;
}

static void story_over(struct story *story)
{
	if (story->phone)
		story->phone->story = NULL;
	if (story->callee)
		story->callee->story = NULL;
	*story = (struct story){0};
	story_pause(story);
}

/* Nobody can tell what natbox knows of its phones, and they have no way to make it forget them. */
static void story_abandon(struct story *story)
{
	struct phone *phone = story->phone, *callee = story->callee;

	story_over(story);
	phone_close(phone);
	if (callee)
		phone_close(callee);
}

static void take_step(
	struct stories *stories, struct story *story, enum step step, struct phone *sender)
{
	story->step = step;
	story->sender = sender;
	story->waits = true;
	story->sendings = 1;
	story->resend_us = now_us() + RESEND_US;
	request_write(stories, story);
	phone_speak(&stories->phones, sender, story->request);
}

const struct story *stories_notifier(const struct stories *stories)
{
	return stories->list;
}

static void begin(struct stories *stories, struct story *story)
{
	static const char *const roles[PLOTS] = {"notifier", "phone", "subscriber", "caller"};

	story->number = stories->begun++;
	story->plot = story == stories_notifier(stories) ? NOTIFIER
							 : (enum plot)(1 + rand() % (PLOTS - 1));
	story->phone = phone_open(&stories->phones, story, roles[story->plot]);
	if (story->plot == CALL)
		story->callee = phone_open(&stories->phones, story, "callee");
}

/* Its NAT gives it another port. */
static void move(struct stories *stories, struct story *story)
{
	struct phone *phone = phone_open(&stories->phones, story, story->phone->role);

	phone->home = story->phone->home;
	take_step(stories, story, MOVE, phone);
}

static void go_on_registered(struct stories *stories, struct story *story)
{
	unsigned choice = story->ends ? 0 : (unsigned)rand() % 3;

	if (!story->is_registered || choice == 1)
		take_step(stories, story, REGISTER, story->phone);
	else if (choice == 2)
		move(stories, story);
	else
		take_step(stories, story, UNREGISTER, story->phone);
}

/* A callee may be registered no longer while it is still in the call. */
static void go_on_calling(struct stories *stories, struct story *story)
{
	bool hangs_up = story->ends || rand() % 2;

	if (story->has_dialog && (hangs_up || !story->is_registered))
		take_step(stories, story, BYE, story->phone);
	else if (story->has_dialog || story->ends)
		take_step(stories, story, UNREGISTER, story->callee);
	else if (story->is_registered)
		take_step(stories, story, INVITE, story->phone);
	else
		take_step(stories, story, REGISTER, story->callee);
}

static void go_on(struct stories *stories, struct story *story)
{
	if (!story->phone)
		begin(stories, story);
	switch (story->plot) {
	case NOTIFIER:
		take_step(stories, story, REGISTER, story->phone);
		break;
	case SUBSCRIPTION:
		take_step(
			stories, story, story->has_dialog ? UNSUBSCRIBE : SUBSCRIBE, story->phone);
		break;
	case CALL:
		go_on_calling(stories, story);
		break;
	default:
		go_on_registered(stories, story);
		break;
	}
}

/* One of its reasons has ended; a callee may have another. */
static void lose_reason(struct story *story, struct phone *phone)
{
	story->lost_us = now_us();
	if (phone != story->callee || (!story->has_dialog && !story->is_registered))
		phone_becomes(phone, GONE);
}

static void moved(struct story *story)
{
	phone_becomes(story->phone, GONE);
	story->phone->story = NULL;
	story->phone = story->sender;
}

static void dialog_opened(struct stories *stories, struct story *story, const char *response)
{
	char ack[MESSAGE_MAX];

	dialog_read(story, response);
	story->has_dialog = true;
	if (story->step != INVITE)
		return;
	ack_write(stories, story, ack);
	phone_speak(&stories->phones, story->sender, ack);
}

/* What a 2xx means. */
static void step_done(struct stories *stories, struct story *story, const char *response)
{
	switch (story->step) {
	case REGISTER:
		story->is_registered = true;
		phone_becomes(story->sender, ALIVE);
		break;
	case MOVE:
		moved(story);
		phone_becomes(story->phone, ALIVE);
		break;
	case SUBSCRIBE:
	case INVITE:
		dialog_opened(stories, story, response);
		phone_becomes(story->sender, ALIVE);
		break;
	case UNREGISTER:
		story->is_registered = false;
		lose_reason(story, story->sender);
		break;
	case UNSUBSCRIBE:
	case BYE:
		story->has_dialog = false;
		lose_reason(story, story->phone);
		if (story->callee)
			lose_reason(story, story->callee);
		break;
	}
	if (!story->is_registered && !story->has_dialog)
		story_over(story);
}

/* The request may have done its work, or not. */
static void step_lost(struct story *story)
{
	story->waits = false;
	story->ends = story->plot != NOTIFIER;
	if (story->step == SUBSCRIBE || story->step == INVITE) {
		story_abandon(story);
		return;
	}
	if (story->step == MOVE) {
		/* Its registration ends wherever it is now. */
		phone_close(story->phone);
		story->phone = story->sender;
	}
	if (story->step == REGISTER || story->step == MOVE)
		story->is_registered = true;
	phone_becomes(story->phone, UNKNOWN);
	if (story->callee)
		phone_becomes(story->callee, UNKNOWN);
	story_pause(story);
}

static void step_failed(struct stories *stories, struct story *story, const char *what)
{
	static const int shown = 60;

	stories->failed++;
	printf("# %.*s: %.*s\n", shown, story->request, shown, what);
	step_lost(story);
}

static void on_request(struct stories *stories, struct phone *phone, const char *request)
{
	char answer[MESSAGE_MAX];

	if (strncmp(request, "ACK ", 4) == 0)
		return;
	answer_write(stories, phone, request, answer);
	if (strstr(request, "\r\nEvent: keep-alive\r\n")) {
		phone_kept_alive(&stories->phones, phone, answer);
	} else {
		phone_speak(&stories->phones, phone, answer);
	}
}

static void on_response(struct stories *stories, struct story *story, const char *response)
{
	/* The phone's own Via is the only one in it; a proxy may have put parameters first. */
	const char *branch = strstr(response, ";branch=z9hG4bK");
	unsigned status, number, sequence;

	if (sscanf(response, "SIP/2.0 %u", &status) != 1 || status < 200 || !branch ||
		sscanf(branch, ";branch=z9hG4bK%u-%u", &number, &sequence) != 2)
		return;
	if (!story || !story->waits || number != story->number || sequence != story->sequence)
		return;
	story->waits = false;
	story_pause(story);
	if (status < 300)
		step_done(stories, story, response);
	else
		step_failed(stories, story, response);
}

void stories_receive(struct stories *stories, struct phone *phone)
{
	char message[MESSAGE_MAX];
	ssize_t length = recv(phone->fd, message, sizeof(message) - 1, 0);

	if (length <= 0)
		return;
	message[length] = 0;
	if (strncmp(message, "SIP/2.0 ", 8) == 0)
		on_response(stories, phone->story, message);
	else
		on_request(stories, phone, message);
}

static void wait_for_answer(struct stories *stories, struct story *story, uint64_t time_us)
{
	if (time_us < story->resend_us)
		return;
	if (story->sendings == SENDINGS_MAX) {
		step_failed(stories, story, "no answer");
		return;
	}
	story->sendings++;
	story->resend_us = time_us + RESEND_US;
	phone_speak(&stories->phones, story->sender, story->request);
}

void stories_go_on(struct stories *stories)
{
	uint64_t time_us = now_us();

	for (unsigned i = 0; i < STORIES; i++) {
		struct story *story = &stories->list[i];

		if (story->waits)
			wait_for_answer(stories, story, time_us);
		else if (time_us >= story->due_us)
			go_on(stories, story);
	}
}

/* What has just ended may have come back beside what goes on. */
static void story_interrupt(struct story *story, uint64_t settled_us)
{
	if (!story->phone)
		return;
	if (now_us() - story->lost_us < settled_us)
		story_abandon(story);
	else if (story->waits)
		step_lost(story);
}

static bool is_in_doubt(const struct story *story)
{
	return (story->phone && story->phone->liveness == UNKNOWN) ||
	       (story->callee && story->callee->liveness == UNKNOWN);
}

void stories_expect(struct stories *stories, uint64_t settled_us)
{
	for (unsigned i = 0; i < STORIES; i++)
		story_interrupt(&stories->list[i], settled_us);
	phones_expect(&stories->phones, settled_us);
	for (unsigned i = 0; i < STORIES; i++) {
		if (is_in_doubt(&stories->list[i]))
			stories->list[i].ends = stories->list[i].plot != NOTIFIER;
	}
}

/* The notifier comes first: the others subscribe to it. */
void stories_begin_anew(struct stories *stories)
{
	for (unsigned i = 0; i < STORIES; i++)
		story_over(&stories->list[i]);
	stories->list->due_us = 0;
	phones_close(&stories->phones);
}
