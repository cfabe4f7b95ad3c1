/* Kills natbox's state at random moments under load, and compares what comes back with what was
 * acknowledged.
 *
 *     statekill DIRECTORY [KILLS [SYNC_MS [SEED]]]
 *
 * A child process runs an engine with its state, and phones that register, move, unregister,
 * subscribe, call and hang up. It writes down each step once the answer has passed, in memory that
 * it shares with its parent, and how old the oldest change is that the state says is not on the
 * disk. The parent kills it (SIGKILL), starts the next on the same directory, and looks at what
 * that one restores: what was acknowledged before the oldest of those changes must be as it was,
 * what came after it may be as it was at any time since; and that time is never longer than 2 s. */
#include <natbox/endpoints.h>
#include <natbox/state.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PHONES = 2000,
	KINDS = 3,
	THINGS = PHONES * KINDS, /* a phone's registration, subscription and call */
	PORTS = 4,               /* that a phone's NAT gives it, one after the other */
	PORT_FIRST = 5061,
	STEPS_MAX = 1 << 20,
	STEPS_A_TURN = 4,
	TURN_US = 200,
	MESSAGE_MAX = 1024,
	LOST_MAX_US = 2000000,
	START_MAX_US = 60000000,
	FORMER_MAX = 64,
};

/* A thing's state: 0 there is none, else the port it is at, counted from 1. */
struct step {
	uint64_t time_us;
	uint32_t thing;
	uint8_t state;
};

/* What the child tells its parent. */
struct shared {
	volatile uint32_t ready;
	volatile uint32_t count;
	volatile uint64_t kept_us; /* changes before this are on the disk */
	uint8_t restored[THINGS];  /* the states it came back in, a bit each */
	struct step steps[STEPS_MAX];
};

static const struct address proxy = {
	.ip = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 1}, .port = 5060};

static uint64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static void on_notice(void *context, enum state_notice notice, const char *line)
{
	(void)context;
	if (notice != STATE_INFO)
		printf("# %s\n", line);
}

static void on_send(void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context;
	(void)time_us;
	(void)flow;
	(void)bytes;
}

static struct address client_of(unsigned phone, unsigned state)
{
	struct address client = {
		.ip = {[10] = 0xff, [11] = 0xff, 100, 64, (uint8_t)(phone >> 8), (uint8_t)phone},
		.port = (uint16_t)(PORT_FIRST + state - 1)};

	return client;
}

struct child {
	struct shared *shared;
	struct engine *engine;
	struct state *state;
	unsigned sequence;
	uint8_t states[THINGS];
	/* The last number of its Call-ID: each call and subscription has another. */
	unsigned calls[THINGS];
};

static void pass(struct child *child, bool in, unsigned phone, unsigned state, const char *bytes)
{
	const struct address client = client_of(phone, state);
	const struct flow flow = {
		.source = in ? client : proxy, .destination = in ? proxy : client};

	engine_packet(child->engine, now_us(), &flow, text_from(bytes));
}

/* A request of a phone and its answer. */
static void transact(struct child *child, unsigned thing, unsigned state, const char *method,
	bool has_tag, const char *headers)
{
	char rest[MESSAGE_MAX / 2], message[MESSAGE_MAX];
	unsigned phone = thing / KINDS;

	child->sequence++;
	snprintf(rest, sizeof(rest),
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK%u;rport\r\n"
		"From: <sip:%u@example.com>;tag=own\r\n"
		"Call-ID: %u-%u\r\nCSeq: %u %s\r\n%sContent-Length: 0\r\n",
		child->sequence, phone, thing, child->calls[thing], child->sequence, method,
		headers);
	snprintf(message, sizeof(message),
		"%s sip:example.com SIP/2.0\r\n%sTo: <sip:%u@example.com>%s\r\n\r\n", method, rest,
		phone, has_tag ? ";tag=other" : "");
	pass(child, true, phone, state, message);
	snprintf(message, sizeof(message),
		"SIP/2.0 200 OK\r\n%sTo: <sip:%u@example.com>;tag=other\r\n\r\n", rest, phone);
	pass(child, false, phone, state, message);
}

/* Brings a thing into a state: a port, or 0. */
static void enter(struct child *child, unsigned thing, unsigned state)
{
	unsigned phone = thing / KINDS, at = state ? state : child->states[thing];
	char headers[128];

	if (!child->states[thing] && thing % KINDS != REASON_REGISTRATION)
		child->calls[thing] = child->sequence;
	switch ((enum reason_kind)(thing % KINDS)) {
	case REASON_REGISTRATION:
		snprintf(headers, sizeof(headers), "Contact: <sip:%u@10.0.0.1>;expires=%d\r\n",
			phone, state ? 3600 : 0);
		transact(child, thing, at, "REGISTER", false, headers);
		break;
	case REASON_SUBSCRIPTION:
		snprintf(headers, sizeof(headers), "Event: presence\r\nExpires: %d\r\n",
			state ? 3600 : 0);
		transact(child, thing, at, "SUBSCRIBE", false, headers);
		break;
	case REASON_DIALOG:
		transact(child, thing, at, state ? "INVITE" : "BYE", !state, "");
		break;
	}
	child->states[thing] = (uint8_t)state;
}

