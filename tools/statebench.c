/* What state costs: how long a start takes with many endpoints, and what a message costs the packet
 * path with and without it.
 *
 *     statebench DIRECTORY [ENDPOINTS [PHONES [SECONDS]]]
 *
 * Prints a name and a number a line. DIRECTORY is made and emptied. With 0 PHONES, which are those
 * that send messages, nothing is measured, and the state of ENDPOINTS stays there: 100.0.0.1:5060
 * and on, registered at 198.51.100.1:5060 for an hour; or, with SECONDS, until all of them end
 * within one second, so many after the first has come. */
#include <natbox/endpoints.h>
#include <natbox/state.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 1024,
	BATCH = 64,
	ROUNDS = 4,
	RUNS = 2,
	SECONDS = 3600,
	INTERVAL_US = 60000000,
	TURN_US = 100,
	WRITTEN_AFTER_US = 60000000, /* at most, whatever the disk */
};

static const struct address proxy = {
	.ip = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 1}, .port = 5060};

struct host {
	struct engine *engine;
	struct state *state;
	uint64_t ahead_us; /* of the clock */
};

static uint64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* Processor time of this process and of those it has started. */
static uint64_t spent_us(void)
{
	struct rusage children;

	getrusage(RUSAGE_CHILDREN, &children);
	return clock_us(CLOCK_PROCESS_CPUTIME_ID) +
	       (uint64_t)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
}

static void on_notice(void *context, enum state_notice notice, const char *line)
{
	(void)context;
	(void)notice;
	fprintf(stderr, "# %s\n", line);
}

static void on_send(void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context;
	(void)time_us;
	(void)flow;
	(void)bytes;
}

static struct host host_start(const char *directory, uint32_t endpoints)
{
	const struct settings settings = {
		.nat = {.detect = NAT_VIA_SOURCE, .fix_contact = true, .restore = true},
		.keepalive = {.rules.scope = KEEPALIVE_NATTED,
			.rules.interval_us = INTERVAL_US,
			.from = "sip:keepalive@PROXY",
			.registrations = true,
			.subscriptions = true,
			.dialogs = true,
			.reply_timeout_us = 5000000},
		.timers = {32000000, 180000000, 43200000000},
		.limits = {.endpoints = endpoints,
			.endpoints_per_address = endpoints,
			.unproven = endpoints,
			.unproven_per_address = endpoints,
			.transactions = 200000,
			.datagram = 65535},
	};
	const struct state_options options = {
		.path = directory, .sync_us = 1000000, .notice = on_notice};
	const struct engine_sink sink = {.send = on_send};
	struct host host = {.state = state_open(&options)};

	host.engine =
		host.state ? engine_new(&settings, true, state_seed(host.state), &sink) : NULL;
	if (!host.engine || engine_add_proxy(host.engine, &proxy) != 0 ||
		state_start(host.state, host.engine, now_us()) != 0)
		exit(1);
	return host;
}

static void host_stop(struct host *host)
{
	state_close(host->state, now_us() + host->ahead_us);
	engine_free(host->engine);
}

static struct address client_of(uint32_t number)
{
	struct address client = {.ip = {[10] = 0xff,
					 [11] = 0xff,
					 100,
					 (uint8_t)(number >> 16),
					 (uint8_t)(number >> 8),
					 (uint8_t)number},
		.port = 5060};

	return client;
}

/* Every endpoint is registered, every fourth subscribes to something, every eighth has a call. They
 * come evenly within a keepalive interval, for which nobody waits; or, where all are to end end_s
 * from now on, at once. */
static void populate(struct host *host, uint32_t count, uint32_t end_s)
{
	struct endpoints *endpoints = engine_endpoints(host->engine);
	static const uint32_t every[] = {1, 4, 8};
	const uint64_t start_us = now_us();

	for (uint32_t i = 1; i <= count; i++) {
		const uint32_t passed_s = (uint32_t)((now_us() - start_us) / 1000000);

		for (unsigned kind = 0; kind < 3; kind++) {
			char id[64];
			struct reason_claim claim = {
				.client = client_of(i),
				.nat = NAT_VIA_SOURCE,
				.proven = true,
				.kind = (enum reason_kind)kind,
				.key = (i * 4ull + kind) * 0x9e3779b97f4a7c15,
				.seconds = end_s ? end_s - passed_s : SECONDS,
			};

			if (i % every[kind])
				continue;
			claim.id = (struct text){id,
				(size_t)snprintf(id, sizeof(id), "sip:phone-%07u@example.com", i)};
			reason_hold(endpoints, &claim);
		}
		if (i % BATCH == 0) {
			const uint64_t time_us =
				end_s ? now_us() : start_us + (uint64_t)INTERVAL_US * i / count;

			engine_advance(host->engine, time_us);
			state_run(host->state, time_us);
		}
	}
	host->ahead_us = end_s ? 0 : start_us + INTERVAL_US - now_us();
}

/* A clean stop does not wait as long as a slow disk may take for so much. */
static void stop_when_written(struct host *host)
{
	const uint64_t deadline_us = now_us() + WRITTEN_AFTER_US;

	while (state_lag(host->state, now_us() + host->ahead_us)) {
		if (now_us() > deadline_us) {
			fprintf(stderr, "statebench: the disk has not taken all within %d s\n",
				WRITTEN_AFTER_US / 1000000);
			exit(1);
		}
		state_run(host->state, now_us() + host->ahead_us);
		usleep(TURN_US);
	}
	host_stop(host);
}

