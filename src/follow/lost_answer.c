#include "dialog.h"
#include "request.h"

#include <natbox/keepalive.h>

#include <stdio.h>

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
	hash_add_text(&hash, TEXT("lost"));
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

static bool is_acknowledged(const struct follow *follow, const struct passage *passage)
{
	const struct text said = follow_tag(passage->message->to);
	char tag[TAG_SIZE];

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

	return sip_name_addr_parse(message->to, &to) == 0 && !to.is_star &&
	       !sip_param(to.params, TEXT("tag"), &tag);
}

/* With a forged INVITE a stranger can make an endpoint where a phone stands that is well, and never
 * answers keepalives: calls to that phone are not his to stop. */
static bool is_lost(const struct endpoints *endpoints, uint32_t endpoint)
{
	return endpoint && liveness_is_lost(endpoints, endpoint) &&
	       (endpoint_at(endpoints, endpoint)->proven ||
		       endpoint_addressee(endpoints, endpoint).aor.at);
}

static bool is_due(const struct follow *follow, const struct passage *passage)
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

static void put(struct writing *writing, const struct text *texts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (texts[i].length > (size_t)(writing->end - writing->at)) {
			writing->is_full = true;
			return;
		}
		memcpy(writing->at, texts[i].at, texts[i].length);
		writing->at += texts[i].length;
	}
}

/* The proxy's own Via, with the rport that it asks for (RFC 3581 4), and with received where it
 * says another host than it was sent from (RFC 3261 18.2.1). */
static void put_top_via(
	struct writing *writing, const struct sip_via *via, const struct address *proxy)
{
	const bool asks = via->rport.whole.at && !via->rport.value.length;
	const bool tells = !via->received.whole.at && (asks || !host_is_at(via->host, proxy));
	struct text before = via->value, after = TEXT("");
	char host[ADDRESS_TEXT_MAX], rport[sizeof(";rport=65535")] = "";
	const struct text received =
		sip_received((struct text){host, address_format_host(proxy, host)});

	if (asks) {
		after = text_between(text_end(via->rport.whole), text_end(before));
		before = text_between(before.at, via->rport.whole.at);
		snprintf(rport, sizeof(rport), ";rport=%u", proxy->port);
	}
	put(writing,
		(const struct text[]){
			TEXT("\r\nVia: "),
			before,
			text_from(rport),
			after,
			TEXT(";received="),
			received,
		},
		tells ? 6 : 4);
}

static void put_vias(
	struct writing *writing, const struct sip_message *message, const struct address *proxy)
{
	struct sip_cursor cursor = {0};
	struct text texts[] = {TEXT("\r\nVia: "), {0}};

	put_top_via(writing, &message->top_via, proxy);
	sip_next_value(message, SIP_VIA, &cursor, &texts[1]);
	while (sip_next_value(message, SIP_VIA, &cursor, &texts[1]))
		put(writing, texts, 2);
}

/* Its length; 0: it does not fit. */
static size_t write_answer(
	const struct follow *follow, const struct passage *passage, char *out, size_t size)
{
	const bool is_430 = follow->settings->relay.lost_answer == LOST_ANSWER_430;
	const struct sip_message *message = passage->message;
	const struct text status = is_430 ? TEXT("SIP/2.0 430 Flow Failed")
					  : TEXT("SIP/2.0 480 Temporarily Unavailable");
	struct writing writing = {.at = out, .end = out + size};
	char tag[TAG_SIZE];
	const struct text rest[] = {
		TEXT("\r\nFrom: "),
		message->from,
		TEXT("\r\nTo: "),
		message->to,
		TEXT(";tag="),
		{tag, TAG_LENGTH},
		TEXT("\r\nCall-ID: "),
		message->call_id,
		TEXT("\r\nCSeq: "),
		message->cseq,
		TEXT("\r\nContent-Length: 0\r\n\r\n"),
	};

	write_tag(follow, passage, tag);
	put(&writing, &status, 1);
	put_vias(&writing, message, &follow->endpoints->proxies->list[passage->proxy]);
	put(&writing, rest, sizeof(rest) / sizeof(*rest));
	return writing.is_full ? 0 : (size_t)(writing.at - out);
}

/* An INVITE that was relayed before the phone was lost has a leg. */
static void end_leg(struct follow *follow, struct passage *passage)
{
	follow_prepare(follow, passage);
	if (passage->message->method == SIP_INVITE)
		dialog_fail(follow, passage);
}

static bool answer(struct follow *follow, struct passage *passage, char *bytes, size_t size)
{
	const struct flow back = {.source = passage->client,
		.destination = follow->endpoints->proxies->list[passage->proxy]};
	const size_t length = write_answer(follow, passage, bytes, size);
	struct report *report = follow->report;

	if (!length || !report->sink.send)
		return false;
	report->counters.lost_answers++;
	report->sink.send(
		report->sink.context, report->now_us, &back, (struct text){bytes, length});
	end_leg(follow, passage);
	return true;
}

bool lost_answer(struct follow *follow, struct passage *passage, char *bytes, size_t size)
{
	if (!passage->message->is_request)
		return false;
	if (passage->message->method == SIP_ACK)
		return is_acknowledged(follow, passage);
	return is_due(follow, passage) && answer(follow, passage, bytes, size);
}