/* Only what registers can move: the others are bound to the flow they began on. */
static unsigned choose_state(const struct child *child, unsigned thing)
{
	if (thing % KINDS == REASON_REGISTRATION && rand() % 2)
		return 1 + (unsigned)rand() % PORTS;
	return child->states[thing] ? 0 : 1;
}

/* Which thing a record is of; *call: the last number of its Call-ID, 0 of a registration. */
static unsigned thing_of(const struct record *record, unsigned *call)
{
	char id[64];

	*call = 0;
	snprintf(id, sizeof(id), "%.*s", (int)record->id.length, record->id.at);
	if (record->kind != REASON_REGISTRATION)
		sscanf(id, "%*u-%u", call);
	return (unsigned)(record->client.ip[14] << 8 | record->client.ip[15]) * KINDS +
	       (unsigned)record->kind;
}

/* A thing may come back twice where it ended, or moved, and began anew since what was kept: the
 * state had read the one before that, and the other after it. */
static void note_restored(struct child *child)
{
	const struct endpoints *endpoints = engine_endpoints(child->engine);
	struct record record;

	for (uint32_t slot = 1; slot <= endpoints->reasons.used; slot++) {
		unsigned thing, call;

		if (!record_read(endpoints, slot, &record))
			continue;
		thing = thing_of(&record, &call);
		child->states[thing] = (uint8_t)(record.client.port - PORT_FIRST + 1);
		child->shared->restored[thing] |= (uint8_t)(1 << child->states[thing]);
		if (call > child->calls[thing])
			child->calls[thing] = call;
	}
	child->shared->ready = 1;
}

static void child_start(struct child *child, const char *directory, uint64_t sync_us)
{
	const struct settings settings = {
		.nat = {.detect = NAT_VIA_SOURCE},
		.keepalive = {.rules.scope = KEEPALIVE_NATTED,
			.rules.interval_us = 25000000,
			.from = "sip:keepalive@PROXY",
			.registrations = true,
			.subscriptions = true,
			.dialogs = true,
			.reply_timeout_us = 5000000},
		.timers = {32000000, 180000000, 43200000000},
		.limits = {.endpoints = PHONES * PORTS,
			.endpoints_per_address = PHONES,
			.unproven = PHONES * PORTS,
			.unproven_per_address = PHONES,
			.transactions = 100000,
			.datagram = 65535},
	};
	const struct state_options options = {
		.path = directory, .sync_us = sync_us, .notice = on_notice};
	const struct engine_sink sink = {.send = on_send};

	child->state = state_open(&options);
	child->engine =
		child->state ? engine_new(&settings, true, state_seed(child->state), &sink) : NULL;
	if (!child->engine || engine_add_proxy(child->engine, &proxy) != 0 ||
		state_start(child->state, child->engine, now_us()) != 0)
		_exit(1);
}

static void note_step(struct shared *shared, unsigned thing, unsigned state)
{
	shared->steps[shared->count] =
		(struct step){.time_us = now_us(), .thing = thing, .state = (uint8_t)state};
	shared->count++;
}

static void take_step(struct child *child)
{
	struct shared *shared = child->shared;
	unsigned thing = (unsigned)rand() % THINGS, state = choose_state(child, thing);

	enter(child, thing, state);
	note_step(shared, thing, state);
}

/* A call may come back that had ended since what was kept, and beside it the phone's next one. The
 * phone ends it now; until that is kept, too, it may come back once more. */
static void end_former_calls(struct child *child)
{
	const struct endpoints *endpoints = engine_endpoints(child->engine);
	struct former {
		unsigned thing, call;
	} former[FORMER_MAX] = {{0}};
	unsigned count = 0;
	struct record record;

	for (uint32_t slot = 1; slot <= endpoints->reasons.used && count < FORMER_MAX; slot++) {
		if (!record_read(endpoints, slot, &record))
			continue;
		former[count].thing = thing_of(&record, &former[count].call);
		count += former[count].call != child->calls[former[count].thing];
	}
	while (count-- > 0) {
		const unsigned thing = former[count].thing, state = child->states[thing];
		const unsigned last = child->calls[thing];

		child->calls[thing] = former[count].call;
		enter(child, thing, 0);
		child->calls[thing] = last;
		child->states[thing] = (uint8_t)state;
		note_step(child->shared, thing, state);
	}
}

/* Runs until it is killed. */
static void run_child(struct shared *shared, const char *directory, uint64_t sync_us, unsigned seed)
{
	static struct child child;

	child.shared = shared;
	child.sequence = seed << 20;
	srand(seed);
	child_start(&child, directory, sync_us);
	note_restored(&child);
	end_former_calls(&child);
	for (;;) {
		uint64_t time_us = now_us();

		state_run(child.state, time_us);
		shared->kept_us = time_us - state_lag(child.state, time_us);
		for (unsigned i = 0; i < STEPS_A_TURN && shared->count < STEPS_MAX; i++)
			take_step(&child);
		usleep(TURN_US);
	}
}

