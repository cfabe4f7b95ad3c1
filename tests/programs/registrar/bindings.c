#include "bindings.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_EXPIRES_S = 3600 };

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The next byte of a text, escaped or not, which is then behind it. */
static char next_byte(struct text *text)
{
	const bool may_be_escaped = *text->at == '%' && text->length >= 3;
	const int high = may_be_escaped ? hex_digit(text->at[1]) : -1;
	const int low = may_be_escaped ? hex_digit(text->at[2]) : -1;
	size_t length = 1;
	char byte = *text->at;

	if (high >= 0 && low >= 0) {
		byte = (char)(high * 16 + low);
		length = 3;
	}
	text->at += length;
	text->length -= length;
	return byte;
}

static bool users_are_equal(struct text one, struct text other)
{
	if (!one.at != !other.at)
		return false;
	while (one.length && other.length) {
		if (next_byte(&one) != next_byte(&other))
			return false;
	}
	return !one.length && !other.length;
}

/* Takes the next parameter off the front: its name, and its value, or no value. */
static bool next_param(struct text *params, struct text *name, struct text *value)
{
	const char *end, *equals;

	if (params->length < 2)
		return false;
	*name = (struct text){params->at + 1, params->length - 1};
	end = memchr(name->at, ';', name->length);
	name->length = end ? (size_t)(end - name->at) : name->length;
	params->length -= 1 + name->length;
	params->at += 1 + name->length;
	*value = (struct text){NULL, 0};
	equals = memchr(name->at, '=', name->length);
	if (equals) {
		*value = (struct text){equals + 1, (size_t)(text_end(*name) - equals - 1)};
		name->length = (size_t)(equals - name->at);
	}
	return true;
}

/* Where only one of two URIs has one of these, they differ. */
static bool counts_alone(struct text name)
{
	const struct text names[] = {
		TEXT("user"), TEXT("ttl"), TEXT("method"), TEXT("maddr"), TEXT("transport")};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_equal_nocase(name, names[i]))
			return true;
	}
	return false;
}

/* Whether nothing in these parameters contradicts the others. */
static bool params_agree(struct text params, struct text others)
{
	struct text name, value, other_value;

	while (next_param(&params, &name, &value)) {
		if (sip_param(others, name, &other_value)) {
			if (!text_equal_nocase(value, other_value))
				return false;
		} else if (counts_alone(name)) {
			return false;
		}
	}
	return true;
}

bool uris_are_equal(const struct sip_uri *one, const struct sip_uri *other)
{
	/* A port that is missing is another one than 5060. */
	return text_equal_nocase(one->scheme, other->scheme) &&
	       users_are_equal(one->user, other->user) &&
	       text_equal_nocase(one->host_port, other->host_port) &&
	       params_agree(one->params, other->params) &&
	       params_agree(other->params, one->params) &&
	       text_equal_nocase(one->headers, other->headers);
}

static bool is_bound_as(
	const struct bindings *bindings, const struct binding *binding, const struct sip_uri *uri)
{
	const struct text bound = text_from(binding->uri);
	struct sip_uri other;

	if (bindings->compares_bytes)
		return text_equal(bound, uri->whole);
	return !sip_uri_parse(bound, &other) && uris_are_equal(&other, uri);
}

static void unbind(struct bindings *bindings, const struct sip_uri *uri)
{
	unsigned left = 0;

	for (unsigned i = 0; i < bindings->count; i++) {
		if (!is_bound_as(bindings, &bindings->list[i], uri))
			bindings->list[left++] = bindings->list[i];
	}
	bindings->count = left;
}

/* Whether an update would come from a request that is not later than what made a binding (RFC 3261
 * 10.3, step 7): that is let alone, as Kamailio does it. What the same request has made before
 * gives way to it. */
static bool is_too_late(const struct bindings *bindings, const struct sip_message *message,
	const struct sip_uri *uri)
{
	for (unsigned i = 0; i < bindings->count; i++) {
		const struct binding *binding = &bindings->list[i];

		if (!binding->is_new && is_bound_as(bindings, binding, uri) &&
			text_equal(message->call_id, text_from(binding->call_id)) &&
			message->cseq_number <= binding->cseq)
			return true;
	}
	return false;
}

static uint32_t expires_of(const struct sip_message *message, const struct sip_contact *contact)
{
	uint32_t expires_s;

	if (text_number(contact->name_addr.expires, &expires_s) ||
		text_number(message->expires, &expires_s))
		return expires_s;
	return DEFAULT_EXPIRES_S;
}

static bool bind_one(struct bindings *bindings, struct text uri, uint32_t expires_s,
	const struct sip_message *message)
{
	struct binding *binding = &bindings->list[bindings->count];

	if (bindings->count == BINDINGS_MAX || uri.length >= sizeof(binding->uri) ||
		message->call_id.length >= sizeof(binding->call_id))
		return false;
	*binding = (struct binding){
		.expires_s = expires_s, .cseq = message->cseq_number, .is_new = true};
	memcpy(binding->uri, uri.at, uri.length);
	memcpy(binding->call_id, message->call_id.at, message->call_id.length);
	bindings->count++;
	return true;
}

bool bindings_take(struct bindings *bindings, const struct sip_message *message)
{
	for (unsigned i = 0; i < bindings->count; i++)
		bindings->list[i].is_new = false;
	for (unsigned i = 0; i < message->contact_count; i++) {
		const struct sip_contact *contact = &message->contacts[i];
		const uint32_t expires_s = expires_of(message, contact);

		if (contact->name_addr.is_star) {
			bindings->count = 0;
			return true;
		}
		if ((!expires_s && bindings->keeps_all) ||
			is_too_late(bindings, message, &contact->uri))
			continue;
		unbind(bindings, &contact->uri);
		if (expires_s && !bind_one(bindings, contact->uri.whole, expires_s, message))
			return false;
	}
	return true;
}

size_t bindings_list(const struct bindings *bindings, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < bindings->count && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s<%s>;expires=%u",
			i ? ", " : "", bindings->list[i].uri, bindings->list[i].expires_s);
	return length;
}
