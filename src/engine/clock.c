#include "engine.h"

bool engine_is_reviewing(const struct engine *engine)
{
	return review_is_pending(&engine->endpoints);
}

/* The time of a tick near now. */
static uint64_t time_of(const struct engine *engine, uint32_t tick)
{
	uint64_t now = engine->report.now_us / TICK_US;
	int64_t ahead = (int32_t)(tick - (uint32_t)now);

	return (uint64_t)((int64_t)now + ahead) * TICK_US;
}

/* A bounded call may leave items in the slot that the wheel has turned to. */
static bool has_left_over(const struct engine *engine)
{
	return wheel_peek(engine->endpoints.schedule.wheel) != 0;
}

/* When the clock has something to do. */
static uint64_t next_tick_us(const struct engine *engine)
{
	uint64_t next = UINT64_MAX;
	uint32_t tick;

	if (has_left_over(engine))
		return engine->report.now_us;
	if (wheel_next(engine->endpoints.schedule.wheel, &tick))
		next = time_of(engine, tick);
	if (follow_next(&engine->follow, &tick) && time_of(engine, tick) < next)
		next = time_of(engine, tick);
	return next;
}

uint64_t engine_next(const struct engine *engine)
{
	return engine_is_reviewing(engine) ? engine->report.now_us : next_tick_us(engine);
}

/* To the present, or to the next items on the way there that wait for their turn. */
static void turn_wheel(struct engine *engine)
{
	uint32_t tick = report_tick(&engine->report), next;

	if (wheel_next(engine->endpoints.schedule.wheel, &next) && tick_before(next, tick))
		tick = next;
	wheel_turn(engine->endpoints.schedule.wheel, tick);
}

static void wake(struct engine *engine, uint32_t endpoint, bool send)
{
	/* Nothing is sent that the settings do not want any more, nor at a time of before. */
	if (review_has_reached(&engine->endpoints, endpoint) ||
		review_one(&engine->endpoints, endpoint))
		liveness_wake(&engine->endpoints, &engine->keepalive, endpoint, send);
}

/* What is woken soon comes into the cache meanwhile, a step further with each that is woken before:
 * a keepalive is made of three things that stand apart, and each is known from the one before. */
static void fetch_ahead(const struct engine *engine)
{
	const struct wheel *wheel = engine->endpoints.schedule.wheel;
	uint32_t endpoint = wheel_peek(wheel);

	for (enum endpoint_part part = ENDPOINT_LABEL; endpoint; part--) {
		endpoint_prefetch_part(&engine->endpoints, endpoint, part);
		if (part == ENDPOINT_ITSELF)
			return;
		endpoint = wheel_peek_after(wheel, endpoint);
	}
}

static void run_tick(struct engine *engine)
{
	uint32_t endpoint;
	bool send;

	follow_expire(&engine->follow);
	if (!has_left_over(engine))
		turn_wheel(engine);
	while (report_has_time(&engine->report) &&
		(endpoint = wheel_pop(engine->endpoints.schedule.wheel, &send))) {
		engine->report.work += WORK_LOOK;
		fetch_ahead(engine);
		wake(engine, endpoint, send);
	}
}

/* Without a bound the clock takes each tick on its way, so that what comes of a call does not
 * depend on when it is made. With one it shows what it is. */
void engine_advance(struct engine *engine, uint64_t now_us)
{
	uint64_t next_us;

	engine->report.work = 0;
	run_review(engine);
	if (work_is_bounded(engine))
		set_clock(engine, now_us);
	while ((next_us = next_tick_us(engine)) <= now_us && report_has_time(&engine->report)) {
		set_clock(engine, next_us);
		run_tick(engine);
	}
	set_clock(engine, now_us);
	if (next_us > now_us)
		turn_wheel(engine);
}

void engine_resume(struct engine *engine, uint64_t now_us, uint64_t deaf_us)
{
	uint32_t from = report_tick(&engine->report);

	if (now_us <= engine->report.now_us)
		return;
	set_clock(engine, now_us);
	/* Whatever waits on the way there gets another place, however long the way is. */
	wheel_turn(engine->endpoints.schedule.wheel, report_tick(&engine->report));
	schedule_note_pause(&engine->endpoints.schedule, from,
		report_tick(&engine->report) + ticks_of(deaf_us));
	review_start(&engine->endpoints, true);
}

void engine_hold_keepalives(struct engine *engine, bool held)
{
	struct schedule *schedule = &engine->endpoints.schedule;
	const uint32_t now = report_tick(&engine->report);

	if (held == schedule->is_held)
		return;
	if (held) {
		schedule_hold(schedule, now);
		return;
	}
	schedule_release(schedule, now);
	review_start(&engine->endpoints, true);
}

bool engine_holds_keepalives(const struct engine *engine)
{
	return engine->endpoints.schedule.is_held;
}
