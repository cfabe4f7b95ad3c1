/* The event loop: what comes in goes to the engine, what the engine wants sent goes out. */
#include "loop.h"

#include "backing.h"
#include "hosting.h"
#include "opening.h"
#include "reload.h"
#include "telling.h"
#include "wire_settings.h"
#include <natbox/state.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const uint64_t inspection_us = 1000000;

/* How long after the host was started interfaces and addresses may still be to come. */
static const uint64_t boot_us = 300 * 1000000ULL;

/* How long an interface has to go away once it fails, and how often is looked for it then. */
static const int absence_poll_ms = 1000;

static struct outcome on_datagram(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	const struct live *live = context;
	struct outcome outcome;

	if (log_get_level() == LOG_LEVEL_DEBUG)
		tell_datagram(flow, bytes);
	outcome = engine_packet(live->engine, time_us, flow, bytes);
	if (live->interest.packets)
		control_packet(live->control, time_us, flow, bytes, &outcome);
	return outcome;
}

static void on_expect(void *context, const struct flow *flows, unsigned count)
{
	const struct live *live = context;

	engine_expect(live->engine, flows, count);
}

static void on_send(void *context, uint64_t now_us, const struct flow *flow, struct text bytes)
{
	static struct log_limit limit;
	struct live *live = context;
	struct fault fault;

	if (log_get_level() == LOG_LEVEL_DEBUG && !engine_is_proxy(live->engine, &flow->source))
		tell_answer(flow, bytes);
	if (live->interest.packets)
		control_packet(live->control, now_us, flow, bytes, NULL);
	if (live->wire.kind->send(&live->wire, now_us, flow, bytes, &fault) != 0)
		log_limited(&limit, live->now_us, LOG_LEVEL_WARNING, "%s", fault.line);
}

static void on_event(void *context, const struct event *event)
{
	const struct live *live = context;

	if (live->metrics && (event->type == EVENT_LOST || event->type == EVENT_FOUND))
		metrics_changed(live->metrics);
	tell_event(live, event);
	if (live->interest.events >> event->type & 1)
		control_event(live->control, event);
}

static bool has_time(void *context)
{
	const struct live *live = context;

	return turns_passed_us(&live->turns) < TURN_PACKETS_US;
}

/* False when natbox is to stop. */
static bool handle_signal(struct live *live, int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return true;
	switch (info.ssi_signo) {
	case SIGHUP:
		reload(live);
		return true;
	case SIGUSR1:
		tell_summary(live);
		return true;
	default:
		return false;
	}
}

static void inspect(struct live *live)
{
	static struct log_limit limit;
	struct engine_counters counters;
	struct fault fault;

	if (!live->wire.kind->proxies_stay && live_find_proxies(live, &fault) != 0)
		log_limited(&limit, live->now_us, LOG_LEVEL_WARNING, "%s", fault.line);
	live->wire.kind->inspect(&live->wire);
	log_limits_end(live->now_us);
	counters = engine_counters(live->engine);
	sightings_look(&live->sightings, &counters, live->now_us, clock_us(CLOCK_REALTIME));
	if (live->control)
		control_inspect(live->control, live->now_us);
}

/* Milliseconds until the next thing to do, at most the wire's longest turn. */
static int poll_timeout(const struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME), next_us = engine_next(live->engine);
	uint64_t wait_us;

	if (state_next(live->state) < next_us)
		next_us = state_next(live->state);
	wait_us = next_us > now_us ? next_us - now_us : 0;
	if (tell_restored_next(live) < wait_us)
		wait_us = tell_restored_next(live);
	if (live->wire.kind->has_rest && live->wire.kind->has_rest(&live->wire))
		return 0;
	if (live->control && control_has_work(live->control))
		return 0;
	if (live->metrics && metrics_is_asked(live->metrics))
		return 0;
	if (wait_us > live->wire.kind->longest_turn_us)
		wait_us = live->wire.kind->longest_turn_us;
	return (int)((wait_us + 999) / 1000);
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
 * what it missed. Returns how long that was; 0: there was no pause. */
static uint64_t resume_after_pause(struct live *live, uint64_t now_us, uint64_t waited_us)
{
	const uint64_t expected_us = live->now_us + waited_us;

	live->now_us = now_us;
	if (now_us < expected_us + shortest_pause_us(live))
		return 0;
	engine_resume(live->engine, now_us, live->wire.kind->deaf_after_pause_us);
	return now_us - expected_us;
}