static void make_state(const char *directory, uint32_t count, uint32_t end_s)
{
	struct host host = host_start(directory, count);

	populate(&host, count, end_s);
	stop_when_written(&host);
}

static void measure_restart(const char *directory, uint32_t count)
{
	struct host host;
	uint64_t start_us, processor_us;
	uint32_t back;

	for (unsigned i = 0; i < ROUNDS; i++) {
		start_us = now_us();
		processor_us = spent_us();
		host = host_start(directory, count);
		printf("restore_s %.3f\n", (double)(now_us() - start_us) / 1e6);
		printf("restore_cpu_s %.3f\n", (double)(spent_us() - processor_us) / 1e6);
		back = engine_counters(host.engine).endpoints;
		if (back != count) {
			fprintf(stderr, "statebench: of %s %u endpoints are back, not %u\n",
				directory, back, count);
			exit(1);
		}
		stop_when_written(&host);
	}
}

/* A REGISTER of a phone, or the answer to it. */
static size_t write_message(char *out, uint32_t phone, unsigned cseq, bool answer)
{
	return (size_t)snprintf(out, MESSAGE_MAX,
		"%s\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK%u-%u;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:phone-%07u@example.com>;tag=1\r\n"
		"To: <sip:phone-%07u@example.com>%s\r\n"
		"Call-ID: call-%u@phone\r\n"
		"CSeq: %u REGISTER\r\n"
		"Contact: <sip:phone-%07u@10.0.0.1:5060>;expires=%d\r\n"
		"User-Agent: statebench\r\n"
		"Content-Length: 0\r\n\r\n",
		answer ? "SIP/2.0 200 OK" : "REGISTER sip:example.com SIP/2.0", phone, cseq, phone,
		phone, answer ? ";tag=2" : "", phone, cseq, phone, SECONDS);
}

static struct flow flow_of(uint32_t phone, bool answer)
{
	const struct address client = client_of(phone);

	return (struct flow){
		.source = answer ? proxy : client, .destination = answer ? client : proxy};
}

/* Later they do not come in the order in which they came first, in which they lie in memory. */
static uint32_t phone_at(uint32_t place, unsigned cseq, uint32_t phones)
{
	static const uint64_t step = 618033989; /* the golden section of 10^9 */

	return cseq == 1 ? place : (uint32_t)(place * step % phones);
}

/* Processor time of this thread a message in nanoseconds: of the first ones of phones, which make
 * them known and take memory that nobody has touched, and of those that come again and again. */
struct cost {
	double first, again;
};

static struct cost measure_messages(const char *directory, uint32_t phones)
{
	static char messages[BATCH][MESSAGE_MAX];
	struct host host = host_start(directory, phones);
	uint64_t spent_us = 0, first_us = 0, count = 0, wall_us = now_us();
	size_t lengths[BATCH];

	for (unsigned cseq = 1; cseq <= ROUNDS; cseq++) {
		for (uint32_t phone = 0; phone + BATCH <= phones * 2; phone += BATCH) {
			struct flow flows[BATCH];
			uint64_t start_us;

			for (unsigned i = 0; i < BATCH; i++) {
				const uint32_t number = phone_at((phone + i) / 2, cseq, phones);

				flows[i] = flow_of(number, i % 2);
				lengths[i] = write_message(messages[i], number, cseq, i % 2);
			}
			start_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
			engine_expect(host.engine, flows, BATCH); /* as a wire does */
			for (unsigned i = 0; i < BATCH; i++)
				engine_packet(host.engine, now_us(), &flows[i],
					(struct text){messages[i], lengths[i]});
			state_run(host.state, now_us());
			spent_us += clock_us(CLOCK_THREAD_CPUTIME_ID) - start_us;
			count += BATCH;
		}
		if (cseq == 1)
			first_us = spent_us;
	}
	wall_us = now_us() - wall_us;
	fprintf(stderr, "# %.0f messages a second, lag at the end %llu ms\n",
		(double)count * 1e6 / (double)wall_us,
		(unsigned long long)state_lag(host.state, now_us()) / 1000);
	host_stop(&host);
	return (struct cost){
		.first = (double)first_us * 1000 * ROUNDS / (double)count,
		.again = (double)(spent_us - first_us) * 1000 * ROUNDS / (ROUNDS - 1) /
			 (double)count,
	};
}

static void empty(const char *directory)
{
	char file[4096];

	snprintf(file, sizeof(file), "%s/state.db", directory);
	unlink(file);
}

/* The least of several runs is the one that was disturbed least. */
static double least(double a, double b)
{
	return a > 0 && a < b ? a : b;
}

int main(int argc, char **argv)
{
	double first = 0, without = 0, with = 0;
	uint32_t endpoints = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
	uint32_t phones = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 100000;

	if (argc < 2) {
		fprintf(stderr, "usage: statebench DIRECTORY [ENDPOINTS [PHONES [SECONDS]]]\n");
		return 2;
	}
	empty(argv[1]);
	make_state(argv[1], endpoints, argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0);
	if (!phones)
		return 0;
	measure_restart(argv[1], endpoints);
	for (unsigned i = 0; i < RUNS; i++) {
		struct cost cost = measure_messages("", phones);

		first = least(first, cost.first);
		without = least(without, cost.again);
		empty(argv[1]);
		cost = measure_messages(argv[1], phones);
		with = least(with, cost.again);
	}
	printf("first_message_ns_without_state %.0f\n", first);
	printf("message_ns_without_state %.0f\nmessage_ns_with_state %.0f\n", without, with);
	return 0;
}
