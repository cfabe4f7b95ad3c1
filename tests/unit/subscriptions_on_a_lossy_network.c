/* Phones that subscribe, behind NATs that give them new ports and addresses at any time, over a
 * network that loses, repeats and overtakes. Requests are forked, refreshed, taken back, forgotten
 * by either side; REFER subscribes, too; and the border is restarted in the midst of it. However
 * bad the network, whoever is subscribed is kept reachable, and is let go after it. */
#include "calls.h"
#include "sip_messages.h"
#include "subscription_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { SEEDS = 150 };

static void travel(struct message message, enum what to)
{
	struct happening happening = {.what = to, .message = message};

	if (!generator_once_in(&scene.chance, LOST_ONCE_IN))
		arrange(happening, some_us(0.005, 0.15));
	while (generator_once_in(&scene.chance, REPEATED_ONCE_IN))
		arrange(happening, some_us(0.005, 3));
}

/* Requests, from either side. */

static void send_request(struct message message)
{
	travel(message, AT_BORDER);
	arrange((struct happening){.what = REQUEST_AGAIN,
			.message = message,
			.waited_us = T1,
			.started_us = scene.now_us},
		T1);
}

static uint32_t seconds_wanted(void)
{
	return 40 + generator_below(&scene.chance, 200);
}

static void subscribe(unsigned number, unsigned notifier)
{
	struct subscription *subscription = &scene.subscriptions[number];

	if (subscription->awaited || subscription->cseq + 1 >= CSEQS_MAX)
		return;
	subscription->awaited = ++subscription->cseq;
	subscription->is_first = notifier == NOTIFIERS;
	send_request((struct message){.subscription = (uint8_t)number,
		.notifier = (uint8_t)notifier,
		.place = (uint16_t)scene.phones[subscription->phone].place,
		.cseq = subscription->cseq,
		.seconds = subscription->is_leaving ? 0 : seconds_wanted()});
}

static void notify(unsigned number, unsigned which, bool is_terminated)
{
	struct notifier *notifier = &scene.subscriptions[number].notifiers[which];
	const uint64_t left_us = notifier->until_us - scene.now_us;

	if (notifier->cseq + 1 >= CSEQS_MAX)
		return;
	notifier->is_awaited = true;
	send_request((struct message){.subscription = (uint8_t)number,
		.notifier = (uint8_t)which,
		.is_notify = true,
		.is_terminated = is_terminated,
		.place = (uint16_t)notifier->target,
		.cseq = ++notifier->cseq,
		.seconds = is_terminated ? 0 : (uint32_t)(left_us / SECOND)});
}

static void end_at(unsigned number, unsigned which)
{
	struct notifier *notifier = &scene.subscriptions[number].notifiers[which];

	if (!notifier->exists)
		return;
	notifier->exists = false;
	notify(number, which, true);
}

/* A proxy in front of the notifiers may challenge a request, and then does so whenever it comes. */
static bool is_challenged(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];
	enum judgement *judgement = &subscription->judgements[message->cseq];
	struct message answer = *message;

	if (*judgement == NOT_SEEN)
		*judgement = scene.challenges && generator_once_in(&scene.chance, 3) ? CHALLENGED
										     : PASSED;
	answer.status = 407;
	if (*judgement == CHALLENGED)
		travel(answer, AT_BORDER);
	return *judgement == CHALLENGED;
}

/* What a notifier answers to a SUBSCRIBE or REFER. */
static uint16_t judge(const struct message *message, unsigned which, bool *is_new)
{
	struct notifier *notifier = &scene.subscriptions[message->subscription].notifiers[which];

	*is_new = message->notifier == NOTIFIERS;
	return *is_new || notifier->exists ? 200 : 481;
}

static void accept(const struct message *message, unsigned which, bool is_new)
{
	const struct subscription *subscription = &scene.subscriptions[message->subscription];
	struct notifier *notifier = &scene.subscriptions[message->subscription].notifiers[which];
	const struct message about = {
		.subscription = message->subscription, .notifier = (uint8_t)which};
	const uint32_t seconds = subscription->is_refer ? 60 : message->seconds;

	notifier->exists = true;
	notifier->target = message->place;
	notifier->until_us = scene.now_us + seconds * SECOND;
	notifier->round++;
	if (!seconds) {
		end_at(message->subscription, which);
		return;
	}
	arrange((struct happening){.what = RUN_OUT, .message = about, .number = notifier->round},
		seconds * SECOND);
	notify(message->subscription, which, false);
	if (is_new)
		arrange((struct happening){.what = NOTIFY, .message = about}, some_us(1, 60));
}

static void notifier_takes(const struct message *message, unsigned which)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];
	struct message *answer = &subscription->notifiers[which].answers[message->cseq];
	bool is_new;

	if (!answer->status) {
		*answer = *message;
		answer->notifier = (uint8_t)which;
		answer->status = judge(message, which, &is_new);
		if (answer->status == 200) {
			if (subscription->is_refer)
				answer->seconds = 180;
			accept(message, which, is_new);
		}
	}
	if (scene.answers_where_it_came_last)
		answer->place = message->place;
	/* The proxy hands on one answer of those that forks give. */
	if (message->notifier < NOTIFIERS || which == 0)
		travel(*answer, AT_BORDER);
}

