#include <natbox/state.h>

#include "job.h"
#include "restoration.h"
#include "round.h"
#include "store.h"
#include "upgrade.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum {
	/* How often is looked whether a write is done. */
	POLL_US = 10000,
	/* How long a clean stop waits for the disk. */
	CLOSE_WAIT_US = 5000000,
};

struct state {
	struct state_options options;
	struct store *store; /* its job's while that runs */
	struct endpoints *endpoints;
	uint8_t seed[SEED_SIZE];

	/* The state clock: what it showed at that moment. */
	struct timestamp timestamp;
	int64_t timestamp_us;
	bool writes;  /* there is a directory to write to, which no other natbox had at the start */
	bool closing; /* all is written at once, and what fails is told at the end */
	bool written; /* the batch was handed over, its result not looked at yet */
	bool failed;  /* it was not written, and waits for another attempt */

	struct round round;
	uint64_t now_us;
	uint64_t due_us;  /* when the next round begins, or what has failed is tried again */
	uint64_t kept_us; /* changes before this are on the disk */

	char announced[FAULT_MAX]; /* the fault that was told last; empty: all is well */
};

__attribute__((format(printf, 3, 4))) static void tell(
	const struct state *state, enum state_notice notice, const char *format, ...)
{
	char line[FAULT_MAX + 128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	state->options.notice(state->options.context, notice, line);
}

static void announce(struct state *state, const struct fault *fault)
{
	const bool is_taken = state->store->directory.locked_out;

	if (!fault->line[0] || strcmp(fault->line, state->announced) == 0)
		return;
	memcpy(state->announced, fault->line, sizeof(state->announced));
	tell(state, is_taken ? STATE_TAKEN : STATE_FAULT, "%s", fault->line);
}

static int64_t state_clock(const struct state *state, const struct timestamp *now)
{
	return state->timestamp_us + timestamp_elapsed(&state->timestamp, now);
}

/* Takes what came of reading: whether the file has been read. */
static bool take_reading(struct state *state, const char *then)
{
	struct store *store = state->store;

	store->has_file = store->result == 0;
	/* A disk that stalls is not waited for again. */
	store->is_unread = store->result < 0 && store->result != -ENOENT &&
			   store->result != -EBADMSG && store->result != -ETIMEDOUT;
	store_judge(store, "read", then);
	if (store->result != 0)
		announce(state, &store->fault);
	return store->has_file;
}

/* Looks for the file, and reads what it says of itself. */
static void find_file(struct state *state)
{
	const struct meta *meta;
	struct fault fault;
	int result = directory_lock(&state->store->directory, &fault);

	if (result != 0) {
		announce(state, &fault);
		return;
	}
	result = upgrade(state->store, &fault);
	if (fault.line[0])
		tell(state, result == 0 ? STATE_INFO : STATE_FAULT, "%s", fault.line);
	restoration_look(&state->store);
	if (!take_reading(state, "starting empty"))
		return;
	meta = &state->store->meta;
	memcpy(state->seed, meta->seed, SEED_SIZE);
	state->timestamp_us =
		meta->state_us + timestamp_elapsed(&meta->timestamp, &state->timestamp);
}

struct state *state_open(const struct state_options *options)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->options = *options;
	state->options.path = NULL; /* the caller's, who may have another by now */
	timestamp_now(&state->timestamp);
	state->timestamp_us = state->timestamp.wall_us;
	if (getrandom(state->seed, SEED_SIZE, 0) != SEED_SIZE)
		abort(); /* Linux has promised it for so few bytes since 3.17 */
	if (!*options->path)
		return state;
	state->store = store_new(options->path);
	if (!state->store) {
		free(state);
		return NULL;
	}
	find_file(state);
	state->writes = !state->store->directory.locked_out;
	return state;
}

const uint8_t *state_seed(const struct state *state)
{
	return state->seed;
}

/* A damaged file is set aside with all that could not be read of it; the rest is written anew. */
static void restore_all(struct state *state)
{
	struct restoration restoration = {.options = &state->options,
		.endpoints = state->endpoints,
		.rows = &state->round.rows};
	struct timestamp before, after;
	char then[64] = "starting empty";

	timestamp_now(&before);
	restoration_run(&restoration, &state->store, state_clock(state, &before));
	timestamp_now(&after);
	if (restoration.restored)
		snprintf(then, sizeof(then), "going on with %u reasons", restoration.restored);
	if (!take_reading(state, then)) {
		records_change_all(state->endpoints);
		return;
	}
	tell(state, STATE_INFO,
		"state: %u endpoints with %u reasons restored from %.*s in %lld ms (gone: %u run "
		"out, %u beyond the limits; kept for another start: %u of other proxies, %u that "
		"the configuration does not want)",
		state->endpoints->endpoints.count, restoration.restored, PATH_SHOWN_MAX,
		state->store->path, (long long)timestamp_elapsed(&before, &after) / 1000,
		restoration.over, restoration.beyond_limits, restoration.without_proxy,
		restoration.unwanted);
}

int state_start(struct state *state, struct engine *engine, uint64_t now_us)
{
	int result;

	engine_advance(engine, now_us);
	state->endpoints = engine_endpoints(engine);
	state->now_us = state->kept_us = state->due_us = now_us;
	if (!state->writes)
		return 0;
	result =
		round_init(&state->round, state->endpoints, now_us, state->store->reading.last_row);
	if (result == 0 && state->store->has_file)
		restore_all(state);
	return result;
}

