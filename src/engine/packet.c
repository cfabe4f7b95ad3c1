#include "engine.h"

#include <errno.h>

/* By address alone, and between whom. */
static enum direction find_direction(const struct engine *engine, const struct flow *flow,
	struct address *client, uint16_t *proxy)
{
	uint16_t source = proxies_find(&engine->proxies, &flow->source);
	uint16_t destination = proxies_find(&engine->proxies, &flow->destination);
	const bool in = source == PROXY_NONE;

	if (in == (destination == PROXY_NONE))
		return DIRECTION_NONE;
	*client = in ? flow->source : flow->destination;
	*proxy = in ? destination : source;
	if (!address_is_one_host(client) || networks_contain(&engine->settings.nat.exempt, client))
		return DIRECTION_NONE;
	return in ? DIRECTION_IN : DIRECTION_OUT;
}

static void report_malformed(
	struct engine *engine, const struct passage *passage, enum sip_defect defect)
{
	struct event event = {
		.type = EVENT_MALFORMED,
		.client = passage->client,
		.proxy = engine->proxies.list[passage->proxy],
		.why = sip_defect_names[defect],
	};

	engine->report.counters.malformed++;
	engine->report.counters.defects[defect]++;
	if (!report_happened(&engine->report, EVENT_MALFORMED))
		return;
	event.aor = endpoint_find_aor(&engine->endpoints, &passage->client, passage->proxy);
	report_event(&engine->report, &event);
}

/* 0, or a negative errno when the datagram is nothing to look into. */
static int scan(struct engine *engine, const struct passage *passage, struct text datagram)
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
		defect = engine->message.flaw;
	if (defect)
		report_malformed(engine, passage, defect);
	else
		engine->message.is_request ? counters->requests++ : counters->responses++;
	return result;
}

static void report_rewrite(struct engine *engine, const struct passage *passage, unsigned fields)
{
	const struct sip_message *message = &engine->message;

	engine->report.counters.rewritten++;
	for (unsigned i = 0; i < REWRITTEN_FIELDS; i++)
		engine->report.counters.rewritten_fields[i] += fields >> i & 1;
	if (report_happened(&engine->report, EVENT_REWRITE))
		report_event(&engine->report,
			&(struct event){
				.type = EVENT_REWRITE,
				.client = passage->client,
				.proxy = engine->proxies.list[passage->proxy],
				.rewrite = {.in = passage->in,
					.method = message->method_name,
					.status = message->is_request ? 0 : message->status,
					.fields = fields},
			});
}

/* Applies the edits collected for the message. One that would grow too long, or needs more edits
 * than there is room for, goes on as it came. */
static struct outcome apply_edits(
	struct engine *engine, const struct passage *passage, unsigned fields)
{
	long length;

	if (!fields)
		return (struct outcome){.verdict = VERDICT_PASS};
	length = edits_apply(&engine->edits, engine->message.whole, engine->edited, DATAGRAM_MAX);
	if (length < 0) {
		report_refused(&engine->report, &passage->client,
			&engine->proxies.list[passage->proxy], REFUSED_DATAGRAM,
			endpoint_find_aor(&engine->endpoints, &passage->client, passage->proxy));
		return (struct outcome){.verdict = VERDICT_PASS};
	}
	report_rewrite(engine, passage, fields);
	return (struct outcome){
		.verdict = VERDICT_REWRITE,
		.bytes = {engine->edited, (size_t)length},
	};
}

/* The answer to a keepalive: known by its branch, whether the endpoint still exists or not. */
static bool is_keepalive_answer(
	struct engine *engine, const struct passage *passage, struct text branch, unsigned status)
{
	uint32_t endpoint;
	uint64_t sent_us;

	if (!keepalive_recognise(&engine->keepalive, branch, &passage->client,
		    &engine->proxies.list[passage->proxy], &sent_us))
		return false;
	endpoint = endpoint_find(&engine->endpoints, &passage->client, passage->proxy);
	if (status >= 200 && endpoint &&
		liveness_replied(&engine->endpoints, endpoint, status, sent_us))
		follow_answered(&engine->follow, endpoint);
	return true;
}

/* Answers to keepalives are half of all that comes: those that are written as most are need not be
 * scanned. Whatever stands below such a branch, it is an answer. */
static bool is_seen_to_be_answer(
	struct engine *engine, const struct passage *passage, struct text datagram)
{
	struct sip_glance glance;

	if (datagram.length > engine->settings.limits.datagram || !sip_glance(datagram, &glance) ||
		!is_keepalive_answer(engine, passage, glance.branch, glance.status))
		return false;
	engine->report.counters.sip++;
	engine->report.counters.responses++;
	return true;
}