static void at_notifier(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];
	struct notifier *notifier = &subscription->notifiers[message->notifier % NOTIFIERS];

	if (message->is_notify) {
		if (message->cseq == notifier->cseq)
			notifier->is_awaited = false;
		if (message->status == 481)
			notifier->exists = false;
	} else if (is_challenged(message)) {
		return;
	} else if (message->notifier < NOTIFIERS) {
		notifier_takes(message, message->notifier);
	} else {
		for (unsigned i = 0; i < (subscription->may_fork ? NOTIFIERS : 1); i++)
			notifier_takes(message, i);
	}
	note_phones();
}

/* The phone. */

static void plan_refresh(const struct message *message)
{
	if (!scene.subscriptions[message->subscription].is_refer)
		arrange((struct happening){.what = REFRESH, .message = *message},
			some_us(message->seconds * 0.4, message->seconds * 0.9));
}

static void take_notify(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];
	const unsigned which = message->notifier;
	struct message *answer = &subscription->answers[which][message->cseq];

	if (!answer->status) {
		*answer = *message;
		answer->status = 200;
		if (!subscription->known[which] && subscription->is_first &&
			(which == 0 || !subscription->is_leaving)) {
			subscription->known[which] = true;
			if (which && message->seconds)
				plan_refresh(message);
		} else if (!subscription->known[which])
			answer->status = 481;
		else if (message->cseq < subscription->heard[which])
			answer->status = 500;
		if (answer->status == 200) {
			subscription->heard[which] = message->cseq;
			if (message->is_terminated)
				subscription->known[which] = false;
		}
	}
	travel(*answer, AT_BORDER);
}

static void take_answer(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];

	if (subscription->awaited != message->cseq)
		return;
	subscription->awaited = 0;
	if (message->status == 407)
		subscribe(message->subscription, message->notifier);
	else if (message->status == 481)
		subscription->known[message->notifier] = false;
	else if (message->seconds)
		plan_refresh(message);
}

static void at_phone(const struct message *message)
{
	const struct phone *phone = phone_of(message);

	if (message->place != phone->place)
		return;
	if (message->is_notify)
		take_notify(message);
	else
		take_answer(message);
	note_phones();
}

static void refresh(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];

	if (!subscription->known[message->notifier])
		return;
	subscription->is_leaving |= generator_once_in(&scene.chance, 8);
	subscribe(message->subscription, message->notifier);
}

static void give_up_on(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];

	if (message->is_notify) {
		struct notifier *notifier = &subscription->notifiers[message->notifier];

		notifier->is_awaited = false;
		notifier->exists = false;
		return;
	}
	subscription->awaited = 0;
	for (unsigned i = 0; i < NOTIFIERS; i++)
		subscription->known[i] = false;
}

/* Timer E (RFC 3261 17.1.2), from where the phone is then. */
static void request_again(struct happening again)
{
	struct subscription *subscription = &scene.subscriptions[again.message.subscription];
	const struct notifier *notifier =
		&subscription->notifiers[again.message.notifier % NOTIFIERS];
	uint64_t left_us = again.started_us + TIMEOUT - scene.now_us;

	if (again.message.is_notify ? !notifier->is_awaited || notifier->cseq != again.message.cseq
				    : subscription->awaited != again.message.cseq)
		return;
	if (!left_us) {
		give_up_on(&again.message);
		note_phones();
		return;
	}
	if (!again.message.is_notify)
		again.message.place = (uint16_t)phone_of(&again.message)->place;
	travel(again.message, AT_BORDER);
	again.waited_us = again.waited_us * 2 < T2 ? again.waited_us * 2 : T2;
	arrange(again, again.waited_us < left_us ? again.waited_us : left_us);
}

/* Where a phone notices that it has moved, it refreshes what it has. */
static void move_one(void)
{
	struct phone *phone = &scene.phones[generator_below(&scene.chance, PHONES)];

	note_phone(phone, false);
	move(phone);
	note_phone(phone, false);
	if (generator_once_in(&scene.chance, 3))
		return;
	for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
		struct subscription *subscription = &scene.subscriptions[i];

		if (&scene.phones[subscription->phone] == phone && !subscription->is_refer &&
			!subscription->is_leaving)
			arrange((struct happening){.what = REFRESH,
					.message = {.subscription = (uint8_t)i}},
				some_us(0, 5));
	}
}

static void forget(void)
{
	struct subscription *subscription =
		&scene.subscriptions[generator_below(&scene.chance, SUBSCRIPTIONS)];

	for (unsigned i = 0; i < NOTIFIERS; i++)
		subscription->known[i] = false;
	subscription->awaited = 0;
	subscription->is_first = false;
	note_phones();
}

