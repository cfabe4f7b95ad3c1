/* The event loop: what comes in goes to the engine, what the engine wants sent goes out. */
#include "live.h"

#include "wire_settings.h"

#include "ops/rights.h"
#include <natbox/ops.h>
#include <natbox/state.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const uint64_t inspection_us = 1000000;

/* What is done in one turn of the loop besides packets, as engine_bound_work counts it, so that
 * neither packets nor the clock wait long: some milliseconds. */
enum { TURN_ENDPOINTS_MAX = 1000 };

/* How long after the host was started interfaces and addresses may still be to come. */
static const uint64_t boot_us = 300 * 1000000ULL;

/* How long an interface has to go away once it fails, and how often is looked for it then. */
static const int absence_poll_ms = 1000;

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A datagram with its first line, when that is SIP's. */
static void log_datagram(const struct flow *flow, struct text bytes)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	const char *end = bytes.length ? memchr(bytes.at, '\r', bytes.length) : NULL;
	struct text line = {bytes.at, end ? (size_t)(end - bytes.at) : 0};

	address_format(&flow->source, source);
	address_format(&flow->destination, destination);
	if (!line.length || !memmem(line.at, line.length, "SIP/2.0", strlen("SIP/2.0")))
		line = TEXT("no SIP");
	log_debug("packet %s to %s, %zu bytes: %.*s", source, destination, bytes.length,
		line.length < LOG_LINE_MAX ? (int)line.length : LOG_LINE_MAX, line.at);
}

static struct outcome on_datagram(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	const struct live *live = context;

	if (log_get_level() == LOG_LEVEL_DEBUG)
		log_datagram(flow, bytes);
	return engine_packet(live->engine, time_us, flow, bytes);
}

static void on_wire_notice(void *context, enum wire_notice notice, const char *line)
{
	(void)context;
	switch (notice) {
	case WIRE_DETAIL:
		log_debug("%s", line);
		break;
	case WIRE_INFORMATION:
		log_info("%s", line);
		break;
	case WIRE_WARNING:
		log_warning("%s", line);
		break;
	case WIRE_ERROR:
		log_error("%s", line);
		break;
	}
}

static void on_send(void *context, uint64_t now_us, const struct flow *flow, struct text bytes)
{
	static struct log_limit limit;
	struct live *live = context;
	struct fault fault;

	if (live->wire.kind->send(&live->wire, now_us, flow, bytes, &fault) != 0)
		log_limited(&limit, live->now_us, LOG_LEVEL_WARNING, "%s", fault.line);
}

/* What an operator should hear of without an event stream. */
static void log_event(const struct live *live, const struct event *event)
{
	static struct log_limit malformed, refused, lost;
	char client[ADDRESS_TEXT_MAX];

	if (event->type != EVENT_MALFORMED && event->type != EVENT_REFUSED &&
		event->type != EVENT_LOST)
		return;
	address_format(&event->client, client);
	if (event->type == EVENT_MALFORMED)
		log_limited(&malformed, live->now_us, LOG_LEVEL_INFO,
			"malformed SIP from or to %s: %s", client, event->why);
	else if (event->type == EVENT_REFUSED)
		log_limited(&refused, live->now_us, LOG_LEVEL_WARNING, "refused %s: %s", client,
			event_refusal(event));
	else
		log_limited(&lost, live->now_us, LOG_LEVEL_INFO,
			"%s did not answer %u keepalives in a row", client, event->missed);
}

static void on_event(void *context, const struct event *event)
{
	const struct live *live = context;

	if (log_get_level() == LOG_LEVEL_DEBUG)
		event_log(event);
	else
		log_event(live, event);
	if (live->events)
		events_write(live->events, event);
}

static void on_state_notice(void *context, enum state_notice notice, const char *line)
{
	(void)context;
	if (notice == STATE_FAULT)
		log_error("%s", line);
	else
		log_info("%s", line);
}

static bool take_stored_proxy(void *context, const struct address *proxy)
{
	struct live *live = context;

	return proxy_addresses_take_stored(&live->proxies, proxy);
}

/* A dry run has no state: it would take the place of the natbox that does the work, and keep what
 * it never sent. */
static const char *state_path(const struct live *live)
{
	return live->options->dry_run ? "" : live->config->state.path;
}

