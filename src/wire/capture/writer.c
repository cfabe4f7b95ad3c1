#include <natbox/wire.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "../send/datagram.h"

/* What readers take as the longest packet of a file: as tcpdump has it, and above an IPv6 packet's
 * 65575. */
enum { WRITER_SNAPLEN = 262144 };

struct writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	char *path;
	int error; /* the first one: after it nothing counts as written */
	uint8_t packet[DATAGRAM_HEADERS_MAX + DATAGRAM_PAYLOAD_IPV6_MAX];
};

static void writer_free(struct writer *writer)
{
	if (writer->dumper)
		pcap_dump_close(writer->dumper);
	if (writer->pcap)
		pcap_close(writer->pcap);
	free(writer->path);
	free(writer);
}

/* Notes what went wrong since errno was last set. pcap does not promise an errno with each of its
 * failures: callers set one before. */
static int write_fault(struct writer *writer, struct fault *fault)
{
	if (!writer->error)
		writer->error = errno;
	return fault_set(fault, -writer->error,
		"cannot write %s: %s; what is in it is not all, make room and run again",
		writer->path, strerror(writer->error));
}

int writer_open(const char *path, struct writer **writer, struct fault *fault)
{
	struct writer *opened = calloc(1, sizeof(*opened));
	int error;

	if (!opened || !(opened->path = strdup(path)) ||
		!(opened->pcap = pcap_open_dead(DLT_RAW, WRITER_SNAPLEN))) {
		if (opened)
			writer_free(opened);
		return fault_set(fault, -ENOMEM, "cannot write %s: out of memory", path);
	}
	errno = EIO;
	opened->dumper = pcap_dump_open(opened->pcap, path);
	if (!opened->dumper) {
		error = errno;
		writer_free(opened);
		return fault_set(fault, -error,
			"cannot create %s: %s; name a file that can be written", path,
			strerror(error));
	}
	*writer = opened;
	return 0;
}

int writer_add(struct writer *writer, uint64_t time_us, const struct flow *flow, struct text bytes,
	struct fault *fault)
{
	struct pcap_pkthdr header = {
		.ts = {.tv_sec = (time_t)(time_us / 1000000),
			.tv_usec = (suseconds_t)(time_us % 1000000)},
	};
	int length = datagram_headers(flow, bytes, writer->packet);

	if (length < 0)
		return fault_set(fault, length, "cannot write a datagram of %zu bytes to %s: %s",
			bytes.length, writer->path,
			length == -EINVAL ? "one end is IPv4, the other IPv6"
					  : "no IP packet can carry it");
	if (bytes.length)
		memcpy(writer->packet + length, bytes.at, bytes.length);
	header.caplen = header.len = (bpf_u_int32)((size_t)length + bytes.length);
	errno = EIO;
	pcap_dump((u_char *)writer->dumper, &header, writer->packet);
	if (ferror(pcap_dump_file(writer->dumper)))
		return write_fault(writer, fault);
	return 0;
}

int writer_close(struct writer *writer, struct fault *fault)
{
	int error = 0;

	if (!writer)
		return 0;
	errno = EIO;
	if (pcap_dump_flush(writer->dumper) || ferror(pcap_dump_file(writer->dumper)))
		error = write_fault(writer, fault);
	writer_free(writer);
	return error;
}
