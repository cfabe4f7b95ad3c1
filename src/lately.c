#include "lately.h"

void lately_look(struct lately *lately, const struct engine_counters *counters, uint64_t now_us)
{
	for (unsigned direction = 0; direction < DIRECTION_NONE; direction++) {
		uint64_t count = 0;

		for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
			count += counters->verdicts[direction][verdict];
		if (count != lately->counted[direction])
			lately->seen_us[direction] = now_us;
		lately->counted[direction] = count;
	}
}

uint64_t lately_since(const struct lately *lately, enum direction direction, uint64_t now_us)
{
	const uint64_t seen_us = lately->seen_us[direction];

	return seen_us ? now_us - seen_us : UINT64_MAX;
}
