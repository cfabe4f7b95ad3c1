/* What natbox has told of itself for natboxctl top: figures of now and of the last minutes, who is
 * lost, and what happened. */
#ifndef NATBOX_CTL_TOP_FIGURES_H
#define NATBOX_CTL_TOP_FIGURES_H

#include "ctl.h"

enum {
	TOP_SAMPLES = 301,     /* of figures, one a second: five minutes */
	TOP_RATE_SAMPLES = 10, /* over which what happens in a second is told, so that it is calm */
	TOP_BUCKETS_MAX = 24,
	TOP_PARTS_MAX = 240,
	TOP_CLASSES_MAX = 40,
	TOP_LOST_MAX = 100,
	TOP_EVENTS_MAX = 100,
	TOP_TEXT_MAX = 256, /* of a line, or a name, with its zero */
};

/* Figures that only grow, in the order in which they are shown. */
enum top_counter {
	TOP_IN,
	TOP_OUT,
	TOP_REPAIRED,
	TOP_RESTORED,
	TOP_KEEPALIVES,
	TOP_ANSWERS,
	TOP_MISSED,
	TOP_COUNTERS,
};

/* Sizes of now, likewise. */
enum top_size {
	TOP_ENDPOINTS,
	TOP_LOST,
	TOP_UNPROVEN,
	TOP_REGISTRATIONS,
	TOP_SUBSCRIPTIONS,
	TOP_DIALOGS,
	TOP_TRANSACTIONS,
	TOP_SIZES,
};

struct top_sample {
	uint64_t at_ms;
	uint64_t counters[TOP_COUNTERS];
	uint64_t answers[TOP_BUCKETS_MAX]; /* by round trip, up to each bound */
};

struct top_class {
	char name[TOP_TEXT_MAX];
	uint64_t endpoints;
};

struct top_lost {
	char client[TOP_TEXT_MAX], aor[TOP_TEXT_MAX];
	uint64_t quiet;   /* seconds, at heard_at */
	int64_t heard_at; /* since 1970 */
};

/* Those that were heard last, in that order. */
struct top_lost_list {
	unsigned count;
	struct top_lost list[TOP_LOST_MAX];
};

struct top_figures {
	int64_t told_at; /* since 1970; 0: never */
	char title[TOP_TEXT_MAX];
	bool is_held; /* no keepalives are sent for now */
	uint64_t sizes[TOP_SIZES];

	unsigned buckets;
	double bounds[TOP_BUCKETS_MAX]; /* seconds; the last is infinite */
	struct top_sample samples[TOP_SAMPLES];
	unsigned sample_count; /* in all; number i stands at i % TOP_SAMPLES */

	double interval; /* seconds */
	unsigned parts;
	uint64_t spread[TOP_PARTS_MAX];
	unsigned classes;
	struct top_class class_list[TOP_CLASSES_MAX];

	struct top_lost_list lost, lost_coming;
	unsigned event_count; /* in all; number i stands at i % TOP_EVENTS_MAX */
	char events[TOP_EVENTS_MAX][TOP_TEXT_MAX];
};

/* What is shown is of another natbox from now on: what it counts began anew. Events stay. */
void figures_forget(struct top_figures *figures);

/* Take what natbox has told. */
void figures_take_stats(struct top_figures *figures, const json_t *line, uint64_t now_ms);
void figures_take_status(struct top_figures *figures, const json_t *line);
void figures_take_lost(struct top_figures *figures, const json_t *line);
void figures_end_lost(struct top_figures *figures); /* all of them were taken */
void figures_take_event(struct top_figures *figures, const json_t *line);

/* The sample of so many samples ago, or the first; NULL: there is none. */
const struct top_sample *figures_before(const struct top_figures *figures, unsigned samples);

#endif
