#include "segments.h"

#include <endian.h>
#include <stdlib.h>

void segments_clear(struct segments *segments)
{
	segments->edge_count = 0;
	segments->is_sealed = false;
}

static struct segment_point point_of(const uint8_t ip[static 16])
{
	struct segment_point point;

	memcpy(&point.high, ip, 8);
	memcpy(&point.low, ip + 8, 8);
	return (struct segment_point){be64toh(point.high), be64toh(point.low)};
}

static int compare_points(struct segment_point a, struct segment_point b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return 0;
}

static int compare_edges(const void *a, const void *b)
{
	const struct segment_edge *left = a, *right = b;

	return compare_points(left->at, right->at);
}

/* The bits that a prefix of so many of 64 leaves open. */
static uint64_t open_bits(unsigned length)
{
	return length >= 64 ? 0 : UINT64_MAX >> length;
}

bool segments_add(
	struct segments *segments, const uint8_t ip[static 16], unsigned length, bool tells_apart)
{
	const uint64_t high = open_bits(length), low = open_bits(length > 64 ? length - 64 : 0);
	const struct segment_point point = point_of(ip);
	const struct segment_point first = {point.high & ~high, point.low & ~low};
	struct segment_point end = {point.high | high, point.low | low};

	if (segments->edge_count + 2 > 2 * SEGMENTS_PREFIXES_MAX)
		return false;
	segments->edges[segments->edge_count++] = (struct segment_edge){first, tells_apart};
	end.low++;
	end.high += end.low == 0;
	/* Round to the first address: the prefix goes on to the last there is. */
	if (end.high || end.low)
		segments->edges[segments->edge_count++] =
			(struct segment_edge){end, -(int)tells_apart};
	return true;
}

/* Each point once, and how many of the prefixes that tell apart cover what begins there. */
void segments_seal(struct segments *segments)
{
	struct segment_edge *edges = segments->edges;
	unsigned kept = 0;
	int apart = 0;

	qsort(edges, segments->edge_count, sizeof(*edges), compare_edges);
	for (unsigned i = 0; i < segments->edge_count; i++) {
		apart += edges[i].apart;
		if (!kept || compare_points(edges[kept - 1].at, edges[i].at) != 0)
			edges[kept++].at = edges[i].at;
		edges[kept - 1].apart = apart;
	}
	segments->edge_count = kept;
	segments->is_sealed = true;
}

int segments_find(const struct segments *segments, const uint8_t ip[static 16])
{
	const struct segment_point point = point_of(ip);
	unsigned first = 0, count = segments->edge_count; /* the last edge not behind is there */

	if (!segments->is_sealed)
		return SEGMENT_NONE;
	while (count) {
		const unsigned half = count / 2;

		if (compare_points(segments->edges[first + half].at, point) <= 0) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	if (first && segments->edges[first - 1].apart)
		return SEGMENT_NONE;
	return (int)first;
}
