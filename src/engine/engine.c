#include <natbox/engine.h>
#include <natbox/follow.h>
#include <natbox/keepalive.h>
#include <natbox/nat.h>

#include <errno.h>
#include <stdlib.h>

/* UDP's largest payload over IPv4 (RFC 768, RFC 791). */
enum { DATAGRAM_MAX = 65507 };

struct engine {
	struct settings settings;
	bool repairs;
	struct report report;
	struct proxies proxies;
	struct keepalive keepalive;
	struct endpoints endpoints;
	struct follow follow;
	struct sip_message message;
	struct edits edits;
	char edited[DATAGRAM_MAX];
};

/* Each user of the seed has a key of its own, so that no hash seen in one place helps in
 * another. */
static struct hash_key derive_key(const struct hash_key *key, uint64_t purpose)
{
	struct hash_key derived;

	for (unsigned i = 0; i < 2; i++) {
		struct hash hash;

		hash_start(&hash, key);
		hash_add_number(&hash, purpose);
		hash_add_number(&hash, i);
		derived.k[i] = hash_end(&hash);
	}
	return derived;
}

struct engine *engine_new(const struct settings *settings, bool repairs,
	const uint8_t seed[static 16], const struct engine_sink *sink)
{
	/* What is kept over a restart is keyed by these numbers, too. */
	enum { KEEPALIVE = 0, ENDPOINTS = 1, FOLLOW = 3, PURPOSES };
	const struct hash_key key = hash_key_from(seed);
	struct hash_key keys[PURPOSES];
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	for (unsigned i = 0; i < PURPOSES; i++)
		keys[i] = derive_key(&key, i);
	engine->settings = *settings;
	engine->repairs = repairs;
	engine->report.sink = *sink;
	engine->report.work_limit = UINT64_MAX;
	engine->keepalive =
		(struct keepalive){.settings = &engine->settings, .key = keys[KEEPALIVE]};
	proxies_init(&engine->proxies);
	if (endpoints_init(&engine->endpoints, &engine->settings, &engine->report, &engine->proxies,
		    &engine->keepalive, &keys[ENDPOINTS]) != 0) {
		free(engine);
		return NULL;
	}
	if (follow_init(&engine->follow, &engine->settings, &engine->report, &engine->endpoints,
		    &keys[FOLLOW]) != 0) {
		endpoints_free(&engine->endpoints);
		free(engine);
		return NULL;
	}
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	endpoints_free(&engine->endpoints);
	follow_free(&engine->follow);
	free(engine);
}

struct endpoints *engine_endpoints(struct engine *engine)
{
	return &engine->endpoints;
}

static bool changes_keepalives(const struct settings *from, const struct settings *to)
{
	return from->keepalive.interval_us != to->keepalive.interval_us ||
	       from->keepalive.scope != to->keepalive.scope;
}

static bool is_bounded(const struct engine *engine)
{
	return engine->report.work_limit != UINT64_MAX;
}

/* Half of what may be done, so that neither the clock nor a review waits for the other. */
static void run_review(struct engine *engine)
{
	review_run(&engine->endpoints, engine->report.work_limit / 2);
}

unsigned engine_reconfigure(struct engine *engine, const struct settings *settings)
{
	const bool places = changes_keepalives(&engine->settings, settings);
	unsigned fixed = 0;

	engine->report.work = 0;
	engine->settings = *settings;
	if (!endpoints_set_limit(&engine->endpoints, settings->limits.endpoints))
		fixed |= FIXED_ENDPOINTS;
	if (!follow_set_limit(&engine->follow, settings->limits.transactions))
		fixed |= FIXED_TRANSACTIONS;
	review_start(&engine->endpoints, places);
	run_review(engine);
	return fixed;
}

bool engine_is_reviewing(const struct engine *engine)
{
	return review_is_pending(&engine->endpoints);
}

void engine_bound_work(struct engine *engine, uint32_t endpoints)
{
	engine->report.work_limit = (uint64_t)endpoints * 2 * WORK_EVENT;
}

