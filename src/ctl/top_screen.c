#include "top_screen.h"

#include <curses.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

/* What a line of the tables needs, of 80 columns. */
enum {
	RATES_WIDTH = 32,
	SIZES_WIDTH = 22,
	GAP = 2,
	TABLE_LINES = 1 + TOP_COUNTERS,
	/* Of each of the lists, its head included. */
	LEAST_LINES = 4,
	/* Screens of so many lines have bars of more than one. */
	TALL = 36,
	TALL_BARS = 4,
};

static const char *const counter_names[TOP_COUNTERS] = {
	[TOP_IN] = "in",
	[TOP_OUT] = "out",
	[TOP_REPAIRED] = "repaired",
	[TOP_RESTORED] = "restored",
	[TOP_KEEPALIVES] = "keepalives",
	[TOP_ANSWERS] = "answers",
	[TOP_MISSED] = "missed",
};

static const char *const size_names[TOP_SIZES] = {
	[TOP_ENDPOINTS] = "endpoints",
	[TOP_LOST] = "lost",
	[TOP_UNPROVEN] = "unproven",
	[TOP_REGISTRATIONS] = "registrations",
	[TOP_SUBSCRIPTIONS] = "subscriptions",
	[TOP_DIALOGS] = "dialogs",
	[TOP_TRANSACTIONS] = "transactions",
};

/* Of what is not as it should be. */
static attr_t alarm_look;

/* Cut where the screen ends, or before. */
__attribute__((format(printf, 4, 5))) static void put(
	int line, int column, int width, const char *format, ...)
{
	char text[TOP_TEXT_MAX * 2];
	va_list arguments;

	if (line >= LINES || column >= COLS)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	mvaddnstr(line, column, text, width < COLS - column ? width : COLS - column);
}

static void put_head(int line, int column, int width, const char *text)
{
	attron(A_BOLD);
	put(line, column, width, "%s", text);
	attroff(A_BOLD);
}

static void draw_title(const struct top_figures *figures, const char *trouble)
{
	attr_t look = A_REVERSE;
	char clock[SPAN_MAX];

	if (*trouble || figures->is_held)
		look |= alarm_look;
	attron(look);
	put(0, 0, COLS, "%*s", COLS, "");
	if (*trouble)
		put(0, 0, COLS, "%s%s", trouble, figures->told_at ? "; figures are of" : "");
	else
		put(0, 0, COLS, "%s", figures->title);
	if (figures->told_at && COLS > 8)
		put(0, COLS - 9, 9, " %s", local_of(figures->told_at, "%H:%M:%S", clock));
	attroff(look);
}

static void draw_rates(const struct top_figures *figures, int top)
{
	const struct top_sample *now = figures_before(figures, 0);
	const struct top_sample *before = figures_before(figures, TOP_RATE_SAMPLES);

	put_head(top, 0, RATES_WIDTH, "PACKETS     a second       total");
	for (int i = 0; now && i < TOP_COUNTERS; i++) {
		const uint64_t ms = now->at_ms - before->at_ms;
		const uint64_t count = now->counters[i] - before->counters[i];
		char rate[SPAN_MAX] = "";

		if (ms)
			snprintf(rate, sizeof(rate), "%.1f", (double)count * 1000 / (double)ms);
		put(top + 1 + i, 0, RATES_WIDTH, "%-10s %9s %11" PRIu64, counter_names[i], rate,
			now->counters[i]);
	}
}

static void draw_sizes(const struct top_figures *figures, int top)
{
	const int left = RATES_WIDTH + GAP;

	put_head(top, left, SIZES_WIDTH, "ENDPOINTS          now");
	for (int i = 0; figures->told_at && i < TOP_SIZES; i++) {
		const bool alarms = i == TOP_LOST && figures->sizes[i];

		if (alarms)
			attron(alarm_look);
		put(top + 1 + i, left, SIZES_WIDTH, "%-13s %8" PRIu64, size_names[i],
			figures->sizes[i]);
		if (alarms)
			attroff(alarm_look);
	}
}

/* Those for whom there is no line are added up in the last. */
static void draw_classes(const struct top_figures *figures, int top)
{
	const int left = RATES_WIDTH + SIZES_WIDTH + 2 * GAP, width = COLS - left;
	const int name_width = width > 40 ? 31 : width - 9;
	const unsigned lines = TABLE_LINES - 1;
	uint64_t rest = 0;

	if (name_width < 4 || figures->classes < 2)
		return;
	put_head(top, left, width, "CLASSES");
	for (unsigned i = 0; i < figures->classes; i++) {
		const struct top_class *class = &figures->class_list[i];

		if (figures->classes > lines && i >= lines - 1) {
			rest += class->endpoints;
			continue;
		}
		put(top + 1 + (int)i, left, width, "%-*.*s %8" PRIu64, name_width, name_width,
			*class->name ? class->name : "(none)", class->endpoints);
	}
	if (figures->classes > lines)
		put(top + TABLE_LINES - 1, left, width, "%-*.*s %8" PRIu64, name_width, name_width,
			"(others)", rest);
}

