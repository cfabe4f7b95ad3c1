/* Capture: where datagrams come from, a file or the network. Either way capture_next gives out
 * whole UDP datagrams, one after the other (decoder.h says what that covers). */
#ifndef NATBOX_CAPTURE_H
#define NATBOX_CAPTURE_H

#include "decoder.h"
#include <natbox/base.h>

struct capture;

/* Opens a pcap or pcapng file; "-" is standard input. What cannot be rewound (standard input, a
 * pipe) is first copied to an unnamed temporary file, to its end. 0 or a negative errno, with
 * *fault set: no such file, empty, no capture, or of a link type that packet.h does not know. */
int capture_open_file(const char *path, struct capture **capture, struct fault *fault);

/* Starts to capture what goes to and from these proxies, as filter.h says, on an interface by name
 * or `any`. Wants the privilege to capture (CAP_NET_RAW), which may be given up afterwards. 0 or a
 * negative errno, with *fault set: no such interface, it is down, no privilege, of a link type that
 * packet.h does not know. */
int capture_open_live(const char *interface, const struct address *proxies, size_t count,
	struct capture **capture, struct fault *fault);

/* Of a live capture, readable (poll(2)) while capture_next may have a datagram. Packets come to it
 * in batches, at the latest 10 ms after they were seen; their time is when they were seen. */
int capture_descriptor(const struct capture *capture);

/* Of a live capture, what the kernel lets through (pcap-filter(7)). Lives as long as the
 * capture. */
const char *capture_filter(const struct capture *capture);

/* Packets that a live capture lost since it was opened, because nobody took them in time. */
uint64_t capture_dropped(struct capture *capture);

/* Starts a file over, for a second pass. 0 or a negative errno, with *fault set; the capture can
 * then only be closed. */
int capture_rewind(struct capture *capture, struct fault *fault);

/* NULL is fine. */
void capture_close(struct capture *capture);

/* The next datagram; its bytes live until the next call. 1: there is one. 0: the file has ended, or
 * nothing more has come in yet. Otherwise a negative errno with *fault set, and nothing more will
 * come: -ENODATA for a file that was cut off (what it held up to there was given out), -EBADMSG for
 * one that is damaged, -EIO for an interface that failed. */
int capture_next(struct capture *capture, struct datagram *datagram, struct fault *fault);

struct decoder_counters capture_counters(const struct capture *capture);

#endif
