#include "top_figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The names in stats; where names stand there twice, figures of which the sum is shown. */
static const struct {
	const char *name;
	enum top_counter counter;
} counters[] = {
	{"natbox_packets_total{dir=\"in\",verdict=\"pass\"}", TOP_IN},
	{"natbox_packets_total{dir=\"in\",verdict=\"rewrite\"}", TOP_IN},
	{"natbox_packets_total{dir=\"in\",verdict=\"consume\"}", TOP_IN},
	{"natbox_packets_total{dir=\"out\",verdict=\"pass\"}", TOP_OUT},
	{"natbox_packets_total{dir=\"out\",verdict=\"rewrite\"}", TOP_OUT},
	{"natbox_packets_total{dir=\"out\",verdict=\"consume\"}", TOP_OUT},
	{"natbox_packets_total{dir=\"in\",verdict=\"rewrite\"}", TOP_REPAIRED},
	{"natbox_packets_total{dir=\"out\",verdict=\"rewrite\"}", TOP_RESTORED},
	{"natbox_keepalives_sent_total", TOP_KEEPALIVES},
	{"natbox_keepalive_replies_total", TOP_ANSWERS},
	{"natbox_keepalives_missed_total", TOP_MISSED},
};

static const char *const sizes[TOP_SIZES] = {
	[TOP_ENDPOINTS] = "natbox_endpoints",
	[TOP_LOST] = "natbox_endpoints_lost",
	[TOP_UNPROVEN] = "natbox_endpoints_unproven",
	[TOP_REGISTRATIONS] = "natbox_reasons{reason=\"registration\"}",
	[TOP_SUBSCRIPTIONS] = "natbox_reasons{reason=\"subscription\"}",
	[TOP_DIALOGS] = "natbox_reasons{reason=\"dialog\"}",
	[TOP_TRANSACTIONS] = "natbox_transactions",
};

static const char round_trips[] = "natbox_keepalive_rtt_seconds_bucket{le=\"";

void figures_forget(struct top_figures *figures)
{
	figures->sample_count = 0;
}

const struct top_sample *figures_before(const struct top_figures *figures, unsigned samples)
{
	const unsigned count = figures->sample_count;
	const unsigned kept = count < TOP_SAMPLES ? count : TOP_SAMPLES;

	if (!kept)
		return NULL;
	return &figures->samples[(count - 1 - (samples < kept ? samples : kept - 1)) % TOP_SAMPLES];
}

static void take_round_trips(
	struct top_figures *figures, struct top_sample *sample, const json_t *line)
{
	const char *key;
	json_t *value;

	figures->buckets = 0;
	json_object_foreach((json_t *)line, key, value)
	{
		const unsigned bucket = figures->buckets;

		if (strncmp(key, round_trips, sizeof(round_trips) - 1) != 0 ||
			bucket == TOP_BUCKETS_MAX)
			continue;
		/* strtod knows +Inf. */
		figures->bounds[bucket] = strtod(key + sizeof(round_trips) - 1, NULL);
		sample->answers[bucket] = number_of(line, key);
		figures->buckets++;
	}
}

static void take_spread(struct top_figures *figures, const json_t *spread)
{
	const json_t *parts = json_object_get(spread, "parts");

	figures->interval = json_number_value(json_object_get(spread, "interval"));
	figures->parts = 0;
	while (figures->parts < json_array_size(parts) && figures->parts < TOP_PARTS_MAX) {
		const json_int_t senders =
			json_integer_value(json_array_get(parts, figures->parts));

		figures->spread[figures->parts++] = senders > 0 ? (uint64_t)senders : 0;
	}
}

static void take_classes(struct top_figures *figures, const json_t *classes)
{
	const char *name;
	json_t *value;

	figures->classes = 0;
	json_object_foreach((json_t *)classes, name, value)
	{
		struct top_class *class = &figures->class_list[figures->classes];

		if (figures->classes == TOP_CLASSES_MAX)
			return;
		snprintf(class->name, sizeof(class->name), "%s", plain_of(name));
		class->endpoints = number_of(classes, name);
		figures->classes++;
	}
}

void figures_take_stats(struct top_figures *figures, const json_t *line, uint64_t now_ms)
{
	struct top_sample *sample = &figures->samples[figures->sample_count++ % TOP_SAMPLES];

	*sample = (struct top_sample){.at_ms = now_ms};
	for (unsigned i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		sample->counters[counters[i].counter] += number_of(line, counters[i].name);
	for (unsigned i = 0; i < TOP_SIZES; i++)
		figures->sizes[i] = number_of(line, sizes[i]);
	take_round_trips(figures, sample, line);
	take_spread(figures, json_object_get(line, "spread"));
	take_classes(figures, json_object_get(line, "classes"));
	figures->told_at = time(NULL);
	if (!figures->sizes[TOP_LOST])
		figures->lost.count = 0;
}

void figures_take_status(struct top_figures *figures, const json_t *line)
{
	const char *keepalives = text_of(line, "keepalives");
	char up[SPAN_MAX];

	figures->is_held = strcmp(keepalives, "held") == 0;
	snprintf(figures->title, sizeof(figures->title),
		"natbox %s, mode %s%s, up %s, keepalives %s", text_of(line, "version"),
		text_of(line, "mode"), is_true(line, "dry_run") ? ", dry run" : "",
		span_of(number_of(line, "up"), up), figures->is_held ? "HELD" : keepalives);
}

void figures_take_lost(struct top_figures *figures, const json_t *line)
{
	struct top_lost_list *lost = &figures->lost_coming;
	const uint64_t quiet = number_of(line, "quiet");
	unsigned at = lost->count;

	if (at == TOP_LOST_MAX && quiet >= lost->list[--at].quiet)
		return;
	lost->count = at + 1;
	for (; at && lost->list[at - 1].quiet > quiet; at--)
		lost->list[at] = lost->list[at - 1];
	lost->list[at].quiet = quiet;
	lost->list[at].heard_at = time(NULL) - (int64_t)quiet;
	snprintf(lost->list[at].client, TOP_TEXT_MAX, "%s", text_of(line, "client"));
	snprintf(lost->list[at].aor, TOP_TEXT_MAX, "%s", short_aor(line));
}

void figures_end_lost(struct top_figures *figures)
{
	figures->lost = figures->lost_coming;
	figures->lost_coming.count = 0;
}

void figures_take_event(struct top_figures *figures, const json_t *line)
{
	char *out = figures->events[figures->event_count % TOP_EVENTS_MAX];
	FILE *stream = fmemopen(out, TOP_TEXT_MAX, "w");

	if (!stream)
		return;
	write_event(stream, line, true);
	fclose(stream);
	out[TOP_TEXT_MAX - 1] = 0;
	figures->event_count++;
}
