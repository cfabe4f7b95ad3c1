#include <natbox/wire.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "wire/capture/capture.h"
#include "wire/send/datagram.h"

static char path[64];
static struct fault fault;
static const char big[65536];

static void setup(void)
{
	strcpy(path, "/tmp/natbox-writer-XXXXXX");
	close(mkstemp(path));
}

static void cleanup(void)
{
	unlink(path);
}

TestSuite(writer, .init = setup, .fini = cleanup);

static void write_one(const char *name, const struct flow *flow, struct text bytes)
{
	struct writer *writer;

	cr_assert_eq(writer_open(name, &writer, &fault), 0);
	cr_assert_eq(writer_add(writer, 1700000000123456, flow, bytes, &fault), 0);
	cr_assert_eq(writer_close(writer, &fault), 0);
}

Test(writer, what_is_written_reads_back)
{
	static const struct {
		const char *source, *destination;
		size_t length;
	} cases[] = {
		{"192.0.2.7:40000", "198.51.100.1:5060", 0},
		{"192.0.2.7:40000", "198.51.100.1:5060", 65507},
		{"[2001:db8::7]:40000", "[2001:db8:1::1]:5060", 1},
		{"[2001:db8::7]:40000", "[2001:db8:1::1]:5060", 65527},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct flow flow = flow_of(cases[i].source, cases[i].destination);
		struct text bytes = {big, cases[i].length};
		struct datagram datagram;
		struct capture *capture;

		write_one(path, &flow, bytes);
		cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
		cr_assert_eq(capture_next(capture, &datagram, &fault), 1);
		cr_expect_eq(datagram.time_us, 1700000000123456);
		cr_expect(address_equal(&datagram.flow.source, &flow.source));
		cr_expect(address_equal(&datagram.flow.destination, &flow.destination));
		cr_expect(text_equal(datagram.bytes, bytes));
		capture_close(capture);
	}
}

/* RFC 1071 as it stands, two bytes at a time. */
static uint32_t plain_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void expect_checksums(const struct flow *flow, struct text bytes)
{
	uint8_t headers[DATAGRAM_HEADERS_MAX];
	int length = datagram_headers(flow, bytes, headers);
	const uint8_t *udp = headers + length - 8;
	bool ipv4 = length == 28;
	uint32_t sum;

	cr_assert(length == 28 || length == 48);
	if (ipv4)
		cr_expect_eq(plain_sum(0, headers, 20), 0xffff);
	sum = plain_sum(
		17 + 8 + (uint32_t)bytes.length, ipv4 ? headers + 12 : headers + 8, ipv4 ? 8 : 32);
	sum = plain_sum(sum, udp, 8);
	sum = plain_sum(sum, (const uint8_t *)bytes.at, bytes.length);
	cr_expect_eq(sum, 0xffff, "%zu bytes", bytes.length);
	cr_expect(udp[6] || udp[7], "0 says that there is no checksum");
}

Test(writer, checksums_are_right)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct flow flow_ipv6 = flow_of("[2001:db8::7]:40000", "[2001:db8:1::1]:5060");
	char bytes[1500];

	srandom(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)random();
	for (size_t length = 0; length < sizeof(bytes); length += 1 + length / 16) {
		expect_checksums(&flow, (struct text){bytes, length});
		expect_checksums(&flow_ipv6, (struct text){bytes, length});
	}
	/* Two bytes that run through all values meet the sum that would be 0. */
	for (unsigned value = 0; value < 0x10000; value++) {
		bytes[0] = (char)(value >> 8);
		bytes[1] = (char)value;
		expect_checksums(&flow_ipv6, (struct text){bytes, 2});
	}
}

Test(writer, same_datagrams_same_bytes)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	char first[256], second[256];
	size_t lengths[2];

	for (unsigned i = 0; i < 2; i++) {
		FILE *file;

		write_one(path, &flow, TEXT("OPTIONS sip:a"));
		file = fopen(path, "rb");
		lengths[i] = fread(i ? second : first, 1, sizeof(first), file);
		fclose(file);
	}
	cr_assert_eq(lengths[0], 24 + 16 + 28 + 13);
	cr_assert_eq(lengths[0], lengths[1]);
	cr_expect_arr_eq(first, second, lengths[0]);
}

Test(writer, refuses_what_no_packet_can_carry)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct flow flow_ipv6 = flow_of("[2001:db8::7]:40000", "[2001:db8:1::1]:5060");
	struct flow mixed = {flow.source, flow_ipv6.destination};
	struct writer *writer;

	cr_assert_eq(writer_open(path, &writer, &fault), 0);
	cr_expect_eq(writer_add(writer, 0, &flow, (struct text){big, 65508}, &fault), -EMSGSIZE);
	cr_expect_eq(
		writer_add(writer, 0, &flow_ipv6, (struct text){big, 65528}, &fault), -EMSGSIZE);
	cr_expect_eq(writer_add(writer, 0, &mixed, (struct text){big, 1}, &fault), -EINVAL);
	cr_expect_eq(writer_close(writer, &fault), 0);
}

Test(writer, full_disk_is_heard_of)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct writer *writer;

	if (access("/dev/full", W_OK))
		cr_skip_test("no /dev/full");
	cr_assert_eq(writer_open("/dev/full", &writer, &fault), 0);
	cr_expect_eq(writer_add(writer, 0, &flow, (struct text){big, 60000}, &fault), -ENOSPC);
	cr_expect(strstr(fault.line, "/dev/full"), "%s", fault.line);
	cr_expect_eq(writer_close(writer, &fault), -ENOSPC);

	cr_assert_eq(writer_open("/dev/full", &writer, &fault), 0);
	cr_expect_eq(writer_add(writer, 0, &flow, (struct text){big, 10}, &fault), 0);
	cr_expect_eq(writer_close(writer, &fault), -ENOSPC, "what stays in the buffer counts too");
}

Test(writer, missing_folder_is_a_fault)
{
	struct writer *writer;

	cr_expect_eq(writer_open("/nonexistent/a.pcap", &writer, &fault), -ENOENT);
	cr_expect(strstr(fault.line, "/nonexistent/a.pcap"), "%s", fault.line);
}
