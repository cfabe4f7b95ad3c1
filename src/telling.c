#include "telling.h"

#include <natbox/state.h>

#include <stdio.h>
#include <time.h>

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* Without the line ends that may stand before it. */
static struct text first_line(struct text bytes)
{
	const char *end = text_end(bytes);
	struct text line = {bytes.at, 0};

	while (line.at < end && is_line_end(*line.at))
		line.at++;
	while (text_end(line) < end && !is_line_end(*text_end(line)))
		line.length++;
	return line;
}

void tell_datagram(const struct flow *flow, struct text bytes)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	struct text line = first_line(bytes);

	address_format(&flow->source, source);
	address_format(&flow->destination, destination);
	if (!line.length || !memmem(line.at, line.length, "SIP/2.0", strlen("SIP/2.0")))
		line = TEXT("no SIP");
	log_debug("packet %s to %s, %zu bytes: %.*s", source, destination, bytes.length,
		text_shown(line, LOG_LINE_MAX), line.at);
}

/* What an operator should hear of without an event stream. */
enum {
	LOGGED_EVENTS =
		1 << EVENT_MALFORMED | 1 << EVENT_REFUSED | 1 << EVENT_LOST | 1 << EVENT_FOUND
};

static void log_event(const struct live *live, const struct event *event)
{
	static struct log_limit malformed, refused, lost, found;
	const char *colon = event->aor.at ? ": " : "";
	const int length = text_shown(event->aor, LABEL_MAX);
	char client[ADDRESS_TEXT_MAX];

	if (!(LOGGED_EVENTS >> event->type & 1))
		return;
	address_format(&event->client, client);
	if (event->type == EVENT_MALFORMED)
		log_limited(&malformed, live->now_us, LOG_LEVEL_INFO,
			"malformed SIP from or to %s: %s%s%.*s", client, event->why, colon, length,
			event->aor.at);
	else if (event->type == EVENT_REFUSED)
		log_limited(&refused, live->now_us, LOG_LEVEL_WARNING, "refused %s: %s%s%.*s",
			client, event_refusal(event), colon, length, event->aor.at);
	else if (event->type == EVENT_FOUND)
		log_limited(&found, live->now_us, LOG_LEVEL_INFO,
			"%s is back after %llu s without a sign of life%s%.*s", client,
			(unsigned long long)event->silent_s, colon, length, event->aor.at);
	else
		log_limited(&lost, live->now_us, LOG_LEVEL_INFO,
			"%s did not answer %u keepalives in a row%s%.*s", client, event->missed,
			colon, length, event->aor.at);
}

void tell_event(const struct live *live, const struct event *event)
{
	if (log_get_level() == LOG_LEVEL_DEBUG)
		event_log(event);
	else
		log_event(live, event);
	if (live->events)
		events_write(live->events, event);
}

void tell_what_is_wanted(const struct live *live)
{
	const unsigned logged = log_get_level() == LOG_LEVEL_DEBUG ? EVENTS_ALL : LOGGED_EVENTS;

	engine_want_events(
		live->engine, logged | events_chosen(live->events) | live->interest.events);
}

enum {
	/* Endpoints of a restart that are told of in one turn: a line for each and its reasons, of
	 * which one may have hundreds; some hundred microseconds. */
	RESTORED_AT_ONCE = 128,
	/* How often is looked whether a slow reader has made room for more. */
	RESTORED_WAIT_US = 10000,
};

static bool stream_has_room(const struct live *live)
{
	return !live->events || events_have_room(live->events);
}

void tell_restored(const struct live *live)
{
	struct endpoints *endpoints = engine_endpoints(live->engine);

	for (unsigned i = 0;
		i < RESTORED_AT_ONCE && restored_are_untold(endpoints) && stream_has_room(live);
		i++)
		restored_tell(endpoints, 1);
}

uint64_t tell_restored_next(const struct live *live)
{
	if (!restored_are_untold(engine_endpoints(live->engine)))
		return UINT64_MAX;
	return stream_has_room(live) ? 0 : RESTORED_WAIT_US;
}

void tell_answer(const struct flow *flow, struct text bytes)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	struct text line = first_line(bytes);

	address_format(&flow->source, source);
	address_format(&flow->destination, destination);
	log_debug("answered for %s, which is lost, to %s: %.*s", source, destination,
		(int)line.length, line.at);
}

void tell_wire_notice(void *context, enum wire_notice notice, const char *line)
{
	static const enum log_level levels[] = {
		[WIRE_DETAIL] = LOG_LEVEL_DEBUG,
		[WIRE_INFORMATION] = LOG_LEVEL_INFO,
		[WIRE_WARNING] = LOG_LEVEL_WARNING,
		[WIRE_ERROR] = LOG_LEVEL_ERROR,
	};

	(void)context;
	log_at(levels[notice], "%s", line);
}

void tell_time(const struct live *live)
{
	if (live->events)
		events_set_offset(live->events,
			(int64_t)(clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME)));
}

