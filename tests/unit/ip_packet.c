/* The packets of mode queue: read, and written anew around another payload. */
#include "wire/queue/ip_packet.h"
#include "wire/send/datagram.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

static const char phone4[] = "192.0.2.7:40000", proxy4[] = "198.51.100.1:5060";
static const char phone6[] = "[2001:db8::7]:40000", proxy6[] = "[2001:db8:1::1]:5060";
static const struct text hello = {"REGISTER sip:x", 14}, longer = {"REGISTER sip:longer", 19};

/* As natbox sends it: checksums are right, DF is set. */
static struct frame datagram(const struct flow *flow, struct text bytes)
{
	uint8_t headers[DATAGRAM_HEADERS_MAX];
	struct frame frame = {0};

	frame_add(&frame, headers, (size_t)datagram_headers(flow, bytes, headers));
	frame_add(&frame, bytes.at, bytes.length);
	return frame;
}

static bool reads(const struct frame *frame, struct ip_packet *packet)
{
	return ip_packet_read(frame_text(frame), packet);
}

static struct frame rewritten(const struct frame *frame, struct text bytes, uint16_t identification)
{
	struct ip_packet packet;
	struct frame out = {0};

	cr_assert(reads(frame, &packet));
	ip_packet_write(&packet, bytes, identification, out.bytes);
	out.length = ip_packet_length(&packet, bytes);
	return out;
}

static uint16_t u16(const struct frame *frame, size_t at)
{
	return (uint16_t)(frame->bytes[at] << 8 | frame->bytes[at + 1]);
}

/* RFC 1071: with the checksum in it the sum is all ones. */
static bool has_sound_ipv4_header(const struct frame *frame)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < (size_t)(frame->bytes[0] & 15) * 4; i += 2)
		sum += u16(frame, i);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff;
}

static void expect_datagram(const struct frame *frame, const struct flow *flow, struct text bytes)
{
	struct ip_packet packet;

	cr_assert(reads(frame, &packet));
	cr_expect(address_equal(&packet.flow.source, &flow->source));
	cr_expect(address_equal(&packet.flow.destination, &flow->destination));
	cr_expect(text_equal(packet.payload, bytes));
	cr_expect(ip_packet_is_sound(&packet));
	cr_expect_eq(ip_packet_length(&packet, packet.payload), frame->length);
	if (address_is_ipv4(&flow->source))
		cr_expect(has_sound_ipv4_header(frame));
}

Test(ip_packet, with_its_own_payload_is_written_byte_for_byte)
{
	const struct flow flows[] = {flow_of(phone4, proxy4), flow_of(phone6, proxy6)};

	for (unsigned i = 0; i < 2; i++) {
		const struct frame frame = datagram(&flows[i], hello);
		const struct frame same = rewritten(&frame, hello, 0);

		expect_datagram(&frame, &flows[i], hello);
		cr_expect_eq(same.length, frame.length);
		cr_expect_arr_eq(same.bytes, frame.bytes, frame.length);
	}
}

Test(ip_packet, another_payload_has_lengths_and_checksums_of_its_own)
{
	const struct flow flows[] = {flow_of(phone4, proxy4), flow_of(phone6, proxy6)};

	for (unsigned i = 0; i < 2; i++) {
		const struct frame frame = datagram(&flows[i], hello);
		const struct frame grown = rewritten(&frame, longer, 0);
		const struct frame back = rewritten(&grown, hello, 0);
		const struct frame empty = rewritten(&grown, (struct text){NULL, 0}, 0);

		expect_datagram(&grown, &flows[i], longer);
		expect_datagram(&empty, &flows[i], (struct text){"", 0});
		cr_expect_arr_eq(back.bytes, frame.bytes, frame.length);
	}
}

Test(ip_packet, ttl_and_tos_stay)
{
	const struct flow flow4 = flow_of(phone4, proxy4), flow6 = flow_of(phone6, proxy6);
	struct frame frame4 = datagram(&flow4, hello), frame6 = datagram(&flow6, hello), grown;
	struct ip_packet packet;

	frame4.bytes[1] = 0x68;
	frame4.bytes[8] = 17;
	grown = rewritten(&frame4, longer, 0);
	cr_assert(reads(&grown, &packet));
	cr_expect_eq(ip_packet_hop(&packet).tos, 0x68);
	cr_expect_eq(ip_packet_hop(&packet).ttl, 17);
	frame6.bytes[0] = 0x66;
	frame6.bytes[1] = 0x8a;
	frame6.bytes[7] = 18;
	grown = rewritten(&frame6, longer, 0);
	cr_assert(reads(&grown, &packet));
	cr_expect_eq(ip_packet_hop(&packet).tos, 0x68);
	cr_expect_eq(ip_packet_hop(&packet).ttl, 18);
	cr_expect_eq(grown.bytes[1], 0x8a, "so does the flow label");
}

