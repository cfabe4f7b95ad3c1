#include "border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings border_settings(void)
{
	return (struct settings){
		.nat = {.detect = NAT_VIA_SOURCE | NAT_CONTACT_PRIVATE,
			.fix_via = FIX_VIA_FULL,
			.fix_contact = true,
			.restore = true},
		.keepalive = {.rules.scope = KEEPALIVE_NATTED,
			.rules.interval_us = 25000000,
			.rules.method = KEEPALIVE_NOTIFY,
			.from = "sip:keepalive@PROXY",
			.registrations = true,
			.subscriptions = true,
			.dialogs = true,
			.rules.max_lost = 3,
			.reply_timeout_us = 5000000},
		.timers = {.transaction_us = 32000000,
			.invite_us = 180000000,
			.dialog_us = 43200000000},
		.limits = {.endpoints = 1000,
			.endpoints_per_address = 100,
			.unproven = 1000,
			.unproven_per_address = 100,
			.transactions = 1000,
			.datagram = 65535},
	};
}

void border_exempt(struct settings *settings, const char *text)
{
	struct network network;

	cr_assert_eq(network_parse(text_from(text), &network), 0);
	cr_assert_eq(networks_add(&settings->nat.exempt, &network), 0);
}

static void log_line(struct border *border, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	border->log_length += (size_t)vsnprintf(border->log + border->log_length,
		BORDER_LOG_MAX - border->log_length, format, arguments);
	va_end(arguments);
	cr_assert_lt(border->log_length, BORDER_LOG_MAX);
}

static void log_nat(struct border *border, unsigned nat)
{
	const char *comma = " ";

	for (unsigned i = 0; i < NAT_TESTS; i++) {
		if (nat & 1u << i) {
			log_line(border, "%s%s", comma, nat_test_names[i]);
			comma = ",";
		}
	}
	log_line(border, "\n");
}

static void log_reason(
	struct border *border, const char *name, const char *client, const struct event *event)
{
	static const char *const kinds[] = {"registration", "subscription", "dialog"};

	log_line(border, "%s %s %s %.*s ", name, client, kinds[event->reason.kind],
		(int)event->reason.id.length, event->reason.id.at);
	if (event->type == EVENT_REASON_END)
		log_line(border, "%s\n", event->reason.why);
	else
		log_line(border, "%u\n", event->reason.expires);
}

static void write_client(const struct border *border, const struct event *event,
	char client[static 2 * ADDRESS_TEXT_MAX])
{
	size_t length = address_format(&event->client, client);

	if (!address_equal(&event->proxy, &border->first_proxy)) {
		length += (size_t)sprintf(client + length, " at ");
		address_format(&event->proxy, client + length);
	}
}

static void on_event(void *context, const struct event *event)
{
	struct border *border = context;
	char client[2 * ADDRESS_TEXT_MAX];

	if (event->type == EVENT_ENDPOINT_ADD)
		border->added = (struct flow){.source = event->client, .destination = event->proxy};
	if (border->listener) {
		border->listener(border->listener_context, event);
		return;
	}
	if (event->restored && !border->logs_restored)
		return;
	if (event->restored)
		log_line(border, "restored ");
	snprintf(border->aor, sizeof(border->aor), "%.*s", (int)event->aor.length, event->aor.at);
	write_client(border, event, client);
	switch (event->type) {
	case EVENT_ENDPOINT_ADD:
		log_line(border, "endpoint-add %s", client);
		log_nat(border, event->nat);
		break;
	case EVENT_ENDPOINT_REMOVE:
		log_line(border, "endpoint-remove %s %s\n", client, event->why);
		break;
	case EVENT_REASON_ADD:
		log_reason(border, "reason-add", client, event);
		break;
	case EVENT_REASON_REFRESH:
		log_reason(border, "reason-refresh", client, event);
		break;
	case EVENT_REASON_END:
		log_reason(border, "reason-end", client, event);
		break;
	case EVENT_REWRITE:
		log_line(border, "rewrite %s %s\n", client, event->rewrite.in ? "in" : "out");
		break;
	case EVENT_KEEPALIVE:
		if (border->logs_keepalives)
			log_line(border, "keepalive %s %s\n", client, event->method);
		break;
	case EVENT_REPLY:
		if (border->logs_keepalives)
			log_line(border, "reply %s %u %llu ms\n", client, event->reply.status,
				(unsigned long long)(event->reply.rtt_us / 1000));
		break;
	case EVENT_LOST:
		log_line(border, "lost %s %u\n", client, event->missed);
		break;
	case EVENT_FOUND:
		log_line(border, "found %s %llu\n", client, (unsigned long long)event->silent_s);
		break;
	case EVENT_MALFORMED:
		log_line(border, "malformed %s %s\n", client, event->why);
		break;
	case EVENT_REFUSED:
		log_line(border, "refused %s %s\n", client, event->why);
		break;
	}
}

