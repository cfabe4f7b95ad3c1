#include <natbox/endpoints.h>
#include <natbox/state.h>

#include "gathering.h"
#include "guard.h"
#include "restoration.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Records gathered in one state_run: 100 us. */
	GATHERED_AT_ONCE = 256,
	/* How often is looked whether the writer is done. */
	POLL_US = 10000,
	/* How long a clean stop waits for the disk. */
	CLOSE_WAIT_US = 5000000,
};

/* Whose the batch is, and with it the store and the result of the last write. */
enum owner { OWNER_LOOP, OWNER_WRITER };

struct state {
	struct state_options options;
	struct store store;
	uint8_t seed[STORE_SEED_SIZE];
	struct endpoints *endpoints;

	/* The state clock: what it showed at that moment. */
	struct moment moment;
	int64_t moment_us;
	struct store_meta meta; /* of the file that was read */
	bool has_file, keeps_nothing;
	bool writes;     /* there is a directory to write to, if not now then later */
	bool locked_out; /* there is none, as another natbox had it at the start */
	bool closing;    /* what fails now is told at the end */
	bool in_round;
	bool written; /* the batch was handed over, its result not looked at yet */

	/* A round takes every change once, in the order of the slots, in as many batches as it
	 * needs. */
	uint64_t now_us;
	uint32_t next_slot;
	uint64_t round_us; /* when it began */
	uint64_t due_us;   /* when the next one begins */
	uint64_t kept_us;  /* changes before this are on the disk */
	uint64_t retry_us; /* not before, after a write that failed */
	uint32_t quiet_block;
	uint64_t quiet_due_us;

	struct batch *batch;
	_Atomic(enum owner) owner;
	int result;
	struct fault fault;
	char announced[FAULT_MAX]; /* the fault that was told last; empty: all is well */

	pthread_t writer;
	bool has_writer, quit;
	pthread_mutex_t mutex;
	pthread_cond_t handed_over;
};

static void announce(struct state *state, const struct fault *fault)
{
	if (strcmp(fault->line, state->announced) == 0)
		return;
	memcpy(state->announced, fault->line, sizeof(state->announced));
	state->options.notice(state->options.context, STATE_FAULT, fault->line);
}

static int64_t state_clock(const struct state *state, const struct moment *now)
{
	return state->moment_us + moment_elapsed(&state->moment, now);
}

struct state *state_open(const struct state_options *options)
{
	struct state *state = calloc(1, sizeof(*state));
	struct fault fault = {0};

	if (!state)
		return NULL;
	state->options = *options;
	state->options.path = NULL; /* the caller's, who may have another by now */
	state->keeps_nothing = !*options->path;
	state->batch = calloc(1, sizeof(*state->batch));
	if (!state->batch) {
		free(state);
		return NULL;
	}
	moment_now(&state->moment);
	state->moment_us = state->moment.wall_us;
	if (getrandom(state->seed, sizeof(state->seed), 0) != (ssize_t)sizeof(state->seed))
		abort(); /* Linux has promised it for so few bytes since 3.17 */
	if (state->keeps_nothing)
		return state;
	state->has_file = store_open(&state->store, options->path, &state->meta, &fault) == 0;
	if (fault.line[0])
		announce(state, &fault);
	if (state->has_file) {
		memcpy(state->seed, state->meta.seed, sizeof(state->seed));
		state->moment_us =
			state->meta.state_us + moment_elapsed(&state->meta.moment, &state->moment);
	}
	return state;
}

const uint8_t *state_seed(const struct state *state)
{
	return state->seed;
}

static void tell_restored(
	const struct state *state, const struct restoration *restoration, uint64_t took_us)
{
	char line[FAULT_MAX];

	snprintf(line, sizeof(line),
		"state: %u endpoints with %u reasons restored from %.*s in %llu ms (gone: %u run "
		"out, %u beyond the limits; kept for another start: %u of other proxies, %u that "
		"the configuration does not want)",
		state->endpoints->endpoints.count, restoration->restored, PATH_SHOWN_MAX,
		state->store.path, (unsigned long long)(took_us / 1000), restoration->over,
		restoration->beyond_limits, restoration->without_proxy, restoration->unwanted);
	state->options.notice(state->options.context, STATE_INFO, line);
}