/* Of one character. */
enum { LEVELS = 8 };

static const char *const blocks[LEVELS + 1] = {
	" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const plain[LEVELS + 1] = {" ", "_", ".", ":", "-", "=", "+", "*", "#"};
static const char *const *levels = plain;

void screen_use_blocks(bool has_blocks)
{
	levels = has_blocks ? blocks : plain;
}

static unsigned level_of(uint64_t value, uint64_t most, unsigned all)
{
	if (!value)
		return 0;
	return 1 + (unsigned)((double)value / (double)most * (all - 1));
}

static void draw_bar(int line, int height, int column, int width, unsigned level)
{
	for (int i = 0; i < height; i++) {
		const unsigned below = (unsigned)(height - 1 - i) * LEVELS;
		const unsigned here = level > below ? level - below : 0;

		for (int j = 0; here && j < width && line + i < LINES && column + j < COLS; j++)
			mvaddstr(line + i, column + j, levels[here < LEVELS ? here : LEVELS]);
	}
}

/* From the first column on, one bar a value, so many columns wide of which the last are a gap. The
 * highest value has the whole height; each that is not 0 is to be seen. */
static void draw_bars(
	int line, int height, int width, int gap, const uint64_t *values, unsigned count)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < count; i++)
		most = values[i] > most ? values[i] : most;
	for (unsigned i = 0; i < count; i++)
		draw_bar(line, height, (int)i * width, width - gap,
			level_of(values[i], most, (unsigned)height * LEVELS));
}

static void format_bound(double seconds, char text[static SPAN_MAX])
{
	if (isinf(seconds))
		snprintf(text, SPAN_MAX, "more");
	else if (seconds < 1)
		snprintf(text, SPAN_MAX, "%gms", seconds * 1000);
	else
		snprintf(text, SPAN_MAX, "%gs", seconds);
}

/* Answers by their round trip, each up to its bound and over that before. Of the last minutes where
 * there are some, else since the start. Returns for how long, 0: since the start. */
static uint64_t count_answers(
	const struct top_figures *figures, uint64_t answers[static TOP_BUCKETS_MAX], uint64_t *sum)
{
	static const struct top_sample start;
	const struct top_sample *now = figures_before(figures, 0);
	const struct top_sample *before = figures_before(figures, TOP_SAMPLES);
	const unsigned last = figures->buckets - 1;

	if (now->answers[last] == before->answers[last])
		before = &start;
	*sum = 0;
	for (unsigned i = 0; i < figures->buckets; i++) {
		answers[i] = now->answers[i] - before->answers[i] - *sum;
		*sum += answers[i];
	}
	return before == &start ? 0 : (now->at_ms - before->at_ms + 500) / 1000;
}

/* The bound within which that part of all answers is, in percent. */
static void format_within(const struct top_figures *figures, const uint64_t *answers, uint64_t sum,
	unsigned percent, char text[static SPAN_MAX])
{
	uint64_t up_to = 0;
	unsigned i = 0;

	for (; i + 1 < figures->buckets; i++) {
		up_to += answers[i];
		if (up_to * 100 >= sum * percent)
			break;
	}
	format_bound(figures->bounds[i], text);
}

static void head_round_trips(const struct top_figures *figures, int top, const uint64_t *answers,
	uint64_t sum, uint64_t seconds)
{
	char half[SPAN_MAX], most[SPAN_MAX], span[SPAN_MAX], text[TOP_TEXT_MAX];

	format_within(figures, answers, sum, 50, half);
	format_within(figures, answers, sum, 99, most);
	if (!sum)
		snprintf(text, sizeof(text), "ROUND TRIPS: no answer yet");
	else
		snprintf(text, sizeof(text),
			"ROUND TRIPS of %" PRIu64 " answers %s%s: half within %s, 99%% within %s",
			sum, seconds ? "in " : "since the start",
			seconds ? span_of(seconds, span) : "", half, most);
	put_head(top, 0, COLS, text);
}

static void draw_round_trips(const struct top_figures *figures, int top, int height)
{
	uint64_t answers[TOP_BUCKETS_MAX] = {0}, sum = 0, seconds;
	char bound[SPAN_MAX];
	int width;

	if (!figures_before(figures, 0) || !figures->buckets)
		return;
	seconds = count_answers(figures, answers, &sum);
	head_round_trips(figures, top, answers, sum, seconds);
	width = COLS / (int)figures->buckets;
	width = width > 8 ? 8 : width < 2 ? 2 : width;
	draw_bars(top + 1, height, width, 1, answers, figures->buckets);
	for (unsigned i = 0; i < figures->buckets; i++) {
		format_bound(figures->bounds[i], bound);
		if (width >= 6 || i % 3 == 0)
			put(top + 1 + height, (int)i * width, width >= 6 ? width : 3 * width - 1,
				"%s", bound);
	}
}

