#include "wire/capture/packet.h"

#include <criterion/criterion.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

static const char phone4[] = "192.0.2.7:40000", proxy4[] = "198.51.100.1:5060";
static const char phone6[] = "[2001:db8::7]:40000", proxy6[] = "[2001:db8:1::1]:5060";
static const struct text hello = {"REGISTER sip:x", 14};

static struct packet decode(int link_type, const struct frame *frame)
{
	struct packet packet;

	packet_decode(link_type, frame_text(frame), false, &packet);
	return packet;
}

static void expect_hello(const struct packet *packet, const struct flow *flow)
{
	cr_assert_eq(packet->kind, PACKET_DATAGRAM);
	cr_expect(address_equal(&packet->flow.source, &flow->source));
	cr_expect(address_equal(&packet->flow.destination, &flow->destination));
	cr_expect(text_equal(packet->bytes, hello));
}

Test(packet, ethernet)
{
	struct flow flows[] = {flow_of(phone4, proxy4), flow_of(phone6, proxy6)};

	for (unsigned i = 0; i < 2; i++) {
		struct frame frame = {0};
		struct packet packet;

		frame_add_ethernet(&frame, i ? TYPE_IPV6 : TYPE_IPV4);
		frame_add_datagram(&frame, &flows[i], hello);
		packet = decode(DLT_EN10MB, &frame);
		expect_hello(&packet, &flows[i]);
	}
}

Test(packet, ethernet_padding_is_no_payload)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame frame = {0};
	struct packet packet;

	frame_add_ethernet(&frame, TYPE_IPV4);
	frame_add_datagram(&frame, &flow, hello);
	frame_add(&frame, "\0\0\0\0\0\0", 6);
	packet = decode(DLT_EN10MB, &frame);
	expect_hello(&packet, &flow);
}

Test(packet, ethernet_padding_is_no_part_of_a_fragment)
{
	struct flow flow = flow_of(phone4, proxy4), flow_ipv6 = flow_of(phone6, proxy6);
	struct frame frames[2] = {0};

	frame_add_ethernet(&frames[0], TYPE_IPV4);
	frame_add_ipv4(&frames[0], &flow, 17, 1, 2, 3);
	frame_add_ethernet(&frames[1], TYPE_IPV6);
	frame_add_ipv6(&frames[1], &flow_ipv6, 44, 8 + 3);
	frame_add_ipv6_fragment(&frames[1], 17, 16, false, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct packet packet;

		frame_add(&frames[i], "end\0\0\0", 6);
		packet = decode(DLT_EN10MB, &frames[i]);
		cr_assert_eq(packet.kind, PACKET_FRAGMENT);
		cr_expect(text_equal(packet.bytes, TEXT("end")));
	}
}

Test(packet, what_follows_the_udp_datagram_is_no_payload)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame frame = {0};
	struct packet packet;

	frame_add_ipv4(&frame, &flow, 17, 1, 0, 8 + hello.length + 4);
	frame_add_udp(&frame, &flow, hello);
	frame_add(&frame, "more", 4);
	packet = decode(DLT_RAW, &frame);
	expect_hello(&packet, &flow);
}

Test(packet, vlan_tags_once_and_twice)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame once = {0}, twice = {0};
	struct packet packet;

	frame_add_ethernet(&once, TYPE_VLAN);
	frame_add_vlan(&once, 100, TYPE_IPV4);
	frame_add_datagram(&once, &flow, hello);
	packet = decode(DLT_EN10MB, &once);
	expect_hello(&packet, &flow);

	frame_add_ethernet(&twice, TYPE_SERVICE_VLAN);
	frame_add_vlan(&twice, 7, TYPE_VLAN);
	frame_add_vlan(&twice, 100, TYPE_IPV4);
	frame_add_datagram(&twice, &flow, hello);
	packet = decode(DLT_EN10MB, &twice);
	expect_hello(&packet, &flow);
}

