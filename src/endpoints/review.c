#include "parts.h"

/* Ends the reasons of an endpoint whose kind does not count any more. */
static void end_unwanted_reasons(struct endpoints *endpoints, uint32_t index)
{
	uint32_t reason = endpoint_at(endpoints, index)->reasons;

	while (reason) {
		uint32_t next = reason_at(endpoints, reason)->next;

		if (!reason_is_wanted(endpoints->settings, reason_at(endpoints, reason)->kind))
			reason_end(endpoints, reason, "ended");
		reason = next;
	}
}

/* Ends what the settings do not want any more: the endpoint, or some of its reasons. False when it
 * is gone. */
static bool keep_what_is_wanted(struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!endpoint_is_wanted(endpoints, &endpoint->client, endpoint->nat, endpoint->class)) {
		endpoint_remove(endpoints, index, "ended", "flushed");
		return false;
	}
	end_unwanted_reasons(endpoints, index);
	return endpoint->reasons != 0;
}

void review_start(struct endpoints *endpoints, bool places)
{
	struct review *review = &endpoints->review;

	review->places = places || (review_is_pending(endpoints) && review->places);
	review->next = 1;
}

/* The class of an endpoint as far as it can be told without a message of its user agent: it stays
 * in its class where one of its registrations asks for that; else the latest tells. */
static unsigned known_class(const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	struct class_facts facts = {.client = &endpoint->client, .before = endpoint->class};
	unsigned first = 0;
	bool is_registered = false;

	for (uint32_t reason = endpoint->reasons; reason;
		reason = reason_at(endpoints, reason)->next) {
		unsigned class;

		if (reason_at(endpoints, reason)->kind != REASON_REGISTRATION)
			continue;
		facts.aor = label_text(&endpoints->labels, reason_at(endpoints, reason)->label);
		class = classes_match(&endpoints->classes, &facts);
		if (class == endpoint->class)
			return class;
		if (!is_registered)
			first = class;
		is_registered = true;
	}
	return is_registered ? first : classes_match(&endpoints->classes, &facts);
}

/* Whether it is in another class now. */
static bool find_class(struct endpoints *endpoints, uint32_t index)
{
	const unsigned before = endpoint_at(endpoints, index)->class;
	unsigned class = before;

	if (before || endpoints->settings->classes.count)
		class = known_class(endpoints, index);
	if (class != before)
		endpoint_change_class(endpoints, index, class);
	return class != before;
}

bool review_one(struct endpoints *endpoints, uint32_t index)
{
	const bool is_placed = find_class(endpoints, index);

	if (!keep_what_is_wanted(endpoints, index))
		return false;
	if (endpoints->review.places && !is_placed)
		endpoint_place_anew(endpoints, index);
	return !endpoints->review.places && !is_placed;
}

void review_run(struct endpoints *endpoints, uint64_t work)
{
	struct review *review = &endpoints->review;
	const uint64_t end = endpoints->report->work + work;

	while (review->next && endpoints->report->work < end) {
		uint32_t index = review->next++;

		if (index > endpoints->endpoints.used) {
			review->next = 0;
			return;
		}
		endpoints->report->work += WORK_LOOK + endpoints->settings->classes.count / 2;
		if (endpoint_at(endpoints, index)->reasons)
			review_one(endpoints, index);
	}
}
