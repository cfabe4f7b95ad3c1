#include "exposition.h"

#include <stdarg.h>
#include <stdio.h>

struct exposition {
	char *text;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(
	struct exposition *out, const char *format, ...)
{
	size_t left = EXPOSITION_MAX - out->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(out->text + out->length, left, format, arguments);
	va_end(arguments);
	if (length > 0)
		out->length += (size_t)length < left ? (size_t)length : left - 1;
}

static void put_head(struct exposition *out, const char *name, const char *type, const char *help)
{
	put(out, "# HELP natbox_%s %s\n# TYPE natbox_%s %s\n", name, help, name, type);
}

static void put_one(struct exposition *out, const char *name, uint64_t value)
{
	put(out, "natbox_%s %llu\n", name, (unsigned long long)value);
}

static void put_gauge(struct exposition *out, const char *name, const char *help, uint64_t value)
{
	put_head(out, name, "gauge", help);
	put_one(out, name, value);
}

static void put_counter(struct exposition *out, const char *name, const char *help, uint64_t value)
{
	put_head(out, name, "counter", help);
	put_one(out, name, value);
}

/* One of a family that a label tells apart. */
static void put_labelled(
	struct exposition *out, const char *name, const char *label, const char *of, uint64_t value)
{
	put(out, "natbox_%s{%s=\"%s\"} %llu\n", name, label, of, (unsigned long long)value);
}

/* Behind a name, with its blank. */
static void put_seconds(struct exposition *out, uint64_t us)
{
	put(out, " %llu.%06llu\n", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
}

static void put_proxies(struct exposition *out, const struct metrics_snapshot *snapshot)
{
	char text[ADDRESS_TEXT_MAX];

	put_head(out, "proxy_endpoints", "gauge",
		"Endpoints by their proxy; all beyond the first 32 proxies are \"other\".");
	for (unsigned i = 0; i < snapshot->proxy_count; i++) {
		address_format(&snapshot->proxies[i], text);
		put_labelled(out, "proxy_endpoints", "proxy", text, snapshot->engine.of_proxies[i]);
	}
	put_labelled(out, "proxy_endpoints", "proxy", "other",
		snapshot->engine.of_proxies[PROXIES_COUNTED]);
}

/* Those that are of none are the rest of all. */
static void put_classes(struct exposition *out, const struct metrics_snapshot *snapshot)
{
	put_head(out, "class_endpoints", "gauge", "Endpoints by their class.");
	for (unsigned i = 0; i < snapshot->class_count; i++)
		put_labelled(out, "class_endpoints", "class", snapshot->classes[i].name,
			snapshot->classes[i].endpoints);
}

static void put_sizes(struct exposition *out, const struct engine_counters *counters)
{
	put_gauge(out, "endpoints", "Endpoints that are kept reachable.", counters->endpoints);
	put_gauge(out, "endpoints_unproven",
		"Those of them of whom it is not proven that anybody is there.",
		counters->unproven);
	put_gauge(out, "endpoints_lost",
		"Those of them that were reported lost and have given no sign of life since.",
		counters->lost_now);
	put_gauge(
		out, "endpoints_natted", "Those of them that are behind a NAT.", counters->natted);
	put_head(out, "reasons", "gauge", "Reasons to keep endpoints reachable, by kind.");
	for (unsigned i = 0; i < REASON_KINDS; i++)
		put_labelled(
			out, "reasons", "reason", reason_kind_names[i], counters->reasons_of[i]);
	put_gauge(out, "transactions",
		"Requests that are remembered, until they are answered and for a while after.",
		counters->transactions);
}

static const char *const directions[DIRECTIONS] = {"in", "out", "none"};

/* What is nobody's business always passes. */
static void put_packets(struct exposition *out, const struct engine_counters *counters)
{
	put_head(out, "packets_total", "counter",
		"Packets, by direction (in: to a proxy; out: from a proxy; none: between two "
		"proxies, between none, or with an exempt network, and not looked into) and by "
		"verdict (pass: as it came; rewrite; consume: the answer to a keepalive, or what "
		"was answered for a phone that is lost).");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		for (unsigned j = 0; j < (i == DIRECTION_NONE ? 1 : VERDICTS); j++)
			put(out, "natbox_packets_total{dir=\"%s\",verdict=\"%s\"} %llu\n",
				directions[i], verdict_names[j],
				(unsigned long long)counters->verdicts[i][j]);
	}
	put_head(out, "rewrites_total", "counter",
		"Messages that were rewritten, by the field; one message may count for several.");
	for (unsigned i = 0; i < REWRITTEN_FIELDS; i++)
		put_labelled(out, "rewrites_total", "field", rewritten_field_names[i],
			counters->rewritten_fields[i]);
}

static void put_times(struct exposition *out, const struct metrics_snapshot *snapshot)
{
	put_head(out, "last_packet_seconds", "gauge",
		"When a packet was last seen, by direction as in natbox_packets_total: seconds "
		"since 1970, so that time() minus it is how long ago; 0 where none was seen since "
		"the start.");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		put(out, "natbox_last_packet_seconds{dir=\"%s\"}", directions[i]);
		put_seconds(out, snapshot->sightings.last_us[i]);
	}
	put(out, "# HELP process_start_time_seconds When natbox was started: seconds since "
		 "1970.\n# TYPE process_start_time_seconds gauge\n"
		 "process_start_time_seconds");
	put_seconds(out, snapshot->sightings.started_us);
}