static void tell_pause(uint64_t now_us, uint64_t pause_us)
{
	static struct log_limit limit;

	log_limited(&limit, now_us, LOG_LEVEL_WARNING,
		"natbox did not run for %.1f s: keepalives that were due go out now, one after the "
		"other, and none of that time counts as missed",
		(double)pause_us / 1e6);
}

/* As many endpoints as take as long as a step should, judged by those of the last one: twice as
 * many at most, as what it has sent may wait for the next one to leave. */
static unsigned next_step(unsigned endpoints, uint64_t took_us)
{
	const uint64_t fitting = endpoints * (uint64_t)STEP_US / (took_us ? took_us : 1);
	const uint64_t most =
		2 * endpoints < STEP_ENDPOINTS_MAX ? 2 * endpoints : STEP_ENDPOINTS_MAX;

	if (fitting >= most)
		return (unsigned)most;
	return fitting > STEP_ENDPOINTS_MIN ? (unsigned)fitting : STEP_ENDPOINTS_MIN;
}

/* Step by step, at least one, until the present or as long as there is time. */
static void advance(struct live *live)
{
	uint64_t before_us, passed_us = turns_passed_us(&live->turns);

	if (live->step_endpoints > STEP_ENDPOINTS_FIRST)
		live->step_endpoints = STEP_ENDPOINTS_FIRST;
	do {
		engine_bound_work(live->engine, live->step_endpoints);
		engine_advance(live->engine, live->now_us);
		before_us = passed_us;
		passed_us = turns_passed_us(&live->turns);
		live->step_endpoints = next_step(live->step_endpoints, passed_us - before_us);
	} while (engine_next(live->engine) <= live->now_us && passed_us < TURN_US);
}

/* waited_us: at most so long after the last turn this one was to begin. */
static int turn(struct live *live, uint64_t waited_us, struct fault *fault)
{
	const uint64_t now_us = clock_us(CLOCK_BOOTTIME);
	const uint64_t pause_us = resume_after_pause(live, now_us, waited_us);
	int result;

	if (pause_us)
		tell_pause(now_us, pause_us);
	tell_time(live);
	tell_what_is_wanted(live);
	result = live->wire.kind->receive(&live->wire, now_us, fault);
	advance(live);
	note_review(live);
	state_run(live->state, live->now_us);
	tell_restored(live);
	live->wire.kind->flush(&live->wire);
	backing_run(live->backing);
	if (live->events)
		tell_event_news(live);
	return result;
}

/* The end of a turn, after all in it that could hang: a disk, a reader of events, a configuration
 * on a file system that does not answer. */
static void turned(struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	if (live->metrics && metrics_turned(live->metrics, now_us))
		tell_figures(live, now_us);
	if (service_turned(now_us))
		tell_status(live, now_us);
}

/* What the loop waits for besides the wire's descriptors. */
enum { SIGNALS, CONTROL, METRICS, FIXED_DESCRIPTORS };

/* Whether the wire had something to be taken at the start of this turn. */
static bool has_come(const struct pollfd *polled, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (polled[i].revents)
			return true;
	}
	return false;
}

static unsigned hosting_wanted(const struct live *live, const struct pollfd *polled)
{
	unsigned wanted = 0;

	if (live->control && (polled[CONTROL].revents || control_has_work(live->control)))
		wanted |= HOSTING_CONTROL;
	if (live->metrics && (polled[METRICS].revents || metrics_is_asked(live->metrics)))
		wanted |= HOSTING_PAGE;
	return wanted;
}

