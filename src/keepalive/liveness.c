#include <natbox/keepalive.h>

/* There is a sign of life, of which nothing is noted yet: it is lost no more. */
static void find(struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!endpoint->lost)
		return;
	endpoint_set_lost(endpoints, index, false);
	if (report_happened(endpoints->report, EVENT_FOUND))
		endpoint_report(endpoints, index,
			&(struct event){.type = EVENT_FOUND,
				.silent_s = endpoint_silent_us(endpoints, index) / 1000000,
				.aor = endpoint_addressee(endpoints, index).aor});
}

/* A keepalive that was sent after it still waits for its answer. */
void liveness_proven(struct endpoints *endpoints, uint32_t index, uint32_t tick)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	find(endpoints, index);
	endpoint_prove(endpoints, index);
	endpoint->missed = 0;
	if (!tick_before(endpoint->refreshed, tick))
		return;
	endpoint->refreshed = tick;
	endpoint->heard = true;
	endpoint->awaiting = false;
}

/* A keepalive waits for its answer until this tick; the one after it is a keepalive of its own. */
static uint32_t answer_end(const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	return schedule_answer_end(&endpoints->schedule, endpoint->class, endpoint->refreshed);
}

static bool is_awaited(
	const struct endpoints *endpoints, const struct endpoint *endpoint, uint64_t sent_us)
{
	return endpoint->awaiting && (uint32_t)(sent_us / TICK_US) == endpoint->refreshed &&
	       !tick_before(answer_end(endpoints, endpoint), report_tick(endpoints->report));
}

static void report_answer(
	struct endpoints *endpoints, uint32_t index, unsigned status, uint64_t rtt_us)
{
	if (report_happened(endpoints->report, EVENT_REPLY))
		endpoint_report(endpoints, index,
			&(struct event){.type = EVENT_REPLY,
				.reply = {.status = status, .rtt_us = rtt_us}});
}

static bool is_sign_of_life(const struct settings *settings, unsigned status)
{
	const unsigned bit = status - STATUS_FIRST;

	return !(settings->keepalive.not_alive[bit / 64] >> bit % 64 & 1);
}

/* One more miss and the endpoint is lost: that is to be noticed when the time for the answer is
 * over, not only with the next keepalive. */
static void notice_last_chance(struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const unsigned max_lost = endpoint_rules(endpoints, endpoint)->max_lost;

	if (endpoint->awaiting && !endpoint->lost && max_lost && endpoint->missed + 1u >= max_lost)
		schedule_wake_by(&endpoints->schedule, index, answer_end(endpoints, endpoint));
}

/* An answer that is none: the keepalive still waits for one. Whoever sent it is there, and is told
 * of once. */
static bool reject(struct endpoints *endpoints, uint32_t index, unsigned status, uint64_t rtt_us)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	const uint32_t sent = endpoint->refreshed;

	if (endpoint->rejected)
		return false;
	endpoint->rejected = true;
	report_answer(endpoints, index, status, rtt_us);
	endpoint_prove(endpoints, index);
	endpoint->refreshed = sent;
	endpoint->awaiting = true;
	notice_last_chance(endpoints, index);
	return true;
}

/* The answer itself refreshes the binding too, but moves no due time: keepalives keep their pace
 * and so their place among the others. */
bool liveness_replied(
	struct endpoints *endpoints, uint32_t index, unsigned status, uint64_t sent_us)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint64_t now_us = endpoints->report->now_us;
	const uint64_t rtt_us = now_us > sent_us ? now_us - sent_us : 0;

	if (!is_awaited(endpoints, endpoint, sent_us))
		return false; /* late, answered already, or recorded and sent again */
	if (!is_sign_of_life(endpoints->settings, status))
		return reject(endpoints, index, status, rtt_us);
	report_reply(endpoints->report, rtt_us);
	report_answer(endpoints, index, status, rtt_us);
	find(endpoints, index);
	endpoint_prove(endpoints, index);
	endpoint->awaiting = false;
	endpoint->missed = 0;
	return true;
}

/* What an endpoint gets next. One that is unproven is asked for an answer first where keepalives
 * ask for none, and last, as some phones ignore NOTIFY, but not OPTIONS. */
static enum keepalive_method method_for(
	const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	const struct keepalive_rules *rules = endpoint_rules(endpoints, endpoint);
	const enum keepalive_method method = rules->method;

	if (!endpoint->proven && (endpoint->missed + 1u == endpoint_trials(rules) ||
					 (!endpoint->missed && !keepalive_is_answered(method))))
		return KEEPALIVE_OPTIONS;
	return method;
}