/* Spans of time: counts has how many there are up to each bound and, behind these, beyond all. */
static void put_histogram(struct exposition *out, const char *name, const char *help,
	const uint32_t *bounds_us, unsigned bounds, const uint64_t *counts, uint64_t sum_us)
{
	uint64_t up_to = 0;

	put_head(out, name, "histogram", help);
	for (unsigned i = 0; i < bounds; i++) {
		up_to += counts[i];
		put(out, "natbox_%s_bucket{le=\"%g\"} %llu\n", name, bounds_us[i] / 1e6,
			(unsigned long long)up_to);
	}
	up_to += counts[bounds];
	put(out, "natbox_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)up_to);
	put(out, "natbox_%s_sum", name);
	put_seconds(out, sum_us);
	put(out, "natbox_%s_count %llu\n", name, (unsigned long long)up_to);
}

const uint32_t turn_bounds_us[TURN_BOUNDS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 20000, 100000, 1000000};

static void put_turns(struct exposition *out, const char *name, const char *help,
	const struct turn_lengths *lengths)
{
	put_histogram(
		out, name, help, turn_bounds_us, TURN_BOUNDS, lengths->turns, lengths->total_us);
}

static void put_keepalives(struct exposition *out, const struct metrics_snapshot *snapshot)
{
	const struct engine_counters *counters = &snapshot->engine;

	put_counter(out, "keepalives_sent_total", "Keepalives sent.", counters->keepalives);
	put_counter(out, "keepalives_linked_total",
		"Keepalives of these that left at the link layer.", snapshot->keepalives_linked);
	put_gauge(out, "keepalives_held",
		"1 while none is sent because natboxctl said keepalive off.",
		snapshot->keepalives_are_held);
	put_counter(out, "keepalive_replies_total", "Keepalives answered.", counters->replies);
	put_counter(out, "keepalives_missed_total",
		"Keepalives not answered within keepalive.reply-timeout.", counters->missed);
	put_counter(out, "endpoints_lost_total",
		"Times that an endpoint missed keepalive.max-lost keepalives in a row.",
		counters->lost);
	put_counter(out, "lost_answers_total",
		"Requests that were answered for a phone that is lost.", counters->lost_answers);
	put_histogram(out, "keepalive_rtt_seconds", "Time from a keepalive to its answer.",
		rtt_bounds_us, RTT_BOUNDS, counters->rtts, counters->rtt_us);
}

static void put_troubles(struct exposition *out, const struct metrics_snapshot *snapshot)
{
	put_head(out, "malformed_total", "counter",
		"Messages that could not be understood, and passed as they came, by what is "
		"wrong.");
	for (unsigned i = DEFECT_NONE + 1; i < SIP_DEFECTS; i++)
		put_labelled(out, "malformed_total", "why", sip_defect_names[i],
			snapshot->engine.defects[i]);
	put_head(out, "refused_total", "counter",
		"What was refused, by the limit that was reached.");
	for (unsigned i = 0; i < REFUSALS; i++)
		put_labelled(out, "refused_total", "why", refusal_names[i],
			snapshot->engine.refusals[i]);
	put_counter(out, "capture_drops_total",
		"Packets that the kernel dropped because natbox did not take them in time.",
		snapshot->capture_drops);
	put_counter(out, "event_lines_lost_total",
		"Lines of the event stream that could not be written.", snapshot->event_lines_lost);
	put_head(out, "state_lag_seconds", "gauge",
		"Age of the oldest change that may not be on the disk yet; 0 when all are.");
	put(out, "natbox_state_lag_seconds");
	put_seconds(out, snapshot->state_lag_us);
}

size_t exposition_write(const struct metrics_snapshot *snapshot, char text[static EXPOSITION_MAX])
{
	struct exposition out = {.text = text};

	put_sizes(&out, &snapshot->engine);
	put_proxies(&out, snapshot);
	put_classes(&out, snapshot);
	put_packets(&out, &snapshot->engine);
	put_keepalives(&out, snapshot);
	put_troubles(&out, snapshot);
	put_turns(&out, "turn_seconds",
		"Time of a turn of the packet loop, in which no other packet is handled.",
		&snapshot->turns.clock);
	put_turns(&out, "turn_processor_seconds",
		"What the packet loop had of a processor in a turn.", &snapshot->turns.processor);
	put_times(&out, snapshot);
	put_head(&out, "build_info", "gauge", "Always 1, with the version of natbox.");
	put_labelled(&out, "build_info", "version", NATBOX_VERSION, 1);
	return out.length;
}
