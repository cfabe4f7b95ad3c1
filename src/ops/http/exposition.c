#include "exposition.h"

#include <stdarg.h>
#include <stdio.h>

struct exposition {
	char *text;
	size_t length;
};

static void put(struct exposition *exposition, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct exposition *exposition, const char *format, ...)
{
	size_t left = EXPOSITION_MAX - exposition->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(exposition->text + exposition->length, left, format, arguments);
	va_end(arguments);
	if (length > 0)
		exposition->length += (size_t)length < left ? (size_t)length : left - 1;
}

static void put_head(
	struct exposition *exposition, const char *name, const char *type, const char *help)
{
	put(exposition, "# HELP natbox_%s %s\n# TYPE natbox_%s %s\n", name, help, name, type);
}

static void put_one(struct exposition *exposition, const char *name, const char *type,
	const char *help, uint64_t value)
{
	put_head(exposition, name, type, help);
	put(exposition, "natbox_%s %llu\n", name, (unsigned long long)value);
}

/* One of a family that a label tells apart. */
static void put_labelled(struct exposition *exposition, const char *name, const char *label,
	const char *of, uint64_t value)
{
	put(exposition, "natbox_%s{%s=\"%s\"} %llu\n", name, label, of, (unsigned long long)value);
}

/* Behind a name, with its blank. */
static void put_seconds(struct exposition *exposition, uint64_t us)
{
	put(exposition, " %llu.%06llu\n", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
}

static void put_proxies(struct exposition *exposition, const struct metrics_snapshot *snapshot)
{
	char text[ADDRESS_TEXT_MAX];

	put_head(exposition, "proxy_endpoints", "gauge",
		"Endpoints by their proxy; all beyond the first 32 proxies are \"other\".");
	for (unsigned i = 0; i < snapshot->proxy_count && i < PROXIES_COUNTED; i++) {
		address_format(&snapshot->proxies[i], text);
		put_labelled(exposition, "proxy_endpoints", "proxy", text,
			snapshot->engine.of_proxies[i]);
	}
	put_labelled(exposition, "proxy_endpoints", "proxy", "other",
		snapshot->engine.of_proxies[PROXIES_COUNTED]);
}

/* Those that are of none are the rest of all. */
static void put_classes(struct exposition *exposition, const struct metrics_snapshot *snapshot)
{
	put_head(exposition, "class_endpoints", "gauge", "Endpoints by their class.");
	for (unsigned i = 0; i < snapshot->class_count; i++)
		put_labelled(exposition, "class_endpoints", "class", snapshot->classes[i].name,
			snapshot->classes[i].endpoints);
}

static void put_sizes(struct exposition *exposition, const struct engine_counters *counters)
{
	put_one(exposition, "endpoints", "gauge", "Endpoints that are kept reachable.",
		counters->endpoints);
	put_one(exposition, "endpoints_unproven", "gauge",
		"Those of them of whom it is not proven that anybody is there.",
		counters->unproven);
	put_one(exposition, "endpoints_lost", "gauge",
		"Those of them that were reported lost and have given no sign of life since.",
		counters->lost_now);
	put_one(exposition, "endpoints_natted", "gauge", "Those of them that are behind a NAT.",
		counters->natted);
	put_head(exposition, "reasons", "gauge", "Reasons to keep endpoints reachable, by kind.");
	for (unsigned i = 0; i < REASON_KINDS; i++)
		put_labelled(exposition, "reasons", "reason", reason_kind_names[i],
			counters->reasons_of[i]);
	put_one(exposition, "transactions", "gauge",
		"Requests that are remembered, until they are answered and for a while after.",
		counters->transactions);
}

static const char *const directions[DIRECTIONS] = {"in", "out", "none"};

/* What is nobody's business always passes. */
static void put_packets(struct exposition *exposition, const struct engine_counters *counters)
{
	put_head(exposition, "packets_total", "counter",
		"Packets, by direction (in: to a proxy; out: from a proxy; none: between two "
		"proxies, between none, or with an exempt network, and not looked into) and by "
		"verdict (pass: as it came; rewrite; consume: the answer to a keepalive, or what "
		"was answered for a phone that is lost).");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		for (unsigned j = 0; j < (i == DIRECTION_NONE ? 1 : VERDICTS); j++)
			put(exposition, "natbox_packets_total{dir=\"%s\",verdict=\"%s\"} %llu\n",
				directions[i], verdict_names[j],
				(unsigned long long)counters->verdicts[i][j]);
	}
	put_head(exposition, "rewrites_total", "counter",
		"Messages that were rewritten, by the field; one message may count for several.");
	for (unsigned i = 0; i < REWRITTEN_FIELDS; i++)
		put_labelled(exposition, "rewrites_total", "field", rewritten_field_names[i],
			counters->rewritten_fields[i]);
}

static void put_times(struct exposition *exposition, const struct metrics_snapshot *snapshot)
{
	put_head(exposition, "last_packet_seconds", "gauge",
		"When a packet was last seen, by direction as in natbox_packets_total: seconds "
		"since 1970, so that time() minus it is how long ago; 0 where none was seen since "
		"the start.");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		put(exposition, "natbox_last_packet_seconds{dir=\"%s\"}", directions[i]);
		put_seconds(exposition, snapshot->sightings.last_us[i]);
	}
	put(exposition, "# HELP process_start_time_seconds When natbox was started: seconds since "
			"1970.\n# TYPE process_start_time_seconds gauge\n"
			"process_start_time_seconds");
	put_seconds(exposition, snapshot->sightings.started_us);
}

