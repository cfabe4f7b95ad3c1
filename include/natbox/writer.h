/* Writer: a capture file of what natbox would have put on the wire. pcap, raw IP, microseconds. The
 * same datagrams give the same bytes every time. */
#ifndef NATBOX_WRITER_H
#define NATBOX_WRITER_H

#include <natbox/base.h>
#include <natbox/engine.h>

struct writer;

/* Creates the file, or empties it. Path is kept by name for later faults. 0 or a negative errno,
 * with *fault set. */
int writer_open(const char *path, struct writer **writer, struct fault *fault);

/* Appends one datagram at time_us since the epoch. 0; -EMSGSIZE when no IP packet can carry it,
 * -EINVAL when the flow has an IPv4 and an IPv6 end, or what writing the file failed with. */
int writer_add(struct writer *writer, uint64_t time_us, const struct flow *flow, struct text bytes,
	struct fault *fault);

/* Writes out what is still buffered and frees the writer. Only when this returns 0 is all of it in
 * the file. NULL is fine. */
int writer_close(struct writer *writer, struct fault *fault);

#endif
