#include "wire/capture/capture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "tries.h"
#include <natbox/wire.h>

static char path[64];
static struct fault fault;

static void setup(void)
{
	strcpy(path, "/tmp/natbox-capture-XXXXXX");
	close(mkstemp(path));
}

static void cleanup(void)
{
	unlink(path);
}

TestSuite(capture, .init = setup, .fini = cleanup);

/* count datagrams "one message", a second apart from 1000 s on. */
static void write_capture(unsigned count)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct writer *writer;

	cr_assert_eq(writer_open(path, &writer, &fault), 0);
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(writer_add(writer, (1000 + i) * 1000000ull + 7, &flow,
				     TEXT("one message"), &fault),
			0);
	cr_assert_eq(writer_close(writer, &fault), 0);
}

/* How many datagrams come; *end is what came after the last. */
static unsigned read_all(struct capture *capture, int *end)
{
	struct datagram datagram;
	unsigned count = 0;

	while ((*end = capture_next(capture, &datagram, &fault)) == 1)
		count++;
	return count;
}

/* A new file: one that is emptied and written again is waited for until the disk has it. */
static void write_bytes(const char *bytes, size_t length)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "wb");
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
	cr_assert_eq(fclose(file), 0);
}

static void expect_open_fault(int error, const char *why)
{
	struct capture *capture;

	cr_expect_eq(capture_open_file(path, &capture, &fault), error);
	cr_expect(strstr(fault.line, why), "%s", fault.line);
	cr_expect(strstr(fault.line, path), "%s", fault.line);
}

Test(capture, gives_datagrams_with_their_times)
{
	struct datagram datagram;
	struct capture *capture;

	write_capture(2);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(capture_next(capture, &datagram, &fault), 1);
		cr_expect_eq(datagram.time_us, (1000 + i) * 1000000ull + 7);
		cr_expect_eq(datagram.flow.source.port, 40000);
		cr_expect(text_equal(datagram.bytes, TEXT("one message")));
	}
	cr_expect_eq(capture_next(capture, &datagram, &fault), 0);
	cr_expect_eq(capture_counters(capture).datagrams, 2);
	capture_close(capture);
}

Test(capture, can_be_read_twice)
{
	struct capture *capture;
	int end;

	write_capture(3);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 3);
	cr_assert_eq(capture_rewind(capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 3);
	cr_expect_eq(end, 0);
	capture_close(capture);
}

Test(capture, standard_input_can_be_read_twice)
{
	struct capture *capture;
	char command[128];
	FILE *pipe;
	int end;

	write_capture(3);
	snprintf(command, sizeof(command), "cat %s", path);
	pipe = popen(command, "r");
	cr_assert(pipe && dup2(fileno(pipe), STDIN_FILENO) == STDIN_FILENO);
	cr_assert_eq(capture_open_file("-", &capture, &fault), 0, "%s", fault.line);
	pclose(pipe);
	cr_expect_eq(read_all(capture, &end), 3);
	cr_assert_eq(capture_rewind(capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 3);
	capture_close(capture);
}

/* A capture of one packet, with the first caplen bytes of it, seen so many seconds and nanoseconds
 * from the start of time. */
static void write_packet_at(bpf_u_int32 caplen, uint32_t seconds, uint32_t nanoseconds)
{
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	pcap_t *pcap =
		pcap_open_dead_with_tstamp_precision(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	struct pcap_pkthdr header = {.ts = {seconds, nanoseconds}, .caplen = caplen};
	struct frame frame = {0};

	frame_add_datagram(&frame, &flow, TEXT("x"));
	header.len = (bpf_u_int32)frame.length;
	pcap_dump((u_char *)dumper, &header, frame.bytes);
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

static void write_packet(bpf_u_int32 caplen)
{
	write_packet_at(caplen, 1000, 123456789);
}

Test(capture, times_after_2038_are_no_times_before_1970)
{
	struct datagram datagram;
	struct capture *capture;

	write_packet_at(29, 0xfffffff0, 0xfffffff0);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_assert_eq(capture_next(capture, &datagram, &fault), 1);
	cr_expect_geq(datagram.time_us, 0xfffffff0 * 1000000ull);
	cr_expect_leq(datagram.time_us, 0x100001000 * 1000000ull, "%llu",
		(unsigned long long)datagram.time_us);
	capture_close(capture);
}

Test(capture, nanosecond_times_become_microseconds)
{
	struct datagram datagram;
	struct capture *capture;

	write_packet(29);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_assert_eq(capture_next(capture, &datagram, &fault), 1);
	cr_expect_eq(datagram.time_us, 1000123456);
	capture_close(capture);
}

Test(capture, packets_cut_by_the_snapshot_length_are_counted_not_used)
{
	struct capture *capture;
	int end;

	write_packet(28);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 0);
	cr_expect_eq(end, 0);
	cr_expect_eq(capture_counters(capture).cut, 1);
	capture_close(capture);
}

Test(capture, reads_pcapng)
{
	/* Section header, interface description (raw IP), one enhanced packet block. */
	static const uint32_t blocks[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00000001, 0xffffffff,
		0xffffffff, 28, 1, 20, 101, 65535, 20, 6, 32 + 32, 0, 0, 1000000, 29, 29};
	struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");
	struct datagram datagram;
	struct capture *capture;
	struct frame file = {0};

	frame_add(&file, blocks, sizeof(blocks));
	frame_add_datagram(&file, &flow, TEXT("x"));
	frame_add(&file, "\0\0\0", 3);
	frame_add(&file, &blocks[13], 4);
	write_bytes((const char *)file.bytes, file.length);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0, "%s", fault.line);
	cr_assert_eq(capture_next(capture, &datagram, &fault), 1, "%s", fault.line);
	cr_expect_eq(datagram.time_us, 1000000);
	cr_expect(text_equal(datagram.bytes, TEXT("x")));
	cr_expect_eq(capture_next(capture, &datagram, &fault), 0);
	capture_close(capture);
}

Test(capture, cut_off_file_gives_what_it_holds_then_a_fault)
{
	struct capture *capture;
	int end;

	write_capture(3);
	cr_assert_eq(truncate(path, 24 + 2 * (16 + 28 + 11) + 20), 0);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 2);
	cr_expect_eq(end, -ENODATA);
	cr_expect(strstr(fault.line, "cut off"), "%s", fault.line);
	cr_expect(strstr(fault.line, path), "%s", fault.line);
	capture_close(capture);
}