int engine_add_proxy(struct engine *engine, const struct address *proxy)
{
	return proxies_add(&engine->proxies, proxy) == PROXY_NONE ? -ENOSPC : 0;
}

bool engine_is_proxy(const struct engine *engine, const struct address *address)
{
	return proxies_find(&engine->proxies, address) != PROXY_NONE;
}

unsigned engine_proxy_count(const struct engine *engine)
{
	return engine->proxies.count;
}

const struct proxies *engine_proxies(const struct engine *engine)
{
	return &engine->proxies;
}

struct engine_counters engine_counters(const struct engine *engine)
{
	return engine->report.counters;
}

/* The time of a tick near now. */
static uint64_t time_of(const struct engine *engine, uint32_t tick)
{
	uint64_t now = engine->report.now_us / TICK_US;
	int64_t ahead = (int32_t)(tick - (uint32_t)now);

	return (uint64_t)((int64_t)now + ahead) * TICK_US;
}

/* A bounded call may leave items in the slot that the wheel has turned to. */
static bool has_left_over(const struct engine *engine)
{
	return wheel_peek(engine->endpoints.wheel) != 0;
}

/* When the clock has something to do. */
static uint64_t next_tick_us(const struct engine *engine)
{
	uint64_t next = UINT64_MAX;
	uint32_t tick;

	if (has_left_over(engine))
		return engine->report.now_us;
	if (wheel_next(engine->endpoints.wheel, &tick))
		next = time_of(engine, tick);
	if (follow_next(&engine->follow, &tick) && time_of(engine, tick) < next)
		next = time_of(engine, tick);
	return next;
}

uint64_t engine_next(const struct engine *engine)
{
	return engine_is_reviewing(engine) ? engine->report.now_us : next_tick_us(engine);
}

/* To the present, or to the next items on the way there that wait for their turn. */
static void turn_wheel(struct engine *engine)
{
	uint32_t tick = report_tick(&engine->report), next;

	if (wheel_next(engine->endpoints.wheel, &next) && tick_before(next, tick))
		tick = next;
	wheel_turn(engine->endpoints.wheel, tick);
}

static void wake(struct engine *engine, uint32_t endpoint, bool send)
{
	/* Nothing is sent that the settings do not want any more, nor at a time of before. */
	if (review_has_reached(&engine->endpoints, endpoint) ||
		review_one(&engine->endpoints, endpoint))
		liveness_wake(&engine->endpoints, endpoint, send);
}

static void run_tick(struct engine *engine)
{
	uint32_t endpoint;
	bool send;

	follow_expire(&engine->follow);
	if (!has_left_over(engine))
		turn_wheel(engine);
	while (report_has_time(&engine->report) &&
		(endpoint = wheel_pop(engine->endpoints.wheel, &send))) {
		engine->report.work += WORK_LOOK;
		__builtin_prefetch(
			endpoint_at(&engine->endpoints, wheel_peek(engine->endpoints.wheel)));
		wake(engine, endpoint, send);
	}
}

static void set_clock(struct engine *engine, uint64_t now_us)
{
	if (now_us > engine->report.now_us)
		engine->report.now_us = now_us;
}

/* Without a bound the clock takes each tick on its way, so that what comes of a call does not
 * depend on when it is made. With one it shows what it is. */
void engine_advance(struct engine *engine, uint64_t now_us)
{
	uint64_t next_us;

	engine->report.work = 0;
	run_review(engine);
	if (is_bounded(engine))
		set_clock(engine, now_us);
	while ((next_us = next_tick_us(engine)) <= now_us && report_has_time(&engine->report)) {
		set_clock(engine, next_us);
		run_tick(engine);
	}
	set_clock(engine, now_us);
	if (next_us > now_us)
		turn_wheel(engine);
}

void engine_resume(struct engine *engine, uint64_t now_us)
{
	uint32_t from = report_tick(&engine->report);

	if (now_us <= engine->report.now_us)
		return;
	set_clock(engine, now_us);
	liveness_note_pause(&engine->endpoints, from);
	review_start(&engine->endpoints, true);
}

