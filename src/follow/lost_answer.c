#include "dialog.h"
#include "reason_key.h"
#include "transaction.h"

#include <natbox/keepalive.h>

#include <stdio.h>
#include <string.h>

/* The tag of an answer's To: this, and a keyed hash of its request in hexadecimal. */
static const char tag_prefix[] = "natbox";

enum { TAG_LENGTH = sizeof(tag_prefix) - 1 + 16, TAG_SIZE = TAG_LENGTH + 1 };

/* Of what an ACK has in common with the INVITE that it is for (RFC 3261 17.1.1.3). */
static void write_tag(
	const struct follow *follow, const struct passage *passage, char tag[static TAG_SIZE])
{
	const struct sip_message *message = passage->message;
	const struct address *proxy = &follow->endpoints->proxies->list[passage->proxy];
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add(&hash, "lost", 4);
	hash_add(&hash, passage->client.ip, sizeof(passage->client.ip));
	hash_add(&hash, proxy->ip, sizeof(proxy->ip));
	hash_add_number(&hash, (uint64_t)passage->client.port << 16 | proxy->port);
	hash_add_text(&hash, message->top_via.sent_by);
	hash_add_text(&hash, message->top_via.branch);
	hash_add_text(&hash, message->call_id);
	hash_add_number(&hash, message->cseq_number);
	hash_add_text(&hash, follow_tag(message->from));
	snprintf(tag, TAG_SIZE, "%s%016llx", tag_prefix, (unsigned long long)hash_end(&hash));
}

bool lost_answer_ends_with(const struct follow *follow, const struct passage *passage)
{
	char tag[TAG_SIZE];
	struct text said;

	if (passage->message->method != SIP_ACK)
		return false;
	said = follow_tag(passage->message->to);
	if (said.length != TAG_LENGTH)
		return false;
	write_tag(follow, passage, tag);
	return text_equal(said, (struct text){tag, TAG_LENGTH});
}

/* Whether there are requests of it outside a dialog; CANCEL is for one that may have been relayed
 * before the phone was lost. */
static bool is_answered(enum sip_method method)
{
	switch (method) {
	case SIP_ACK:
	case SIP_BYE:
	case SIP_CANCEL:
	case SIP_INFO:
	case SIP_PRACK:
	case SIP_UPDATE:
		return false;
	default:
		return true;
	}
}

static bool is_outside_a_dialog(const struct sip_message *message)
{
	struct sip_name_addr to;
	struct text tag;

	return sip_name_addr_parse(message->to, &to) == 0 &&
	       !sip_param(to.params, TEXT("tag"), &tag);
}

static bool is_registered(const struct endpoints *endpoints, uint32_t endpoint)
{
	uint32_t reason = endpoint_at(endpoints, endpoint)->reasons;

	while (reason && reason_at(endpoints, reason)->kind != REASON_REGISTRATION)
		reason = reason_at(endpoints, reason)->next;
	return reason != 0;
}

/* With a forged INVITE a stranger can make an endpoint where a phone stands that is well, and never
 * answers keepalives: calls to that phone are not his to stop. */
static bool is_lost(const struct endpoints *endpoints, uint32_t endpoint)
{
	return endpoint && liveness_is_lost(endpoints, endpoint) &&
	       (endpoint_at(endpoints, endpoint)->proven || is_registered(endpoints, endpoint));
}

bool lost_answer_is_due(const struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;

	return is_answered(message->method) && !message->flaw &&
	       is_lost(follow->endpoints,
		       endpoint_find(follow->endpoints, &passage->client, passage->proxy)) &&
	       is_outside_a_dialog(message);
}

struct writing {
	char *at, *end;
	bool is_full; /* something found no room */
};

static void put(struct writing *writing, struct text text)
{
	if (text.length > (size_t)(writing->end - writing->at)) {
		writing->is_full = true;
		return;
	}
	memcpy(writing->at, text.at, text.length);
	writing->at += text.length;
}

static void put_line(struct writing *writing, struct text name, struct text value)
{
	put(writing, name);
	put(writing, value);
	put(writing, TEXT("\r\n"));
}

/* The received parameter has an IPv6 address without brackets (RFC 3261 25.1, via-received). */
static struct text received_of(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
	const size_t length = address_format_host(address, text);

	return text[0] == '[' ? (struct text){text + 1, length - 2} : (struct text){text, length};
}

/* The proxy's own Via, with the rport that it asks for (RFC 3581 4), and with received where it
 * says another host than it was sent from (RFC 3261 18.2.1). */
static void put_top_via(
	struct writing *writing, const struct sip_via *via, const struct address *proxy)
{
	const bool asks = via->rport.whole.at && !via->rport.value.length;
	struct text rest = via->value;
	char host[ADDRESS_TEXT_MAX], port[sizeof(";rport=65535")];

	put(writing, TEXT("Via: "));
	if (asks) {
		const char *after = text_end(via->rport.whole);
		const int length = snprintf(port, sizeof(port), ";rport=%u", proxy->port);

		put(writing, (struct text){rest.at, (size_t)(via->rport.whole.at - rest.at)});
		put(writing, (struct text){port, (size_t)length});
		rest = (struct text){after, (size_t)(text_end(rest) - after)};
	}
	put(writing, rest);
	if (!via->received.whole.at && (asks || !host_is_at(via->host, proxy)))
		put_line(writing, TEXT(";received="), received_of(proxy, host));
	else
		put(writing, TEXT("\r\n"));
}

static void put_vias(
	struct writing *writing, const struct sip_message *message, const struct address *proxy)
{
	struct sip_cursor cursor = {0};
	struct text via;

	put_top_via(writing, &message->top_via, proxy);
	sip_next_value(message, SIP_VIA, &cursor, &via);
	while (sip_next_value(message, SIP_VIA, &cursor, &via))
		put_line(writing, TEXT("Via: "), via);
}

size_t lost_answer_write(
	const struct follow *follow, const struct passage *passage, char *out, size_t size)
{
	const struct sip_message *message = passage->message;
	const bool is_430 = follow->settings->relay.lost_answer == LOST_ANSWER_430;
	struct writing writing = {.at = out, .end = out + size};
	char tag[TAG_SIZE];

	write_tag(follow, passage, tag);
	put_line(&writing, TEXT("SIP/2.0 "),
		is_430 ? TEXT("430 Flow Failed") : TEXT("480 Temporarily Unavailable"));
	put_vias(&writing, message, &follow->endpoints->proxies->list[passage->proxy]);
	put_line(&writing, TEXT("From: "), message->from);
	put(&writing, TEXT("To: "));
	put(&writing, message->to);
	put_line(&writing, TEXT(";tag="), (struct text){tag, TAG_LENGTH});
	put_line(&writing, TEXT("Call-ID: "), message->call_id);
	put_line(&writing, TEXT("CSeq: "), message->cseq);
	put(&writing, TEXT("Content-Length: 0\r\n\r\n"));
	return writing.is_full ? 0 : (size_t)(writing.at - out);
}

void lost_answer_sent(struct follow *follow, struct passage *passage)
{
	if (passage->message->method != SIP_INVITE)
		return;
	follow_prepare(follow, passage);
	dialog_fail(follow, passage);
}