/* State that cannot be kept costs bindings at the next restart, not the start of natbox now. */
static int open_state(struct live *live, const struct identity *identity, struct fault *fault)
{
	struct state_options options = {
		.path = state_path(live),
		.sync_us = live->config->state.sync_us,
		.context = live,
		.notice = on_state_notice,
		.add_proxy = take_stored_proxy,
	};
	const bool is_other = *options.path && rights_differ(identity);
	struct fault lost;

	/* What this cannot do state_open or its writer meet again, and tell. */
	if (*options.path && !rights_leads(identity, options.path))
		state_prepare(options.path, identity->user, identity->group, &lost);
	/* What is in the directory is that user's, who may lay links in it. */
	if (is_other && rights_take(identity) != 0)
		return fault_set(fault, -EPERM,
			"cannot open state as user %s: natbox needs CAP_SETUID and CAP_SETGID to, "
			"or set natbox.user to nothing",
			identity->name);
	live->state = state_open(&options);
	if (is_other)
		rights_return();
	return live->state ? 0 : fault_set(fault, -ENOMEM, "no memory to keep state");
}

static int open_engine(struct live *live, struct fault *fault)
{
	const struct engine_sink sink = {.context = live,
		.event = on_event,
		.send = live->options->dry_run ? NULL : on_send};
	const struct config *config = live->config;

	live->engine = engine_new(
		&config->core, config->mode == MODE_RELAY, state_seed(live->state), &sink);
	if (!live->engine)
		return fault_set(fault, -ENOMEM,
			"no memory for the tables: lower limits.endpoints or limits.transactions");
	engine_bound_work(live->engine, TURN_ENDPOINTS_MAX);
	live->now_us = clock_us(CLOCK_BOOTTIME);
	engine_advance(live->engine, live->now_us);
	live->wire.proxies = engine_proxies(live->engine);
	live->proxies = (struct proxy_addresses){.engine = live->engine, .wire = &live->wire};
	return proxy_addresses_find(&live->proxies, fault);
}

void live_time_events(const struct live *live)
{
	if (live->events)
		events_set_offset(live->events,
			(int64_t)(clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME)));
}

/* owner: NULL once natbox is who it will be. */
static int open_events(struct live *live, const struct identity *owner, struct fault *fault)
{
	if (live->events || !*live->config->log.events)
		return 0;
	live->events = events_open(live->config->log.events, owner, fault);
	live_time_events(live);
	return live->events ? 0 : -EIO;
}

/* Who starts natbox may create the file where natbox.user may not, and the other way round on some
 * file systems: what fails here that user tries again. */
static void open_events_for(struct live *live, const struct identity *identity)
{
	struct fault lost;

	if (open_events(live, identity, &lost) == 0 && live->events && *identity->name)
		events_give(live->events, identity);
}

static int start_state(struct live *live, struct fault *fault)
{
	int result = state_start(live->state, live->engine, live->now_us);

	return result == 0 ? 0 : fault_set(fault, result, "no memory to keep state");
}

static int open_metrics(struct live *live, struct fault *fault)
{
	const struct address *listen = &live->config->metrics.listen;

	return listen->port ? metrics_open(listen, &live->metrics, fault) : 0;
}

static void publish(struct live *live, uint64_t now_us)
{
	const struct metrics_snapshot snapshot = {
		.engine = engine_counters(live->engine),
		.capture_drops = live->wire.kind->dropped(&live->wire),
		.state_lag_us = state_lag(live->state, now_us),
		.event_lines_lost = events_lost(),
		.turns = live->turns.counters,
	};

	metrics_publish(live->metrics, &snapshot, now_us);
}

static int start_metrics(struct live *live, struct fault *fault)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	if (!live->metrics)
		return 0;
	publish(live, now_us);
	return metrics_start(live->metrics, now_us, fault);
}

static const char *or_nowhere(const char *path)
{
	return *path ? path : "nowhere";
}

static void log_opened(const struct live *live, const struct identity *identity)
{
	const struct config *config = live->config;
	char listen[ADDRESS_TEXT_MAX] = "";

	if (config->metrics.listen.port)
		address_format(&config->metrics.listen, listen);
	log_debug("runs as user %u, process %d", (unsigned)identity->user, (int)getpid());
	log_debug("state is kept in: %s; events go to: %s; metrics are served on: %s",
		or_nowhere(state_path(live)), or_nowhere(config->log.events), or_nowhere(listen));
}

