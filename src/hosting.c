#include "hosting.h"

#include "clock.h"
#include "reload.h"
#include "telling.h"
#include <natbox/state.h>

#include <errno.h>
#include <string.h>

/* What those who control natbox, or look at its page, have of its time. Where packets keep it busy
 * that is a part of it, so that it relays no less for being watched, and saved up until there is
 * enough for a slice, as to begin one costs some microseconds and a part of the processor's cache.
 * Where nothing else is to be done it is so much at a time, after which packets are looked for. */
enum { BUSY_PART = 64, BUSY_SLICE_US = 100, IDLE_SLICE_US = 200 };

/* What they have had too much of counts no further: a turn may be long because others have the
 * processor. */
enum { DEBT_MAX_US = 10 * BUSY_SLICE_US };

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

static void save(struct live *live)
{
	struct hosting *hosting = &live->hosting;

	hosting->saved_us += (int64_t)(live->turns.last.processor_us / BUSY_PART);
	if (hosting->saved_us > BUSY_SLICE_US)
		hosting->saved_us = BUSY_SLICE_US;
}

static void spend(struct live *live, uint64_t spent_us)
{
	struct hosting *hosting = &live->hosting;

	hosting->saved_us -= (int64_t)(spent_us < DEBT_MAX_US ? spent_us : DEBT_MAX_US);
}

/* One of the two at a time. */
static void serve(struct live *live, unsigned wanted, uint64_t slice_us)
{
	struct hosting *hosting = &live->hosting;
	const unsigned first = hosting->is_pages_turn ? HOSTING_PAGE : HOSTING_CONTROL;

	if (!(wanted & first))
		hosting->is_pages_turn = !hosting->is_pages_turn;
	if (hosting->is_pages_turn)
		metrics_run(live->metrics, live->engine, slice_us);
	else
		control_run(live->control, live->now_us, slice_us);
	hosting->is_pages_turn = !hosting->is_pages_turn;
}

void hosting_turn(struct live *live, unsigned wanted, bool is_idle)
{
	const uint64_t begun_us = turns_passed_us(&live->turns);

	if (is_idle) {
		serve(live, wanted, IDLE_SLICE_US);
		return;
	}
	save(live);
	if (live->hosting.saved_us < BUSY_SLICE_US)
		return;
	serve(live, wanted, BUSY_SLICE_US);
	spend(live, turns_passed_us(&live->turns) - begun_us);
}
