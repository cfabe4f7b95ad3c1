#include "subscription_world.h"
#include "calls.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct subscription_world scene;

uint64_t some_us(double from_seconds, double to_seconds)
{
	uint32_t span_ms = (uint32_t)((to_seconds - from_seconds) * 1000);

	return (uint64_t)(from_seconds * 1e6) + generator_below(&scene.chance, span_ms) * 1000ull;
}

void arrange(struct happening happening, uint64_t in_us)
{
	agenda_plan(&scene.agenda, scene.now_us + in_us, &happening, sizeof(happening));
}

/* Whose places nobody else ever has. */
void move(struct phone *phone)
{
	const unsigned number = (unsigned)(phone - scene.phones);
	const unsigned host = number + 1 + 10 * generator_below(&scene.chance, 3);

	cr_assert_lt(scene.place_count, PLACES_MAX);
	phone->place = scene.place_count++;
	snprintf(scene.places[phone->place], PLACE_MAX,
		scene.is_ipv6 ? "[2001:db8:%u::1]:%u" : "203.0.113.%u:%u", host,
		10000 + phone->place);
}

struct phone *phone_of(const struct message *message)
{
	return &scene.phones[scene.subscriptions[message->subscription].phone];
}

/* What is to be seen at the border. */

static bool is_expected_at(const struct subscription *subscription, uint32_t place)
{
	for (unsigned i = 0; i < NOTIFIERS; i++) {
		const struct notifier *notifier = &subscription->notifiers[i];

		if (subscription->known[i] && notifier->exists && notifier->is_granted &&
			!notifier->end_is_seen && notifier->place == place &&
			notifier->granted_until_us > scene.now_us)
			return true;
	}
	return false;
}

/* A keepalive goes to where a phone is, or it needs none any more, or from now on: longer than this
 * it must never wait for one. */
void note_phone(struct phone *phone, bool is_alive)
{
	const uint64_t interval_us = scene.border->settings.keepalive.rules.interval_us;
	bool is_expected = false;

	if (phone->expected_us) {
		const uint64_t since =
			phone->alive_us > phone->expected_us ? phone->alive_us : phone->expected_us;

		cr_assert(scene.now_us <= since + interval_us + 3 * SECOND,
			"seed %u: %s is without keepalives for %f s at %f", scene.seed,
			scene.places[phone->place], (double)(scene.now_us - since) / 1e6,
			(double)scene.now_us / 1e6);
	}
	for (unsigned i = 0; i < SUBSCRIPTIONS; i++)
		is_expected |= &scene.phones[scene.subscriptions[i].phone] == phone &&
			       is_expected_at(&scene.subscriptions[i], phone->place);
	if (!is_expected)
		phone->expected_us = 0;
	else if (!phone->expected_us)
		phone->expected_us = scene.now_us;
	if (is_alive)
		phone->alive_us = scene.now_us;
}

void note_phones(void)
{
	for (unsigned i = 0; i < PHONES; i++)
		note_phone(&scene.phones[i], false);
}

static bool is_same_host(uint32_t one, uint32_t other)
{
	const struct address first = at(scene.places[one]), second = at(scene.places[other]);

	return address_same_host(&first, &second);
}

static void see_time(struct notifier *notifier, uint32_t seconds)
{
	notifier->granted_until_us = scene.border->now_us + seconds * SECOND;
}

/* From another host, or to one, it may be somebody else who says so. */
static void see_end(struct notifier *notifier, uint32_t place)
{
	if (!notifier->is_granted || notifier->end_is_seen || !is_same_host(notifier->place, place))
		return;
	notifier->end_seen_us = scene.border->now_us;
	notifier->end_is_seen = true;
}

static void see_answer(const struct subscription *subscription, struct notifier *notifier,
	const struct message *message)
{
	if (message->status == 407)
		return;
	if (message->status == 481 && message->is_notify && notifier->asked != message->cseq)
		return;
	if (message->status == 481 || (!message->is_notify && !message->seconds)) {
		see_end(notifier, message->place);
	} else if (message->status < 300 && !message->is_notify) {
		if (subscription->asked[message->place].restarts != scene.restarts ||
			message->cseq < notifier->granted ||
			(notifier->is_granted &&
				subscription->asked[message->place].time_us <
					subscription->asked[notifier->place].time_us))
			return;
		see_time(notifier, message->seconds);
		notifier->granted = message->cseq;
		notifier->place = message->place;
		if (!notifier->exists)
			return;
		notifier->is_granted = true;
		notifier->end_is_seen = false;
		scene.granted++;
	}
}

static void see_question(struct subscription *subscription, const struct message *message)
{
	if (subscription->asked[message->place].cseq < message->cseq) {
		subscription->asked[message->place].time_us = scene.border->now_us;
		subscription->asked[message->place].cseq = message->cseq;
	}
	subscription->asked[message->place].restarts = scene.restarts;
}

