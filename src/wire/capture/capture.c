#include "capture.h"

#include "capture_source.h"
#include "packet.h"

#include <errno.h>
#include <stdlib.h>

/* Most frames that one call takes: a flood of frames that are not ours must not keep a live
 * capture's caller from its timers. */
enum { FRAMES_PER_CALL = 256 };

struct capture *capture_new(const char *name)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (capture && !(capture->name = strdup(name))) {
		free(capture);
		return NULL;
	}
	return capture;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	if (capture->file)
		fclose(capture->file);
	decoder_free(capture->decoder);
	free(capture->filter);
	free(capture->name);
	free(capture);
}

static int link_type_of(const struct capture *capture)
{
	return capture->blocks ? blocks_link_type(capture->blocks) : pcap_datalink(capture->pcap);
}

static int refuse_link_type(const struct capture *capture, struct fault *fault)
{
	int link_type = link_type_of(capture);
	const char *name = pcap_datalink_val_to_name(link_type);

	return fault_set_kind(fault, FAULT_LASTING, -ENOTSUP,
		"cannot read %s: its link type is %s (%d); natbox reads Ethernet, Linux cooked, "
		"raw IP and loopback: capture on such an interface",
		capture->name, name ? name : "unknown", link_type);
}

int capture_decode(struct capture *capture, const uint8_t seed[static 16], struct fault *fault)
{
	int link_type = link_type_of(capture);

	/* A pcapng file may have other interfaces further on. */
	if (!capture->blocks && !packet_knows_link_type(link_type))
		return refuse_link_type(capture, fault);
	decoder_free(capture->decoder);
	capture->decoder = decoder_new(link_type, seed);
	if (!capture->decoder)
		return fault_set(fault, -ENOMEM, "cannot read %s: out of memory", capture->name);
	return 0;
}

static int read_fault(const struct capture *capture, const char *why, struct fault *fault)
{
	if (!capture->file)
		return fault_set(fault, -EIO,
			"cannot capture on %s any more: %s; see that it is up and start again",
			capture->name, why);
	if (strstr(why, "truncated"))
		return fault_set(fault, -ENODATA,
			"%s is cut off: %s; what stands before was read, copy the file again",
			capture->name, why);
	return fault_set(fault, -EBADMSG,
		"%s is damaged: %s; what stands before was read, copy the file again",
		capture->name, why);
}

/* Of a file in which there was nothing else, what could not be read is a fault. */
static int end(const struct capture *capture, struct fault *fault)
{
	const struct decoder_counters counters = decoder_counters(capture->decoder);

	if (counters.unreadable && counters.unreadable == counters.frames)
		return refuse_link_type(capture, fault);
	return 0;
}

/* A pcap file has either number in 32 bits without a sign, which pcap reads with one. */
static uint64_t time_of(const struct pcap_pkthdr *header)
{
	return (uint64_t)(uint32_t)header->ts.tv_sec * 1000000 + (uint32_t)header->ts.tv_usec;
}

/* A frame that was caught before the filter was in force, a moment ago. A clock that is set makes
 * no others such. */
static bool is_from_before(struct capture *capture, uint64_t time_us)
{
	enum { A_MOMENT_US = 1000000 };

	if (time_us < capture->since_us && capture->since_us - time_us < A_MOMENT_US)
		return true;
	capture->since_us = 0;
	return false;
}

/* What goes on in the other byte order libpcap reads like a file of its own. */
static int go_on(struct capture *capture, struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct blocks *blocks;
	FILE *stream = blocks_go_on(capture->blocks, &blocks);
	pcap_t *pcap;

	if (!stream)
		return read_fault(capture, strerror(errno), fault);
	pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_MICRO, why);
	if (!pcap) {
		fclose(stream);
		return read_fault(capture, why, fault);
	}
	pcap_close(capture->pcap);
	capture->pcap = pcap;
	capture->blocks = blocks;
	return 0;
}

int capture_next(struct capture *capture, struct datagram *datagram, struct fault *fault)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	unsigned frames = 0;

	while (capture->file || frames++ < FRAMES_PER_CALL) {
		int got = pcap_next_ex(capture->pcap, &header, &bytes);

		if (got == PCAP_ERROR_BREAK && capture->blocks &&
			blocks_have_more(capture->blocks)) {
			int error = go_on(capture, fault);

			if (error)
				return error;
			continue;
		}
		if (got == 0 || got == PCAP_ERROR_BREAK)
			return end(capture, fault);
		if (got < 0)
			return read_fault(capture, pcap_geterr(capture->pcap), fault);
		if (is_from_before(capture, time_of(header)))
			continue;
		if (capture->blocks)
			decoder_set_link_type(capture->decoder, blocks_link_type(capture->blocks));
		if (decoder_add(capture->decoder, time_of(header),
			    (struct text){(const char *)bytes, header->caplen},
			    header->caplen < header->len, datagram))
			return 1;
	}
	return 0;
}

struct decoder_counters capture_counters(const struct capture *capture)
{
	return decoder_counters(capture->decoder);
}
