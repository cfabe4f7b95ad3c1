#include "wire/capture/fragments.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

static struct fragments *fragments;
static struct packet whole;
static struct flow flow, flow_ipv6;
static char payload[3000];
static struct frame datagram; /* UDP header and payload: what is cut into fragments */

static void setup(void)
{
	static const struct hash_key key = {{1, 2}};

	fragments = fragments_new(&key);
	cr_assert(fragments);
	flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	flow_ipv6 = flow_of("[2001:db8::7]:40000", "[2001:db8:1::1]:5060");
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7 + i / 256);
	frame_add_udp(&datagram, &flow, (struct text){payload, sizeof(payload)});
}

static void cleanup(void)
{
	fragments_free(fragments);
}

TestSuite(fragments, .init = setup, .fini = cleanup);

/* The piece of datagram from offset on, of that length, or up to its end. */
static struct packet piece(const struct flow *of, uint32_t id, uint32_t offset, uint32_t length)
{
	struct packet packet = {.kind = PACKET_FRAGMENT,
		.flow = *of,
		.id = id,
		.offset = offset,
		.protocol = IPPROTO_UDP,
		.more = offset + length < datagram.length};

	packet.flow.source.port = packet.flow.destination.port = 0;
	if (!packet.more)
		length = (uint32_t)datagram.length - offset;
	packet.bytes = (struct text){(const char *)datagram.bytes + offset, length};
	return packet;
}

static bool add(uint64_t time_us, struct packet packet)
{
	return fragments_add(fragments, time_us, &packet, &whole);
}

static void expect_whole(const struct flow *of)
{
	cr_expect_eq(whole.kind, PACKET_DATAGRAM);
	cr_expect(address_equal(&whole.flow.source, &of->source));
	cr_expect(address_equal(&whole.flow.destination, &of->destination));
	cr_expect(text_equal(whole.bytes, (struct text){payload, sizeof(payload)}));
}

Test(fragments, in_order)
{
	cr_expect(!add(0, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 1, 1480, 1480)));
	cr_assert(add(0, piece(&flow, 1, 2960, 1480)));
	expect_whole(&flow);
}

Test(fragments, reversed_and_ipv6)
{
	cr_expect(!add(0, piece(&flow_ipv6, 1, 2464, 1232)));
	cr_expect(!add(0, piece(&flow_ipv6, 1, 1232, 1232)));
	cr_assert(add(0, piece(&flow_ipv6, 1, 0, 1232)));
	expect_whole(&flow_ipv6);
}

/* A phone's packets: eight bytes each, in any order. */
Test(fragments, smallest_pieces_in_random_order)
{
	unsigned count = (unsigned)(datagram.length + 7) / 8, order[376];

	cr_assert_eq(count, sizeof(order) / sizeof(*order));
	srandom(1);
	for (unsigned i = 0; i < count; i++) {
		unsigned other = (unsigned)random() % (i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(add(i, piece(&flow, 1, order[i] * 8, 8)), i == count - 1);
	expect_whole(&flow);
}

Test(fragments, largest_packet)
{
	static char bytes[65528];
	struct packet first = {.kind = PACKET_FRAGMENT, .flow = flow, .more = true, .protocol = 17};
	struct packet last = first;

	memcpy(bytes, "\0\1\0\2\xff\xff", 6); /* UDP of 65535 bytes */
	first.bytes = (struct text){bytes, 65528};
	last.offset = 65528;
	last.more = false;
	last.bytes = (struct text){"1234567", 7};
	cr_expect(!add(0, first));
	cr_assert(add(0, last));
	cr_expect_eq(whole.kind, PACKET_DATAGRAM);
	cr_expect_eq(whole.bytes.length, 65527);
}

Test(fragments, of_different_packets_do_not_mix)
{
	struct flow other = flow_of("192.0.2.8:40000", "198.51.100.1:5060");
	struct packet other_protocol = piece(&flow, 1, 1480, 1600);

	other_protocol.protocol = IPPROTO_AH;
	cr_expect(!add(0, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 2, 1480, 1600)));
	cr_expect(!add(0, piece(&other, 1, 1480, 1600)));
	cr_expect(!add(0, piece(&flow_ipv6, 1, 1480, 1600)));
	cr_expect(!add(0, other_protocol));
	cr_assert(add(0, piece(&flow, 1, 1480, 1600)));
	expect_whole(&flow);
	cr_assert(add(0, piece(&flow, 2, 0, 1480)));
	expect_whole(&flow);
}

/* Only the first one's counts, and it is no part of the key (RFC 8200 4.5). */
Test(fragments, ipv6_next_headers_may_differ)
{
	struct packet rest = piece(&flow_ipv6, 1, 1232, 2000);

	rest.protocol = IPPROTO_DSTOPTS;
	cr_expect(!add(0, rest));
	cr_assert(add(0, piece(&flow_ipv6, 1, 0, 1232)));
	expect_whole(&flow_ipv6);
	cr_expect(!add(0, piece(&flow_ipv6, 1, 0, 1232)));
	cr_assert(add(0, rest));
	expect_whole(&flow_ipv6);
}

Test(fragments, repeated_one_is_ignored)
{
	cr_expect(!add(0, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 1, 2960, 1480)));
	cr_expect(!add(0, piece(&flow, 1, 2960, 1480)));
	cr_assert(add(0, piece(&flow, 1, 1480, 1480)));
	expect_whole(&flow);
	cr_expect_eq(fragments_counters(fragments).repeated, 2);
}