/* What there is to know of one datagram on its way through. */
struct transit {
	bool in; /* from a user agent to a proxy */
	struct address client;
	uint16_t proxy;
	uint32_t endpoint; /* of client and proxy; 0: none */
};

/* By address alone. False when it is not ours: between two proxies, between none, exempt, or where
 * no user agent can be. */
static bool find_direction(
	const struct engine *engine, const struct flow *flow, struct transit *transit)
{
	uint16_t source = proxies_find(&engine->proxies, &flow->source);
	uint16_t destination = proxies_find(&engine->proxies, &flow->destination);

	if ((source == PROXY_NONE) == (destination == PROXY_NONE))
		return false;
	transit->in = source == PROXY_NONE;
	transit->client = transit->in ? flow->source : flow->destination;
	transit->proxy = transit->in ? destination : source;
	return address_is_one_host(&transit->client) &&
	       !networks_contain(&engine->settings.nat.exempt, &transit->client);
}

static void report_malformed(
	struct engine *engine, const struct transit *transit, enum sip_defect defect)
{
	struct event event = {
		.type = EVENT_MALFORMED,
		.client = transit->client,
		.proxy = engine->proxies.list[transit->proxy],
		.why = sip_defect_names[defect],
	};

	engine->report.counters.malformed++;
	engine->report.counters.defects[defect]++;
	report_event(&engine->report, &event);
}

/* 0, or a negative errno when the datagram is nothing to look into. */
static int scan(struct engine *engine, const struct transit *transit, struct text datagram)
{
	struct engine_counters *counters = &engine->report.counters;
	enum sip_defect defect;
	int result;

	if (datagram.length > engine->settings.limits.datagram) {
		counters->other++;
		return -EMSGSIZE;
	}
	result = sip_scan(datagram.at, datagram.length, &engine->message, &defect);
	if (result == -ENOMSG) {
		counters->other++;
		return result;
	}
	counters->sip++;
	if (result == 0)
		engine->message.is_request ? counters->requests++ : counters->responses++;
	else
		report_malformed(engine, transit, defect);
	return result;
}

static void report_rewrite(struct engine *engine, const struct transit *transit, unsigned fields)
{
	const struct sip_message *message = &engine->message;
	struct event event = {
		.type = EVENT_REWRITE,
		.client = transit->client,
		.proxy = engine->proxies.list[transit->proxy],
		.rewrite = {.in = transit->in,
			.method = message->method_name,
			.status = message->is_request ? 0 : message->status,
			.fields = fields},
	};

	engine->report.counters.rewritten++;
	for (unsigned i = 0; i < REWRITTEN_FIELDS; i++)
		engine->report.counters.rewritten_fields[i] += fields >> i & 1;
	report_event(&engine->report, &event);
}

/* Applies the edits collected for the message. One that would grow too long, or needs more edits
 * than there is room for, goes on as it came. */
static struct outcome apply_edits(
	struct engine *engine, const struct transit *transit, unsigned fields)
{
	long length;

	if (!fields)
		return (struct outcome){.verdict = VERDICT_PASS};
	length = edits_apply(&engine->edits, engine->message.whole, engine->edited, DATAGRAM_MAX);
	if (length < 0) {
		report_refused(&engine->report, &transit->client,
			&engine->proxies.list[transit->proxy], REFUSED_DATAGRAM);
		return (struct outcome){.verdict = VERDICT_PASS};
	}
	report_rewrite(engine, transit, fields);
	return (struct outcome){
		.verdict = VERDICT_REWRITE,
		.bytes = {engine->edited, (size_t)length},
	};
}