static void notify_now(const struct happening *now)
{
	const struct message *message = &now->message;
	struct notifier *notifier =
		&scene.subscriptions[message->subscription].notifiers[message->notifier];

	if (!notifier->exists)
		return;
	if (generator_once_in(&scene.chance, 6)) {
		if (generator_once_in(&scene.chance, 3))
			notifier->exists = false; /* it has forgotten, too */
		else
			end_at(message->subscription, message->notifier);
		note_phones();
		return;
	}
	if (!notifier->is_awaited)
		notify(message->subscription, message->notifier, false);
	arrange(*now, some_us(1, 60));
}

static void run_out(const struct happening *now)
{
	const struct message *message = &now->message;
	const struct notifier *notifier =
		&scene.subscriptions[message->subscription].notifiers[message->notifier];

	if (notifier->round == now->number)
		end_at(message->subscription, message->notifier);
	note_phones();
}

static void answer_keepalive(const struct happening *now)
{
	const char *place = scene.places[now->message.place];

	phone_answers_keepalive(
		scene.border, place, &scene.border->sent[now->number], "SIP/2.0 200 OK");
}

static void happen(const void *what)
{
	const struct happening *now = what;
	const struct message *message = &now->message;

	switch (now->what) {
	case AT_BORDER:
		cross_border(message);
		travel(*message, message->is_notify == !message->status ? AT_PHONE : AT_NOTIFIER);
		break;
	case AT_PHONE:
		at_phone(message);
		break;
	case AT_NOTIFIER:
		at_notifier(message);
		break;
	case REQUEST_AGAIN:
		request_again(*now);
		break;
	case REFRESH:
		refresh(message);
		break;
	case NOTIFY:
		notify_now(now);
		break;
	case RUN_OUT:
		run_out(now);
		break;
	case MOVE:
		move_one();
		break;
	case FORGET:
		forget();
		break;
	case RESTART:
		border_restart(scene.border);
		scene.restarts++;
		break;
	case ANSWER_KEEPALIVE:
		answer_keepalive(now);
		break;
	}
}

static void start_subscription(unsigned number)
{
	struct subscription *subscription = &scene.subscriptions[number];

	*subscription = (struct subscription){
		.phone = generator_below(&scene.chance, PHONES),
		.is_refer = generator_once_in(&scene.chance, 4),
		.has_id = generator_once_in(&scene.chance, 2),
		.may_fork = generator_once_in(&scene.chance, 3),
	};
	subscribe(number, NOTIFIERS);
}

static void plan_some(enum what what, unsigned count)
{
	while (count--)
		arrange((struct happening){.what = what}, some_us(0, 400));
}

static void start(unsigned seed)
{
	scene.seed = seed;
	scene.border = border_new();
	agenda_clear(&scene.agenda);
	generator_seed(&scene.chance, seed);
	scene.is_ipv6 = generator_once_in(&scene.chance, 4);
	scene.proves = generator_once_in(&scene.chance, 2);
	scene.moves = !generator_once_in(&scene.chance, 3);
	scene.has_restarted = generator_once_in(&scene.chance, 3);
	scene.challenges = generator_once_in(&scene.chance, 3);
	scene.answers_where_it_came_last = generator_once_in(&scene.chance, 2);
	scene.restarts = 1;
	scene.place_count = scene.keepalives = scene.granted = 0;
	if (scene.is_ipv6)
		scene.border->proxy = at("[2001:db8:ff::1]:5060");
	scene.border->leaves_unproven = !scene.proves;
	watch_subscriptions();
	/* What is over stays known as long as messages of it may come. */
	scene.border->settings.limits.transactions = 20000;
	scene.now_us = scene.border->now_us;
	for (unsigned i = 0; i < PHONES; i++) {
		scene.phones[i] = (struct phone){0};
		move(&scene.phones[i]);
	}
	for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
		scene.now_us += some_us(0, 20);
		start_subscription(i);
	}
	scene.now_us = scene.border->now_us;
	plan_some(MOVE, scene.moves ? 12 : 0);
	plan_some(FORGET, 3);
	plan_some(RESTART, scene.has_restarted ? 3 : 0);
}

static void live_through(unsigned seed)
{
	start(seed);
	agenda_live(&scene.agenda, scene.border, &scene.now_us, happen);
	for (unsigned i = 0; i < SUBSCRIPTIONS; i++)
		check(i);
	cr_assert_eq(engine_counters(scene.border->engine).endpoints, 0);
	cr_assert_eq(engine_counters(scene.border->engine).transactions, 0);
	border_free(scene.border);
}

Test(subscriptions_on_a_lossy_network, a_subscriber_stays_reachable_and_is_let_go_after_it)
{
	unsigned granted = 0, keepalives = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		live_through(seed);
		granted += scene.granted;
		keepalives += scene.keepalives;
	}
	/* The world is what it is meant to be: most subscriptions come about, and last. */
	cr_assert_gt(granted, SEEDS * SUBSCRIPTIONS);
	cr_assert_gt(keepalives, SEEDS * SUBSCRIPTIONS);
}
