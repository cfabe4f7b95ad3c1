#include "decoder.h"

#include <pcap/dlt.h>
#include <stdlib.h>

#include "duplicates.h"

struct decoder {
	int link_type;
	struct duplicates duplicates;
	struct fragments *fragments;
	struct decoder_counters counters;
};

struct decoder *decoder_new(int link_type, const uint8_t seed[static 16])
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	struct hash_key key = hash_key_from(seed);

	if (!decoder)
		return NULL;
	decoder->link_type = link_type;
	decoder->fragments = fragments_new(&key);
	if (!decoder->fragments || duplicates_init(&decoder->duplicates, &key) != 0) {
		decoder_free(decoder);
		return NULL;
	}
	return decoder;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	fragments_free(decoder->fragments);
	duplicates_free(&decoder->duplicates);
	free(decoder);
}

void decoder_set_link_type(struct decoder *decoder, int link_type)
{
	decoder->link_type = link_type;
}

/* Frames of several interfaces at once: of the others each has what it sees once. */
static bool is_cooked(int link_type)
{
	return link_type == DLT_LINUX_SLL || link_type == DLT_LINUX_SLL2;
}

/* Repeats go before fragments are joined: the second sighting of one is not a fragment more. */
static bool is_repeat(struct decoder *decoder, uint64_t time_us, const struct packet *packet)
{
	if (packet->kind != PACKET_DATAGRAM && packet->kind != PACKET_FRAGMENT)
		return false;
	return is_cooked(decoder->link_type) &&
	       duplicates_seen(&decoder->duplicates, time_us, packet);
}

bool decoder_add(struct decoder *decoder, uint64_t time_us, struct text frame, bool cut,
	struct datagram *datagram)
{
	struct decoder_counters *counters = &decoder->counters;
	struct packet packet, whole;

	counters->frames++;
	packet_decode(decoder->link_type, frame, cut, &packet);
	if (is_repeat(decoder, time_us, &packet)) {
		counters->repeated++;
		return false;
	}
	if (packet.kind == PACKET_FRAGMENT) {
		if (!fragments_add(decoder->fragments, time_us, &packet, &whole))
			return false;
		packet = whole;
	}
	switch (packet.kind) {
	case PACKET_DATAGRAM:
		counters->datagrams++;
		*datagram = (struct datagram){time_us, packet.flow, packet.bytes};
		return true;
	case PACKET_CUT:
		counters->cut++;
		return false;
	case PACKET_MALFORMED:
		counters->malformed++;
		return false;
	default:
		counters->other++;
		counters->unreadable += !packet_knows_link_type(decoder->link_type);
		return false;
	}
}

struct decoder_counters decoder_counters(const struct decoder *decoder)
{
	struct decoder_counters counters = decoder->counters;

	counters.fragments = fragments_counters(decoder->fragments);
	return counters;
}