Test(ip_packet, with_an_identification_it_may_be_fragmented)
{
	const struct flow flow = flow_of(phone4, proxy4);
	const struct frame frame = datagram(&flow, hello);
	const struct frame kept = rewritten(&frame, longer, 0);
	const struct frame grown = rewritten(&frame, longer, 0x1234);
	struct ip_packet packet;

	cr_assert(reads(&kept, &packet));
	cr_expect(ip_packet_dont_fragment(&packet));
	cr_assert(reads(&grown, &packet));
	cr_expect_not(ip_packet_dont_fragment(&packet));
	cr_expect_eq(u16(&grown, 4), 0x1234);
	expect_datagram(&grown, &flow, longer);
}

static const struct text router_alert = {"\x94\4\0\0", 4}; /* RFC 2113 */

/* options: as many as go into whole words. */
static struct frame with_options(const struct flow *flow, struct text bytes, struct text options)
{
	const struct frame plain = datagram(flow, bytes);
	struct frame frame = {0};

	frame_add(&frame, plain.bytes, DATAGRAM_IPV4_LENGTH);
	frame_add(&frame, options.at, options.length);
	frame_add(&frame, plain.bytes + DATAGRAM_IPV4_LENGTH, plain.length - DATAGRAM_IPV4_LENGTH);
	frame.bytes[0] = (uint8_t)(frame.bytes[0] + options.length / 4);
	frame.bytes[3] = (uint8_t)(frame.bytes[3] + options.length);
	return frame;
}

Test(ip_packet, ipv4_options_stay)
{
	const struct flow flow = flow_of(phone4, proxy4);
	const struct frame frame = with_options(&flow, hello, router_alert);
	const struct frame grown = rewritten(&frame, longer, 0);

	expect_datagram(&grown, &flow, longer);
	cr_expect_eq(u16(&grown, 20), 0x9404);
}

/* The checksum of UDP is of where it ends. */
Test(ip_packet, a_source_route_that_leads_on_is_not_read)
{
	static const struct {
		struct text options;
		bool is_read;
	} some[] = {
		{{"\x83\x07\x04\xc0\x00\x02\x09\x00", 8}, false},
		{{"\x89\x07\x04\xc0\x00\x02\x09\x00", 8}, false},
		{{"\x01\x83\x07\x04\xc0\x00\x02\x09", 8}, false},
		{{"\x94\x04\x00\x00\x83\x07\x04\xc0\x00\x02\x09\x00", 12}, false},
		{{"\x83\x07\x08\xc0\x00\x02\x09\x00", 8}, true},
		{{"\x07\x07\x04\xc0\x00\x02\x09\x00", 8}, true}, /* only recorded */
		{{"\x00\x83\x07\x04\xc0\x00\x02\x09", 8}, true}, /* behind the end */
		{{"\x94\x05\x00\x00", 4}, false},
		{{"\x94\x00\x00\x00", 4}, false},
		{{"\x01\x01\x01\x83", 4}, false},
	};
	const struct flow flow = flow_of(phone4, proxy4);
	struct ip_packet packet;

	for (unsigned i = 0; i < sizeof(some) / sizeof(*some); i++) {
		const struct frame frame = with_options(&flow, hello, some[i].options);

		cr_expect_eq(reads(&frame, &packet), some[i].is_read, "%u", i);
	}
}

/* headers: three extension headers of 8 bytes, the first of this type. */
static struct frame with_extensions(const struct flow *flow, unsigned first, unsigned segments)
{
	const struct frame plain = datagram(flow, hello);
	const size_t udp_length = DATAGRAM_UDP_LENGTH + hello.length;
	struct frame frame = {0};

	frame_add_ipv6(&frame, flow, first, 24 + udp_length);
	frame_add_extension(&frame, IPPROTO_DSTOPTS);
	frame_add_extension(&frame, IPPROTO_ROUTING);
	frame_add_extension(&frame, IPPROTO_UDP);
	frame.bytes[40 + 16 + 3] = (uint8_t)segments;
	frame_add(&frame, plain.bytes + plain.length - udp_length, udp_length);
	return frame;
}

Test(ip_packet, ipv6_extension_headers_stay)
{
	const struct flow flow = flow_of(phone6, proxy6);
	const struct frame frame = with_extensions(&flow, IPPROTO_HOPOPTS, 0);
	const struct frame grown = rewritten(&frame, longer, 0);

	expect_datagram(&frame, &flow, hello);
	expect_datagram(&grown, &flow, longer);
	cr_expect_arr_eq(grown.bytes + 40, frame.bytes + 40, 24);
}

