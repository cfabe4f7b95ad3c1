#include "sip_walk.h"

#include <errno.h>
#include <natbox/sip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sip_message message;
static struct edits edits;

static void insist(bool holds, const char *promise)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n%.*s\n", promise, (int)message.whole.length,
		message.whole.at);
	abort();
}

static void insist_inside(struct text part, struct text whole)
{
	if (!part.at) {
		insist(part.length == 0, "no text has no length");
		return;
	}
	insist(part.at >= whole.at && part.length <= whole.length &&
			(size_t)(part.at - whole.at) <= whole.length - part.length,
		"a part lies inside the whole");
}

static void insist_all_inside(const struct text *parts, size_t count, struct text whole)
{
	for (size_t i = 0; i < count; i++)
		insist_inside(parts[i], whole);
}

static void put_back(struct text part)
{
	edits_replace(&edits, part, part);
}

static void walk_params(struct text params)
{
	static const struct text names[] = {TEXT("branch"), TEXT("expires"), TEXT("x"), TEXT("")};
	struct text value, whole;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!sip_param_span(params, names[i], &value, &whole))
			continue;
		insist_inside(whole, params);
		insist_inside(value, whole);
		if (value.at && i == 0)
			put_back(value);
	}
}

static void walk_uri(struct text text)
{
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) != 0 || !uri.host.at)
		return;
	insist_all_inside((struct text[]){uri.scheme, uri.user, uri.host, uri.host_port, uri.params,
				  uri.headers},
		6, text);
	insist_inside(uri.host, uri.host_port);
	insist(text_end(uri.headers) == text_end(text), "a URI ends with its headers");
	walk_params(uri.params);
	put_back(uri.host_port);
}

static void walk_address(struct text text)
{
	struct sip_name_addr address;

	insist_inside(text, message.whole);
	if (sip_name_addr_parse(text, &address) != 0 || address.is_star)
		return;
	insist_all_inside((struct text[]){address.display, address.uri, address.params}, 3, text);
	walk_uri(address.uri);
	walk_params(address.params);
}

static void walk_via(struct text text)
{
	struct sip_via via;

	insist_inside(text, message.whole);
	insist(sip_via_parse(text, &via) == 0, "every Via of a usable message parses");
	insist_all_inside(
		(struct text[]){via.transport, via.host, via.sent_by, via.params}, 4, text);
	insist_inside(via.branch, via.params);
	insist_inside(via.host, via.sent_by);
	put_back(via.sent_by);
	walk_params(via.params);
}

static void walk_list(enum sip_list list)
{
	struct sip_cursor cursor = {0};
	struct text value;
	unsigned count = 0;

	for (; sip_next_value(&message, list, &cursor, &value); count++) {
		if (list == SIP_VIA)
			walk_via(value);
		else
			walk_address(value);
	}
	insist(count == sip_count_values(&message, list), "values count as many as they are");
}

/* Every edit put back what stood there: nothing may have changed. */
static void insist_unchanged(void)
{
	size_t size = message.whole.length;
	char *out = malloc(size + 1);
	long length;

	if (!out)
		abort();
	length = edits_apply(&edits, message.whole, out, size);
	insist(edits.overflow ? length == -ENOBUFS : length == (long)size,
		"edits apply, or all of them do not");
	insist(length < 0 || memcmp(out, message.whole.at, size) == 0,
		"what is put back changes nothing");
	free(out);
}

bool sip_walk(const char *bytes, size_t length)
{
	enum sip_defect defect = DEFECT_NONE;
	int result = sip_scan(bytes, length, &message, &defect);

	if (result != 0) {
		insist(result == -ENOMSG || (result == -EBADMSG && defect != DEFECT_NONE),
			"a refusal says why");
		return false;
	}
	edits_reset(&edits);
	insist_all_inside((struct text[]){message.method_name, message.request_uri, message.reason,
				  message.call_id, message.cseq, message.expires, message.event,
				  message.subscription_state, message.session_expires,
				  message.content_type, message.content_length, message.body},
		12, message.whole);
	if (message.is_request)
		walk_uri(message.request_uri);
	walk_address(message.from);
	walk_address(message.to);
	insist(message.via_count == sip_count_values(&message, SIP_VIA), "all Vias are counted");
	insist_inside(message.top_via.value,
		message.values[0].list == SIP_VIA ? message.values[0].text : message.whole);
	for (enum sip_list list = SIP_VIA; list <= SIP_RECORD_ROUTE; list++)
		walk_list(list);
	insist_unchanged();
	return true;
}
