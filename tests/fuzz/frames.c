/* Fuzzer of frames, as a capture file has them behind one another: each counts once, and what a
 * datagram brings comes out as well where it is sent in pieces. */
#include <wire/capture/decoder.h>

#include <endian.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER = 24, /* of a capture file; its link type stands at the end */
	RECORD = 16, /* seconds, microseconds, length here, length on the wire */
	IPV4 = 20,
	UDP = 8,
	UDP_PROTOCOL = 17,
	PAYLOAD_MAX = 8192,
	TOO_OLD_US = FRAGMENTS_TIMEOUT_US + 1,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seed[16] = "frames";

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* One for all inputs: it is large. What an earlier one left in it is too old to matter. */
static struct decoder *decoder_for(struct decoder **decoder, int link_type)
{
	if (!*decoder)
		*decoder = decoder_new(link_type, seed);
	expect(*decoder);
	decoder_set_link_type(*decoder, link_type);
	return *decoder;
}

static uint32_t number_at(const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return le32toh(number);
}

/* What lies between these two bytes of an IPv4 packet's payload, as a packet of its own. */
static struct text piece_of(
	const struct flow *flow, struct text payload, size_t from, size_t to, uint8_t *piece)
{
	const unsigned place = (unsigned)(from / 8) | (to < payload.length ? 0x2000 : 0);
	const size_t length = IPV4 + (to - from);

	memcpy(piece,
		(uint8_t[IPV4]){0x45, [2] = (uint8_t)(length >> 8),
			(uint8_t)length, [6] = (uint8_t)(place >> 8),
			(uint8_t)place, [9] = UDP_PROTOCOL},
		IPV4);
	memcpy(piece + 12, flow->source.ip + 12, 4);
	memcpy(piece + 16, flow->destination.ip + 12, 4);
	memcpy(piece + IPV4, payload.at + from, to - from);
	return (struct text){(const char *)piece, length};
}

/* With the datagram's header, without a checksum. */
static struct text payload_of(const struct datagram *datagram, uint8_t *payload)
{
	const size_t length = UDP + datagram->bytes.length;
	const uint16_t numbers[] = {htobe16(datagram->flow.source.port),
		htobe16(datagram->flow.destination.port), htobe16((uint16_t)length), 0};

	memcpy(payload, numbers, UDP);
	memcpy(payload + UDP, datagram->bytes.at, datagram->bytes.length);
	return (struct text){(const char *)payload, length};
}

/* Sent in pieces of so many bytes, the last one first or last, each but the last to come twice or
 * once. */
static void expect_whole(
	const struct datagram *datagram, size_t step, bool from_the_end, unsigned times)
{
	static uint8_t udp[UDP + PAYLOAD_MAX], piece[IPV4 + PAYLOAD_MAX];
	const struct text payload = payload_of(datagram, udp);
	const size_t pieces = (payload.length + step - 1) / step;
	static struct decoder *joining;
	static uint64_t time_us;
	struct decoder *decoder = decoder_for(&joining, DLT_RAW);
	struct datagram whole;

	time_us += TOO_OLD_US;
	for (size_t i = 0; i < pieces; i++) {
		const bool is_last = i + 1 == pieces;
		const size_t from = step * (from_the_end ? pieces - 1 - i : i);
		const size_t to = from + step < payload.length ? from + step : payload.length;
		const struct text frame = piece_of(&datagram->flow, payload, from, to, piece);

		for (unsigned j = 0; j < (is_last ? 1 : times); j++)
			expect(decoder_add(decoder, time_us, frame, false, &whole) == is_last);
	}
	expect(text_equal(whole.bytes, datagram->bytes));
	expect(address_equal(&whole.flow.source, &datagram->flow.source));
	expect(address_equal(&whole.flow.destination, &datagram->flow.destination));
}

static void expect_pieces(const struct datagram *datagram)
{
	const uint8_t choice = (uint8_t)datagram->bytes.at[0];

	if (address_is_ipv4(&datagram->flow.source) && datagram->bytes.length <= PAYLOAD_MAX - UDP)
		expect_whole(datagram, 8 * (8 + choice % 64), choice & 64, choice & 128 ? 2 : 1);
}

static uint64_t sum_of(const struct decoder_counters *counters)
{
	const struct fragments_counters *fragments = &counters->fragments;

	return counters->datagrams + counters->repeated + counters->other + counters->cut +
	       counters->malformed + fragments->fragments - fragments->reassembled;
}

/* By itself, so that what is read beyond it is found. */
static void take_frame(
	struct decoder *decoder, uint64_t time_us, const uint8_t *bytes, size_t length, bool is_cut)
{
	char *frame = malloc(length ? length : 1);
	struct datagram datagram;

	expect(frame);
	memcpy(frame, bytes, length);
	if (decoder_add(decoder, time_us, (struct text){frame, length}, is_cut, &datagram) &&
		datagram.bytes.length)
		expect_pieces(&datagram);
	free(frame);
}

/* Takes them until one is not all there. */
static void take_frames(
	struct decoder *decoder, uint64_t start_us, const uint8_t *at, const uint8_t *end)
{
	while (end - at >= RECORD) {
		const uint64_t time_us = start_us + number_at(at + 4);
		const uint32_t length = number_at(at + 8), sent = number_at(at + 12);

		at += RECORD;
		if (length > (size_t)(end - at))
			return;
		take_frame(decoder, time_us, at, length, sent > length);
		at += length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *decoder;
	static uint64_t start_us;
	struct decoder_counters counters;

	if (size < HEADER)
		return 0;
	start_us += (UINT64_C(1) << 32) + TOO_OLD_US;
	decoder_for(&decoder, (int)(number_at(data + HEADER - 4) & 0xffff));
	take_frames(decoder, start_us, data + HEADER, data + size);
	counters = decoder_counters(decoder);
	expect(counters.frames == sum_of(&counters));
	return 0;
}
