/* What only a look at the endpoints themselves can tell, for somebody who asks over HTTP: who is
 * lost, who is called or stands so, how keepalives are spread. In steps, as there may be a million
 * endpoints, in the thread of the packet loop. The answer is JSON (natbox.8, STATUS PAGE). */
#ifndef NATBOX_SURVEY_H
#define NATBOX_SURVEY_H

#include "../json.h"

#include <natbox/endpoints.h>

enum survey_kind { SURVEY_LOST, SURVEY_SPREAD, SURVEY_SEARCH };

enum {
	SURVEY_LOST_MAX = 100, /* phones that are told, those first that were heard last */
	SURVEY_FOUND_MAX = 50,
	SURVEY_QUERY_MAX = 255, /* bytes of what is searched for */
	SURVEY_PARTS = 120,     /* of an interval, in which keepalives are counted */
	SURVEY_ANSWER_MAX = 64 * 1024,
};

/* What is asked for. A search is for a part of an address of record, or of an address as
 * address_format writes it; capitals do not count. */
struct survey_question {
	enum survey_kind kind;
	char query[SURVEY_QUERY_MAX];
	size_t query_length;
};

struct survey_lost {
	uint32_t endpoint;
	struct address client; /* whose place another may have taken before it is told */
	uint64_t silent_us;
};

struct survey {
	struct survey_question question;
	struct endpoints *endpoints;
	struct json *answer; /* with room for SURVEY_ANSWER_MAX */
	bool (*step)(struct survey *survey);
	uint32_t next; /* endpoint to go on with; of a spread the tick */
	unsigned work; /* looks since the walk was last asked whether it goes on */
	uint32_t found, told;
	struct survey_lost lost[SURVEY_LOST_MAX];
	struct {
		uint32_t from, interval; /* ticks */
		uint64_t all;
		uint32_t busiest;
		uint32_t parts[SURVEY_PARTS];
	} spread;
};

void survey_start(struct survey *survey, const struct survey_question *question,
	struct endpoints *endpoints, struct json *answer);

/* Goes on for some microseconds, half a millisecond where an endpoint has as many reasons as it
 * may have. False: the answer is complete. */
bool survey_step(struct survey *survey);

#endif
