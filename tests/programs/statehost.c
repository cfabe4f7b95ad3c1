/* State without a network, for tests that break the disk beneath it.
 *
 *     statehost DIRECTORY
 *
 * Reads commands from standard input, a line each; at the end of it, stops cleanly:
 *     hold N         adds N reasons
 *     register NAME  adds a registration of NAME
 *     run SECONDS    runs the event loop for so long
 *     sync SECONDS   runs it until everything is on the disk; for so long at most
 * After each command prints "reasons R lag-ms L longest-turn-us T", and what the state has to say
 * when it says it. Shell commands may come in between: the output is flushed by the line. */
#include <natbox/endpoints.h>
#include <natbox/state.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SYNC_US = 200000, TURN_US = 1000, ENDPOINTS = 200000, LINE_MAX_BYTES = 128 };

static const struct address proxy = {
	.ip = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 1}, .port = 5060};

struct host {
	struct engine *engine;
	struct state *state;
	uint32_t held;
	uint64_t longest_us; /* that a turn of the loop took, once it had a processor */
};

static uint64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static void on_notice(void *context, enum state_notice notice, const char *line)
{
	(void)context;
	printf("%s: %s\n", notice != STATE_INFO ? "fault" : "info", line);
}

static void on_send(void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context;
	(void)time_us;
	(void)flow;
	(void)bytes;
}

static bool start(struct host *host, const char *directory)
{
	const struct settings settings = {
		.keepalive = {.rules.scope = KEEPALIVE_NATTED,
			.rules.interval_us = 25000000,
			.from = "sip:keepalive@PROXY",
			.registrations = true,
			.subscriptions = true,
			.dialogs = true},
		.timers = {32000000, 180000000, 43200000000},
		.limits = {.endpoints = ENDPOINTS,
			.endpoints_per_address = ENDPOINTS,
			.unproven = ENDPOINTS,
			.unproven_per_address = ENDPOINTS,
			.transactions = 1000,
			.datagram = 65535},
	};
	const struct state_options options = {
		.path = directory, .sync_us = SYNC_US, .notice = on_notice};
	const struct engine_sink sink = {.send = on_send};

	state_prepare(directory, geteuid(), getegid());
	host->state = state_open(&options);
	if (!host->state)
		return false;
	host->engine = engine_new(&settings, false, state_seed(host->state), &sink);
	return host->engine && engine_add_proxy(host->engine, &proxy) == 0 &&
	       state_start(host->state, host->engine, now_us()) == 0;
}

static void hold_one(struct host *host, enum reason_kind kind, const char *id)
{
	const uint32_t number = ++host->held;
	const uint8_t ip[4] = {
		10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
	struct reason_claim claim = {
		.client = address_ipv4(ip, 5060),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.kind = kind,
		.key = now_us() << 20 | number,
		.id = text_from(id),
		.seconds = 3600,
	};

	reason_hold(engine_endpoints(host->engine), &claim);
}

static void hold(struct host *host, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		hold_one(host, (enum reason_kind)(i % 3), "sip:somebody@example.com");
}

/* How long this thread has been ready to run while others did; 0 where the kernel does not tell. */
static uint64_t waited_for_processor_us(void)
{
	unsigned long long ran_ns, waited_ns = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &ran_ns, &waited_ns) != 2)
		waited_ns = 0;
	fclose(file);
	return waited_ns / 1000;
}

static void turn(struct host *host)
{
	uint64_t start_us = now_us(), waited_us = waited_for_processor_us(), took_us;

	engine_advance(host->engine, start_us);
	state_run(host->state, start_us);
	took_us = now_us() - start_us;
	waited_us = waited_for_processor_us() - waited_us;
	took_us = took_us > waited_us ? took_us - waited_us : 0;
	host->longest_us = took_us > host->longest_us ? took_us : host->longest_us;
	usleep(TURN_US);
}

static void command(struct host *host, const char *line)
{
	uint64_t start_us = now_us();
	char name[LINE_MAX_BYTES];
	unsigned number = 0;

	if (sscanf(line, "hold %u", &number) == 1)
		hold(host, number);
	else if (sscanf(line, "register %127[^\n]", name) == 1)
		hold_one(host, REASON_REGISTRATION, name);
	else if (sscanf(line, "run %u", &number) == 1)
		while (now_us() - start_us < number * 1000000ull)
			turn(host);
	else if (sscanf(line, "sync %u", &number) == 1)
		do
			turn(host);
		while (state_lag(host->state, now_us()) &&
			now_us() - start_us < number * 1000000ull);
	printf("reasons %u lag-ms %llu longest-turn-us %llu\n",
		engine_counters(host->engine).reasons,
		(unsigned long long)state_lag(host->state, now_us()) / 1000,
		(unsigned long long)host->longest_us);
	host->longest_us = 0;
}

int main(int argc, char **argv)
{
	struct host host = {0};
	char line[LINE_MAX_BYTES];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || !start(&host, argv[1])) {
		fprintf(stderr, "usage: statehost DIRECTORY\n");
		return 2;
	}
	printf("reasons %u\n", engine_counters(host.engine).reasons);
	while (fgets(line, sizeof(line), stdin))
		command(&host, line);
	state_close(host.state, now_us());
	engine_free(host.engine);
	return 0;
}
