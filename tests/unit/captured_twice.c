#include "wire/capture/duplicates.h"

#include <criterion/criterion.h>
#include <pcap/dlt.h>
#include <stdlib.h>

#include "frames.h"
#include "wire/capture/decoder.h"

static const uint8_t seed[16];
static const struct text hello = {"OPTIONS", 7};

/* A cooked frame of hello from a phone, as seen with that TTL. */
static struct frame cooked(uint8_t ttl)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct frame frame = {0};

	frame_add(&frame, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0", 16);
	frame_add_datagram(&frame, &flow, hello);
	frame.bytes[16 + 8] = ttl;
	return frame;
}

static bool add(struct decoder *decoder, uint64_t time_us, const struct frame *frame)
{
	struct datagram datagram;

	return decoder_add(decoder, time_us, frame_text(frame), false, &datagram);
}

Test(captured_twice, packet_on_two_interfaces_counts_once)
{
	struct decoder *decoder = decoder_new(DLT_LINUX_SLL, seed);
	struct frame in = cooked(64), out = cooked(63);

	cr_expect(add(decoder, 1000000, &in));
	cr_expect(!add(decoder, 1000020, &out));
	cr_expect(!add(decoder, 1000000 + DUPLICATES_WINDOW_US, &out));
	cr_expect_eq(decoder_counters(decoder).repeated, 2);
	decoder_free(decoder);
}

Test(captured_twice, retransmission_counts_again)
{
	struct decoder *decoder = decoder_new(DLT_LINUX_SLL, seed);
	struct frame frame = cooked(64);

	cr_expect(add(decoder, 1000000, &frame));
	cr_expect(add(decoder, 1500000, &frame));
	cr_expect(add(decoder, 1500001 + DUPLICATES_WINDOW_US, &frame));
	cr_expect(add(decoder, 1000, &frame), "nor is a clock set back a repeat");
	decoder_free(decoder);
}

Test(captured_twice, another_packet_with_the_same_bytes_counts)
{
	struct decoder *decoder = decoder_new(DLT_LINUX_SLL, seed);
	struct frame frame = cooked(64);

	cr_expect(add(decoder, 1000000, &frame));
	frame.bytes[16 + 5]++; /* identification */
	cr_expect(add(decoder, 1000001, &frame));
	frame.bytes[16 + 20 + 1]++; /* source port */
	cr_expect(add(decoder, 1000002, &frame));
	frame.bytes[frame.length - 1]++;
	cr_expect(add(decoder, 1000003, &frame));
	decoder_free(decoder);
}

Test(captured_twice, one_interface_alone_has_none)
{
	struct decoder *decoder = decoder_new(DLT_RAW, seed);
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct frame frame = {0};

	frame_add_datagram(&frame, &flow, hello);
	cr_expect(add(decoder, 1000000, &frame));
	cr_expect(add(decoder, 1000001, &frame));
	decoder_free(decoder);
}

Test(captured_twice, fragments_seen_twice_make_one_datagram)
{
	struct decoder *decoder = decoder_new(DLT_LINUX_SLL, seed);
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct frame first = {0}, last = {0};

	frame_add(&first, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0", 16);
	last = first;
	frame_add_ipv4(&first, &flow, 17, 9, MORE_FRAGMENTS, 8);
	frame_add_udp(&first, &flow, hello);
	first.length -= hello.length;
	frame_add_ipv4(&last, &flow, 17, 9, 1, hello.length);
	frame_add(&last, hello.at, hello.length);
	cr_expect(!add(decoder, 1000000, &first));
	cr_expect(!add(decoder, 1000001, &first));
	cr_expect(add(decoder, 1000002, &last));
	cr_expect(!add(decoder, 1000003, &last));
	cr_expect_eq(decoder_counters(decoder).fragments.reassembled, 1);
	cr_expect_eq(decoder_counters(decoder).repeated, 2);
	decoder_free(decoder);
}

Test(captured_twice, fragments_with_the_same_bytes_at_other_places_count)
{
	static const struct hash_key key = {{3, 4}};
	struct duplicates duplicates;
	struct packet packet = {.kind = PACKET_FRAGMENT, .bytes = hello, .more = true};

	cr_assert_eq(duplicates_init(&duplicates, &key), 0);
	cr_expect(!duplicates_seen(&duplicates, 0, &packet));
	packet.offset = 8;
	cr_expect(!duplicates_seen(&duplicates, 0, &packet));
	packet.more = false;
	cr_expect(!duplicates_seen(&duplicates, 0, &packet));
	duplicates_free(&duplicates);
}

Test(captured_twice, flood_costs_no_more_memory_and_misses_no_new_packet)
{
	static const struct hash_key key = {{3, 4}};
	struct duplicates duplicates;
	struct packet packet = {.kind = PACKET_DATAGRAM, .bytes = hello};

	cr_assert_eq(duplicates_init(&duplicates, &key), 0);
	for (uint32_t i = 0; i < 1000000; i++) {
		packet.id = i;
		cr_assert(!duplicates_seen(&duplicates, 1000000 + i, &packet));
		cr_assert(duplicates_seen(&duplicates, 1000000 + i, &packet));
	}
	duplicates_free(&duplicates);
}