static bool start_child(
	struct shared *shared, const char *directory, uint64_t sync_us, unsigned seed, pid_t *pid)
{
	uint64_t start_us = now_us();

	memset(shared->restored, 0, sizeof(shared->restored));
	shared->ready = 0;
	shared->count = 0;
	shared->kept_us = start_us;
	fflush(stdout);
	*pid = fork();
	if (*pid == 0)
		run_child(shared, directory, sync_us, seed);
	while (*pid > 0 && !shared->ready && now_us() - start_us < START_MAX_US) {
		if (waitpid(*pid, NULL, WNOHANG) == *pid)
			return false;
		usleep(1000);
	}
	return *pid > 0 && shared->ready;
}

/* What the parent knows: the states of each thing when the child started, and those it may come
 * back in after its steps since, a bit each. */
struct knowledge {
	uint8_t started[THINGS];
	uint8_t allowed[THINGS];
};

/* Which states may come back. */
static void learn(struct knowledge *knowledge, const struct shared *shared)
{
	uint32_t count = shared->count, i = 0;

	for (; i < count && shared->steps[i].time_us < shared->kept_us; i++)
		knowledge->started[shared->steps[i].thing] = (uint8_t)(1 << shared->steps[i].state);
	memcpy(knowledge->allowed, knowledge->started, sizeof(knowledge->allowed));
	for (; i < count; i++)
		knowledge->allowed[shared->steps[i].thing] |=
			(uint8_t)(1 << shared->steps[i].state);
}

static unsigned compare(struct knowledge *knowledge, const struct shared *shared)
{
	static const char *const kinds[KINDS] = {"registration", "subscription", "call"};
	unsigned wrong = 0;

	for (unsigned thing = 0; thing < THINGS; thing++) {
		const unsigned states = shared->restored[thing] ? shared->restored[thing] : 1;

		if (states & ~knowledge->allowed[thing]) {
			wrong++;
			printf("# the %s of phone %u came back in states 0x%x, allowed 0x%x\n",
				kinds[thing % KINDS], thing / KINDS, states,
				knowledge->allowed[thing]);
		}
		knowledge->started[thing] = (uint8_t)states;
	}
	return wrong;
}

struct trial {
	const char *directory;
	unsigned kills, seed;
	uint64_t sync_us;
	struct shared *shared;
	struct knowledge knowledge;
	unsigned wrong;
	uint64_t steps, longest_us; /* longest_us: that was not kept before a kill */
};

/* Starts the next child, compares, and kills it in its turn. False when it does not start. */
static bool kill_once(struct trial *trial, unsigned number)
{
	struct shared *shared = trial->shared;
	uint64_t lost_us;
	pid_t pid;

	if (!start_child(shared, trial->directory, trial->sync_us, trial->seed + number, &pid))
		return false;
	if (number > 0)
		trial->wrong += compare(&trial->knowledge, shared);
	usleep((unsigned)rand() % (unsigned)(trial->sync_us * 4));
	kill(pid, SIGKILL);
	lost_us = now_us() - shared->kept_us;
	waitpid(pid, NULL, 0);
	if (lost_us > trial->longest_us)
		trial->longest_us = lost_us;
	trial->steps += shared->count;
	learn(&trial->knowledge, shared);
	return true;
}

static int report(const struct trial *trial)
{
	bool too_long = trial->longest_us > LOST_MAX_US;

	printf("# %u kills after %llu steps; %llu ms the longest time that was not kept\n",
		trial->kills, (unsigned long long)trial->steps,
		(unsigned long long)(trial->longest_us / 1000));
	printf("%sok - after %u kills nothing kept is missing and nothing ended is back\n",
		trial->wrong ? "not " : "", trial->kills);
	printf("%sok - a kill loses 2 s at most\n", too_long ? "not " : "");
	return trial->wrong || too_long;
}

static unsigned argument(int argc, char **argv, int number, unsigned otherwise)
{
	return argc > number ? (unsigned)strtoul(argv[number], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	static struct trial trial;

	trial.directory = argc > 1 ? argv[1] : NULL;
	trial.kills = argument(argc, argv, 2, 200);
	trial.sync_us = argument(argc, argv, 3, 1000) * 1000ull;
	trial.seed = argument(argc, argv, 4, 1);
	if (!trial.directory || !trial.sync_us) {
		fprintf(stderr, "usage: statekill DIRECTORY [KILLS [SYNC_MS [SEED]]]\n");
		return 2;
	}
	trial.shared = mmap(NULL, sizeof(*trial.shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trial.shared == MAP_FAILED)
		return 1;
	srand(trial.seed);
	memset(trial.knowledge.started, 1 << 0, sizeof(trial.knowledge.started));
	for (unsigned i = 0; i <= trial.kills; i++) {
		if (!kill_once(&trial, i)) {
			printf("not ok - natbox starts again after %u kills\n", i);
			return 1;
		}
	}
	return report(&trial);
}
