#include "survey.h"

#include "../control/control_lines.h"

enum {
	/* Endpoints that are looked at in a step where that is all: they stand one behind the
	 * other. */
	PLACES = 64,
	/* Names that are looked at in a step, each of which stands elsewhere. */
	NAMES = 16,
	/* Ticks of an interval in a step. */
	TICKS = 1024,
	/* Room for what is told of an endpoint, with every byte of its names escaped. */
	ENDPOINT_JSON_MAX = (LABEL_MAX + LABEL_USER_MAX) * JSON_BYTES_A_BYTE + 1024,
};

static bool has_room(const struct survey *survey)
{
	return survey->answer->used + ENDPOINT_JSON_MAX < SURVEY_ANSWER_MAX;
}

static void tell(struct survey *survey, const struct endpoint_view *view)
{
	survey->told++;
	json_next(survey->answer);
	json_put_char(survey->answer, '{');
	line_endpoint(survey->answer, view);
	json_put_char(survey->answer, '}');
}

/* Keeps those that were heard last, in that order. */
static void keep_lost(struct survey *survey, uint32_t endpoint)
{
	const struct survey_lost phone = {.endpoint = endpoint,
		.client = endpoint_at(survey->endpoints, endpoint)->client,
		.silent_us = endpoint_silent_us(survey->endpoints, endpoint)};
	unsigned at = survey->found < SURVEY_LOST_MAX ? survey->found : SURVEY_LOST_MAX;

	survey->found++;
	if (at == SURVEY_LOST_MAX && phone.silent_us >= survey->lost[--at].silent_us)
		return;
	for (; at && survey->lost[at - 1].silent_us > phone.silent_us; at--)
		survey->lost[at] = survey->lost[at - 1];
	survey->lost[at] = phone;
}

static bool on_endpoint_of_lost(void *context, uint32_t endpoint)
{
	struct survey *survey = context;

	if (!endpoint_at(survey->endpoints, endpoint)->lost)
		return true;
	keep_lost(survey, endpoint);
	return ++survey->work < NAMES;
}

/* One at a time, as a name is looked for among all reasons of its endpoint. */
static bool tell_lost(struct survey *survey)
{
	const unsigned kept = survey->found < SURVEY_LOST_MAX ? survey->found : SURVEY_LOST_MAX;
	struct endpoint_view view;

	if (survey->next < kept && has_room(survey)) {
		const struct survey_lost *phone = &survey->lost[survey->next++];
		const struct endpoint *endpoint = endpoint_at(survey->endpoints, phone->endpoint);

		if (endpoint->reasons && endpoint->lost &&
			address_equal(&endpoint->client, &phone->client)) {
			endpoint_view(survey->endpoints, phone->endpoint, &view);
			tell(survey, &view);
		}
		return true;
	}
	json_put_char(survey->answer, ']');
	json_put_number_member(survey->answer, "more", survey->found - survey->next);
	json_put(survey->answer, "}\n");
	return false;
}

/* No further than the last one that is lost. */
static bool look_for_lost(struct survey *survey)
{
	const uint32_t lost = survey->endpoints->report->counters.lost_now;

	survey->work = 0;
	if (survey->next && survey->found < lost)
		survey->next = endpoints_walk(
			survey->endpoints, survey->next, PLACES, on_endpoint_of_lost, survey);
	if (!survey->next || survey->found >= lost) {
		survey->next = 0;
		survey->step = tell_lost;
	}
	return true;
}