Test(packet, linux_cooked_both_versions)
{
	struct flow flow = flow_of(phone6, proxy6);
	struct frame cooked = {0}, cooked2 = {0};
	struct packet packet;

	frame_add(&cooked, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14);
	frame_add_u16(&cooked, TYPE_IPV6);
	frame_add_datagram(&cooked, &flow, hello);
	packet = decode(DLT_LINUX_SLL, &cooked);
	expect_hello(&packet, &flow);

	frame_add_u16(&cooked2, TYPE_IPV6);
	frame_add(&cooked2, "\0\0\0\0\0\2\0\1\4\6\2\0\0\0\0\1\0\0", 18);
	frame_add_datagram(&cooked2, &flow, hello);
	packet = decode(DLT_LINUX_SLL2, &cooked2);
	expect_hello(&packet, &flow);
}

/* libpcap puts back the tag that the kernel took out. */
static const struct behind {
	const char *bytes;
	size_t length;
	bool is_ipv6;
} pppoe[] =
	{
		{"\x11\0\0\7\0\x2c\0\x21", 8, false},
		{"\x11\0\0\7\0\x40\0\x57", 8, true},
		{"\x11\0\0\7\0\x2b\x21", 7, false},
},
  mpls[] = {
	  {"\0\x06\x41\x40", 4, false},
	  {"\0\x06\x40\x40\0\x06\x50\x40\0\0\x01\x40", 12, true},
};

static void expect_behind(unsigned ethertype, const struct behind *behind)
{
	struct flow flow = behind->is_ipv6 ? flow_of(phone6, proxy6) : flow_of(phone4, proxy4);
	struct frame frame = {0};
	struct packet packet;

	frame_add_ethernet(&frame, TYPE_VLAN);
	frame_add_vlan(&frame, 7, ethertype);
	frame_add(&frame, behind->bytes, behind->length);
	frame_add_datagram(&frame, &flow, hello);
	packet = decode(DLT_EN10MB, &frame);
	expect_hello(&packet, &flow);
	for (size_t length = 18; length < 18 + behind->length; length++) {
		frame.length = length;
		packet = decode(DLT_EN10MB, &frame);
		cr_expect_eq(packet.kind, PACKET_MALFORMED, "%zu bytes", length);
	}
}

Test(packet, pppoe_sessions)
{
	for (unsigned i = 0; i < sizeof(pppoe) / sizeof(*pppoe); i++)
		expect_behind(TYPE_PPPOE, &pppoe[i]);
}

Test(packet, mpls_labels)
{
	for (unsigned i = 0; i < sizeof(mpls) / sizeof(*mpls); i++)
		expect_behind(TYPE_MPLS, &mpls[i]);
}

Test(packet, what_is_no_ip_in_pppoe_or_mpls_is_left_alone)
{
	struct frame link_control = {0}, ethernet = {0};

	frame_add_ethernet(&link_control, TYPE_PPPOE);
	frame_add(&link_control, "\x11\0\0\7\0\6\xc0\x21\x09\1\0\4", 12);
	cr_expect_eq(decode(DLT_EN10MB, &link_control).kind, PACKET_OTHER);

	frame_add_ethernet(&ethernet, TYPE_MPLS);
	frame_add(&ethernet, "\0\x06\x41\x40\0\0\0\0", 8);
	cr_expect_eq(decode(DLT_EN10MB, &ethernet).kind, PACKET_OTHER);
}

Test(packet, linux_cooked_with_vlan_tag)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame frame = {0};
	struct packet packet;

	frame_add(&frame, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14);
	frame_add_u16(&frame, TYPE_VLAN);
	frame_add_vlan(&frame, 100, TYPE_IPV4);
	frame_add_datagram(&frame, &flow, hello);
	packet = decode(DLT_LINUX_SLL, &frame);
	expect_hello(&packet, &flow);
}

Test(packet, raw_ip)
{
	static const int link_types[] = {DLT_RAW, 14, 101, DLT_IPV4};
	struct flow flow = flow_of(phone4, proxy4), flow_ipv6 = flow_of(phone6, proxy6);
	struct frame frame = {0}, frame_ipv6 = {0};
	struct packet packet;

	frame_add_datagram(&frame, &flow, hello);
	for (unsigned i = 0; i < sizeof(link_types) / sizeof(*link_types); i++) {
		packet = decode(link_types[i], &frame);
		expect_hello(&packet, &flow);
	}
	frame_add_datagram(&frame_ipv6, &flow_ipv6, hello);
	packet = decode(DLT_RAW, &frame_ipv6);
	expect_hello(&packet, &flow_ipv6);
	packet = decode(DLT_IPV6, &frame_ipv6);
	expect_hello(&packet, &flow_ipv6);
}

