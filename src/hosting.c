#include "hosting.h"

#include "reload.h"
#include "telling.h"
#include <natbox/state.h>

#include <errno.h>
#include <time.h>

/* What those who control natbox, or look at its page, have of its time. Where packets keep it busy
 * that is a part of it, so that it relays no less for being watched, and saved up until there is
 * enough for a slice, as to begin one costs some microseconds and a part of the processor's cache.
 * Where nothing else is to be done it is so much at a time, after which packets are looked for. */
enum { BUSY_PART = 64, BUSY_SLICE_US = 100, IDLE_SLICE_US = 200 };

/* What they have had too much of counts no further: a turn may be long because others have the
 * processor. */
enum { DEBT_MAX_US = 10 * BUSY_SLICE_US };

static void on_figures(void *context, struct metrics_snapshot *snapshot)
{
	*snapshot = figures(context, clock_us(CLOCK_BOOTTIME));
}

static const char *on_reload(void *context)
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
		.config = live->config,
		.configuration = config_path(live->source),
		.is_dry_run = live->dry_run,
		.context = live,
		.figures = on_figures,
		.reload = on_reload,
	};

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