/* A disk on the verge of being full has news at each turn. */
void tell_event_news(const struct live *live)
{
	static struct log_limit limit;
	struct fault news;

	switch (events_flush(live->events, live->now_us, &news)) {
	case EVENTS_LOST:
		log_limited(&limit, live->now_us, LOG_LEVEL_ERROR, "%s", news.line);
		break;
	case EVENTS_UNREAD:
		log_warning("%s", news.line);
		break;
	case EVENTS_RESUMED:
		log_limited(&limit, live->now_us, LOG_LEVEL_INFO, "%s", news.line);
		break;
	case EVENTS_NO_NEWS:
		break;
	}
}

static void count_classes(const struct live *live, struct metrics_snapshot *snapshot)
{
	const struct classes *classes = &engine_endpoints(live->engine)->classes;
	const unsigned count = classes->settings->classes.count;

	for (unsigned i = 0; i < count; i++) {
		const unsigned number = classes->numbers[i];

		memcpy(snapshot->classes[i].name, classes->names[number], CLASS_NAME_MAX);
		snapshot->classes[i].endpoints = snapshot->engine.endpoints_of_class[number];
	}
	snapshot->class_count = count;
}

struct metrics_snapshot figures(struct live *live, uint64_t now_us)
{
	const struct wire_counters wire = live->wire.kind->counters(&live->wire);
	const struct proxies *proxies = engine_proxies(live->engine);
	struct metrics_snapshot snapshot = {
		.engine = engine_counters(live->engine),
		.capture_drops = wire.dropped,
		.keepalives_linked = wire.linked,
		.state_lag_us = state_lag(live->state, now_us),
		.event_lines_lost = events_lost(),
		.keepalives_are_held = engine_holds_keepalives(live->engine),
		.keepalives_are_off = live->dry_run ||
				      !classes_keep_alive(&engine_endpoints(live->engine)->classes),
		.turns = live->turns.counters,
		.proxy_count = proxies->count < PROXIES_COUNTED ? proxies->count : PROXIES_COUNTED,
	};

	memcpy(snapshot.proxies, proxies->list, sizeof(snapshot.proxies));
	count_classes(live, &snapshot);
	sightings_look(&live->sightings, &snapshot.engine, now_us, clock_us(CLOCK_REALTIME));
	snapshot.sightings = live->sightings;
	return snapshot;
}

void tell_figures(struct live *live, uint64_t now_us)
{
	const struct metrics_snapshot snapshot = figures(live, now_us);

	metrics_publish(live->metrics, &snapshot, now_us);
}

/* The figures of the longest turn are those since the last summary, so that whoever asks twice
 * knows what came of what he did in between. */
void tell_summary(struct live *live)
{
	const struct engine_counters counters = engine_counters(live->engine);
	const struct turn_length longest = live->turns.longest, ever = live->turns.longest_ever;

	log_answer("%u endpoints (at most %u), %u of them lost, %u reasons; %llu packets, %llu "
		   "SIP, %llu malformed, "
		   "%llu rewritten; %llu keepalives, %llu answered, %llu missed, %llu lost; "
		   "%llu refused; state lag %.1f s; longest turn %.1f ms, processor %.1f ms (since "
		   "the start %.1f ms, processor %.1f ms)",
		counters.endpoints, counters.endpoints_max, counters.lost_now, counters.reasons,
		(unsigned long long)counters.packets, (unsigned long long)counters.sip,
		(unsigned long long)counters.malformed, (unsigned long long)counters.rewritten,
		(unsigned long long)counters.keepalives, (unsigned long long)counters.replies,
		(unsigned long long)counters.missed, (unsigned long long)counters.lost,
		(unsigned long long)counters.refused,
		(double)state_lag(live->state, clock_us(CLOCK_BOOTTIME)) / 1e6,
		(double)longest.clock_us / 1e3, (double)longest.processor_us / 1e3,
		(double)ever.clock_us / 1e3, (double)ever.processor_us / 1e3);
	turns_forget_longest(&live->turns);
}

void tell_idle_keys(const struct config *config)
{
	static const char does_nothing[] = "%s does nothing in mode sniff";

	if (config->mode != MODE_SNIFF)
		return;
	if (config->core.nat.max_expires_us)
		log_warning(does_nothing, "nat.max-expires");
	if (config->core.nat.spread_expires)
		log_warning(does_nothing, "nat.spread-expires");
	if (config->core.relay.lost_answer != LOST_ANSWER_OFF)
		log_warning(does_nothing, "relay.lost-answer");
}

/* The first has no rate: it is that of the time since the one before. */
void tell_status(struct live *live, uint64_t now_us)
{
	const struct engine_counters counters = engine_counters(live->engine);
	const uint64_t sent = counters.keepalives - live->status.keepalives;
	const double seconds = (double)(now_us - live->status.time_us) / 1e6;
	char rate[64] = "";

	if (live->status.time_us && seconds > 0)
		snprintf(rate, sizeof(rate), "; %.*f keepalives a second",
			(double)sent < 10 * seconds ? 1 : 0, (double)sent / seconds);
	service_status("%u endpoint%s, %u of them lost%s", counters.endpoints,
		counters.endpoints == 1 ? "" : "s", counters.lost_now, rate);
	live->status.time_us = now_us;
	live->status.keepalives = counters.keepalives;
}