Test(packet, loopback_in_either_byte_order)
{
	static const char *const families[] = {"\2\0\0\0", "\0\0\0\2", "\36\0\0\0", "\0\0\0\30"};

	for (unsigned i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct flow flow = i < 2 ? flow_of(phone4, proxy4) : flow_of(phone6, proxy6);
		struct frame frame = {0};
		struct packet packet;

		frame_add(&frame, families[i], 4);
		frame_add_datagram(&frame, &flow, hello);
		packet = decode(i % 2 ? DLT_LOOP : DLT_NULL, &frame);
		expect_hello(&packet, &flow);
	}
}

Test(packet, ipv4_options)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame frame = {0};
	struct packet packet;

	frame_add_ipv4(&frame, &flow, 17, 1, 0, 8 + hello.length + 4);
	frame.bytes[0] = 0x46;
	frame_add(&frame, "\1\1\1\0", 4);
	frame_add_udp(&frame, &flow, hello);
	packet = decode(DLT_RAW, &frame);
	expect_hello(&packet, &flow);
}

Test(packet, ipv6_extension_headers)
{
	struct flow flow = flow_of(phone6, proxy6);
	struct frame frame = {0};
	struct packet packet;

	frame_add_ipv6(&frame, &flow, 0, 8 * 4 + 24 + 8 + hello.length);
	frame_add_extension(&frame, 43);
	frame_add_extension(&frame, 60);
	frame_add_extension(&frame, 44);
	frame_add_ipv6_fragment(&frame, 51, 0, false, 9);
	/* AH of 24 bytes: 4 units of 4 after the first 8. */
	frame_add(&frame, "\21\4\0\0\0\0\0\1\0\0\0\1aaaabbbbcccc", 24);
	frame_add_udp(&frame, &flow, hello);
	packet = decode(DLT_RAW, &frame);
	expect_hello(&packet, &flow);
}

Test(packet, fragments_tell_their_place)
{
	struct flow flow = flow_of(phone4, proxy4), flow_ipv6 = flow_of(phone6, proxy6);
	struct frame frame = {0}, frame_ipv6 = {0};
	struct packet packet;

	frame_add_ipv4(&frame, &flow, 17, 0x1234, MORE_FRAGMENTS | 3, 16);
	frame_add(&frame, "0123456789abcdef", 16);
	packet = decode(DLT_RAW, &frame);
	cr_assert_eq(packet.kind, PACKET_FRAGMENT);
	cr_expect_eq(packet.id, 0x1234);
	cr_expect_eq(packet.offset, 24);
	cr_expect(packet.more);
	cr_expect_eq(packet.protocol, 17);
	cr_expect(text_equal(packet.bytes, TEXT("0123456789abcdef")));
	cr_expect_eq(packet.flow.source.port, 0);

	frame_add_ipv6(&frame_ipv6, &flow_ipv6, 0, 16 + 3);
	frame_add_extension(&frame_ipv6, 44);
	frame_add_ipv6_fragment(&frame_ipv6, 60, 1200, false, 0xdeadbeef);
	frame_add(&frame_ipv6, "end", 3);
	packet = decode(DLT_RAW, &frame_ipv6);
	cr_assert_eq(packet.kind, PACKET_FRAGMENT);
	cr_expect_eq(packet.id, 0xdeadbeef);
	cr_expect_eq(packet.offset, 1200);
	cr_expect(!packet.more);
	cr_expect_eq(packet.protocol, 60);
	cr_expect(text_equal(packet.bytes, TEXT("end")));
}

Test(packet, what_is_reassembled_may_start_with_an_extension_header)
{
	struct flow flow = flow_of(phone6, proxy6);
	struct frame frame = {0};
	struct packet packet = {.flow = flow};

	frame_add_extension(&frame, 17);
	frame_add_udp(&frame, &flow, hello);
	packet_decode_whole(60, frame_text(&frame), &packet);
	expect_hello(&packet, &flow);
}

