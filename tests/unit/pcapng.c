/* pcapng files as capture reads them: interfaces of their own link types, in either byte order. */
#include "wire/capture/capture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "tries.h"

static char path[64];
static struct fault fault;
static bool big_endian;
static struct frame file; /* what is written so far */

static void setup(void)
{
	strcpy(path, "/tmp/natbox-pcapng-XXXXXX");
	close(mkstemp(path));
	file.length = 0;
	big_endian = false;
}

static void cleanup(void)
{
	unlink(path);
}

TestSuite(pcapng, .init = setup, .fini = cleanup);

static void add_u16(unsigned value)
{
	frame_add_u16(&file, big_endian ? value : (value & 0xff) << 8 | value >> 8);
}

static void add_u32(uint32_t value)
{
	frame_add_u32(&file, big_endian ? value : __builtin_bswap32(value));
}

static void add_section(void)
{
	add_u32(0x0a0d0d0a);
	add_u32(28);
	add_u32(0x1a2b3c4d);
	add_u16(1);
	add_u16(0);
	add_u32(UINT32_MAX);
	add_u32(UINT32_MAX);
	add_u32(28);
}

static void add_interface(unsigned link_type, uint32_t snaplen)
{
	add_u32(1);
	add_u32(20);
	add_u16(link_type);
	add_u16(0);
	add_u32(snaplen);
	add_u32(20);
}

static void end_packet(const struct frame *frame, uint32_t length)
{
	frame_add(&file, frame->bytes, frame->length);
	frame_add(&file, "\0\0\0", -frame->length % 4);
	add_u32(length);
}

static uint32_t padded(const struct frame *frame)
{
	return (uint32_t)(frame->length + 3) / 4 * 4;
}

static void add_enhanced_packet(uint32_t interface, const struct frame *frame)
{
	add_u32(6);
	add_u32(32 + padded(frame));
	add_u32(interface);
	add_u32(0);
	add_u32(1000000);
	add_u32((uint32_t)frame->length);
	add_u32((uint32_t)frame->length);
	end_packet(frame, 32 + padded(frame));
}

static void add_old_packet(unsigned interface, const struct frame *frame)
{
	add_u32(2);
	add_u32(32 + padded(frame));
	add_u16(interface);
	add_u16(0);
	add_u32(0);
	add_u32(1000000);
	add_u32((uint32_t)frame->length);
	add_u32((uint32_t)frame->length);
	end_packet(frame, 32 + padded(frame));
}

static void add_simple_packet(const struct frame *frame)
{
	add_u32(3);
	add_u32(16 + padded(frame));
	add_u32((uint32_t)frame->length);
	end_packet(frame, 16 + padded(frame));
}

/* A datagram with these bytes in a frame of this link type. */
static struct frame frame_of(int link_type, const char *bytes)
{
	static struct frame frame;
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");

	frame.length = 0;
	if (link_type == DLT_NULL)
		frame_add(&frame, "\2\0\0\0", 4);
	else if (link_type == DLT_EN10MB)
		frame_add_ethernet(&frame, TYPE_IPV4);
	frame_add_datagram(&frame, &flow, text_from(bytes));
	return frame;
}

/* A new file: one that is emptied and written again is waited for until the disk has it. */
static void write_file(size_t length)
{
	FILE *out;

	unlink(path);
	out = fopen(path, "wb");
	cr_assert_eq(fwrite(file.bytes, 1, length, out), length);
	cr_assert_eq(fclose(out), 0);
}

static struct capture *open_file(size_t length)
{
	struct capture *capture = NULL;

	write_file(length);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0, "%s", fault.line);
	return capture;
}

static void expect_next(struct capture *capture, const char *bytes)
{
	struct datagram datagram;

	cr_assert_eq(capture_next(capture, &datagram, &fault), 1, "%s", fault.line);
	cr_expect(text_equal(datagram.bytes, text_from(bytes)), "%s, not %.*s", bytes,
		(int)datagram.bytes.length, datagram.bytes.at);
}

static void expect_end(struct capture *capture)
{
	struct datagram datagram;

	cr_expect_eq(capture_next(capture, &datagram, &fault), 0, "%s", fault.line);
}

static void add_several_interfaces(void)
{
	struct frame raw = frame_of(DLT_RAW, "raw"), ethernet = frame_of(DLT_EN10MB, "ethernet"),
		     loopback = frame_of(DLT_NULL, "loopback");

	add_section();
	add_interface(DLT_NULL, 128);
	add_interface(DLT_EN10MB, 262144);
	add_enhanced_packet(1, &ethernet);
	add_interface(101, 0);
	add_old_packet(2, &raw);
	add_enhanced_packet(0, &loopback);
	add_simple_packet(&loopback);
	add_old_packet(1, &ethernet);
}

static void expect_several_interfaces(struct capture *capture)
{
	expect_next(capture, "ethernet");
	expect_next(capture, "raw");
	expect_next(capture, "loopback");
	expect_next(capture, "loopback");
	expect_next(capture, "ethernet");
}

Test(pcapng, interfaces_of_several_link_types_are_read_together)
{
	for (unsigned i = 0; i < 2; i++) {
		struct capture *capture;

		file.length = 0;
		big_endian = i;
		add_several_interfaces();
		capture = open_file(file.length);
		expect_several_interfaces(capture);
		expect_end(capture);
		cr_assert_eq(capture_rewind(capture, &fault), 0, "%s", fault.line);
		expect_several_interfaces(capture);
		expect_end(capture);
		capture_close(capture);
	}
}

