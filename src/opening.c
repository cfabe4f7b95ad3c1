#include "opening.h"

#include "backing.h"
#include "hosting.h"
#include "telling.h"
#include <natbox/state.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void on_state_notice(void *context, enum state_notice notice, const char *line)
{
	struct live *live = context;

	if (notice == STATE_TAKEN)
		snprintf(live->state_taken, sizeof(live->state_taken), "%s", line);
	else if (notice == STATE_FAULT)
		log_error("%s", line);
	else
		log_info("%s", line);
}

/* Asked every second about addresses that are known; what is left out is told once. */
static void add_proxy(struct live *live, const struct address *proxy)
{
	char text[ADDRESS_TEXT_MAX];

	if (engine_is_proxy(live->engine, proxy))
		return;
	address_format(proxy, text);
	if (engine_add_proxy(live->engine, proxy) != 0) {
		if (!live->told_too_many_proxies)
			log_warning(
				"too many proxy addresses: %s is left out, and what comes later",
				text);
		live->told_too_many_proxies = true;
	} else if (live->is_ready) {
		log_info("one proxy address more: %s", text);
	} else {
		log_debug("a proxy's address: %s", text);
	}
}

int live_find_proxies(struct live *live, struct fault *fault)
{
	struct address list[PROXIES_MAX];
	int count = wire_find_proxies(&live->wire.settings, list, fault);

	if (count > 0 && fault->line[0] && !live->told_too_many_proxies) {
		log_warning("%s", fault->line);
		live->told_too_many_proxies = true;
	}
	for (int i = 0; i < count; i++)
		add_proxy(live, &list[i]);
	return count < 0 ? count : 0;
}

/* Of a proxy in the state. An address of this host may be there again in a moment, so where proxies
 * come and go it stays a proxy's over a restart, too. */
static void take_stored_proxy(void *context, const struct address *proxy)
{
	struct live *live = context;
	const struct wire_settings *settings = &live->wire.settings;
	bool is_ours = false;

	for (unsigned i = 0; i < settings->named_count; i++)
		is_ours |= address_is_unspecified(&settings->named[i]) &&
			   settings->named[i].port == proxy->port;
	if (is_ours && !live->wire.kind->proxies_stay)
		add_proxy(live, proxy);
}

/* A dry run has no state: it would take the place of the natbox that does the work, and keep what
 * it never sent. */
static const char *state_path(const struct live *live)
{
	return live->dry_run ? "" : live->config->state.path;
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

	if (*options.path && !rights_leads(identity, options.path))
		state_prepare(options.path, identity->user, identity->group);
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

static int open_engine(struct live *live, const struct engine_sink *sink, struct fault *fault)
{
	const struct config *config = live->config;

	live->engine = engine_new(
		&config->core, config->mode != MODE_SNIFF, state_seed(live->state), sink);
	if (!live->engine)
		return fault_set(fault, -ENOMEM,
			"no memory for the tables: lower limits.endpoints or limits.transactions");
	engine_bound_work(live->engine, STEP_ENDPOINTS_MAX);
	live->now_us = clock_us(CLOCK_BOOTTIME);
	engine_advance(live->engine, live->now_us);
	live->wire.proxies = engine_proxies(live->engine);
	return live_find_proxies(live, fault);
}

/* owner: NULL once natbox is who it will be. */
static int open_events(struct live *live, const struct identity *owner, struct fault *fault)
{
	if (live->events || !*live->config->log.events)
		return 0;
	live->events = events_open(live->config->log.events, owner, fault);
	if (!live->events)
		return -EIO;
	events_choose(live->events, live->config->log.events_of);
	tell_time(live);
	return 0;
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
	int result;

	tell_what_is_wanted(live);
	result = state_start(live->state, live->engine, live->now_us);
	return result == 0 ? 0 : fault_set(fault, result, "no memory to keep state");
}

/* A dry run goes on beside a natbox that does the work, and leaves it its port. */
static int open_metrics(struct live *live, struct fault *fault)
{
	const struct address *listen = &live->config->metrics.listen;
	const int result = listen->port ? metrics_open(listen, &live->metrics, fault) : 0;

	if (result == 0 || !live->dry_run)
		return result;
	log_warning("%s; this dry run goes on without", fault->line);
	return 0;
}

static int start_metrics(struct live *live, struct fault *fault)
{
	uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	sightings_start(&live->sightings, now_us, clock_us(CLOCK_REALTIME));
	if (!live->metrics)
		return 0;
	tell_figures(live, now_us);
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

int live_open(struct live *live, const struct engine_sink *sink, struct fault *fault)
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
		result = open_engine(live, sink, fault);
	if (result == 0)
		result = open_metrics(live, fault);
	if (result == 0)
		result = hosting_open(live, &identity, fault);
	if (result == 0)
		result = live->wire.kind->open(&live->wire, fault);
	if (result == 0)
		open_events_for(live, &identity);
	if (result == 0)
		result = privileges_drop(&identity, live->wire.kind->needs_net_admin, fault);
	if (result == 0)
		result = open_events(live, NULL, fault);
	if (result == 0) {
		log_opened(live, &identity);
		tell_idle_keys(live->config);
	}
	if (result == 0)
		result = start_state(live, fault);
	if (result == 0)
		live->backing = backing_start(live->engine, live->state);
	if (result == 0)
		result = start_metrics(live, fault);
	if (result == 0)
		result = live->wire.kind->start(&live->wire, fault);
	if (result == 0 && *live->state_taken)
		log_error("%s", live->state_taken);
	if (result == 0)
		hosting_start(live);
	live->is_ready = result == 0;
	return result;
}

/* State comes before all that may end the process or hang, in a library for one. */
void live_close(struct live *live)
{
	struct fault fault;

	if (live->is_ready && log_get_level() >= LOG_LEVEL_INFO)
		tell_summary(live);
	log_limits_end(UINT64_MAX);
	if (live->wire.kind->stop)
		live->wire.kind->stop(&live->wire);
	backing_stop(live->backing);
	state_close(live->state, clock_us(CLOCK_BOOTTIME));
	metrics_close(live->metrics);
	control_close(live->control);
	if (live->wire.kind->close(&live->wire, &fault) != 0)
		log_error("%s", fault.line);
	/* As while natbox runs: events that nobody takes are told, and no fault of its own. */
	if (events_close(live->events, &fault) != 0)
		log_error("%s", fault.line);
	engine_free(live->engine);
	wire_disclaim(&live->wire);
}
