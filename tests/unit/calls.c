#include "calls.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { START_MAX = 128, VIAS_MAX = 512, CONTACT_MAX = 128, BYTES_MAX = 4096 };

static struct exchange complete(struct exchange exchange)
{
	static char branch[256];

	if (!exchange.call_id)
		exchange.call_id = "call";
	if (!exchange.from_tag)
		exchange.from_tag = "a";
	if (!exchange.cseq)
		exchange.cseq = 1;
	if (!exchange.phone)
		exchange.phone = "192.168.1.10:5060";
	if (!exchange.lines)
		exchange.lines = "";
	if (!exchange.branch) {
		snprintf(branch, sizeof(branch), "z9hG4bK-%s-%u", exchange.call_id, exchange.cseq);
		exchange.branch = branch;
	}
	return exchange;
}

static void compose(char bytes[static BYTES_MAX], const char *start, const char *vias,
	const char *method, const char *contact, const struct exchange *exchange)
{
	bool has_contact = !exchange->no_contact;

	snprintf(bytes, BYTES_MAX,
		"%s\r\n"
		"%s"
		"From: <sip:from@example.com>;tag=%s\r\n"
		"To: <sip:to@example.com>%s%s\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %u %s\r\n"
		"%s%s%s"
		"%s"
		"Content-Length: 0\r\n\r\n",
		start, vias, exchange->from_tag, exchange->to_tag ? ";tag=" : "",
		exchange->to_tag ? exchange->to_tag : "", exchange->call_id, exchange->cseq, method,
		has_contact ? "Contact: <sip:user@" : "", has_contact ? contact : "",
		has_contact ? ">\r\n" : "", exchange->lines);
}

static const char *branch_param(const struct exchange *exchange)
{
	return *exchange->branch ? ";branch=" : "";
}

/* Of a request that goes to the proxy, or came from it with the caller's own Via below. */
static void write_vias(char vias[static VIAS_MAX], const struct border *border, bool from_phone,
	const struct exchange *exchange)
{
	char proxy[ADDRESS_TEXT_MAX];

	address_format(&border->proxy, proxy);
	if (from_phone)
		snprintf(vias, VIAS_MAX, "Via: SIP/2.0/UDP %s%s%s;rport\r\n", exchange->phone,
			branch_param(exchange), exchange->branch);
	else
		snprintf(vias, VIAS_MAX,
			"Via: SIP/2.0/UDP %s%s%s\r\n"
			"Via: SIP/2.0/UDP 10.7.7.7:5060;branch=z9hG4bK-first;rport\r\n",
			proxy, branch_param(exchange), exchange->branch);
}

static const char far_end[] = "198.51.100.77:5060";

void phone_asks(
	struct border *border, const char *client, const char *method, struct exchange given)
{
	struct exchange exchange = complete(given);
	char bytes[BYTES_MAX], start[START_MAX], vias[VIAS_MAX];

	snprintf(start, sizeof(start), "%s sip:to@example.com SIP/2.0", method);
	write_vias(vias, border, true, &exchange);
	compose(bytes, start, vias, method, exchange.phone, &exchange);
	border_in(border, client, "%s", bytes);
}

void proxy_answers(struct border *border, const char *client, unsigned status, const char *method,
	struct exchange given)
{
	struct exchange exchange = complete(given);
	char bytes[BYTES_MAX], start[START_MAX], vias[VIAS_MAX];

	snprintf(start, sizeof(start), "SIP/2.0 %u Whatever", status);
	write_vias(vias, border, true, &exchange);
	exchange.no_contact |= status == 100;
	compose(bytes, start, vias, method, far_end, &exchange);
	border_out(border, client, "%s", bytes);
}

void proxy_asks(
	struct border *border, const char *client, const char *method, struct exchange given)
{
	struct exchange exchange = complete(given);
	char bytes[BYTES_MAX], start[START_MAX], vias[VIAS_MAX];

	snprintf(start, sizeof(start), "%s sip:user@%s SIP/2.0", method, client);
	write_vias(vias, border, false, &exchange);
	compose(bytes, start, vias, method, far_end, &exchange);
	border_out(border, client, "%s", bytes);
}

void phone_answers(struct border *border, const char *client, unsigned status, const char *method,
	struct exchange given)
{
	struct exchange exchange = complete(given);
	char bytes[BYTES_MAX], start[START_MAX], vias[VIAS_MAX];

	snprintf(start, sizeof(start), "SIP/2.0 %u Whatever", status);
	write_vias(vias, border, false, &exchange);
	exchange.no_contact |= status == 100;
	compose(bytes, start, vias, method, exchange.phone, &exchange);
	border_in(border, client, "%s", bytes);
}

void phone_is_granted(
	struct border *border, const char *client, const char *method, struct exchange exchange)
{
	phone_asks(border, client, method, exchange);
	proxy_answers(border, client, 200, method, exchange);
}

void proxy_is_granted(
	struct border *border, const char *client, const char *method, struct exchange exchange)
{
	proxy_asks(border, client, method, exchange);
	phone_answers(border, client, 200, method, exchange);
}

const struct border_sent *keepalive_to(const struct border *border, const char *client)
{
	const struct address there = at(client);

	for (unsigned i = border->sent_count; i > 0; i--) {
		const struct border_sent *sent = &border->sent[(i - 1) % BORDER_SENT_MAX];

		if (address_equal(&sent->flow.destination, &there))
			return sent;
	}
	return NULL;
}

void phone_answers_keepalive(struct border *border, const char *client,
	const struct border_sent *keepalive, const char *status_line)
{
	struct sip_message message;
	enum sip_defect defect;
	struct sip_cursor cursor = {0};
	struct text via;

	cr_assert_not_null(keepalive);
	cr_assert_eq(sip_scan(keepalive->bytes, keepalive->length, &message, &defect), 0);
	cr_assert(sip_next_value(&message, SIP_VIA, &cursor, &via));
	border_in(border, client,
		"%s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=ua\r\nCall-ID: %.*s\r\n"
		"CSeq: %.*s\r\nContent-Length: 0\r\n\r\n",
		status_line, (int)via.length, via.at, (int)message.from.length, message.from.at,
		(int)message.to.length, message.to.at, (int)message.call_id.length,
		message.call_id.at, (int)message.cseq.length, message.cseq.at);
}
