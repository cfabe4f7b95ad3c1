#include <natbox/liveness.h>

/* Overdue keepalives sent in one tick, 50 000 a second: a quarter of what one core can send. */
enum { OVERDUE_PER_TICK = 500 };

static uint32_t interval_of(const struct endpoints *endpoints)
{
	return ticks_of(endpoints->settings->keepalive.interval_us);
}

/* The tick at which one interval from now is over, and not before. */
static uint32_t next_due(const struct endpoints *endpoints)
{
	return ticks_of(endpoints->report->now_us + endpoints->settings->keepalive.interval_us);
}

/* An answer is waited for until the next keepalive at most. */
static uint32_t reply_timeout_of(const struct endpoints *endpoints)
{
	uint32_t timeout = ticks_of(endpoints->settings->keepalive.reply_timeout_us);
	uint32_t interval = interval_of(endpoints);

	return timeout < interval ? timeout : interval;
}

/* Puts the endpoint on the wheel for its next keepalive, not before earliest; or for the end of a
 * reason where that comes first. */
static void place(struct endpoints *endpoints, uint32_t index, uint32_t earliest)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (endpoints->settings->keepalive.scope == KEEPALIVE_OFF)
		wheel_place(endpoints->wheel, index, endpoint->expires);
	else
		wheel_place_sender(
			endpoints->wheel, index, earliest, endpoint->due, interval_of(endpoints));
	if (tick_before(endpoint->expires, wheel_tick_of(endpoints->wheel, index)))
		wheel_place(endpoints->wheel, index, endpoint->expires);
}

void liveness_start(struct endpoints *endpoints, uint32_t index)
{
	uint32_t now = report_tick(endpoints->report);

	endpoint_at(endpoints, index)->due = next_due(endpoints);
	place(endpoints, index, now);
}

/* When the keepalive is sent that has so many overdue ones before it. */
static uint32_t overdue_tick(const struct endpoints *endpoints, uint32_t before)
{
	uint32_t wait = 1 + before / OVERDUE_PER_TICK, interval = interval_of(endpoints);

	return report_tick(endpoints->report) + (wait < interval ? wait : interval);
}

void liveness_resume(struct endpoints *endpoints)
{
	uint32_t now = report_tick(endpoints->report), overdue = 0;

	for (uint32_t index = 1; index <= endpoints->endpoints.used; index++) {
		struct endpoint *endpoint = endpoint_at(endpoints, index);

		if (!endpoint->reasons)
			continue;
		if (tick_before(now, endpoint->due)) {
			place(endpoints, index, now + 1);
		} else {
			endpoint->due = overdue_tick(endpoints, overdue++);
			place(endpoints, index, endpoint->due);
		}
	}
}

void liveness_pause(struct endpoints *endpoints, uint32_t from)
{
	uint32_t now = report_tick(endpoints->report);

	endpoints->pauses[endpoints->pause_count++ % PAUSES_MAX] = (struct pause){from, now};
	wheel_turn(endpoints->wheel, now);
	liveness_resume(endpoints);
}

void liveness_move(struct endpoints *endpoints, struct wheel *wheel, uint64_t interval_us)
{
	uint32_t longer_by = interval_of(endpoints) - ticks_of(interval_us);

	wheel_free(endpoints->wheel);
	endpoints->wheel = wheel;
	for (uint32_t index = 1; index <= endpoints->endpoints.used; index++)
		endpoint_at(endpoints, index)->due += longer_by;
	liveness_resume(endpoints);
}

void liveness_expires(struct endpoints *endpoints, uint32_t index, uint32_t tick)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (tick_before(tick, endpoint->expires))
		endpoint->expires = tick;
	if (tick_before(tick, wheel_tick_of(endpoints->wheel, index)))
		wheel_place(endpoints->wheel, index, tick);
}

void liveness_heard(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	endpoint->due = next_due(endpoints);
	endpoint->heard = true;
	endpoint->awaiting = false;
	endpoint->missed = 0;
}

