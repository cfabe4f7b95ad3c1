#include "frames.h"

#include <criterion/criterion.h>
#include <string.h>

struct address address_of(const char *text)
{
	struct address address = {0};

	cr_assert_eq(address_parse(text_from(text), 5060, &address), 0);
	return address;
}

struct flow flow_of(const char *source, const char *destination)
{
	return (struct flow){address_of(source), address_of(destination)};
}

void frame_add(struct frame *frame, const void *bytes, size_t length)
{
	cr_assert(length <= sizeof(frame->bytes) - frame->length);
	if (length)
		memcpy(frame->bytes + frame->length, bytes, length);
	frame->length += length;
}

void frame_add_u8(struct frame *frame, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	frame_add(frame, &byte, 1);
}

void frame_add_u16(struct frame *frame, unsigned value)
{
	frame_add_u8(frame, value >> 8);
	frame_add_u8(frame, value);
}

void frame_add_u32(struct frame *frame, uint32_t value)
{
	frame_add_u16(frame, value >> 16);
	frame_add_u16(frame, value & 0xffff);
}

void frame_add_ethernet(struct frame *frame, unsigned ethertype)
{
	frame_add(frame, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	frame_add_u16(frame, ethertype);
}

void frame_add_vlan(struct frame *frame, unsigned vlan, unsigned ethertype)
{
	frame_add_u16(frame, vlan);
	frame_add_u16(frame, ethertype);
}

void frame_add_ipv4(struct frame *frame, const struct flow *flow, unsigned protocol, unsigned id,
	unsigned fragment, size_t length)
{
	frame_add_u16(frame, 0x4500);
	frame_add_u16(frame, (unsigned)(20 + length));
	frame_add_u16(frame, id);
	frame_add_u16(frame, fragment);
	frame_add_u8(frame, 64);
	frame_add_u8(frame, protocol);
	frame_add_u16(frame, 0);
	frame_add(frame, flow->source.ip + 12, 4);
	frame_add(frame, flow->destination.ip + 12, 4);
}

void frame_add_ipv6(
	struct frame *frame, const struct flow *flow, unsigned next_header, size_t length)
{
	frame_add_u32(frame, 0x60000000);
	frame_add_u16(frame, (unsigned)length);
	frame_add_u8(frame, next_header);
	frame_add_u8(frame, 64);
	frame_add(frame, flow->source.ip, 16);
	frame_add(frame, flow->destination.ip, 16);
}

void frame_add_extension(struct frame *frame, unsigned next_header)
{
	frame_add_u8(frame, next_header);
	frame_add(frame, "\0\1\4\0\0\0\0", 7);
}

void frame_add_ipv6_fragment(
	struct frame *frame, unsigned next_header, size_t offset, bool more, uint32_t id)
{
	frame_add_u8(frame, next_header);
	frame_add_u8(frame, 0);
	frame_add_u16(frame, (unsigned)offset | more);
	frame_add_u32(frame, id);
}

void frame_add_udp(struct frame *frame, const struct flow *flow, struct text bytes)
{
	frame_add_u16(frame, flow->source.port);
	frame_add_u16(frame, flow->destination.port);
	frame_add_u16(frame, (unsigned)(8 + bytes.length));
	frame_add_u16(frame, 0);
	frame_add(frame, bytes.at, bytes.length);
}

void frame_add_datagram(struct frame *frame, const struct flow *flow, struct text bytes)
{
	if (address_is_ipv4(&flow->source))
		frame_add_ipv4(frame, flow, 17, 1, 0, 8 + bytes.length);
	else
		frame_add_ipv6(frame, flow, 17, 8 + bytes.length);
	frame_add_udp(frame, flow, bytes);
}

struct text frame_text(const struct frame *frame)
{
	return (struct text){(const char *)frame->bytes, frame->length};
}