static void expect_dropped(struct packet first, struct packet second)
{
	static uint32_t id;
	uint64_t before = fragments_counters(fragments).overlapped;

	first.id = second.id = ++id;
	cr_expect(!add(0, first));
	cr_expect(!add(0, second));
	/* Nor may any more of it make it whole. */
	for (uint32_t offset = 0; offset < datagram.length; offset += 8)
		cr_expect(!add(0, piece(&flow, id, offset, 8)));
	cr_expect_eq(fragments_counters(fragments).overlapped, before + 1);
}

Test(fragments, overlap_drops_the_packet)
{
	struct packet forged = piece(&flow, 0, 0, 1480), longer, shorter;

	/* The next one finds in its memory what this one left there. */
	cr_expect(!add(0, piece(&flow, 99, 0, 1480)));
	cr_expect(add(0, piece(&flow, 99, 1480, 1600)));
	expect_dropped(piece(&flow, 0, 0, 1480), piece(&flow, 0, 1472, 1480));
	expect_dropped(piece(&flow, 0, 1472, 1480), piece(&flow, 0, 0, 1480));
	expect_dropped(piece(&flow, 0, 0, 1480), piece(&flow, 0, 0, 1488));

	forged.bytes.at = payload;
	expect_dropped(piece(&flow, 0, 0, 1480), forged);

	longer = shorter = piece(&flow, 0, 2960, 1480);
	longer.offset += 8;
	expect_dropped(shorter, longer);
	expect_dropped(longer, shorter);
	/* A last fragment before the end of another, and one beyond the last. */
	shorter.offset = 800;
	expect_dropped(piece(&flow, 0, 1480, 8), shorter);
	expect_dropped(shorter, piece(&flow, 0, 1480, 8));
}

Test(fragments, late_ones_start_anew)
{
	cr_expect(!add(0, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(FRAGMENTS_TIMEOUT_US + 1, piece(&flow, 1, 1480, 1600)));
	cr_expect_eq(fragments_counters(fragments).timed_out, 1);
	cr_assert(add(FRAGMENTS_TIMEOUT_US + 2, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 2, 0, 1480)));
	cr_assert(add(FRAGMENTS_TIMEOUT_US, piece(&flow, 2, 1480, 1600)));
}

Test(fragments, clock_that_jumps_back_leaves_nothing_behind)
{
	uint64_t later = 3600 * 1000000ull;

	cr_expect(!add(later, piece(&flow, 1, 0, 1480)));
	cr_expect(!add(0, piece(&flow, 1, 1480, 1600)));
	cr_expect_eq(fragments_counters(fragments).timed_out, 1);
}

Test(fragments, flood_crowds_out_the_oldest_only)
{
	cr_expect(!add(0, piece(&flow, 7, 0, 1480)));
	for (uint32_t i = 0; i < 1000000; i++) {
		struct packet packet = piece(&flow, 1000 + i, 2960, 1480);

		if (i == FRAGMENTS_PACKETS_MAX)
			cr_expect(!add(i, piece(&flow, 8, 0, 1480)));
		cr_assert(!add(i, packet));
		if (i == 2 * FRAGMENTS_PACKETS_MAX - 2) {
			cr_expect(add(i, piece(&flow, 8, 1480, 1600)), "the newest 256 are kept");
			cr_expect(!add(i, piece(&flow, 7, 1480, 1600)), "an older one is not");
		}
	}
	cr_expect_eq(
		fragments_counters(fragments).crowded_out, 1000000 + 3 - 1 - FRAGMENTS_PACKETS_MAX);
	cr_expect_eq(fragments_counters(fragments).reassembled, 1);
}

Test(fragments, noise_never_crashes)
{
	srandom(2);
	for (unsigned i = 0; i < 300000; i++) {
		struct packet packet = piece(i % 2 ? &flow : &flow_ipv6, (uint32_t)random() % 4, 0,
			8 * (1 + (uint32_t)random() % 100));

		packet.offset = 8 * ((uint32_t)random() % (random() % 4 ? 100 : 8091));
		packet.more = random() % 4;
		if (!packet.more)
			packet.bytes.length -= (size_t)random() % 8;
		add(i * 1000ull, packet);
	}
}