/* ASCII letters small. Other bytes stand for themselves. */
static size_t fold(struct text text, char *out)
{
	for (size_t i = 0; i < text.length; i++) {
		const char c = text.at[i];

		out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return text.length;
}

static bool contains_query(const struct survey *survey, struct text text)
{
	const struct survey_question *question = &survey->question;
	char folded[LABEL_MAX];

	if (text.length > sizeof(folded))
		text.length = sizeof(folded);
	return memmem(folded, fold(text, folded), question->query, question->query_length) != NULL;
}

/* The first address of record of an endpoint that has what is searched for in it; at is NULL where
 * none has. */
static struct text find_name(struct survey *survey, uint32_t index)
{
	const struct endpoints *endpoints = survey->endpoints;

	for (uint32_t i = endpoint_at(endpoints, index)->reasons; i;
		i = reason_at(endpoints, i)->next) {
		const struct reason *reason = reason_at(endpoints, i);
		const struct text name = label_text(&endpoints->labels, reason->label);

		survey->work++;
		if (reason->kind == REASON_REGISTRATION && contains_query(survey, name))
			return name;
	}
	return (struct text){0};
}

static bool on_endpoint_of_search(void *context, uint32_t index)
{
	struct survey *survey = context;
	const struct text name = find_name(survey, index);
	struct endpoint_view view;
	char client[ADDRESS_TEXT_MAX];
	size_t length;

	if (!name.at) {
		length = address_format(&endpoint_at(survey->endpoints, index)->client, client);
		if (!contains_query(survey, (struct text){client, length}))
			return survey->work < NAMES;
	}
	survey->found++;
	if (survey->told == SURVEY_FOUND_MAX || !has_room(survey))
		return false;
	endpoint_view(survey->endpoints, index, &view);
	if (name.at)
		view.aor = name;
	tell(survey, &view);
	return survey->work < NAMES;
}

/* Ends with the first for which there is no room. */
static bool search(struct survey *survey)
{
	survey->work = 0;
	survey->next = endpoints_walk(
		survey->endpoints, survey->next, NAMES, on_endpoint_of_search, survey);
	if (survey->next && survey->found == survey->told)
		return true;
	json_put_char(survey->answer, ']');
	json_put_truth_member(survey->answer, "more", survey->found > survey->told);
	json_put(survey->answer, "}\n");
	return false;
}

static void tell_spread(struct survey *survey)
{
	struct json *answer = survey->answer;
	const uint64_t all = survey->spread.all, hundredths = all * 100 / survey->spread.interval;

	json_put(answer, "{\"tick_ms\":10");
	json_put_number_member(
		answer, "interval_ms", (uint64_t)survey->spread.interval * TICK_US / 1000);
	json_put_number_member(answer, "keepalives", all);
	json_put_number_member(answer, "busiest", survey->spread.busiest);
	json_put_key(answer, "mean");
	json_put_decimal(answer, hundredths, 2);
	json_put(answer, ",\"parts\":[");
	for (unsigned i = 0; i < SURVEY_PARTS; i++)
		json_put_item(answer, survey->spread.parts[i]);
	json_put(answer, "]}\n");
}

/* Ticks that are over meanwhile have been emptied: those that are left are looked at as they were
 * at the start. */
static bool count_spread(struct survey *survey)
{
	const struct wheel *wheel = survey->endpoints->schedule.wheel;
	const uint32_t from = survey->spread.from, interval = survey->spread.interval;

	for (unsigned i = 0; i < TICKS && survey->next < interval; i++, survey->next++) {
		const uint32_t senders = wheel_senders_at(wheel, from + survey->next);

		survey->spread.all += senders;
		if (senders > survey->spread.busiest)
			survey->spread.busiest = senders;
		survey->spread.parts[(uint64_t)survey->next * SURVEY_PARTS / interval] += senders;
	}
	if (survey->next < interval)
		return true;
	tell_spread(survey);
	return false;
}

static void start_spread(struct survey *survey)
{
	const struct endpoints *endpoints = survey->endpoints;

	survey->step = count_spread;
	survey->next = 0;
	survey->spread.from = report_tick(endpoints->report) + 1;
	survey->spread.interval = ticks_of(endpoints->settings->keepalive.rules.interval_us);
}

void survey_start(struct survey *survey, const struct survey_question *question,
	struct endpoints *endpoints, struct json *answer)
{
	*survey = (struct survey){
		.question = *question, .endpoints = endpoints, .answer = answer, .next = 1};
	fold((struct text){question->query, question->query_length}, survey->question.query);
	switch (question->kind) {
	case SURVEY_LOST:
		json_put(answer, "{\"lost\":[");
		survey->step = look_for_lost;
		break;
	case SURVEY_SEARCH:
		json_put(answer, "{\"found\":[");
		survey->step = search;
		break;
	case SURVEY_SPREAD:
		start_spread(survey);
		break;
	}
}

bool survey_step(struct survey *survey)
{
	return survey->step(survey);
}