void state_list_fillings(const struct state *state, struct fillings *fillings)
{
	if (state->writes)
		round_list_fillings(&state->round, fillings);
}

static void set_meta(struct state *state)
{
	struct meta *meta = &state->store->batch->meta;

	memcpy(meta->seed, state->seed, SEED_SIZE);
	meta->number = state->store->meta.number + 1;
	timestamp_now(&meta->timestamp);
	meta->state_us = state_clock(state, &meta->timestamp);
	meta->interval_us = state->endpoints->settings->keepalive.rules.interval_us;
}

/* Looks at what came of the last write; a batch that was not written is kept for another
 * attempt. */
static void take_result(struct state *state)
{
	const struct store *store = state->store;

	state->written = false;
	state->failed = store->result < 0;
	if (state->failed) {
		if (!state->closing || store->result == -ENOENT)
			announce(state, &store->fault);
		state->due_us = state->now_us + (state->closing ? 0 : state->options.sync_us);
		return;
	}
	batch_clear(store->batch);
	if (state->announced[0])
		tell(state, STATE_INFO, "state: %.*s is written again", PATH_SHOWN_MAX,
			store->path);
	state->announced[0] = 0;
	if (store->result > 0) /* a new file */
		records_change_all(state->endpoints);
	if (!state->round.is_under_way)
		state->kept_us = state->round.begun_us;
}

/* Threads may be short: then that is what came of it. */
static void hand_over(struct state *state)
{
	struct store *store = state->store;
	const int result = job_start(&store->job, store_write, store);

	state->written = true;
	if (result != 0)
		store->result = fault_set(&store->fault, result,
			"cannot start the thread that writes state: %s; nothing is kept until it "
			"can be",
			strerror(-result));
}

static bool is_round_due(const struct state *state)
{
	if (state->closing)
		return !state->round.is_last || changes_any(&state->endpoints->changes);
	return state->now_us >= state->due_us;
}

void state_run(struct state *state, uint64_t now_us)
{
	struct batch *batch;

	state->now_us = now_us;
	if (!state->writes || !job_wait(&state->store->job, 0))
		return;
	if (state->written)
		take_result(state);
	if (state->failed) {
		if (now_us >= state->due_us)
			hand_over(state);
		return;
	}
	if (!state->round.is_under_way) {
		if (!is_round_due(state))
			return;
		round_begin(&state->round, state->now_us, state->closing);
		state->due_us = state->now_us + state->options.sync_us;
	}
	batch = state->store->batch;
	if (batch_is_empty(batch))
		set_meta(state);
	if (!round_gather(&state->round, batch, state->now_us))
		return;
	/* Until it has written once it is not known whether it may. */
	if (batch_is_empty(batch) && state->store->has_written)
		state->kept_us = state->round.begun_us;
	else
		hand_over(state);
}

void state_set_sync(struct state *state, uint64_t sync_us)
{
	state->options.sync_us = sync_us;
	if (state->due_us > state->now_us + sync_us)
		state->due_us = state->now_us + sync_us;
}

uint64_t state_next(const struct state *state)
{
	if (!state->writes)
		return UINT64_MAX;
	if (state->written)
		return state->now_us + POLL_US;
	return state->round.is_under_way && !state->failed ? state->now_us : state->due_us;
}

static bool has_unwritten(const struct state *state)
{
	return state->written || state->round.is_under_way || state->failed ||
	       (state->endpoints && changes_any(&state->endpoints->changes));
}

uint64_t state_lag(const struct state *state, uint64_t now_us)
{
	const bool waits = state->store && (!state->writes || has_unwritten(state));

	return waits && now_us > state->kept_us ? now_us - state->kept_us : 0;
}

/* Writes all changes, and the quiet times of everybody. More than one round when the first one had
 * to begin a new file; a second attempt where the first has set a bad file aside. Whether
 * everything is on the disk. */
static bool write_at_last(struct state *state)
{
	const uint64_t deadline_us = clock_us(CLOCK_MONOTONIC) + CLOSE_WAIT_US;
	bool is_second = false;

	state->closing = true;
	state->due_us = state->now_us;
	do {
		if (!job_wait(&state->store->job, deadline_us))
			return false;
		if (state->written && state->store->result < 0) {
			if (is_second || state->store->result != -ENOENT)
				return false;
			is_second = true;
		}
		state_run(state, state->now_us);
	} while (!state->round.is_last || has_unwritten(state));
	return true;
}

static void tell_lost(const struct state *state)
{
	const uint64_t lag_us = state_lag(state, state->now_us);
	struct fault stalled;

	if (!lag_us)
		return;
	fault_set(&stalled, 0, "cannot write state %.*s: the disk does not answer", PATH_SHOWN_MAX,
		state->store->path);
	tell(state, STATE_FAULT, "the changes of the last %llu s before this stop are lost: %s",
		(unsigned long long)lag_us / 1000000 + 1,
		state->store->job.runs ? stalled.line : state->store->fault.line);
}

void state_close(struct state *state, uint64_t now_us)
{
	if (!state)
		return;
	state->now_us = now_us;
	if (state->writes && state->endpoints && !write_at_last(state)) {
		tell_lost(state);
		if (state->store->job.runs) { /* It cannot be stopped, so what it uses stays. */
			pthread_detach(state->store->job.thread);
			return;
		}
	}
	if (state->store)
		store_free(state->store);
	round_free(&state->round);
	free(state);
}
