#include <natbox/schedule.h>

#include <errno.h>

/* Overdue keepalives sent in one tick, 50 000 a second: a quarter of what one core can send. */
enum { OVERDUE_PER_TICK = 500 };

/* How much sooner than after an interval the next keepalive may be sent, where all the places later
 * on are taken: seven eighths of it. That many places with a quarter to spare (wheel_place_sender)
 * are enough for all, so that what was sent in a burst is spread again in the next round. */
enum { EARLIEST_PART = 8 };

/* How soon after it came an item sends for the first time: many that come at once are spread over
 * that. */
enum { SOON_US = 1000000 };

int schedule_init(struct schedule *schedule, const struct settings *settings,
	const struct keepalive_rules *rules, uint32_t items, uint32_t now)
{
	*schedule = (struct schedule){
		.settings = settings,
		.rules = rules,
		/* For the longest interval there can be, as it may become that. */
		.wheel = wheel_new(items, ticks_of(INTERVAL_MAX_S * 1000000ull) + 1, now),
	};
	return schedule->wheel ? 0 : -ENOMEM;
}

void schedule_free(struct schedule *schedule)
{
	wheel_free(schedule->wheel);
}

static uint32_t interval_of(const struct schedule *schedule, unsigned class)
{
	return ticks_of(schedule->rules[class].interval_us);
}

/* The tick at which a keepalive is due: one interval after the last packet is over, and not
 * before. */
static uint32_t due_of(const struct schedule *schedule, unsigned class, uint32_t refreshed)
{
	return refreshed + interval_of(schedule, class);
}

void schedule_wake_by(struct schedule *schedule, uint32_t item, uint32_t tick)
{
	if (tick_before(tick, wheel_tick_of(schedule->wheel, item)))
		wheel_place(schedule->wheel, item, tick);
}

void schedule_place_end(struct schedule *schedule, uint32_t item, uint32_t expires)
{
	wheel_place(schedule->wheel, item, expires);
}

static void place(struct schedule *schedule, uint32_t item, unsigned class, uint32_t earliest,
	uint32_t latest, uint32_t expires)
{
	if (!schedule_sends(schedule, class))
		schedule_place_end(schedule, item, expires);
	else
		wheel_place_sender(schedule->wheel, item, earliest, latest,
			interval_of(schedule, class), class);
	schedule_wake_by(schedule, item, expires);
}

void schedule_place(struct schedule *schedule, uint32_t item, unsigned class, uint32_t earliest,
	uint32_t refreshed, uint32_t expires)
{
	place(schedule, item, class, earliest, due_of(schedule, class, refreshed), expires);
}

void schedule_place_soon(
	struct schedule *schedule, uint32_t item, unsigned class, uint32_t now, uint32_t expires)
{
	place(schedule, item, class, now + 1, now + ticks_of(SOON_US), expires);
}

void schedule_place_next(struct schedule *schedule, uint32_t item, unsigned class,
	uint32_t refreshed, uint32_t expires)
{
	uint32_t earliest = refreshed + interval_of(schedule, class) / EARLIEST_PART;

	schedule_place(schedule, item, class, earliest, refreshed, expires);
}

uint32_t schedule_next(const struct schedule *schedule, uint32_t item, unsigned class,
	uint32_t refreshed, bool since_placed)
{
	if (wheel_is_sender(schedule->wheel, item) && !since_placed)
		return wheel_tick_of(schedule->wheel, item);
	return due_of(schedule, class, refreshed);
}

/* The longest interval that any class has. */
static uint32_t longest_interval(const struct schedule *schedule)
{
	uint32_t longest = 0;

	for (unsigned number = 0; number < PACES_MAX; number++) {
		if (interval_of(schedule, number) > longest)
			longest = interval_of(schedule, number);
	}
	return longest;
}

/* Whether those that are overdue have taken turns up to a tick that is to come: what is of long ago
 * may look so, as ticks wrap. */
static bool has_turns(const struct schedule *schedule, uint32_t now)
{
	const uint32_t ahead = schedule->overdue_tick - now;

	return ahead != 0 && ahead <= schedule->overdue_longest;
}

static void start_turns(struct schedule *schedule, uint32_t tick)
{
	schedule->overdue_tick = tick;
	schedule->overdue_count = 0;
	schedule->overdue_longest = longest_interval(schedule);
}

/* When the next one of the overdue keepalives is sent: an interval from now at the latest. They
 * take turns whatever their intervals are. */
static uint32_t take_overdue_tick(struct schedule *schedule, unsigned class, uint32_t now)
{
	const uint32_t own_latest = now + interval_of(schedule, class);
	uint32_t latest;

	if (!has_turns(schedule, now)) {
		start_turns(schedule, now + 1);
	} else if (schedule->overdue_count >= OVERDUE_PER_TICK) {
		schedule->overdue_tick++;
		schedule->overdue_count = 0;
	}
	latest = now + schedule->overdue_longest;
	if (tick_before(latest, schedule->overdue_tick))
		schedule->overdue_tick = latest;
	schedule->overdue_count++;
	return tick_before(own_latest, schedule->overdue_tick) ? own_latest
							       : schedule->overdue_tick;
}

uint32_t schedule_place_anew(struct schedule *schedule, uint32_t item, unsigned class, uint32_t now,
	uint32_t refreshed, uint32_t expires)
{
	uint32_t earliest = now + 1;

	if (!tick_before(now, due_of(schedule, class, refreshed))) {
		earliest = take_overdue_tick(schedule, class, now);
		refreshed = earliest - interval_of(schedule, class);
	}
	schedule_place(schedule, item, class, earliest, refreshed, expires);
	return refreshed;
}

uint32_t schedule_answer_end(const struct schedule *schedule, unsigned class, uint32_t sent)
{
	uint32_t timeout = ticks_of(schedule->settings->keepalive.reply_timeout_us);
	uint32_t interval = interval_of(schedule, class);

	return sent + (timeout < interval ? timeout : interval);
}

void schedule_note_pause(struct schedule *schedule, uint32_t from, uint32_t until)
{
	schedule->pauses[schedule->pause_count++ % PAUSES_MAX] = (struct pause){from, until};
	start_turns(schedule, until);
}

/* Where the keepalive was overdue after the pause, the one before it counts as sent that much
 * later, which errs on the side of the phone. */
bool schedule_paused_after(const struct schedule *schedule, unsigned class, uint32_t sent)
{
	uint32_t end = schedule_answer_end(schedule, class, sent);

	if (schedule->is_held && tick_before(schedule->held_since, end))
		return true;
	for (unsigned i = 0; i < PAUSES_MAX && i < schedule->pause_count; i++) {
		const struct pause *pause = &schedule->pauses[i];

		if (tick_before(sent, pause->until) && tick_before(pause->from, end))
			return true;
	}
	return false;
}

void schedule_hold(struct schedule *schedule, uint32_t now)
{
	schedule->is_held = true;
	schedule->held_since = now;
}

void schedule_release(struct schedule *schedule, uint32_t now)
{
	schedule->is_held = false;
	schedule_note_pause(schedule, schedule->held_since, now);
}