Test(capture, damaged_file_gives_what_it_holds_then_a_fault)
{
	struct capture *capture;
	int fd, end;

	write_capture(3);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "\xff\xff\xff\x7f\xff\xff\xff\x7f", 8, 24 + 16 + 28 + 11 + 8), 8);
	close(fd);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 1);
	cr_expect_eq(end, -EBADMSG);
	cr_expect(strstr(fault.line, "damaged"), "%s", fault.line);
	capture_close(capture);
}

Test(capture, empty_file_is_a_fault)
{
	write_bytes("", 0);
	expect_open_fault(-ENODATA, "it is empty");
}

Test(capture, text_file_is_a_fault)
{
	write_bytes("[natbox]\nmode = sniff\nproxy = *:5060\n", 36);
	expect_open_fault(-EBADMSG, "name a pcap or pcapng file");
}

Test(capture, missing_file_is_a_fault)
{
	unlink(path);
	expect_open_fault(-ENOENT, "No such file");
}

/* Of this one the end would be found, of /dev/zero none. */
Test(capture, device_is_a_fault)
{
	struct capture *capture;

	cr_expect_eq(capture_open_file("/dev/null", &capture, &fault), -EISDIR);
	cr_expect(strstr(fault.line, "/dev/null: it is a device"), "%s", fault.line);
}

Test(capture, directory_is_a_fault)
{
	struct capture *capture;

	cr_expect_eq(capture_open_file("/tmp", &capture, &fault), -EISDIR);
	cr_expect(strstr(fault.line, "directory"));
}

Test(capture, unknown_link_type_is_a_fault)
{
	pcap_t *pcap = pcap_open_dead(DLT_PPP, 65535);

	pcap_dump_close(pcap_dump_open(pcap, path));
	pcap_close(pcap);
	expect_open_fault(-ENOTSUP, "PPP");
}

Test(capture, header_alone_is_a_capture_without_packets)
{
	struct capture *capture;
	int end;

	write_capture(0);
	cr_assert_eq(capture_open_file(path, &capture, &fault), 0);
	cr_expect_eq(read_all(capture, &end), 0);
	cr_expect_eq(end, 0);
	capture_close(capture);
}

Test(capture, damage_anywhere_never_crashes)
{
	char whole[512], damaged[512];
	FILE *file;
	size_t length;

	write_capture(3);
	file = fopen(path, "rb");
	length = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	srandom(1);
	for (unsigned i = 0; i < 2000 / ONE_TRY_OF; i++) {
		struct capture *capture;
		int end;

		memcpy(damaged, whole, length);
		for (unsigned j = 0; j < 1 + i % 4; j++)
			damaged[(size_t)random() % length] = (char)random();
		write_bytes(damaged, (size_t)random() % 4 ? length : (size_t)random() % length);
		if (capture_open_file(path, &capture, &fault))
			continue;
		cr_expect(read_all(capture, &end) <= 3);
		cr_expect(end <= 0);
		capture_close(capture);
	}
}