Test(packet, no_fragment_inside_what_was_reassembled)
{
	struct flow flow = flow_of(phone6, proxy6);
	struct frame frame = {0};
	struct packet packet = {.flow = flow};

	frame_add_extension(&frame, 44);
	frame_add_ipv6_fragment(&frame, 17, 0, true, 1);
	frame_add_udp(&frame, &flow, hello);
	packet_decode_whole(60, frame_text(&frame), &packet);
	cr_expect_eq(packet.kind, PACKET_OTHER);
}

Test(packet, not_udp_is_other)
{
	struct flow flow = flow_of(phone4, proxy4), flow_ipv6 = flow_of(phone6, proxy6);
	struct frame tcp = {0}, tcp_ipv6 = {0}, part = {0}, part_ipv6 = {0}, arp = {0},
		     bridge = {0};

	frame_add_ipv4(&tcp, &flow, 6, 1, 0, 20);
	cr_expect_eq(decode(DLT_RAW, &tcp).kind, PACKET_OTHER);
	frame_add_ipv6(&tcp_ipv6, &flow_ipv6, 6, 20);
	cr_expect_eq(decode(DLT_RAW, &tcp_ipv6).kind, PACKET_OTHER);
	frame_add_ipv4(&part, &flow, 6, 1, 2, 3);
	frame_add(&part, "end", 3);
	cr_expect_eq(decode(DLT_RAW, &part).kind, PACKET_OTHER);
	frame_add_ipv6(&part_ipv6, &flow_ipv6, 44, 8 + 3);
	frame_add_ipv6_fragment(&part_ipv6, 6, 16, false, 1);
	frame_add(&part_ipv6, "end", 3);
	cr_expect_eq(decode(DLT_RAW, &part_ipv6).kind, PACKET_OTHER);
	frame_add_ethernet(&arp, 0x0806);
	cr_expect_eq(decode(DLT_EN10MB, &arp).kind, PACKET_OTHER);
	frame_add_ethernet(&bridge, 38);
	frame_add(&bridge, "\x42\x42\3", 3);
	cr_expect_eq(decode(DLT_EN10MB, &bridge).kind, PACKET_OTHER);
	cr_expect_eq(decode(DLT_PPP, &tcp).kind, PACKET_OTHER);
}

/* Every shorter piece of each frame, flagged as cut and not. The frames end where their memory
 * does, so that a sanitiser sees any byte read beyond. */
Test(packet, no_piece_of_a_frame_is_used_half)
{
	struct flow flows[] = {flow_of(phone4, proxy4), flow_of(phone6, proxy6)};
	struct packet packet;

	for (unsigned i = 0; i < 2; i++) {
		struct frame frame = {0};

		frame_add_ethernet(&frame, TYPE_VLAN);
		frame_add_vlan(&frame, 1, i ? TYPE_IPV6 : TYPE_IPV4);
		if (i) {
			frame_add_ipv6(&frame, &flows[i], 0, 16 + 8 + hello.length);
			frame_add_extension(&frame, 44);
			frame_add_ipv6_fragment(&frame, 17, 0, true, 1);
			frame_add_udp(&frame, &flows[i], hello);
			frame.length -= frame.length % 8;
		} else {
			frame_add_datagram(&frame, &flows[i], hello);
		}
		for (size_t length = 0; length < frame.length; length++) {
			char *piece = malloc(length + !length);

			memcpy(piece, frame.bytes, length);
			packet_decode(DLT_EN10MB, (struct text){piece, length}, true, &packet);
			cr_expect_eq(packet.kind, PACKET_CUT, "%zu bytes", length);
			packet_decode(DLT_EN10MB, (struct text){piece, length}, false, &packet);
			cr_expect_eq(packet.kind, PACKET_MALFORMED, "%zu bytes", length);
			free(piece);
		}
	}
}

Test(packet, lengths_that_cannot_be_are_malformed)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} wrongs[] = {
		{0, 0x44, "header shorter than 20"},
		{0, 0x4f, "header longer than the packet"},
		{0, 0x75, "no such version"},
		{3, 19, "total below the header"},
		{2, 0xff, "total above what is there"},
		{25, 7, "UDP below its header"},
		{24, 0xff, "UDP above the packet"},
		{6, 0x20, "not last, yet no multiple of 8"},
		{6, 0x1f, "nothing left at this offset"},
	};
	struct flow flow = flow_of(phone4, proxy4);

	for (unsigned i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		struct frame frame = {0};

		frame_add_datagram(&frame, &flow, hello);
		frame.bytes[wrongs[i].at] = wrongs[i].value;
		if (wrongs[i].value == 0x1f) {
			frame.bytes[7] = 0xff;
		}
		cr_expect_eq(decode(DLT_RAW, &frame).kind, PACKET_MALFORMED, "%s", wrongs[i].what);
	}
}

