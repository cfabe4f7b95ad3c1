#include "hosting.h"

#include "clock.h"
#include "reload.h"
#include "telling.h"
#include <natbox/state.h>

#include <errno.h>
#include <string.h>

/* What those who control natbox have of its time: where packets keep it busy a 32nd, so that
 * neither is much slower for it; where nothing else is to be done this much at a time, after which
 * packets are looked for. */
enum { BUSY_PART = 32, BUSY_LEAST_US = 10, IDLE_US = 500 };

/* How long ago a packet in that direction was seen; UINT64_MAX: there was none. */
static uint64_t since(const struct sightings *sightings, enum direction direction, uint64_t now_us)
{
	const uint64_t seen_us = sightings->seen_us[direction];

	return seen_us ? now_us - seen_us : UINT64_MAX;
}

static void on_status(void *context, struct control_status *status)
{
	const struct live *live = context;
	const struct config *config = live->config;
	const uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	*status = (struct control_status){
		.mode = config->mode,
		.is_dry_run = live->dry_run,
		.up_us = now_us - live->sightings.boot_us,
		.since_us = live->sightings.started_us,
		.configuration = live->source->path ? live->source->path : CONFIG_PATH_DEFAULT,
		.state = live->dry_run ? "" : config->state.path,
		.events = config->log.events,
		.metrics = config->metrics.listen,
		.is_reviewing = engine_is_reviewing(live->engine),
		.state_lag_us = state_lag(live->state, now_us),
		.last_in_us = since(&live->sightings, DIRECTION_IN, now_us),
		.last_out_us = since(&live->sightings, DIRECTION_OUT, now_us),
	};
}

static void on_figures(void *context, struct metrics_snapshot *snapshot)
{
	*snapshot = figures(context, clock_us(CLOCK_BOOTTIME));
}

static bool on_reload(void *context)
{
	return reload(context);
}

/* A dry run goes on beside a natbox that does the work, and leaves it its socket. */
enum hosting_wish hosting_wish(const struct config *config, bool dry_run)
{
	const char *path = config->control.socket;
	const bool is_named = strcmp(path, CONTROL_SOCKET_DEFAULT) != 0;

	if (!*path || (dry_run && !is_named))
		return HOSTING_NOT;
	return !dry_run && (is_named || *config->metrics.group) ? HOSTING_OR_END
								: HOSTING_IF_POSSIBLE;
}

int hosting_open(struct live *live, const struct identity *identity, struct fault *fault)
{
	const struct config *config = live->config;
	const enum hosting_wish wish = hosting_wish(config, live->dry_run);

	if (wish == HOSTING_NOT)
		return 0;
	live->control =
		control_open(config->control.socket, config->metrics.group, identity, fault);
	if (live->control)
		return 0;
	if (wish == HOSTING_OR_END)
		return -EIO;
	log_warning("%s; nobody can control this natbox", fault->line);
	return 0;
}

void hosting_start(struct live *live)
{
	const struct control_host host = {
		.context = live,
		.status = on_status,
		.figures = on_figures,
		.reload = on_reload,
	};

	if (live->control)
		control_start(live->control, live->engine, &host, &live->interest);
}

static uint64_t budget_us(const struct live *live, bool is_idle)
{
	const uint64_t spent_us = clock_us(CLOCK_MONOTONIC) - live->turns.begun_us;

	return is_idle ? IDLE_US : spent_us / BUSY_PART + BUSY_LEAST_US;
}

void hosting_turn(struct live *live, bool is_idle)
{
	control_run(live->control, live->now_us, budget_us(live, is_idle));
}

void hosting_answer(struct live *live, bool is_idle)
{
	metrics_run(live->metrics, live->engine, budget_us(live, is_idle));
}