static void restore_all(struct state *state)
{
	struct restoration restoration = {
		.meta = &state->meta, .endpoints = state->endpoints, .options = &state->options};
	struct moment before, after;
	struct fault fault;

	moment_now(&before);
	restoration.now_us = state_clock(state, &before);
	if (restoration_run(&restoration, &state->store, &fault) != 0) {
		announce(state, &fault);
		return;
	}
	moment_now(&after);
	tell_restored(state, &restoration, (uint64_t)moment_elapsed(&before, &after));
}

static void *write_batches(void *context)
{
	struct state *state = context;

	pthread_mutex_lock(&state->mutex);
	while (!state->quit) {
		if (atomic_load(&state->owner) == OWNER_LOOP) {
			pthread_cond_wait(&state->handed_over, &state->mutex);
			continue;
		}
		pthread_mutex_unlock(&state->mutex);
		state->result = store_write(&state->store, state->batch, &state->fault);
		atomic_store(&state->owner, OWNER_LOOP);
		pthread_mutex_lock(&state->mutex);
	}
	pthread_mutex_unlock(&state->mutex);
	return NULL;
}

/* Signals are for the thread of the event loop, but for that of a page which cannot be read. */
static int start_writer(struct state *state)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = -pthread_create(&state->writer, NULL, write_batches, state);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	state->has_writer = result == 0;
	return result;
}

/* Whether there is a writer; tried again every sync interval, as threads may be short. */
static bool has_writer(struct state *state)
{
	int result;

	if (state->has_writer || !state->writes || state->now_us < state->retry_us)
		return state->has_writer;
	result = start_writer(state);
	state->retry_us = result == 0 ? 0 : state->now_us + state->options.sync_us;
	if (result == 0)
		return true;
	fault_set(&state->fault, result,
		"cannot start the thread that writes state: %s; nothing is kept until it can be",
		strerror(-result));
	announce(state, &state->fault);
	return false;
}

int state_start(struct state *state, struct engine *engine, uint64_t now_us)
{
	int result;

	engine_advance(engine, now_us);
	state->endpoints = engine_endpoints(engine);
	state->now_us = state->kept_us = state->due_us = state->quiet_due_us = now_us;
	state->locked_out = state->store.directory.locked_out;
	if (state->keeps_nothing || state->locked_out)
		return 0;
	result = records_watch(state->endpoints);
	if (result != 0)
		return result;
	if (state->has_file)
		restore_all(state);
	pthread_mutex_init(&state->mutex, NULL);
	pthread_cond_init(&state->handed_over, NULL);
	state->writes = true;
	guard_init();
	has_writer(state);
	return 0;
}

static void set_meta(struct state *state)
{
	struct store_meta *meta = &state->batch->meta;

	*meta = (struct store_meta){.magic = "natbox",
		.version = STORE_VERSION,
		.interval_us = state->endpoints->settings->keepalive.interval_us};
	memcpy(meta->seed, state->seed, sizeof(meta->seed));
	moment_now(&meta->moment);
	meta->state_us = state_clock(state, &meta->moment);
	state->batch->last_slot = state->endpoints->reasons.capacity;
}

static uint32_t quiet_blocks(const struct state *state)
{
	return state->endpoints->reasons.used / QUIET_SLOTS + 1;
}

/* All blocks come in turn, each once every half interval, so that at most one keepalive has been
 * sent since a quiet time was noted. */
static bool is_quiet_due(const struct state *state)
{
	return state->now_us >= state->quiet_due_us && state->endpoints->reasons.count &&
	       state->endpoints->settings->keepalive.scope != KEEPALIVE_OFF;
}