/* Spans of time: how many there are up to each bound, beyond all of them, and their sum. */
struct histogram {
	const char *name, *help;
	const uint32_t *bounds_us;
	const uint64_t *counts; /* one more than bounds */
	unsigned bounds;
	uint64_t sum_us;
};

static void put_histogram(struct exposition *exposition, const struct histogram *histogram)
{
	const char *name = histogram->name;
	uint64_t up_to = 0;

	put_head(exposition, name, "histogram", histogram->help);
	for (unsigned i = 0; i < histogram->bounds; i++) {
		up_to += histogram->counts[i];
		put(exposition, "natbox_%s_bucket{le=\"%g\"} %llu\n", name,
			histogram->bounds_us[i] / 1e6, (unsigned long long)up_to);
	}
	up_to += histogram->counts[histogram->bounds];
	put(exposition, "natbox_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)up_to);
	put(exposition, "natbox_%s_sum", name);
	put_seconds(exposition, histogram->sum_us);
	put(exposition, "natbox_%s_count %llu\n", name, (unsigned long long)up_to);
}

const uint32_t turn_bounds_us[TURN_BOUNDS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 20000, 100000, 1000000};

static void put_turns(struct exposition *exposition, const char *name, const char *help,
	const struct turn_lengths *lengths)
{
	const struct histogram histogram = {
		.name = name,
		.help = help,
		.bounds_us = turn_bounds_us,
		.counts = lengths->turns,
		.bounds = TURN_BOUNDS,
		.sum_us = lengths->total_us,
	};

	put_histogram(exposition, &histogram);
}

static void put_keepalives(struct exposition *exposition, const struct metrics_snapshot *snapshot)
{
	const struct engine_counters *counters = &snapshot->engine;
	const struct histogram round_trips = {
		.name = "keepalive_rtt_seconds",
		.help = "Time from a keepalive to its answer.",
		.bounds_us = rtt_bounds_us,
		.counts = counters->rtts,
		.bounds = RTT_BOUNDS,
		.sum_us = counters->rtt_us,
	};

	put_one(exposition, "keepalives_sent_total", "counter", "Keepalives sent.",
		counters->keepalives);
	put_one(exposition, "keepalives_linked_total", "counter",
		"Keepalives of these that left at the link layer.", snapshot->keepalives_linked);
	put_one(exposition, "keepalives_held", "gauge",
		"1 while none is sent because natboxctl said keepalive off.",
		snapshot->keepalives_are_held);
	put_one(exposition, "keepalive_replies_total", "counter", "Keepalives answered.",
		counters->replies);
	put_one(exposition, "keepalives_missed_total", "counter",
		"Keepalives not answered within keepalive.reply-timeout.", counters->missed);
	put_one(exposition, "endpoints_lost_total", "counter",
		"Times that an endpoint missed keepalive.max-lost keepalives in a row.",
		counters->lost);
	put_one(exposition, "lost_answers_total", "counter",
		"Requests that were answered for a phone that is lost.", counters->lost_answers);
	put_histogram(exposition, &round_trips);
}

static void put_troubles(struct exposition *exposition, const struct metrics_snapshot *snapshot)
{
	put_head(exposition, "malformed_total", "counter",
		"Messages that could not be understood, and passed as they came, by what is "
		"wrong.");
	for (unsigned i = DEFECT_NONE + 1; i < SIP_DEFECTS; i++)
		put_labelled(exposition, "malformed_total", "why", sip_defect_names[i],
			snapshot->engine.defects[i]);
	put_head(exposition, "refused_total", "counter",
		"What was refused, by the limit that was reached.");
	for (unsigned i = 0; i < REFUSALS; i++)
		put_labelled(exposition, "refused_total", "why", refusal_names[i],
			snapshot->engine.refusals[i]);
	put_one(exposition, "capture_drops_total", "counter",
		"Packets that the kernel dropped because natbox did not take them in time.",
		snapshot->capture_drops);
	put_one(exposition, "event_lines_lost_total", "counter",
		"Lines of the event stream that could not be written.", snapshot->event_lines_lost);
	put_head(exposition, "state_lag_seconds", "gauge",
		"Age of the oldest change that may not be on the disk yet; 0 when all are.");
	put(exposition, "natbox_state_lag_seconds");
	put_seconds(exposition, snapshot->state_lag_us);
}

size_t exposition_write(const struct metrics_snapshot *snapshot, char text[static EXPOSITION_MAX])
{
	struct exposition exposition = {.text = text};

	put_sizes(&exposition, &snapshot->engine);
	put_proxies(&exposition, snapshot);
	put_classes(&exposition, snapshot);
	put_packets(&exposition, &snapshot->engine);
	put_keepalives(&exposition, snapshot);
	put_troubles(&exposition, snapshot);
	put_turns(&exposition, "turn_seconds",
		"Time of a turn of the packet loop, in which no other packet is handled.",
		&snapshot->turns.clock);
	put_turns(&exposition, "turn_processor_seconds",
		"What the packet loop had of a processor in a turn.", &snapshot->turns.processor);
	put_times(&exposition, snapshot);
	put_head(&exposition, "build_info", "gauge", "Always 1, with the version of natbox.");
	put_labelled(&exposition, "build_info", "version", NATBOX_VERSION, 1);
	return exposition.length;
}
