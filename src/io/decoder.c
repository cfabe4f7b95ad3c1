#include <natbox/decoder.h>

#include <stdlib.h>

#include <natbox/packet.h>

struct decoder {
	int link_type;
	struct decoder_counters counters;
};

struct decoder *decoder_new(int link_type)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder)
		decoder->link_type = link_type;
	return decoder;
}

void decoder_free(struct decoder *decoder)
{
	free(decoder);
}

bool decoder_add(struct decoder *decoder, uint64_t time_us, struct text frame, bool cut,
	struct datagram *datagram)
{
	struct packet packet;

	decoder->counters.frames++;
	packet_decode(decoder->link_type, frame, cut, &packet);
	switch (packet.kind) {
	case PACKET_DATAGRAM:
		decoder->counters.datagrams++;
		*datagram = (struct datagram){time_us, packet.flow, packet.bytes};
		return true;
	case PACKET_CUT:
		decoder->counters.cut++;
		return false;
	case PACKET_MALFORMED:
		decoder->counters.malformed++;
		return false;
	default:
		decoder->counters.other++;
		return false;
	}
}

struct decoder_counters decoder_counters(const struct decoder *decoder)
{
	return decoder->counters;
}
