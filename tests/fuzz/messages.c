/* Fuzzer of the engine: what phones and proxies say to each other, one datagram after the other,
 * and the time between them.
 *
 * A datagram begins after a line of '%', '>' (to the proxy) or '<', a byte for the phone and one
 * for the time since the one before: a millisecond, doubled as often as its last five bits say.
 *
 *     %>1a
 *     REGISTER sip:example.com SIP/2.0
 *
 * What is held against it: rewritten messages fit a datagram, natbox sends from proxies to phones
 * alone, and once everything is over nothing is kept. */
#include <natbox/engine.h>
#include <natbox/keepalive.h>

#include <stdlib.h>
#include <string.h>

enum { PHONES = 8, LINE_LENGTH = 4, DATAGRAM_MAX = 65507 };

/* Before time runs over. */
enum { INPUTS_OF_ONE_ENGINE = 10000 };

/* Longer than any reason lasts, and than what is noted of one that has ended. */
#define FOR_GOOD_US (UINT64_C(91) * 24 * 3600 * 1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct address address_of(unsigned a, unsigned b, unsigned c, unsigned d, uint16_t port)
{
	return (struct address){
		.ip = {[10] = 0xff, 0xff, (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d},
		.port = port};
}

static struct address proxy(void)
{
	return address_of(198, 51, 100, 1, 5060);
}

/* Two of them behind one address. */
static struct address phone(unsigned number)
{
	return address_of(203, 0, 113, 1 + number / 2, (uint16_t)(40000 + number));
}

static void on_event(void *context, const struct event *event)
{
	(void)context;
	(void)event;
}

static void on_send(void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	const struct address from = proxy();

	(void)context;
	(void)time_us;
	expect(address_equal(&flow->source, &from) && !address_equal(&flow->destination, &from));
	expect(bytes.at && bytes.length <= DATAGRAM_MAX);
}

static struct engine *start(void)
{
	static const uint8_t seed[16];
	const struct settings settings = {
		.nat = {.detect = (1u << NAT_TESTS) - 1,
			.fix_via = FIX_VIA_FULL,
			.fix_contact = true,
			.restore = true,
			.max_expires_us = 300000000},
		.relay = {.lost_answer = LOST_ANSWER_480},
		.keepalive = {.rules.scope = KEEPALIVE_ALL,
			.rules.interval_us = INTERVAL_MAX_S * UINT64_C(1000000),
			.from = "sip:USER@PROXY",
			.rules.max_lost = 3,
			.registrations = true,
			.subscriptions = true,
			.dialogs = true,
			.reply_timeout_us = 5000000},
		.timers = {32000000, 180000000, UINT64_C(12) * 3600 * 1000000},
		.limits = {.endpoints = 16,
			.endpoints_per_address = 4,
			.unproven = 8,
			.unproven_per_address = 3,
			.transactions = 8,
			.datagram = DATAGRAM_MAX},
	};
	const struct engine_sink sink = {.send = on_send, .event = on_event};
	const struct address address = proxy();
	struct engine *engine = engine_new(&settings, true, seed, &sink);

	expect(engine && engine_add_proxy(engine, &address) == 0);
	return engine;
}

/* In memory of exactly its size, so that a sanitiser sees every byte read beyond the end. */
static void pass(struct engine *engine, uint64_t now_us, const struct flow *flow, struct text text)
{
	char *copy = malloc(text.length ? text.length : 1);
	struct outcome outcome;

	expect(copy);
	memcpy(copy, text.at, text.length);
	outcome = engine_packet(engine, now_us, flow, (struct text){copy, text.length});
	if (outcome.verdict == VERDICT_REWRITE)
		expect(outcome.bytes.at && outcome.bytes.length <= DATAGRAM_MAX);
	free(copy);
}

/* The next datagram from there on, NULL: there is none. *head: the line before it. */
static const char *next(const char *at, const char *end, const char **head)
{
	const char *line_end;

	while ((at = memchr(at, '%', (size_t)(end - at)))) {
		if (end - at < LINE_LENGTH + 1)
			return NULL;
		line_end = at + LINE_LENGTH + (at[LINE_LENGTH] == '\r');
		if (line_end < end && *line_end == '\n' && (at[1] == '>' || at[1] == '<')) {
			*head = at;
			return line_end + 1;
		}
		at++;
	}
	return NULL;
}

static void run(struct engine *engine, const char *at, const char *end, uint64_t *now_us)
{
	const struct address there = proxy();
	const char *head, *after_head = NULL;

	at = next(at, end, &head);
	while (at) {
		const struct address here = phone((unsigned char)head[2] % PHONES);
		const bool in = head[1] == '>';
		const struct flow flow = {in ? here : there, in ? there : here};
		const char *after;

		*now_us += UINT64_C(1000) << (head[3] & 31);
		after = next(at, end, &after_head);
		pass(engine, *now_us, &flow,
			(struct text){at, (size_t)((after ? after_head : end) - at)});
		at = after;
		head = after_head;
	}
}

/* One engine serves many inputs, as it takes longer to make than to use. Each begins where nothing
 * is left of the one before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine *engine;
	static unsigned inputs;
	static uint64_t now_us;

	if (inputs++ % INPUTS_OF_ONE_ENGINE == 0) {
		engine_free(engine);
		engine = start();
		now_us = 1000000;
	}
	if (size)
		run(engine, (const char *)data, (const char *)data + size, &now_us);
	for (unsigned i = 0; i < 2; i++)
		engine_advance(engine, now_us += FOR_GOOD_US);
	expect(engine_counters(engine).endpoints == 0 && engine_counters(engine).transactions == 0);
	return 0;
}