const uint32_t rtt_bounds_us[RTT_BOUNDS] = {
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

static void count_reply(struct engine_counters *counters, uint64_t rtt_us)
{
	unsigned bound = 0;

	while (bound < RTT_BOUNDS && rtt_us > rtt_bounds_us[bound])
		bound++;
	counters->replies++;
	counters->rtt_us += rtt_us;
	counters->rtts[bound]++;
}

static void report_liveness(
	const struct endpoints *endpoints, const struct endpoint *endpoint, struct event event)
{
	event.client = endpoint->client;
	event.proxy = endpoints->proxies->list[endpoint->proxy];
	report_event(endpoints->report, &event);
}

/* The answer itself refreshes the binding too, but moves no due time: keepalives keep their pace
 * and so their place among the others. */
void liveness_replied(
	struct endpoints *endpoints, uint32_t index, unsigned status, uint64_t sent_us)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint64_t now_us = endpoints->report->now_us;
	uint64_t rtt_us = now_us > sent_us ? now_us - sent_us : 0;
	uint64_t rtt_ms = rtt_us / 1000;

	if (!endpoint->awaiting && !endpoint->missed)
		return; /* answered already: a retransmission */
	endpoint->awaiting = false;
	endpoint->missed = 0;
	endpoint->rtt_ms = (uint16_t)(rtt_ms < UINT16_MAX ? rtt_ms : UINT16_MAX);
	count_reply(&endpoints->report->counters, rtt_us);
	report_liveness(endpoints, endpoint,
		(struct event){.type = EVENT_REPLY, .reply = {.status = status, .rtt_us = rtt_us}});
}

/* Whether an answer to the last keepalive may have come while nobody listened. Where the keepalive
 * was overdue after the pause, the one before it counts as sent that much later, which errs on the
 * side of the phone. */
static bool fell_into_a_pause(const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	uint32_t sent = endpoint->due - interval_of(endpoints);
	uint32_t overdue = sent + reply_timeout_of(endpoints);

	for (unsigned i = 0; i < PAUSES_MAX && i < endpoints->pause_count; i++) {
		const struct pause *pause = &endpoints->pauses[i];

		if (tick_before(sent, pause->until) && tick_before(pause->from, overdue))
			return true;
	}
	return false;
}

/* The last keepalive was not answered in time. False when the endpoint is gone for that. */
static bool miss(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	unsigned max_lost = endpoints->settings->keepalive.max_lost;

	endpoint->awaiting = false;
	if (fell_into_a_pause(endpoints, endpoint))
		return true;
	if (endpoint->missed < MISSED_MAX)
		endpoint->missed++;
	endpoints->report->counters.missed++;
	if (!max_lost || endpoint->missed != max_lost)
		return true;
	endpoints->report->counters.lost++;
	report_liveness(endpoints, endpoint,
		(struct event){.type = EVENT_LOST, .missed = endpoint->missed});
	if (!endpoints->settings->keepalive.drop_lost)
		return true;
	endpoint_remove(endpoints, index, "failed", "lost");
	return false;
}

static void send_keepalive(struct endpoints *endpoints, struct endpoint *endpoint)
{
	const struct report *report = endpoints->report;
	enum keepalive_method method = endpoints->settings->keepalive.method;
	const struct address *proxy = &endpoints->proxies->list[endpoint->proxy];
	const struct flow flow = {.source = *proxy, .destination = endpoint->client};
	char message[KEEPALIVE_MAX];
	size_t length = keepalive_build(
		endpoints->keepalive, &endpoint->client, proxy, report->now_us, message);

	endpoints->report->counters.keepalives++;
	report_liveness(endpoints, endpoint,
		(struct event){.type = EVENT_KEEPALIVE, .method = keepalive_method_names[method]});
	if (report->sink.send)
		report->sink.send(report->sink.context, report->now_us, &flow,
			(struct text){message, length});
}

/* One more miss and the endpoint is lost: that is to be noticed when the time for the answer is
 * over, not only with the next keepalive. */
static bool is_last_chance(const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	return endpoint->awaiting &&
	       endpoint->missed + 1u == endpoints->settings->keepalive.max_lost;
}

static void send_and_place(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t now = report_tick(endpoints->report), interval = interval_of(endpoints);
	uint32_t overdue = now + reply_timeout_of(endpoints);

	endpoint->due = now + interval;
	endpoint->awaiting =
		keepalive_is_answered(endpoints->keepalive) && endpoints->report->sink.send;
	send_keepalive(endpoints, endpoint);
	place(endpoints, index, now + interval / 2);
	if (is_last_chance(endpoints, endpoint) &&
		tick_before(overdue, wheel_tick_of(endpoints->wheel, index)))
		wheel_place(endpoints->wheel, index, overdue);
}

void liveness_wake(struct endpoints *endpoints, uint32_t index, bool send)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t now = report_tick(endpoints->report), interval = interval_of(endpoints);
	uint32_t overdue = endpoint->due - interval + reply_timeout_of(endpoints);

	if (!endpoint_expire(endpoints, index, now))
		return;
	if (endpoint->awaiting && (send || !tick_before(now, overdue)) && !miss(endpoints, index))
		return;
	if (send && !endpoint->heard) {
		send_and_place(endpoints, index);
		return;
	}
	endpoint->heard = false;
	place(endpoints, index, endpoint->due - interval / 2);
}
