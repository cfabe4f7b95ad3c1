/* An open source of frames, a file or an interface: what capture.c, capture_file.c and
 * capture_live.c share. */
#ifndef NATBOX_CAPTURE_SOURCE_H
#define NATBOX_CAPTURE_SOURCE_H

#include "capture_blocks.h"
#include "decoder.h"

#include <natbox/base.h>

#include <pcap/pcap.h>
#include <stdio.h>

struct capture {
	pcap_t *pcap;
	struct decoder *decoder;
	uint64_t dropped;      /* live: what pcap counts in 32 bits */
	uint64_t since_us;     /* live: the filter is in force; what came before is not looked at */
	char *filter;          /* live: in force */
	char *name;            /* of the file or interface, for faults */
	FILE *file;            /* the capture file, or the copy of it; NULL when live */
	struct blocks *blocks; /* of a pcapng file; they are pcap's, and go with it */
};

/* An empty capture by that name. NULL when memory is short. */
struct capture *capture_new(const char *name);

/* Sets up the decoder for what pcap captures, anew. 0 or a negative errno, with *fault set. */
int capture_decode(struct capture *capture, const uint8_t seed[static 16], struct fault *fault);

#endif