/* Of which the next one is not begun before all of it is read. */
Test(pcapng, large_packets_stand_beside_small_ones)
{
	static char large[20001];
	struct frame ethernet, loopback = frame_of(DLT_NULL, "loopback");
	struct capture *capture;

	memset(large, 'x', sizeof(large) - 1);
	ethernet = frame_of(DLT_EN10MB, large);
	add_section();
	add_interface(DLT_NULL, 0);
	add_interface(DLT_EN10MB, 0);
	add_enhanced_packet(1, &ethernet);
	add_enhanced_packet(0, &loopback);
	add_enhanced_packet(1, &ethernet);
	capture = open_file(file.length);
	expect_next(capture, large);
	expect_next(capture, "loopback");
	expect_next(capture, large);
	expect_end(capture);
	capture_close(capture);
}

Test(pcapng, every_section_has_its_own_interfaces)
{
	struct frame ethernet = frame_of(DLT_EN10MB, "once more");
	struct capture *capture;

	add_several_interfaces();
	add_section();
	add_interface(DLT_EN10MB, 262144);
	add_enhanced_packet(0, &ethernet);
	capture = open_file(file.length);
	expect_several_interfaces(capture);
	expect_next(capture, "once more");
	expect_end(capture);
	capture_close(capture);
}

Test(pcapng, sections_may_differ_in_byte_order)
{
	struct frame raw = frame_of(DLT_RAW, "raw"), ethernet = frame_of(DLT_EN10MB, "ethernet");
	struct capture *capture;

	for (unsigned i = 0; i < 3; i++) {
		big_endian = i % 2;
		add_section();
		add_interface(i % 2 ? 101 : DLT_EN10MB, 0);
		add_enhanced_packet(0, i % 2 ? &raw : &ethernet);
	}
	capture = open_file(file.length);
	for (unsigned pass = 0; pass < 2; pass++) {
		expect_next(capture, "ethernet");
		expect_next(capture, "raw");
		expect_next(capture, "ethernet");
		expect_end(capture);
		cr_assert_eq(capture_rewind(capture, &fault), 0, "%s", fault.line);
	}
	capture_close(capture);
}

Test(pcapng, cut_off_section_in_the_other_byte_order_is_a_fault)
{
	struct frame ethernet = frame_of(DLT_EN10MB, "ethernet");
	struct datagram datagram;
	struct capture *capture;

	add_section();
	add_interface(DLT_EN10MB, 0);
	add_enhanced_packet(0, &ethernet);
	big_endian = true;
	add_section();
	add_interface(DLT_EN10MB, 0);
	capture = open_file(file.length - 1);
	expect_next(capture, "ethernet");
	cr_expect_eq(capture_next(capture, &datagram, &fault), -ENODATA, "%s", fault.line);
	expect_end(capture);
	cr_assert_eq(capture_rewind(capture, &fault), 0, "%s", fault.line);
	expect_next(capture, "ethernet");
	capture_close(capture);
}

Test(pcapng, packets_of_unknown_link_types_are_counted_not_used)
{
	struct frame unknown = {3, "usb"}, ethernet = frame_of(DLT_EN10MB, "ethernet");
	struct capture *capture;

	add_section();
	add_interface(DLT_PPP, 262144);
	add_interface(DLT_EN10MB, 262144);
	add_enhanced_packet(0, &unknown);
	add_enhanced_packet(1, &ethernet);
	add_enhanced_packet(0, &unknown);
	capture = open_file(file.length);
	expect_next(capture, "ethernet");
	expect_end(capture);
	cr_expect_eq(capture_counters(capture).unreadable, 2);
	capture_close(capture);
}

Test(pcapng, nothing_but_unknown_link_types_is_a_fault)
{
	struct frame unknown = {3, "ppp"};
	struct datagram datagram;
	struct capture *capture;

	add_section();
	add_interface(DLT_PPP, 262144);
	add_enhanced_packet(0, &unknown);
	capture = open_file(file.length);
	cr_expect_eq(capture_next(capture, &datagram, &fault), -ENOTSUP);
	cr_expect(strstr(fault.line, "PPP"), "%s", fault.line);
	capture_close(capture);
}

Test(pcapng, cut_off_file_gives_what_it_holds_then_a_fault)
{
	struct datagram datagram;
	struct capture *capture;

	add_several_interfaces();
	capture = open_file(file.length - 1);
	expect_next(capture, "ethernet");
	expect_next(capture, "raw");
	expect_next(capture, "loopback");
	expect_next(capture, "loopback");
	cr_expect_eq(capture_next(capture, &datagram, &fault), -ENODATA);
	cr_expect(strstr(fault.line, "cut off"), "%s", fault.line);
	capture_close(capture);
}

Test(pcapng, damage_anywhere_never_crashes)
{
	static struct frame whole;

	add_several_interfaces();
	big_endian = true;
	add_several_interfaces();
	whole = file;
	srandom(1);
	for (unsigned i = 0; i < 2000 / ONE_TRY_OF; i++) {
		struct datagram datagram;
		struct capture *capture;
		size_t length =
			(size_t)random() % 4 ? whole.length : (size_t)random() % whole.length;

		file = whole;
		for (unsigned j = 0; j < 1 + i % 4; j++)
			file.bytes[(size_t)random() % whole.length] = (uint8_t)random();
		write_file(length);
		if (capture_open_file(path, &capture, &fault))
			continue;
		for (unsigned j = 0; capture_next(capture, &datagram, &fault) > 0; j++)
			cr_assert(j < 10);
		capture_close(capture);
	}
}
