#include "capture_source.h"

#include "packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct capture *capture_new(const char *name)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (capture && !(capture->name = strdup(name))) {
		free(capture);
		return NULL;
	}
	return capture;
}

void capture_free(struct capture *capture)
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

int capture_link_type_fault(const struct capture *capture, struct fault *fault)
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
		return capture_link_type_fault(capture, fault);
	decoder_free(capture->decoder);
	capture->decoder = decoder_new(link_type, seed);
	if (!capture->decoder)
		return fault_set(fault, -ENOMEM, "cannot read %s: out of memory", capture->name);
	return 0;
}