static void on_send(void *context, uint64_t now_us, const struct flow *flow, struct text bytes)
{
	struct border *border = context;
	struct border_sent *sent = &border->sent[border->sent_count % BORDER_SENT_MAX];

	cr_assert_leq(bytes.length, sizeof(sent->bytes));
	border->sent_count++;
	sent->time_us = now_us;
	sent->flow = *flow;
	sent->length = bytes.length;
	memcpy(sent->bytes, bytes.at, bytes.length);
	if (border->taker)
		border->taker(border->listener_context, sent);
}

struct border *border_new(void)
{
	struct border *border = calloc(1, sizeof(*border));

	border->sent = calloc(BORDER_SENT_MAX, sizeof(*border->sent));
	border->settings = border_settings();
	border->now_us = 1000000000;
	border->proxy = at("198.51.100.1:5060");
	return border;
}

void border_free(struct border *border)
{
	engine_free(border->engine);
	free(border->sent);
	free(border);
}

static void open_engine(struct border *border)
{
	static const uint8_t seed[16] = "a constant seed";
	struct engine_sink sink = {.context = border,
		.event = on_event,
		.send = border->sends_nothing ? NULL : on_send};

	if (border->engine)
		return;
	border->engine = engine_new(&border->settings, border->repairs, seed, &sink);
	cr_assert_not_null(border->engine);
	border->first_proxy = border->proxy;
	cr_assert_eq(engine_add_proxy(border->engine, &border->proxy), 0);
}

/* A packet adds one endpoint at most. */
static void prove_what_was_added(struct border *border)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	const uint16_t proxy =
		proxies_find(engine_proxies(border->engine), &border->added.destination);
	const uint32_t endpoint =
		proxy == PROXY_NONE ? 0 : endpoint_find(endpoints, &border->added.source, proxy);

	if (endpoint && !border->leaves_unproven)
		endpoint_prove(endpoints, endpoint);
	border->added = (struct flow){0};
}

/* The bytes are handed over in a block of their exact size, so that a sanitiser sees every read
 * past their end. */
void border_packet(struct border *border, const struct flow *flow, struct text bytes)
{
	char *copy = malloc(bytes.length ? bytes.length : 1);

	open_engine(border);
	memcpy(copy, bytes.at, bytes.length);
	border->outcome = engine_packet(
		border->engine, border->now_us, flow, (struct text){copy, bytes.length});
	prove_what_was_added(border);
	free(copy);
}

void border_in(struct border *border, const char *client, const char *format, ...)
{
	struct flow flow = {.source = at(client), .destination = border->proxy};
	char bytes[8192];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(bytes, sizeof(bytes), format, arguments);
	va_end(arguments);
	border_packet(border, &flow, (struct text){bytes, (size_t)length});
}

void border_out(struct border *border, const char *client, const char *format, ...)
{
	struct flow flow = {.source = border->proxy, .destination = at(client)};
	char bytes[8192];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(bytes, sizeof(bytes), format, arguments);
	va_end(arguments);
	border_packet(border, &flow, (struct text){bytes, (size_t)length});
}

void border_take_proxy(struct border *border, const char *proxy)
{
	open_engine(border);
	border->proxy = at(proxy);
	cr_assert_eq(engine_add_proxy(border->engine, &border->proxy), 0);
}

void border_wait(struct border *border, double seconds)
{
	open_engine(border);
	border->now_us += (uint64_t)(seconds * 1e6);
	engine_advance(border->engine, border->now_us);
}

bool border_runs_before(struct border *border, uint64_t time_us)
{
	uint64_t next_us;

	open_engine(border);
	next_us = engine_next(border->engine);
	border->now_us = next_us < time_us ? next_us : time_us;
	engine_advance(border->engine, border->now_us);
	return next_us < time_us;
}

static void restore_all(struct endpoints *to, const struct endpoints *from)
{
	int64_t slots[1];
	struct record record;

	for (uint32_t slot = 1; slot <= from->reasons.used; slot++) {
		if (record_read(from, slot, &record))
			records_restore(to, &record, 1, slots);
	}
	records_resume(to);
}

void border_restart(struct border *border)
{
	struct engine *before;
	const struct proxies *proxies;
	struct address first_proxy;

	open_engine(border);
	before = border->engine;
	proxies = engine_proxies(before);
	first_proxy = border->first_proxy;
	border->engine = NULL;
	open_engine(border);
	border->first_proxy = first_proxy;
	for (unsigned i = 0; i < proxies->count; i++)
		cr_assert_eq(engine_add_proxy(border->engine, &proxies->list[i]), 0);
	engine_advance(border->engine, border->now_us);
	restore_all(engine_endpoints(border->engine), engine_endpoints(before));
	engine_free(before);
}

void border_pause(struct border *border, double seconds)
{
	border->now_us += (uint64_t)(seconds * 1e6);
	engine_resume(border->engine, border->now_us, border->deaf_us);
}

void border_expect_at(struct border *border, const char *lines, const char *file, int line)
{
	cr_assert_str_eq(border->log, lines, "%s:%d:\nexpected:\n%sgot:\n%s", file, line, lines,
		border->log);
	border_forget(border);
}

void border_forget(struct border *border)
{
	border->log_length = 0;
	border->log[0] = 0;
}

static struct registration complete(struct registration registration)
{
	static char branch[256];