/* One that is written in another way. */
static bool is_scanned_answer(struct engine *engine, const struct passage *passage)
{
	const struct sip_message *message = &engine->message;

	return !message->is_request &&
	       is_keepalive_answer(engine, passage, message->top_via.branch, message->status);
}

/* natbox's own, which others have given another mark on its way out. */
static bool is_own_keepalive(const struct engine *engine, const struct passage *passage)
{
	const struct sip_message *message = &engine->message;
	uint64_t sent_us;

	return message->is_request &&
	       keepalive_recognise(&engine->keepalive, message->top_via.branch, &passage->client,
		       &engine->proxies.list[passage->proxy], &sent_us);
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

/* Follows the message, and notes where it proves that the user agent lives. */
static void follow(struct engine *engine, struct passage *passage)
{
	uint32_t endpoint;

	follow_message(&engine->follow, passage);
	if (!passage->proves)
		return;
	endpoint = endpoint_find(&engine->endpoints, &passage->client, passage->proxy);
	if (endpoint)
		liveness_proven(&engine->endpoints, endpoint, passage->proven_at);
}

/* One Contact as it was at one place before. */
static bool take_back_one(struct engine *engine, const struct passage *passage,
	const struct moved *moved, unsigned number)
{
	const struct sip_message *message = passage->message;
	const struct sip_contact *contact = &message->contacts[number];
	const bool is_own = moved->own >> number & 1;

	if (moved->as.port)
		return nat_take_back_as(message, contact, &moved->as, &moved->from, &engine->edits);
	return nat_take_back(message, contact, is_own ? contact->uri.host : message->top_via.host,
		&moved->from, &engine->edits);
}

/* One Contact that stays as it was repaired, or goes as that: its address tells of nobody. */
static bool repair_kept(struct engine *engine, const struct passage *passage, unsigned number)
{
	const struct sip_message *message = passage->message;
	const struct sip_contact *contact = &message->contacts[number];

	if (message->contact_count == 1)
		return nat_repair_moved(message, contact, &passage->client, &engine->edits);
	return nat_take_back(message, contact, contact->uri.host, &passage->client, &engine->edits);
}

/* What would stay at the registrar otherwise, and what would go. */
static bool take_back(struct engine *engine, const struct passage *passage)
{
	bool any = false;

	for (unsigned i = 0; i < passage->moved_count; i++) {
		const struct moved *moved = &passage->moved[i];

		for (unsigned left = moved->contacts; left; left &= left - 1)
			any |= take_back_one(engine, passage, moved, (unsigned)__builtin_ctz(left));
	}
	for (unsigned left = passage->kept; left; left &= left - 1)
		any |= repair_kept(engine, passage, (unsigned)__builtin_ctz(left));
	return any;
}

/* A Contact of a user agent that has learnt where it is names its place of before, when its NAT has
 * given it another one; or, where it is alone, what was repaired there: then it is its own. */
static bool repair_moved(struct engine *engine, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const bool is_alone = message->contact_count == 1;
	bool any = false;

	for (unsigned i = 0; i < passage->moved_count; i++) {
		const struct moved *moved = &passage->moved[i];

		for (unsigned left = moved->contacts; left; left &= left - 1) {
			const struct sip_contact *contact = &message->contacts[__builtin_ctz(left)];

			if (uri_is_at(&contact->uri, &moved->from) || (is_alone && moved->own))
				any |= nat_repair_moved(
					message, contact, &passage->client, &engine->edits);
		}
	}
	return any;
}

/* Repairs what comes from behind a NAT, follows it, and has a REGISTER take back what natbox itself
 * has made. */
static unsigned repair_and_follow(struct engine *engine, struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const struct settings *settings = &engine->settings;
	const bool repairs = engine->repairs && passage->nat && !message->flaw;
	unsigned fields = 0;

	if (repairs)
		fields = nat_repair(message, &passage->client, settings, &engine->edits);
	if (repairs && message->method == SIP_REGISTER)
		fields |= nat_repair_removals(message, &passage->client, settings, &engine->edits);
	passage->leaves_contacts = repairs && !(fields & REWRITTEN_CONTACT);
	follow(engine, passage);
	if ((passage->moved_count || passage->kept) && repairs && settings->nat.fix_contact &&
		(repair_moved(engine, passage) | take_back(engine, passage)))
		fields |= REWRITTEN_CONTACT;
	return fields;
}

/* The class of who has sent a message that is followed: a REGISTER tells it anew, all else where
 * there is no endpoint yet, or nobody has looked at it since a reload. */
static uint8_t class_of(const struct engine *engine, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const struct endpoints *endpoints = &engine->endpoints;

	if (!engine->settings.classes.count || !(passage->has_key || message->method == SIP_ACK))
		return 0;
	if (passage->endpoint && message->method != SIP_REGISTER &&
		review_has_reached(endpoints, passage->endpoint))
		return endpoint_at(endpoints, passage->endpoint)->class;
	return (uint8_t)classes_match_message(&endpoints->classes, message, &passage->client);
}

static struct outcome packet_in(
	struct engine *engine, struct passage *passage, struct text datagram)
{
	const struct sip_message *message = passage->message;
	int result;

	endpoint_prefetch(&engine->endpoints, &passage->client, passage->proxy);
	if (is_seen_to_be_answer(engine, passage, datagram))
		return (struct outcome){.verdict = VERDICT_CONSUME};
	result = scan(engine, passage, datagram);
	if (result == 0 && is_scanned_answer(engine, passage))
		return (struct outcome){.verdict = VERDICT_CONSUME};
	if (result != 0 || !is_user_agents_own(message, &passage->client))
		return (struct outcome){.verdict = VERDICT_PASS};

	follow_prepare(&engine->follow, passage);
	passage->nat = nat_detect(message, &passage->client, engine->settings.nat.detect);
	passage->endpoint = endpoint_find(&engine->endpoints, &passage->client, passage->proxy);
	passage->nat = endpoints_learn_nat(
		&engine->endpoints, passage->endpoint, &passage->client, message, passage->nat);
	passage->class = class_of(engine, passage);
	edits_reset(&engine->edits);
	return apply_edits(engine, passage, repair_and_follow(engine, passage));
}

/* Of many who register in one second each is told another expiry, in steps of the golden ratio:
 * however many they are, those are spread more evenly than numbers drawn at random, of which some
 * seconds would get a third too many. */
static unsigned shorten(struct engine *engine)
{
	enum { GOLDEN_RATIO = 0x9e3779b1 }; /* of 2^32 */

	engine->draw += GOLDEN_RATIO;
	return nat_shorten(
		&engine->message, &engine->grants, &engine->settings, engine->draw, &engine->edits);
}

static struct outcome packet_out(
	struct engine *engine, struct passage *passage, struct text datagram)
{
	bool repairs;
	unsigned fields = 0;

	if (scan(engine, passage, datagram) != 0 || is_own_keepalive(engine, passage))
		return (struct outcome){.verdict = VERDICT_PASS};
	if (engine->settings.relay.lost_answer && engine->repairs &&
		lost_answer(&engine->follow, passage, engine->edited, sizeof(engine->edited)))
		return (struct outcome){.verdict = VERDICT_CONSUME};
	follow_prepare(&engine->follow, passage);
	edits_reset(&engine->edits);
	repairs = engine->repairs && !passage->message->flaw;
	if (repairs)
		fields = nat_restore(
			passage->message, &passage->client, &engine->settings, &engine->edits);
	if (repairs && nat_shortens(&engine->settings)) {
		engine->grants.count = 0;
		passage->grants = &engine->grants;
	}
	follow(engine, passage);
	if (passage->grants && passage->grants->count)
		fields |= shorten(engine);
	if (repairs && passage->taken_back) {
		edits_cut_value(
			&engine->edits, passage->message, passage->taken_back->name_addr.value);
		fields |= REWRITTEN_CONTACT;
	}
	return apply_edits(engine, passage, fields);
}

void engine_expect(struct engine *engine, const struct flow *flows, unsigned count)
{
	struct expected *expected = &engine->endpoints.expected;

	expected->count = expected->next = 0;
	for (unsigned i = 0; i < count && expected->count < EXPECTED_MAX; i++) {
		struct lookup *next = &expected->list[expected->count];

		expected->count += find_direction(engine, &flows[i], &next->client, &next->proxy) !=
				   DIRECTION_NONE;
	}
	endpoints_prefetch_expected(&engine->endpoints);
}

struct outcome engine_packet(
	struct engine *engine, uint64_t now_us, const struct flow *flow, struct text datagram)
{
	struct passage passage = {.message = &engine->message};
	struct outcome outcome = {.verdict = VERDICT_PASS};
	enum direction direction;

	if (work_is_bounded(engine))
		set_clock(engine, now_us);
	else
		engine_advance(engine, now_us);
	engine->report.counters.packets++;
	direction = find_direction(engine, flow, &passage.client, &passage.proxy);
	passage.in = direction == DIRECTION_IN;
	if (direction == DIRECTION_IN)
		outcome = packet_in(engine, &passage, datagram);
	else if (direction == DIRECTION_OUT)
		outcome = packet_out(engine, &passage, datagram);
	engine->report.counters.verdicts[direction][outcome.verdict]++;
	return outcome;
}