/* An IPv4 address in an IPv6 packet is nobody's: it is not the IPv4 host of that number. */
Test(packet, ipv4_addresses_in_ipv6_are_no_datagram)
{
	static const struct {
		const char *source, *destination;
	} flows[] = {
		{"[::ffff:192.0.2.7]:40000", "[2001:db8:1::1]:5060"},
		{"[2001:db8::7]:40000", "[::ffff:198.51.100.1]:5060"},
		{"[::ffff:192.0.2.7]:40000", "[::ffff:198.51.100.1]:5060"},
	};

	for (unsigned i = 0; i < sizeof(flows) / sizeof(*flows); i++) {
		struct flow flow = flow_of(flows[i].source, flows[i].destination);
		struct frame whole = {0}, fragment = {0};

		frame_add_ipv6(&whole, &flow, 17, 8 + hello.length);
		frame_add_udp(&whole, &flow, hello);
		cr_expect_eq(decode(DLT_RAW, &whole).kind, PACKET_OTHER, "%u", i);

		frame_add_ipv6(&fragment, &flow, 44, 8 + 8);
		frame_add_ipv6_fragment(&fragment, 17, 0, true, 7);
		frame_add(&fragment, "\0\1\0\2\0\020\0\0", 8);
		cr_expect_eq(decode(DLT_RAW, &fragment).kind, PACKET_OTHER, "%u", i);
	}
}

/* In IPv4 the length counts the header (RFC 791 3.1). */
Test(packet, fragment_beyond_what_an_ipv4_packet_can_be_is_malformed)
{
	struct flow flow = flow_of(phone4, proxy4);
	struct frame last = {0}, beyond = {0};

	frame_add_ipv4(&last, &flow, 17, 1, 65512 / 8, 3);
	frame_add(&last, "end", 3);
	cr_expect_eq(decode(DLT_RAW, &last).kind, PACKET_FRAGMENT);
	frame_add_ipv4(&beyond, &flow, 17, 1, 65512 / 8, 4);
	frame_add(&beyond, "end!", 4);
	cr_expect_eq(decode(DLT_RAW, &beyond).kind, PACKET_MALFORMED);
}

Test(packet, too_long_a_chain_of_extension_headers_is_malformed)
{
	struct flow flow = flow_of(phone6, proxy6);
	struct frame frame = {0};

	frame_add_ipv6(&frame, &flow, 60, 8000 + 8 + hello.length);
	for (unsigned i = 0; i < 1000; i++)
		frame_add_extension(&frame, i < 999 ? 60 : 17);
	frame_add_udp(&frame, &flow, hello);
	cr_expect_eq(decode(DLT_RAW, &frame).kind, PACKET_MALFORMED);
}

Test(packet, noise_never_crashes)
{
	static const int link_types[] = {
		DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_NULL};
	struct flow flow = flow_of(phone6, proxy6);
	struct packet packet;

	srandom(1);
	for (unsigned i = 0; i < 200000; i++) {
		struct frame frame = {.length = 0};
		char *bytes;
		int link_type = link_types[i % 5];

		if (link_type == DLT_EN10MB)
			frame_add_ethernet(&frame, i & 8 ? TYPE_IPV6 : TYPE_IPV4);
		if (i & 8)
			frame_add_ipv6(&frame, &flow, 0, 40);
		else
			frame_add_ipv4(&frame, &flow, 17, 0, 0, 40);
		for (unsigned j = 0; j < 40; j++)
			frame_add_u8(&frame, (unsigned)random() % 64);
		for (unsigned j = 0; j < 4; j++)
			frame.bytes[(size_t)random() % frame.length] = (uint8_t)random();
		bytes = malloc(frame.length);
		memcpy(bytes, frame.bytes, frame.length);
		packet_decode(link_type, (struct text){bytes, frame.length}, i & 1, &packet);
		free(bytes);
	}
}