static void lose(struct endpoints *endpoints, uint32_t index)
{
	endpoints->report->counters.lost++;
	endpoint_set_lost(endpoints, index, true);
	if (report_happened(endpoints->report, EVENT_LOST))
		endpoint_report(endpoints, index,
			&(struct event){.type = EVENT_LOST,
				.missed = endpoint_at(endpoints, index)->missed,
				.aor = endpoint_addressee(endpoints, index).aor});
}

/* The last keepalive was not answered in time. False when the endpoint is gone for that. Where
 * keepalives are not answered it counts only for what an unproven endpoint gets. */
static bool miss(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct keepalive_rules *rules = endpoint_rules(endpoints, endpoint);

	endpoint->awaiting = false;
	if (schedule_paused_after(&endpoints->schedule, endpoint->class, endpoint->refreshed))
		return true;
	if (endpoint->missed < MISSED_MAX)
		endpoint->missed++;
	if (!keepalive_is_answered(rules->method))
		return true;
	endpoints->report->counters.missed++;
	if (!endpoint->lost && (!rules->max_lost || endpoint->missed < rules->max_lost))
		return true;
	if (!endpoint->lost)
		lose(endpoints, index);
	if (!rules->drop_lost)
		return true;
	endpoint_remove(endpoints, index, "failed", "lost");
	return false;
}

bool liveness_is_lost(const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct keepalive_rules *rules = endpoint_rules(endpoints, endpoint);

	return endpoint->lost && rules->max_lost && keepalive_is_answered(rules->method) &&
	       schedule_sends(&endpoints->schedule, endpoint->class);
}

static void send_keepalive(struct endpoints *endpoints, struct keepalive *keepalive,
	enum keepalive_method method, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	struct report *report = endpoints->report;
	const struct address *proxy = &endpoints->proxies->list[endpoint->proxy];
	const struct flow flow = {.source = *proxy, .destination = endpoint->client};
	struct keepalive_route route = {.client = &endpoint->client, .proxy = proxy};
	char message[KEEPALIVE_MAX];
	size_t length;

	report->counters.keepalives++;
	if (report_happened(report, EVENT_KEEPALIVE))
		endpoint_report(endpoints, index,
			&(struct event){
				.type = EVENT_KEEPALIVE, .method = keepalive_method_names[method]});
	if (!report->sink.send)
		return;
	if (keepalive_is_answered(method))
		route.addressee = endpoint_addressee(endpoints, index);
	length = keepalive_build(keepalive, method, &route, report->now_us, message);
	report->sink.send(
		report->sink.context, report->now_us, &flow, (struct text){message, length});
}

static void send_and_place(struct endpoints *endpoints, struct keepalive *keepalive, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	struct schedule *schedule = &endpoints->schedule;
	const enum keepalive_method method = method_for(endpoints, endpoint);

	endpoint->refreshed = report_tick(endpoints->report);
	endpoint->awaiting = (keepalive_is_answered(method) || !endpoint->proven) &&
			     endpoints->report->sink.send;
	endpoint->rejected = false;
	send_keepalive(endpoints, keepalive, method, index);
	schedule_place_next(
		schedule, index, endpoint->class, endpoint->refreshed, endpoint->expires);
	notice_last_chance(endpoints, index);
}

void liveness_wake(
	struct endpoints *endpoints, struct keepalive *keepalive, uint32_t index, bool send)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t now = report_tick(endpoints->report);
	uint32_t overdue = answer_end(endpoints, endpoint);

	if (!endpoint_expire(endpoints, index, now))
		return;
	if (endpoint->awaiting && (send || !tick_before(now, overdue)) && !miss(endpoints, index))
		return;
	if (endpoint_is_given_up(endpoints, endpoint)) {
		schedule_place_end(&endpoints->schedule, index, endpoint->expires);
		return;
	}
	/* A place to send at may be from before there were to be none. */
	if (send && !endpoint->heard && schedule_sends(&endpoints->schedule, endpoint->class)) {
		send_and_place(endpoints, keepalive, index);
		return;
	}
	endpoint->heard = false;
	schedule_place_next(&endpoints->schedule, index, endpoint->class, endpoint->refreshed,
		endpoint->expires);
}