static void see(const struct message *message)
{
	struct subscription *subscription = &scene.subscriptions[message->subscription];
	struct notifier *notifier = &subscription->notifiers[message->notifier % NOTIFIERS];

	if (!message->status && !message->is_notify) {
		see_question(subscription, message);
	} else if (message->status) {
		see_answer(subscription, notifier, message);
	} else if (message->is_notify && message->is_terminated) {
		if (notifier->place == message->place)
			see_end(notifier, message->place);
	} else if (message->is_notify) {
		const bool is_new = message->cseq > notifier->heard;

		if (is_new && (!notifier->is_granted || notifier->place == message->place))
			notifier->heard = message->cseq;
		if (is_new && notifier->is_granted && notifier->place == message->place)
			notifier->asked = message->cseq;
		if (!notifier->is_granted)
			notifier->place = message->place;
		if (is_new && message->seconds && !notifier->end_is_seen &&
			notifier->place == message->place)
			see_time(notifier, message->seconds);
	}
}

static const char *tags[NOTIFIERS + 1] = {"n0", "n1", NULL};

void cross_border(const struct message *message)
{
	const struct subscription *subscription = &scene.subscriptions[message->subscription];
	const bool is_notify = message->is_notify, is_request = !message->status;
	const char *place = scene.places[message->place];
	const char *name = is_notify ? "NOTIFY" : subscription->is_refer ? "REFER" : "SUBSCRIBE";
	char call_id[16], branch[48], id[16] = "", lines[128];
	struct exchange exchange = {.call_id = call_id,
		.from_tag = is_notify ? tags[message->notifier] : "a",
		.to_tag = is_notify ? "a" : tags[message->notifier],
		.cseq = message->cseq,
		.branch = branch,
		.phone = scene.is_ipv6 ? "[fd00::10]:5060" : NULL,
		.lines = lines};
	int length;

	snprintf(call_id, sizeof(call_id), "%u", message->subscription);
	snprintf(branch, sizeof(branch), "z9hG4bK-%u-%s-%u", message->subscription,
		is_notify ? tags[message->notifier] : "a", message->cseq);
	/* Of a REFER the id is its CSeq number (RFC 3515 2.4.6). */
	if (subscription->has_id)
		snprintf(id, sizeof(id), subscription->is_refer ? ";id=%u" : ";id=x",
			subscription->cseq);
	length = snprintf(lines, sizeof(lines), "Event: %s%s\r\n",
		subscription->is_refer ? "refer" : "presence", id);
	if (is_notify && message->is_terminated)
		snprintf(lines + length, sizeof(lines) - (size_t)length,
			"Subscription-State: terminated\r\n");
	else if (is_notify)
		snprintf(lines + length, sizeof(lines) - (size_t)length,
			"Subscription-State: active;expires=%u\r\n", message->seconds);
	else if (!subscription->is_refer && (is_request || message->status < 300))
		snprintf(lines + length, sizeof(lines) - (size_t)length, "Expires: %u\r\n",
			message->seconds);
	if (is_request)
		(is_notify ? proxy_asks : phone_asks)(scene.border, place, name, exchange);
	else
		(is_notify ? phone_answers : proxy_answers)(
			scene.border, place, message->status, name, exchange);
	see(message);
	note_phones();
	if (is_notify != is_request && message->place == phone_of(message)->place)
		phone_of(message)->alive_us = scene.now_us;
}

static void listen(void *context, const struct event *event)
{
	uint32_t number;

	(void)context;
	if (event->restored || (event->type != EVENT_REASON_ADD && event->type != EVENT_REASON_END))
		return;
	cr_assert(text_number(event->reason.id, &number));
	scene.subscriptions[number].reasons += event->type == EVENT_REASON_ADD ? 1 : -1;
	scene.subscriptions[number].let_go_us = event->time_us;
}

static void take_keepalive(void *context, const struct border_sent *keepalive)
{
	char place[ADDRESS_TEXT_MAX];

	(void)context;
	address_format(&keepalive->flow.destination, place);
	scene.now_us = scene.border->now_us;
	scene.keepalives++;
	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &scene.phones[i];
		const uint32_t number = (scene.border->sent_count - 1) % BORDER_SENT_MAX;

		if (strcmp(scene.places[phone->place], place) != 0)
			continue;
		note_phone(phone, true);
		arrange((struct happening){.what = ANSWER_KEEPALIVE,
				.message = {.place = (uint16_t)phone->place},
				.number = number},
			some_us(0.01, 0.3));
	}
}

void watch_subscriptions(void)
{
	scene.border->listener = listen;
	scene.border->taker = take_keepalive;
}

void check(unsigned number)
{
	const struct subscription *subscription = &scene.subscriptions[number];
	uint64_t end_us = 0;

	cr_assert_eq(subscription->reasons, 0, "seed %u: %u is kept for ever", scene.seed, number);
	for (unsigned i = 0; i < NOTIFIERS; i++) {
		const struct notifier *notifier = &subscription->notifiers[i];
		const uint64_t at_us = notifier->end_is_seen && !scene.has_restarted
					       ? notifier->end_seen_us
					       : notifier->granted_until_us;

		if (at_us > end_us)
			end_us = at_us;
	}
	cr_assert(subscription->let_go_us <= end_us + LATE,
		"seed %u: %u is kept for %f s, until %f", scene.seed, number,
		(double)(subscription->let_go_us - end_us) / 1e6,
		(double)subscription->let_go_us / 1e6);
}