/* The answer to a keepalive: known by its branch, whether the endpoint still exists or not. */
static bool is_keepalive_answer(struct engine *engine, const struct transit *transit)
{
	const struct sip_message *message = &engine->message;
	uint64_t sent_us;

	if (message->is_request ||
		!keepalive_recognise(&engine->keepalive, message, &transit->client,
			&engine->proxies.list[transit->proxy], &sent_us))
		return false;
	if (message->status >= 200 && transit->endpoint)
		liveness_replied(&engine->endpoints, transit->endpoint, message->status, sent_us);
	return true;
}

/* A message that came through another proxy is not of a user agent behind this border: a request
 * with more than one Via; a response whose Record-Route begins with the client itself, for that is
 * the last proxy before the user agent (RFC 3261 16.6). Where proxies record no route there is no
 * telling whose a response is. */
static bool is_user_agents_own(const struct sip_message *message, const struct address *client)
{
	struct sip_cursor cursor = {0};
	struct sip_contact route;
	struct text value;

	if (message->is_request)
		return message->via_count == 1;
	return !sip_next_value(message, SIP_RECORD_ROUTE, &cursor, &value) ||
	       sip_contact_parse(value, &route) != 0 || !uri_is_at(&route.uri, client);
}

static struct outcome packet_in(
	struct engine *engine, struct transit *transit, struct text datagram)
{
	struct sip_message *message = &engine->message;
	struct passage passage = {
		.message = message, .client = transit->client, .proxy = transit->proxy, .in = true};
	const uint32_t *expected =
		endpoint_expect(&engine->endpoints, &transit->client, transit->proxy);
	int result = scan(engine, transit, datagram);
	unsigned fields = 0;

	transit->endpoint =
		endpoint_find_at(&engine->endpoints, expected, &transit->client, transit->proxy);
	if (result == 0 && is_keepalive_answer(engine, transit))
		return (struct outcome){.verdict = VERDICT_CONSUME};
	if (transit->endpoint)
		liveness_heard(&engine->endpoints, transit->endpoint);
	if (result != 0 || !is_user_agents_own(message, &transit->client))
		return (struct outcome){.verdict = VERDICT_PASS};

	follow_expect(&engine->follow, &passage);
	passage.endpoint = transit->endpoint;
	passage.nat = nat_detect(message, &transit->client, engine->settings.nat.detect);
	passage.nat = endpoints_learn_nat(
		&engine->endpoints, transit->endpoint, &transit->client, message, passage.nat);
	edits_reset(&engine->edits);
	if (engine->repairs && passage.nat)
		fields = nat_repair(message, &transit->client, &engine->settings, &engine->edits);
	follow_message(&engine->follow, &passage);
	return apply_edits(engine, transit, fields);
}

static struct outcome packet_out(
	struct engine *engine, const struct transit *transit, struct text datagram)
{
	struct sip_message *message = &engine->message;
	struct passage passage = {
		.message = message, .client = transit->client, .proxy = transit->proxy};
	unsigned fields = 0;

	if (scan(engine, transit, datagram) != 0)
		return (struct outcome){.verdict = VERDICT_PASS};
	follow_expect(&engine->follow, &passage);
	edits_reset(&engine->edits);
	if (engine->repairs)
		fields = nat_restore(message, &transit->client, &engine->settings, &engine->edits);
	follow_message(&engine->follow, &passage);
	return apply_edits(engine, transit, fields);
}

struct outcome engine_packet(
	struct engine *engine, uint64_t now_us, const struct flow *flow, struct text datagram)
{
	struct transit transit = {0};
	struct outcome outcome = {.verdict = VERDICT_PASS};
	enum direction direction = DIRECTION_NONE;

	if (is_bounded(engine))
		set_clock(engine, now_us);
	else
		engine_advance(engine, now_us);
	engine->report.counters.packets++;
	if (find_direction(engine, flow, &transit)) {
		direction = transit.in ? DIRECTION_IN : DIRECTION_OUT;
		outcome = transit.in ? packet_in(engine, &transit, datagram)
				     : packet_out(engine, &transit, datagram);
	}
	engine->report.counters.verdicts[direction][outcome.verdict]++;
	return outcome;
}
