#include <natbox/keepalive.h>

void review_start(struct endpoints *endpoints, bool places)
{
	struct review *review = &endpoints->review;

	review->places = places || (review_is_pending(endpoints) && review->places);
	review->next = 1;
}

bool review_one(struct endpoints *endpoints, uint32_t index)
{
	if (!endpoint_review(endpoints, index))
		return false;
	if (endpoints->review.places)
		liveness_place_anew(endpoints, index);
	return !endpoints->review.places;
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
		endpoints->report->work += WORK_LOOK;
		if (endpoint_at(endpoints, index)->reasons)
			review_one(endpoints, index);
	}
}
