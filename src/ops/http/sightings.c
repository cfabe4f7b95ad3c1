#include <natbox/ops.h>

/* A wall clock that is adjusted little by little moves nothing: whoever draws the start would see
 * it change all the time. */
static const uint64_t set_us = 1000000;

void sightings_start(struct sightings *sightings, uint64_t boot_us, uint64_t wall_us)
{
	*sightings = (struct sightings){.boot_us = boot_us, .started_us = wall_us};
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void sightings_look(struct sightings *sightings, const struct engine_counters *counters,
	uint64_t boot_us, uint64_t wall_us)
{
	const uint64_t runs_us = boot_us - sightings->boot_us;
	const uint64_t started_us = wall_us > runs_us ? wall_us - runs_us : 0;

	if (difference(started_us, sightings->started_us) > set_us)
		sightings->started_us = started_us;
	for (unsigned direction = 0; direction < DIRECTIONS; direction++) {
		const uint64_t packets = packets_of(counters, direction);

		if (packets != sightings->packets[direction]) {
			sightings->seen_us[direction] = boot_us;
			sightings->last_us[direction] = wall_us;
		}
		sightings->packets[direction] = packets;
	}
}
