/* Writes a capture of many phones behind NAT that register with digest authentication, so that it
 * is proven that they are there: what the tests of scale replay.
 *
 *     registrations PHONES SECONDS FILE     all of them evenly within that time
 */
#include <natbox/wire.h>

#include <stdio.h>
#include <stdlib.h>

/* 2001-09-09 01:46:40 UTC; any time does. */
static const uint64_t start_us = 1000000000000000;

static struct address phone_address(uint32_t phone)
{
	uint32_t host = phone / 4; /* four phones a household, from 16.0.0.1 up */
	uint8_t ip[4] = {(uint8_t)(16 + (host >> 24)), (uint8_t)(host >> 16), (uint8_t)(host >> 8),
		(uint8_t)host};

	return address_ipv4(ip, (uint16_t)(5060 + phone % 4));
}

static const char via_contact[] = "Via: SIP/2.0/UDP 192.168.1.%u:5060;rport;branch=z9hG4bK%u-%u\r\n"
				  "From: <sip:user%u@example.com>;tag=%u\r\n"
				  "To: <sip:user%u@example.com>\r\n"
				  "Call-ID: %u-register\r\n"
				  "CSeq: %u REGISTER\r\n"
				  "Contact: <sip:user%u@192.168.1.%u:5060>;expires=3600\r\n"
				  "Content-Length: 0\r\n\r\n";

static int write_message(struct writer *writer, uint64_t time_us, const struct flow *flow,
	const char *first_lines, uint32_t phone, unsigned cseq, struct fault *fault)
{
	unsigned host = phone % 250 + 2;
	char bytes[1024];
	int length = snprintf(bytes, sizeof(bytes), "%s", first_lines);

	length += snprintf(bytes + length, sizeof(bytes) - (size_t)length, via_contact, host, phone,
		cseq, phone, phone, phone, phone, cseq, phone, host);
	return writer_add(writer, time_us, flow, (struct text){bytes, (size_t)length}, fault);
}

#define REGISTER "REGISTER sip:example.com SIP/2.0\r\nMax-Forwards: 70\r\n"
#define DIGEST   "Digest realm=\"example.com\", nonce=\"5f3a\""

static const char *const lines[] = {
	REGISTER,
	"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: " DIGEST "\r\n",
	REGISTER "Authorization: " DIGEST ", username=\"a\", uri=\"sip:a\", response=\"0\"\r\n",
	"SIP/2.0 200 OK\r\n",
};

static int write_registration(
	struct writer *writer, uint64_t time_us, uint32_t phone, struct fault *fault)
{
	const uint8_t proxy[4] = {198, 51, 100, 1};
	const struct flow in = {phone_address(phone), address_ipv4(proxy, 5060)};
	const struct flow out = {in.destination, in.source};
	int result = 0;

	for (unsigned i = 0; i < 4 && result == 0; i++)
		result = write_message(
			writer, time_us + i, i % 2 ? &out : &in, lines[i], phone, 1 + i / 2, fault);
	return result;
}

int main(int argc, char **argv)
{
	uint32_t phones = argc == 4 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	uint64_t span_us = argc == 4 ? strtoul(argv[2], NULL, 10) * 1000000 : 0;
	struct writer *writer = NULL;
	struct fault fault;
	int result, closed;

	if (!phones) {
		fputs("usage: registrations PHONES SECONDS FILE\n", stderr);
		return 2;
	}
	result = writer_open(argv[3], &writer, &fault);
	for (uint32_t phone = 0; phone < phones && result == 0; phone++)
		result = write_registration(
			writer, start_us + span_us * phone / phones, phone, &fault);
	closed = result == 0 ? writer_close(writer, &fault) : 0;
	if (result == 0 && closed == 0)
		return 0;
	fprintf(stderr, "registrations: %s\n", fault.line);
	return 1;
}
