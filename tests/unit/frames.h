/* Builds frames for tests, layer by layer from the outside in. */
#ifndef NATBOX_TESTS_FRAMES_H
#define NATBOX_TESTS_FRAMES_H

#include <natbox/engine.h>

struct frame {
	size_t length;
	uint8_t bytes[70000];
};

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_SERVICE_VLAN = 0x88a8,
	TYPE_MPLS = 0x8847,
	TYPE_PPPOE = 0x8864,
};
enum { MORE_FRAGMENTS = 0x2000 }; /* in an IPv4 header, with the offset in units of 8 bytes */

/* "10.0.0.1:5060", "[2001:db8::1]:5060" */
struct address address_of(const char *text);
struct flow flow_of(const char *source, const char *destination);

void frame_add(struct frame *frame, const void *bytes, size_t length);
void frame_add_u8(struct frame *frame, unsigned value);
void frame_add_u16(struct frame *frame, unsigned value);
void frame_add_u32(struct frame *frame, uint32_t value);

void frame_add_ethernet(struct frame *frame, unsigned ethertype);
void frame_add_vlan(struct frame *frame, unsigned vlan, unsigned ethertype);
/* length: of what follows the header */
void frame_add_ipv4(struct frame *frame, const struct flow *flow, unsigned protocol, unsigned id,
	unsigned fragment, size_t length);
void frame_add_ipv6(
	struct frame *frame, const struct flow *flow, unsigned next_header, size_t length);
/* Of 8 bytes: hop-by-hop, routing or destination options with padding only. */
void frame_add_extension(struct frame *frame, unsigned next_header);
void frame_add_ipv6_fragment(
	struct frame *frame, unsigned next_header, size_t offset, bool more, uint32_t id);
void frame_add_udp(struct frame *frame, const struct flow *flow, struct text bytes);

/* IP header, UDP header and bytes, of the flow's IP version. */
void frame_add_datagram(struct frame *frame, const struct flow *flow, struct text bytes);

struct text frame_text(const struct frame *frame);

#endif