static void draw_spread(const struct top_figures *figures, int top, int height)
{
	uint64_t least = UINT64_MAX, most = 0, all = 0;
	char text[TOP_TEXT_MAX], part[SPAN_MAX];

	if (!figures->told_at || !figures->parts)
		return;
	for (unsigned i = 0; i < figures->parts; i++) {
		all += figures->spread[i];
		if (figures->spread[i] < least)
			least = figures->spread[i];
		if (figures->spread[i] > most)
			most = figures->spread[i];
	}
	format_bound(figures->interval / figures->parts, part);
	snprintf(text, sizeof(text),
		"NEXT %gs: %" PRIu64 " keepalive%s, %" PRIu64 " to %" PRIu64 " in each %s",
		figures->interval, all, all == 1 ? "" : "s", least, most, part);
	put_head(top, 0, COLS, text);
	draw_bars(top + 1, height, COLS >= 2 * (int)figures->parts ? 2 : 1, 0, figures->spread,
		figures->parts);
}

/* For so many seconds a time says which day it was. */
static const int64_t same_day = INT64_C(12) * 3600;

static void draw_lost(const struct top_figures *figures, int top, int lines)
{
	char head[TOP_TEXT_MAX], heard[SPAN_MAX], ago[SPAN_MAX], lost[SPAN_MAX];

	if (lines < 1)
		return;
	snprintf(lost, sizeof(lost), "LOST: %" PRIu64, figures->sizes[TOP_LOST]);
	snprintf(head, sizeof(head), "%-22s %-12s %7s  %s", lost, "LAST HEARD", "AGO",
		"ADDRESS OF RECORD");
	put_head(top, 0, COLS, head);
	for (int i = 0; i < (int)figures->lost.count && i < lines - 1; i++) {
		const struct top_lost *phone = &figures->lost.list[i];
		const int64_t quiet = figures->told_at - phone->heard_at;

		local_of(phone->heard_at, quiet < same_day ? "%H:%M:%S" : "%b %d %H:%M", heard);
		put(top + 1 + i, 0, COLS, "%-22s %-12s %7s  %s", phone->client, heard,
			span_of(quiet > 0 ? (uint64_t)quiet : 0, ago), phone->aor);
	}
}

/* The latest is the last. */
static void draw_events(const struct top_figures *figures, int top, int lines)
{
	unsigned shown =
		figures->event_count < TOP_EVENTS_MAX ? figures->event_count : TOP_EVENTS_MAX;

	if (lines < 1)
		return;
	put_head(top, 0, COLS, "EVENTS");
	if ((int)shown > lines - 1)
		shown = lines > 1 ? (unsigned)lines - 1 : 0;
	for (unsigned i = 0; i < shown; i++)
		put(top + 1 + (int)i, 0, COLS, "%s",
			figures->events[(figures->event_count - shown + i) % TOP_EVENTS_MAX]);
}

/* What there are lines for: the tables, who is lost, what happens, and then the bars. */
static void draw_all(const struct top_figures *figures)
{
	const int height = LINES >= TALL ? TALL_BARS : 1;
	const int round_trips = 2 + height, spread = 1 + height;
	int line = LINES > TABLE_LINES + 8 ? 2 : 1, left, lost;

	draw_rates(figures, line);
	draw_sizes(figures, line);
	draw_classes(figures, line);
	line += TABLE_LINES;
	left = LINES - line;
	if (left >= round_trips + spread + 6) {
		draw_round_trips(figures, ++line, height);
		line += round_trips;
		draw_spread(figures, line, height);
		line += spread;
	} else if (left >= spread + 4) {
		draw_spread(figures, line, height);
		line += spread;
	}
	left = LINES - line;
	lost = 1 + (int)figures->lost.count;
	if (lost > left / 2)
		lost = left / 2;
	if (lost < LEAST_LINES)
		lost = left < LEAST_LINES ? left : LEAST_LINES;
	draw_lost(figures, line, lost);
	draw_events(figures, line + lost, left - lost);
}

void screen_draw(const struct top_figures *figures, const char *trouble)
{
	alarm_look = A_BOLD | (has_colors() ? COLOR_PAIR(TOP_ALARM_COLOUR) : 0);
	erase();
	draw_title(figures, trouble);
	draw_all(figures);
	move(LINES - 1, COLS - 1);
	refresh();
}
