#include "capture_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

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

static int link_type_fault(const struct capture *capture, struct fault *fault)
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
		return link_type_fault(capture, fault);
	decoder_free(capture->decoder);
	capture->decoder = decoder_new(link_type, seed);
	if (!capture->decoder)
		return fault_set(fault, -ENOMEM, "cannot read %s: out of memory", capture->name);
	return 0;
}

static int read_fault(const struct capture *capture, struct fault *fault)
{
	const char *why = pcap_geterr(capture->pcap);

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
		return link_type_fault(capture, fault);
	return 0;
}

int capture_next(struct capture *capture, struct datagram *datagram, struct fault *fault)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	unsigned frames = 0;

	while (capture->file || frames++ < FRAMES_PER_CALL) {
		int got = pcap_next_ex(capture->pcap, &header, &bytes);

		if (got == 0 || got == PCAP_ERROR_BREAK)
			return end(capture, fault);
		if (got < 0)
			return read_fault(capture, fault);
		if (capture->blocks)
			decoder_set_link_type(capture->decoder, blocks_link_type(capture->blocks));
		if (decoder_add(capture->decoder,
			    (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec,
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