static int run(struct live *live, int signals, struct fault *fault)
{
	struct pollfd polled[FIXED_DESCRIPTORS + WIRE_DESCRIPTORS_MAX] = {
		[SIGNALS] = {.fd = signals, .events = POLLIN},
		[CONTROL] = {.fd = live->control ? control_descriptor(live->control) : -1,
			.events = POLLIN},
		[METRICS] = {.fd = live->metrics ? metrics_descriptor(live->metrics) : -1,
			.events = POLLIN},
	};
	int descriptors[WIRE_DESCRIPTORS_MAX];
	unsigned count = live->wire.kind->descriptors(&live->wire, descriptors);
	uint64_t inspected_us;
	unsigned wanted;
	const bool is_watched = live->metrics || service_listens();

	for (unsigned i = 0; i < count; i++)
		polled[FIXED_DESCRIPTORS + i] =
			(struct pollfd){.fd = descriptors[i], .events = POLLIN};
	turns_start(&live->turns);
	/* To start is no pause, however long it took. */
	resume_after_pause(live, clock_us(CLOCK_BOOTTIME), 0);
	inspected_us = live->now_us;
	for (;;) {
		int result, wait_ms = poll_timeout(live);

		if (poll(polled, FIXED_DESCRIPTORS + count, wait_ms) < 0 && errno != EINTR)
			return fault_set(
				fault, -errno, "cannot wait for packets: %s", strerror(errno));
		turns_begin(&live->turns);
		if (polled[SIGNALS].revents && !handle_signal(live, signals))
			return 0;
		result = turn(live, (uint64_t)wait_ms * 1000, fault);
		if (result != 0)
			return result;
		if (live->now_us - inspected_us >= inspection_us) {
			inspect(live);
			inspected_us = live->now_us;
		}
		wanted = hosting_wanted(live, polled);
		if (wanted)
			hosting_turn(live, wanted, !has_come(&polled[FIXED_DESCRIPTORS], count));
		if (is_watched)
			turned(live);
		turns_end(&live->turns);
	}
}

void loop_keep_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Signals come by descriptor, in every thread that is started later too. What nobody reads is an
 * error of the write: no reason to leave the kernel's rules behind. */
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
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0)
		return fault_set(fault, -errno, "cannot take signals: %s", strerror(errno));
	return signals;
}

/* What is absent while the host boots may be still to come: it is tried again. */
static int exit_status(const struct fault *fault)
{
	const bool boots = clock_us(CLOCK_BOOTTIME) < boot_us;

	if (fault->kind == FAULT_LASTING || (fault->kind == FAULT_ABSENT && !boots))
		return EXIT_USAGE;
	return EXIT_FAILURE;
}

/* Waits for a while; false: natbox is to stop. SIGHUP can still be for log rotation. */
static bool wait_a_while(int signals)
{
	struct pollfd polled = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo info;

	while (poll(&polled, 1, absence_poll_ms) != 0) {
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGHUP && info.ssi_signo != SIGUSR1)
			return false;
		if (info.ssi_signo == SIGHUP)
			log_reopen();
	}
	return true;
}

/* An interface that has gone away may come back. Started anew before, natbox would take its name
 * for a mistake. */
static void wait_for_wire(const struct live *live, int signals)
{
	bool told = false;

	while (wait_a_while(signals) && !live->wire.kind->is_there(&live->wire)) {
		if (!told) {
			log_info("it is gone: natbox waits for it, and ends once it is back");
			service_status("interface %s is gone: natbox waits for it",
				live->wire.settings.interface);
		}
		told = true;
		service_turned(clock_us(CLOCK_BOOTTIME)); /* to wait is what it has to do now */
	}
}

int loop_run(const struct config_source *source, bool dry_run, struct config *config)
{
	static struct live live;
	const struct engine_sink sink = {
		.context = &live, .event = on_event, .send = dry_run ? NULL : on_send};
	struct fault fault;
	int signals = open_signals(&fault), result = signals;

	live = (struct live){.source = source,
		.dry_run = dry_run,
		.config = config,
		.step_endpoints = STEP_ENDPOINTS_MAX,
		.wire.kind = wire_kind_of(config),
		.wire.handler = {.context = &live,
			.datagram = on_datagram,
			.expect = on_expect,
			.notice = tell_wire_notice,
			.has_time = has_time}};
	wire_settings_read(config, &live.wire.settings);
	live.wire.settings.sends = !dry_run;
	service_open();
	if (result >= 0)
		result = live_open(&live, &sink, &fault);
	if (result == 0) {
		service_ready();
		result = run(&live, signals, &fault);
		if (result == 0)
			service_stopping();
	}
	live_close(&live);
	if (result != 0) {
		log_error("%s", fault.line);
		service_status("%s", fault.line);
	}
	if (result != 0 && live.is_ready && live.wire.kind->is_there)
		wait_for_wire(&live, signals);
	if (signals >= 0)
		close(signals);
	return result == 0 ? EXIT_SUCCESS : exit_status(&fault);
}