static int open_all(struct live *live, struct fault *fault)
{
	struct identity identity;
	int result = identity_find(live->config->user, &identity, fault);

	/* Where that fails the log goes on in the file that is open, and SIGHUP says so. */
	if (result == 0 && *identity.name)
		log_give(&identity);
	if (result == 0)
		result = wire_claim(&live->wire, identity.user, fault);
	if (result == 0)
		result = open_state(live, &identity, fault);
	if (result == 0)
		result = open_engine(live, fault);
	if (result == 0)
		result = open_metrics(live, fault);
	if (result == 0)
		result = live->wire.kind->open(&live->wire, fault);
	if (result == 0)
		open_events_for(live, &identity);
	if (result == 0)
		result = privileges_drop(&identity, live->wire.kind->needs_net_admin, fault);
	if (result == 0)
		result = open_events(live, NULL, fault);
	if (result == 0)
		log_opened(live, &identity);
	if (result == 0)
		result = start_state(live, fault);
	if (result == 0)
		result = start_metrics(live, fault);
	if (result == 0)
		result = live->wire.kind->start(&live->wire, fault);
	live->is_ready = result == 0;
	live->proxies.is_ready = live->is_ready;
	return result;
}

/* The figures of the longest turn are those since the last summary, so that whoever asks twice
 * knows what came of what he did in between. */
static void answer_summary(struct live *live)
{
	const struct engine_counters counters = engine_counters(live->engine);
	const struct turn_length longest = live->turns.longest, ever = live->turns.longest_ever;

	log_answer("%u endpoints (at most %u), %u reasons; %llu packets, %llu SIP, %llu malformed, "
		   "%llu rewritten; %llu keepalives, %llu answered, %llu missed, %llu lost; "
		   "%llu refused; state lag %.1f s; longest turn %.1f ms, processor %.1f ms (since "
		   "the start %.1f ms, processor %.1f ms)",
		counters.endpoints, counters.endpoints_max, counters.reasons,
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

/* False when natbox is to stop. */
static bool handle_signal(struct live *live, int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return true;
	switch (info.ssi_signo) {
	case SIGHUP:
		live_reload(live);
		return true;
	case SIGUSR1:
		answer_summary(live);
		return true;
	default:
		return false;
	}
}

static void inspect(struct live *live)
{
	struct fault fault;

	if (!live->wire.kind->proxies_stay && proxy_addresses_find(&live->proxies, &fault) != 0)
		log_warning("%s", fault.line);
	live->wire.kind->inspect(&live->wire);
}

/* Milliseconds until the next thing to do, at most the wire's longest turn. */
static int poll_timeout(const struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME), next_us = engine_next(live->engine);
	uint64_t wait_us;

	if (state_next(live->state) < next_us)
		next_us = state_next(live->state);
	wait_us = next_us > now_us ? next_us - now_us : 0;

	if (live->wire.kind->has_rest && live->wire.kind->has_rest(&live->wire))
		return 0;
	if (wait_us > live->wire.kind->longest_turn_us)
		wait_us = live->wire.kind->longest_turn_us;
	return (int)((wait_us + 999) / 1000);
}

/* A disk on the verge of being full has news at each turn. */
static void flush_events(const struct live *live)
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

/* The end of what a reload has begun, where that has taken more than a moment. */
static void note_review(struct live *live)
{
	if (!live->is_reviewing || engine_is_reviewing(live->engine))
		return;
	live->is_reviewing = false;
	log_info("the new settings have reached all endpoints: %u are left",
		engine_counters(live->engine).endpoints);
}

/* How much later than it should a turn may begin before that is a pause: less than the time for an
 * answer, or the lack of one that waits to be read would be noticed first. */
static uint64_t shortest_pause_us(const struct live *live)
{
	const uint64_t longest_us = 500000;
	uint64_t half_us = live->config->core.keepalive.reply_timeout_us / 2;

	return half_us < longest_us ? half_us : longest_us;
}

/* Where natbox was stopped, its machine suspended or a disk hung, the engine is not to make up for
 * what it missed. */
static void resume_after_pause(const struct live *live, uint64_t now_us, uint64_t waited_us)
{
	static struct log_limit limit;
	uint64_t expected_us = live->now_us + waited_us;

	if (now_us < expected_us + shortest_pause_us(live))
		return;
	engine_resume(live->engine, now_us);
	log_limited(&limit, now_us, LOG_LEVEL_WARNING,
		"natbox did not run for %.1f s: keepalives that were due go out now, one after the "
		"other, and none of that time counts as missed",
		(double)(now_us - expected_us) / 1e6);
}

/* waited_us: at most so long after the last turn this one was to begin. */
static int turn(struct live *live, uint64_t waited_us, struct fault *fault)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);
	int result;

	resume_after_pause(live, now_us, waited_us);
	live->now_us = now_us;
	live_time_events(live);
	result = live->wire.kind->receive(&live->wire, now_us, fault);
	engine_advance(live->engine, live->now_us);
	note_review(live);
	state_run(live->state, live->now_us);
	live->wire.kind->flush(&live->wire);
	if (live->events)
		flush_events(live);
	return result;
}