static bool gather_quiet_due(struct state *state)
{
	uint64_t interval_us = state->endpoints->settings->keepalive.interval_us;
	uint32_t blocks = quiet_blocks(state);

	if (!gather_quiet(state->batch, state->endpoints, state->quiet_block % blocks))
		return false;
	state->quiet_block = (state->quiet_block + 1) % blocks;
	state->quiet_due_us += interval_us / 2 / blocks;
	if (state->quiet_due_us + interval_us < state->now_us)
		state->quiet_due_us = state->now_us;
	return true;
}

/* A part of the round. True when the batch is to be written: the round is complete, or it is
 * full. */
static bool gather(struct state *state)
{
	for (unsigned i = 0; i < GATHERED_AT_ONCE; i++) {
		uint32_t slot = changes_take(&state->endpoints->changes, state->next_slot);

		if (!slot && is_quiet_due(state))
			return !gather_quiet_due(state);
		if (!slot) {
			state->in_round = false;
			return true;
		}
		state->next_slot = slot;
		if (!gather_reason(state->batch, state->endpoints, slot)) {
			changes_add(&state->endpoints->changes, slot);
			return true;
		}
	}
	return false;
}

static void hand_over(struct state *state)
{
	state->written = true;
	pthread_mutex_lock(&state->mutex);
	atomic_store(&state->owner, OWNER_WRITER);
	pthread_cond_signal(&state->handed_over);
	pthread_mutex_unlock(&state->mutex);
}

static void recover(struct state *state)
{
	char line[FAULT_MAX];

	if (!state->announced[0])
		return;
	state->announced[0] = 0;
	snprintf(line, sizeof(line), "state: %.*s is written again", PATH_SHOWN_MAX,
		state->store.path);
	state->options.notice(state->options.context, STATE_INFO, line);
}

/* Looks at what came of the last write; a batch that was not written is kept for another
 * attempt. */
static void take_result(struct state *state)
{
	state->written = false;
	if (state->result != 0) {
		if (!state->closing || state->result == -ENOENT)
			announce(state, &state->fault);
		state->retry_us = state->now_us + state->options.sync_us;
		return;
	}
	batch_clear(state->batch);
	recover(state);
	if (state->store.is_new)
		records_change_all(state->endpoints);
	state->store.is_new = false;
	if (!state->in_round)
		state->kept_us = state->round_us;
}

static void begin_round(struct state *state)
{
	state->in_round = true;
	state->next_slot = 1;
	state->round_us = state->now_us;
	state->due_us = state->now_us + state->options.sync_us;
}

void state_run(struct state *state, uint64_t now_us)
{
	state->now_us = now_us;
	if (!has_writer(state) || atomic_load(&state->owner) == OWNER_WRITER)
		return;
	if (state->written)
		take_result(state);
	if (now_us < state->retry_us)
		return;
	if (state->batch->count && state->retry_us) {
		state->retry_us = 0;
		hand_over(state);
		return;
	}
	if (!state->in_round && now_us < state->due_us)
		return;
	if (!state->in_round)
		begin_round(state);
	if (!state->batch->count)
		set_meta(state);
	if (!gather(state))
		return;
	if (state->batch->count)
		hand_over(state);
	else
		state->kept_us = state->round_us;
}

void state_set_sync(struct state *state, uint64_t sync_us)
{
	state->options.sync_us = sync_us;
	if (state->due_us > state->now_us + sync_us)
		state->due_us = state->now_us + sync_us;
	if (state->retry_us > state->now_us + sync_us)
		state->retry_us = state->now_us + sync_us;
}

uint64_t state_next(const struct state *state)
{
	if (!state->writes)
		return UINT64_MAX;
	if (state->written)
		return state->now_us + POLL_US;
	if (state->retry_us)
		return state->retry_us;
	return state->in_round ? state->now_us : state->due_us;
}

uint64_t state_lag(const struct state *state, uint64_t now_us)
{
	bool waits = state->locked_out || state->written || state->in_round ||
		     state->batch->count ||
		     (state->endpoints && changes_any(&state->endpoints->changes));

	return waits && now_us > state->kept_us ? now_us - state->kept_us : 0;
}