	if (!registration.aor)
		registration.aor = "sip:alice@example.com";
	if (!registration.call_id)
		registration.call_id = "call";
	if (!registration.via)
		registration.via = "192.168.1.10:5060";
	if (!registration.cseq)
		registration.cseq = 1;
	if (!registration.extra)
		registration.extra = "";
	if (!registration.credentials)
		registration.credentials = "";
	if (!registration.branch) {
		snprintf(branch, sizeof(branch), "z9hG4bK-%s-%u", registration.call_id,
			registration.cseq);
		registration.branch = branch;
	}
	return registration;
}

/* What the registrar knows of a Call-ID; of one that is new, a Contact of its own. */
static struct border_binding *binding_of(struct border *border, const struct registration *r)
{
	static struct border_binding one_too_many;
	struct border_binding *binding = border->bindings, *end = binding + border->binding_count;
	unsigned number = border->binding_count;

	while (binding < end &&
		(strcmp(binding->aor, r->aor) || strcmp(binding->call_id, r->call_id)))
		binding++;
	if (binding < end)
		return binding;
	if (number == BORDER_BINDINGS_MAX)
		binding = &one_too_many;
	else
		border->binding_count++;
	*binding = (struct border_binding){0};
	snprintf(binding->aor, sizeof(binding->aor), "%s", r->aor);
	snprintf(binding->call_id, sizeof(binding->call_id), "%s", r->call_id);
	snprintf(binding->contact, sizeof(binding->contact), "<sip:alice@192.168.1.%u:5060>",
		10 + number);
	return binding;
}

/* What the registrar lists in a 2xx when the test does not say. */
static const char *list_bindings(struct border *border, const struct registration *r)
{
	struct border_binding *own = binding_of(border, r);
	static char list[BORDER_BINDINGS_MAX * 300];
	size_t length = 0;

	own->is_listed = !r->expires || strcmp(r->expires, "0") != 0;
	*list = 0;
	if (own->is_listed)
		length = (size_t)sprintf(list, "%s", own->contact);
	for (unsigned i = 0; i < border->binding_count; i++) {
		const struct border_binding *binding = &border->bindings[i];

		if (binding != own && binding->is_listed && !strcmp(binding->aor, r->aor))
			length += (size_t)sprintf(
				list + length, "%s%s", length ? ", " : "", binding->contact);
	}
	return list;
}

void border_register(struct border *border, const char *client, struct registration given)
{
	struct registration r = complete(given);
	struct border_binding *binding = binding_of(border, &r);

	if (r.contact)
		snprintf(binding->contact, sizeof(binding->contact), "%s", r.contact);
	else
		r.contact = binding->contact;

	border_in(border, client,
		"REGISTER sip:example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s%s%s;rport\r\n"
		"From: <%s>;tag=1\r\n"
		"To: <%s>\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %u REGISTER\r\n"
		"%s%s%s"
		"%s%s%s"
		"%s"
		"Content-Length: 0\r\n\r\n",
		r.via, *r.branch ? ";branch=" : "", r.branch, r.aor, r.aor, r.call_id, r.cseq,
		*r.contact ? "Contact: " : "", r.contact, *r.contact ? "\r\n" : "",
		r.expires ? "Expires: " : "", r.expires ? r.expires : "", r.expires ? "\r\n" : "",
		r.credentials);
}

void border_answer(
	struct border *border, const char *client, unsigned status, struct registration given)
{
	struct registration r = complete(given);

	const char *list =
		status / 100 == 2 ? list_bindings(border, &r) : binding_of(border, &r)->contact;

	if (!r.contact)
		r.contact = list;
	border_out(border, client,
		"SIP/2.0 %u Whatever\r\n"
		"Via: SIP/2.0/UDP %s%s%s;rport=1;received=203.0.113.1\r\n"
		"From: <%s>;tag=1\r\n"
		"To: <%s>;tag=2\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %u REGISTER\r\n"
		"%s%s%s"
		"%s%s%s"
		"%s"
		"Content-Length: 0\r\n\r\n",
		status, r.via, *r.branch ? ";branch=" : "", r.branch, r.aor, r.aor, r.call_id,
		r.cseq, *r.contact ? "Contact: " : "", r.contact, *r.contact ? "\r\n" : "",
		r.expires ? "Expires: " : "", r.expires ? r.expires : "", r.expires ? "\r\n" : "",
		r.extra);
}

void border_bind(struct border *border, const char *client, struct registration registration)
{
	border_register(border, client, registration);
	border_answer(border, client, 200, registration);
}

void border_bind_many(struct border *border, unsigned count)
{
	border->settings.limits.endpoints_per_address = count;
	for (unsigned i = 0; i < count; i++) {
		char client[32], call_id[32], aor[64];

		snprintf(client, sizeof(client), "203.0.113.1:%u", 10000 + i);
		snprintf(call_id, sizeof(call_id), "call-%u", i);
		snprintf(aor, sizeof(aor), "sip:%u@example.com", i);
		border_bind(border, client,
			(struct registration){.aor = aor, .call_id = call_id, .expires = "3600"});
		border_forget(border);
	}
}