/* The end of a turn, after all in it that could hang: a disk, a reader of events, a configuration
 * on a file system that does not answer. */
static void turned(struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	if (metrics_turned(live->metrics, now_us))
		publish(live, now_us);
}

static int run(struct live *live, int signals, struct fault *fault)
{
	struct pollfd polled[1 + WIRE_DESCRIPTORS_MAX] = {{.fd = signals, .events = POLLIN}};
	int descriptors[WIRE_DESCRIPTORS_MAX];
	unsigned count = live->wire.kind->descriptors(&live->wire, descriptors);
	uint64_t inspected_us = live->now_us;

	for (unsigned i = 0; i < count; i++)
		polled[1 + i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
	turns_start(&live->turns);
	for (;;) {
		int result, wait_ms = poll_timeout(live);

		if (poll(polled, 1 + count, wait_ms) < 0 && errno != EINTR)
			return fault_set(
				fault, -errno, "cannot wait for packets: %s", strerror(errno));
		turns_begin(&live->turns);
		if (polled[0].revents && !handle_signal(live, signals))
			return 0;
		result = turn(live, (uint64_t)wait_ms * 1000, fault);
		if (result != 0)
			return result;
		if (live->now_us - inspected_us >= inspection_us) {
			inspect(live);
			inspected_us = live->now_us;
		}
		if (live->metrics)
			turned(live);
		turns_end(&live->turns);
	}
}

/* Signals come by descriptor, in every thread that is started later too. What nobody reads, or what
 * grows too large, is an error of the write: no reason to leave the kernel's rules behind. */
static int open_signals(struct fault *fault)
{
	sigset_t set;
	int signals;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0)
		return fault_set(fault, -errno, "cannot take signals: %s", strerror(errno));
	return signals;
}

/* State comes before all that may end the process or hang, in a library for one. */
static int close_all(struct live *live, int result, struct fault *fault)
{
	struct fault other;

	if (live->is_ready && log_get_level() >= LOG_LEVEL_INFO)
		answer_summary(live);
	if (live->wire.kind->stop)
		live->wire.kind->stop(&live->wire);
	state_close(live->state, clock_us(CLOCK_BOOTTIME));
	metrics_close(live->metrics);
	live->wire.kind->close(&live->wire, &other);
	if (events_close(live->events, &other) != 0 && result == 0) {
		*fault = other;
		result = -EIO;
	}
	engine_free(live->engine);
	wire_disclaim(&live->wire);
	return result;
}

/* What is absent while the host boots may be still to come: it is tried again. */
static int exit_status(const struct fault *fault)
{
	const bool boots = clock_us(CLOCK_BOOTTIME) < boot_us;

	if (fault->kind == FAULT_LASTING || (fault->kind == FAULT_ABSENT && !boots))
		return EXIT_USAGE;
	return EXIT_FAILURE;
}

/* An interface that has gone away may come back. Started anew before, natbox would take its name
 * for a mistake. */
static void wait_for_wire(const struct live *live, int signals)
{
	struct pollfd polled = {.fd = signals, .events = POLLIN};
	bool told = false;

	while (poll(&polled, 1, absence_poll_ms) == 0 && !live->wire.kind->is_there(&live->wire)) {
		if (!told)
			log_info("it is gone: natbox waits for it, and ends once it is back");
		told = true;
	}
}

int live_run(const struct options *options, struct config *config)
{
	static struct live live;
	struct fault fault;
	int signals = open_signals(&fault), result = signals;

	live = (struct live){.options = options,
		.config = config,
		.wire.kind = config->mode == MODE_RELAY ? &relay_wire : &sniff_wire,
		.wire.handler = {
			.context = &live, .datagram = on_datagram, .notice = on_wire_notice}};
	wire_settings_read(config, &live.wire.settings);
	live.wire.settings.sends = !options->dry_run;
	log_never_wait();
	if (result >= 0)
		result = open_all(&live, &fault);
	if (result == 0)
		result = run(&live, signals, &fault);
	result = close_all(&live, result, &fault);
	if (result != 0)
		log_error("%s", fault.line);
	if (result != 0 && live.is_ready && live.wire.kind->is_there)
		wait_for_wire(&live, signals);
	if (signals >= 0)
		close(signals);
	return result == 0 ? EXIT_SUCCESS : exit_status(&fault);
}
