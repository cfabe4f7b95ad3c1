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
static uint64_t since(const struct sightings *sightings, enum direction direction)
{
	const uint64_t last_us = sightings->last_us[direction];
	const uint64_t wall_us = clock_us(CLOCK_REALTIME);

	if (!last_us)
		return UINT64_MAX;
	return wall_us > last_us ? wall_us - last_us : 0;
}

static void on_status(void *context, struct control_status *status)
{
	const struct live *live = context;
	const struct config *config = live->config;
	const uint64_t now_us = clock_us(CLOCK_BOOTTIME);

	*status = (struct control_status){
		.mode = config->mode,
		.is_dry_run = live->dry_run,
		.up_us = now_us - live->started_us,
		.since_us = clock_us(CLOCK_REALTIME) - (now_us - live->started_us),
		.configuration = live->source->path ? live->source->path : CONFIG_PATH_DEFAULT,
		.state = live->dry_run ? "" : config->state.path,
		.events = config->log.events,
		.metrics = config->metrics.listen,
		.is_reviewing = engine_is_reviewing(live->engine),
		.state_lag_us = state_lag(live->state, now_us),
		.last_in_us = since(&live->sightings, DIRECTION_IN),
		.last_out_us = since(&live->sightings, DIRECTION_OUT),
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

int hosting_open(struct live *live, const struct identity *identity, struct fault *fault)
{
	const char *path = live->config->control.socket;
	const bool is_named = strcmp(path, CONTROL_SOCKET_DEFAULT) != 0;

	/* A dry run goes on beside a natbox that does the work, and leaves it its socket. */
	if (!*path || (live->dry_run && !is_named))
		return 0;
	live->control = control_open(path, live->config->metrics.group, identity, fault);
	if (live->control)
		return 0;
	if (!live->dry_run && (is_named || *live->config->metrics.group))
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

	live->started_us = live->now_us;
	if (live->control)
		control_start(live->control, live->engine, &host, &live->interest);
}

static uint64_t budget_us(const struct live *live, bool is_idle)
{
	return is_idle ? IDLE_US : turns_passed_us(&live->turns) / BUSY_PART + BUSY_LEAST_US;
}

void hosting_turn(struct live *live, bool is_idle)
{
	control_run(live->control, live->now_us, budget_us(live, is_idle));
}

void hosting_answer(struct live *live, bool is_idle)
{
	metrics_run(live->metrics, live->engine, budget_us(live, is_idle));
}