Test(ip_packet, more_ipv6_extension_headers_than_anybody_needs_are_not_read)
{
	const struct flow flow = flow_of(phone6, proxy6);
	const struct frame plain = datagram(&flow, hello);
	const size_t udp_length = DATAGRAM_UDP_LENGTH + hello.length;
	struct ip_packet packet;

	for (unsigned count = 8; count <= 9; count++) {
		struct frame frame = {0};

		frame_add_ipv6(&frame, &flow, IPPROTO_DSTOPTS, count * 8 + udp_length);
		for (unsigned i = 1; i <= count; i++)
			frame_add_extension(&frame, i < count ? IPPROTO_DSTOPTS : IPPROTO_UDP);
		frame_add(&frame, plain.bytes + plain.length - udp_length, udp_length);
		cr_expect_eq(reads(&frame, &packet), count == 8, "%u", count);
	}
}

Test(ip_packet, what_may_not_be_rewritten_is_not_read)
{
	const struct flow flow4 = flow_of(phone4, proxy4), flow6 = flow_of(phone6, proxy6);
	const struct frame frame4 = datagram(&flow4, hello), frame6 = datagram(&flow6, hello);
	struct ip_packet packet;
	struct frame other = frame4;

	other.bytes[6] = 0x20;
	cr_expect_not(reads(&other, &packet), "more fragments");
	other.bytes[6] = 0;
	other.bytes[7] = 1;
	cr_expect_not(reads(&other, &packet), "a later fragment");
	other = frame4;
	other.bytes[9] = IPPROTO_TCP;
	cr_expect_not(reads(&other, &packet), "not UDP");
	other = frame4;
	other.bytes[0] = 0x44;
	cr_expect_not(reads(&other, &packet), "a header that is too short");
	other = frame4;
	other.bytes[25]++;
	cr_expect_not(reads(&other, &packet), "UDP longer than its packet");
	other.bytes[25] = 7;
	cr_expect_not(reads(&other, &packet), "UDP shorter than its header");
	other = frame6;
	other.bytes[6] = IPPROTO_AH;
	cr_expect_not(reads(&other, &packet), "authenticated");
	other = with_extensions(&flow6, IPPROTO_FRAGMENT, 0);
	cr_expect_not(reads(&other, &packet), "a fragment");
	other = with_extensions(&flow6, IPPROTO_HOPOPTS, 1);
	cr_expect_not(reads(&other, &packet), "on its way to somewhere else first");
	for (unsigned at = 8; at <= 24; at += 16) {
		other = frame6;
		memcpy(other.bytes + at, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7", 16);
		cr_expect_not(reads(&other, &packet), "an IPv4 address in IPv6");
	}
}

Test(ip_packet, trailing_bytes_are_no_payload)
{
	const struct flow flow = flow_of(phone4, proxy4);
	struct frame frame = datagram(&flow, hello);
	struct ip_packet packet;

	frame_add(&frame, "\0\0\0", 3);
	cr_assert(reads(&frame, &packet));
	cr_expect(text_equal(packet.payload, hello));
}

Test(ip_packet, a_wrong_checksum_is_found_and_none_is_sound_in_ipv4_alone)
{
	const struct flow flow4 = flow_of(phone4, proxy4), flow6 = flow_of(phone6, proxy6);
	struct frame frame4 = datagram(&flow4, hello), frame6 = datagram(&flow6, hello);
	struct ip_packet packet;

	frame4.bytes[frame4.length - 1] ^= 1;
	cr_assert(reads(&frame4, &packet));
	cr_expect_not(ip_packet_is_sound(&packet));
	memset(frame4.bytes + 26, 0, 2);
	cr_assert(reads(&frame4, &packet));
	cr_expect(ip_packet_is_sound(&packet));
	memset(frame6.bytes + 46, 0, 2);
	cr_assert(reads(&frame6, &packet));
	cr_expect_not(ip_packet_is_sound(&packet));
}

/* In memory that ends where the bytes do. */
static bool reads_copy(const uint8_t *bytes, size_t length)
{
	char *copy = malloc(length ? length : 1);
	struct ip_packet packet;
	bool read;

	if (length)
		memcpy(copy, bytes, length);
	read = ip_packet_read((struct text){copy, length}, &packet);
	if (read)
		ip_packet_is_sound(&packet);
	free(copy);
	return read;
}

Test(ip_packet, cut_anywhere_or_with_any_byte_changed_it_is_read_within_its_bounds)
{
	const struct flow flows[] = {flow_of(phone4, proxy4), flow_of(phone6, proxy6)};
	const struct frame frames[] = {with_options(&flows[0], hello, router_alert),
		with_extensions(&flows[1], IPPROTO_HOPOPTS, 0)};

	for (unsigned i = 0; i < 2; i++) {
		struct frame frame = frames[i];

		for (size_t length = 0; length < frame.length; length++)
			cr_expect_not(reads_copy(frame.bytes, length));
		for (size_t at = 0; at < frame.length; at++)
			for (unsigned value = 0; value < 256; value++) {
				frame = frames[i];
				frame.bytes[at] = (uint8_t)value;
				reads_copy(frame.bytes, frame.length);
			}
	}
}
