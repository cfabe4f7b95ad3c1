/* Fuzzer of IP packets as the queue has them: what is read is within them, and written anew around
 * another payload a packet reads as one with that payload. */
#include <wire/queue/ip_packet.h>

#include <stdlib.h>
#include <string.h>

enum { PACKET_MAX = 65535 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void expect_rewritten(const struct ip_packet *packet, struct text payload)
{
	static uint8_t written[PACKET_MAX];
	const size_t length = ip_packet_length(packet, payload);
	struct ip_packet again;

	if (length > sizeof(written))
		return;
	ip_packet_write(packet, payload, 0, written);
	expect(ip_packet_read((struct text){(const char *)written, length}, &again));
	expect(text_equal(again.payload, payload) && ip_packet_is_sound(&again));
	expect(address_equal(&again.flow.source, &packet->flow.source));
	expect(address_equal(&again.flow.destination, &packet->flow.destination));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text bytes = {(const char *)data, size};
	struct ip_packet packet;

	if (!ip_packet_read(bytes, &packet))
		return 0;
	expect(packet.payload.at >= bytes.at && text_end(packet.payload) <= text_end(bytes));
	ip_packet_is_sound(&packet);
	expect_rewritten(&packet, packet.payload);
	expect_rewritten(&packet, TEXT("REGISTER sip:example.com SIP/2.0\r\n\r\n"));
	expect_rewritten(&packet, (struct text){bytes.at, size / 2});
	return 0;
}