/* Has the batch written, and waits for that until the deadline. Whether it was. */
static bool flush(struct state *state, uint64_t deadline_us)
{
	struct moment now;

	if (!state->written && state->batch->count)
		hand_over(state);
	while (atomic_load(&state->owner) == OWNER_WRITER) {
		moment_now(&now);
		if ((uint64_t)now.boot_us > deadline_us)
			return false;
		usleep(POLL_US / 10);
	}
	if (state->written)
		take_result(state);
	return state->batch->count == 0;
}

/* A round of all changes, and the quiet times of everybody. */
static bool write_round(struct state *state, uint64_t deadline_us)
{
	if (!flush(state, deadline_us))
		return false;
	state->quiet_due_us = UINT64_MAX;
	begin_round(state);
	set_meta(state);
	while (state->in_round) {
		if (!gather(state))
			continue;
		if (!flush(state, deadline_us))
			return false;
		set_meta(state);
	}
	for (uint32_t block = 0; block < quiet_blocks(state); block++) {
		if (gather_quiet(state->batch, state->endpoints, block))
			continue;
		if (!flush(state, deadline_us))
			return false;
		set_meta(state);
		block--;
	}
	return flush(state, deadline_us);
}

/* More than one round when the first one had to begin a new file. */
static bool write_all(struct state *state, uint64_t deadline_us)
{
	do {
		if (!write_round(state, deadline_us))
			return false;
	} while (changes_any(&state->endpoints->changes));
	return true;
}

/* Whether the last write has set a bad file aside; one that is still under way has not. */
static bool has_set_aside(const struct state *state)
{
	return atomic_load(&state->owner) == OWNER_LOOP && state->result == -ENOENT;
}

/* Twice where the first attempt has set a bad file aside. Whether everything is on the disk. */
static bool write_at_last(struct state *state)
{
	struct moment now;
	uint64_t deadline_us;

	moment_now(&now);
	deadline_us = (uint64_t)now.boot_us + CLOSE_WAIT_US;
	state->closing = true;
	state->retry_us = 0;
	return has_writer(state) &&
	       (write_all(state, deadline_us) ||
		       (has_set_aside(state) && write_all(state, deadline_us)));
}

static void tell_lost(struct state *state, bool stalls)
{
	uint64_t lag_us = state_lag(state, state->now_us);
	char line[FAULT_MAX + 128], cause[FAULT_MAX];

	if (!lag_us)
		return;
	if (stalls)
		snprintf(cause, sizeof(cause), "cannot write state %.*s: the disk does not answer",
			PATH_SHOWN_MAX, state->store.path);
	snprintf(line, sizeof(line), "the changes of the last %llu s before this stop are lost: %s",
		(unsigned long long)lag_us / 1000000 + 1, stalls ? cause : state->fault.line);
	state->options.notice(state->options.context, STATE_FAULT, line);
}

static void stop_writer(struct state *state)
{
	pthread_mutex_lock(&state->mutex);
	state->quit = true;
	pthread_cond_signal(&state->handed_over);
	pthread_mutex_unlock(&state->mutex);
	pthread_join(state->writer, NULL);
}

void state_close(struct state *state, uint64_t now_us)
{
	bool stalls;

	if (!state)
		return;
	state->now_us = now_us;
	if (state->writes && !write_at_last(state)) {
		stalls = atomic_load(&state->owner) == OWNER_WRITER;
		tell_lost(state, stalls);
		if (stalls) /* Its thread cannot be stopped, so what it uses stays. */
			return;
	}
	if (state->has_writer)
		stop_writer(state);
	if (state->writes) {
		pthread_mutex_destroy(&state->mutex);
		pthread_cond_destroy(&state->handed_over);
	}
	if (!state->keeps_nothing)
		directory_close(&state->store.directory);
	free(state->batch);
	free(state);
}
