#include <natbox/keepalive.h>

/* Overdue keepalives sent in one tick, 50 000 a second: a quarter of what one core can send. */
enum { OVERDUE_PER_TICK = 500 };

/* How much sooner than after an interval the next keepalive may be sent, where all the places later
 * on are taken: seven eighths of it. That many places with a quarter to spare (wheel_place_sender)
 * are enough for all, so that what was sent in a burst is spread again in the next round. */
enum { EARLIEST_PART = 8 };

static uint32_t interval_of(const struct endpoints *endpoints)
{
	return ticks_of(endpoints->settings->keepalive.interval_us);
}

/* The tick at which one interval after the last packet is over, and not before. */
static uint32_t due_of(const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	return endpoint->refreshed + interval_of(endpoints);
}

static void refresh(const struct endpoints *endpoints, struct endpoint *endpoint)
{
	endpoint->refreshed = ticks_of(endpoints->report->now_us);
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
		wheel_place_sender(endpoints->wheel, index, earliest, due_of(endpoints, endpoint),
			interval_of(endpoints));
	if (tick_before(endpoint->expires, wheel_tick_of(endpoints->wheel, index)))
		wheel_place(endpoints->wheel, index, endpoint->expires);
}

void liveness_start(struct endpoints *endpoints, uint32_t index)
{
	uint32_t now = report_tick(endpoints->report);

	refresh(endpoints, endpoint_at(endpoints, index));
	place(endpoints, index, now);
}

/* When the next one of the overdue keepalives is sent: an interval from now at the latest. */
static uint32_t overdue_tick(struct endpoints *endpoints)
{
	uint32_t now = report_tick(endpoints->report), latest = now + interval_of(endpoints);
	struct review *review = &endpoints->review;

	if (!tick_before(now, review->overdue_tick)) {
		review->overdue_tick = now + 1;
		review->overdue_count = 0;
	} else if (review->overdue_count >= OVERDUE_PER_TICK) {
		review->overdue_tick++;
		review->overdue_count = 0;
	}
	if (tick_before(latest, review->overdue_tick))
		review->overdue_tick = latest;
	review->overdue_count++;
	return review->overdue_tick;
}

void liveness_note_pause(struct endpoints *endpoints, uint32_t from)
{
	endpoints->pauses[endpoints->pause_count++ % PAUSES_MAX] =
		(struct pause){from, report_tick(endpoints->report)};
}

void liveness_place_anew(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t now = report_tick(endpoints->report), earliest = now + 1;

	if (!tick_before(now, due_of(endpoints, endpoint))) {
		earliest = overdue_tick(endpoints);
		endpoint->refreshed = earliest - interval_of(endpoints);
	}
	place(endpoints, index, earliest);
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

	refresh(endpoints, endpoint);
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
	uint32_t sent = endpoint->refreshed, overdue = sent + reply_timeout_of(endpoints);

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

	endpoint->refreshed = now;
	endpoint->awaiting =
		keepalive_is_answered(endpoints->keepalive) && endpoints->report->sink.send;
	send_keepalive(endpoints, endpoint);
	place(endpoints, index, now + interval / EARLIEST_PART);
	if (is_last_chance(endpoints, endpoint) &&
		tick_before(overdue, wheel_tick_of(endpoints->wheel, index)))
		wheel_place(endpoints->wheel, index, overdue);
}

void liveness_wake(struct endpoints *endpoints, uint32_t index, bool send)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t now = report_tick(endpoints->report), interval = interval_of(endpoints);
	uint32_t overdue = endpoint->refreshed + reply_timeout_of(endpoints);

	if (!endpoint_expire(endpoints, index, now))
		return;
	if (endpoint->awaiting && (send || !tick_before(now, overdue)) && !miss(endpoints, index))
		return;
	/* A place to send at may be from before the scope was off. */
	if (send && !endpoint->heard && endpoints->settings->keepalive.scope != KEEPALIVE_OFF) {
		send_and_place(endpoints, index);
		return;
	}
	endpoint->heard = false;
	place(endpoints, index, endpoint->refreshed + interval / EARLIEST_PART);
}
