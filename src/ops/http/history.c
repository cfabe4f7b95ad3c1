#include "history.h"

static struct history_sample sample_of(const struct metrics_snapshot *snapshot, uint64_t now_us)
{
	const struct engine_counters *counters = &snapshot->engine;
	struct history_sample sample = {
		.at_us = now_us,
		.lost = counters->lost_now,
		.capture_drops = snapshot->capture_drops,
		.refused = counters->refused,
		.event_lines_lost = snapshot->event_lines_lost,
	};

	memcpy(sample.reasons, counters->reasons_of, sizeof(sample.reasons));
	memcpy(sample.rtts, counters->rtts, sizeof(sample.rtts));
	return sample;
}

static const struct history_sample *sample_at(const struct history *history, uint32_t number)
{
	return &history->samples[number % HISTORY_SAMPLES];
}

static uint32_t first_of(const struct history *history)
{
	return history->count > HISTORY_SAMPLES ? history->count - HISTORY_SAMPLES : 0;
}

void history_note(struct history *history, const struct metrics_snapshot *snapshot, uint64_t now_us)
{
	if (history->count &&
		now_us < sample_at(history, history->count - 1)->at_us + HISTORY_EVERY_US)
		return;
	history->samples[history->count % HISTORY_SAMPLES] = sample_of(snapshot, now_us);
	history->count++;
}

const struct history_sample *history_before(
	const struct history *history, uint64_t age_us, uint64_t now_us)
{
	const uint32_t first = first_of(history);
	uint32_t number = history->count;

	if (!history->count)
		return NULL;
	while (--number > first && sample_at(history, number)->at_us + age_us > now_us)
		;
	return sample_at(history, number);
}

/* One may be younger than the question about it, which has waited while it was taken. */
static void put_sample(const struct history_sample *sample, uint64_t now_us, struct json *json)
{
	json_put_char(json, '[');
	json_put_item(json, now_us > sample->at_us ? (now_us - sample->at_us) / 1000000 : 0);
	for (unsigned kind = 0; kind < REASON_KINDS; kind++)
		json_put_item(json, sample->reasons[kind]);
	json_put_item(json, sample->lost);
	json_put_char(json, ']');
}

void history_write(const struct history *history, uint64_t now_us, struct json *json)
{
	json_put(json, "{\"of\":[\"age\",\"registrations\",\"subscriptions\",\"dialogs\",\"lost\"],"
		       "\"samples\":[");
	for (uint32_t number = first_of(history); number < history->count; number++) {
		json_next(json);
		put_sample(sample_at(history, number), now_us, json);
	}
	json_put(json, "]}\n");
}
