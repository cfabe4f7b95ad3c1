#include "origin.h"

const struct text origin_param = {"natbox", 6};
const struct text maddr_head = {"maddr=", 6};

enum {
	BYTE_PLAIN = 1 << 0, /* stands for itself */
	BYTE_NAME = 1 << 1,  /* of a host's name */
	BYTE_CODED = 1 << 2, /* may stand in what is coded, if only as an escape */
};

/* clang-format off */
static const uint8_t byte_class[256] = {
	['a' ... 'z'] = BYTE_PLAIN | BYTE_NAME | BYTE_CODED,
	['0' ... '9'] = BYTE_PLAIN | BYTE_NAME | BYTE_CODED,
	['.'] = BYTE_PLAIN | BYTE_NAME | BYTE_CODED,
	['A' ... 'Z'] = BYTE_NAME | BYTE_CODED,
	['-'] = BYTE_NAME | BYTE_CODED, ['_'] = BYTE_NAME | BYTE_CODED,
	['['] = BYTE_CODED, [']'] = BYTE_CODED,
};
/* clang-format on */

static inline bool byte_is(char c, uint8_t class)
{
	return byte_class[(uint8_t)c] & class;
}

/* -1 for anything but a hexadecimal digit as origin_encode writes it. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

size_t origin_encode(struct text plain, char coded[static ORIGIN_CODED_MAX])
{
	static const char hex[] = "0123456789abcdef";
	size_t length = 0;

	if (plain.length > ORIGIN_MAX)
		return 0;
	for (size_t i = 0; i < plain.length; i++) {
		char c = plain.at[i];

		if (byte_is(c, BYTE_PLAIN)) {
			coded[length++] = c;
		} else if (c == ':') {
			coded[length++] = '-';
		} else if (byte_is(c, BYTE_CODED)) {
			coded[length++] = '_';
			coded[length++] = hex[(uint8_t)c >> 4];
			coded[length++] = hex[c & 15];
		} else {
			return 0;
		}
	}
	return length;
}

/* The byte that an escape's two digits stand for; 0 when they stand for none origin_encode has. */
static char unescape(struct text digits)
{
	int high, low, c;

	if (digits.length < 2)
		return 0;
	high = hex_value(digits.at[0]);
	low = hex_value(digits.at[1]);
	if (high < 0 || low < 0)
		return 0;
	c = high << 4 | low;
	return byte_is((char)c, BYTE_CODED) ? (char)c : 0;
}

size_t origin_decode(struct text coded, char plain[static ORIGIN_MAX])
{
	size_t length = 0;

	for (size_t i = 0; i < coded.length; i++) {
		char c = coded.at[i];

		if (length == ORIGIN_MAX)
			return 0;
		if (byte_is(c, BYTE_PLAIN)) {
			plain[length++] = c;
			continue;
		}
		if (c == '-') {
			c = ':';
		} else if (c == '_') {
			c = unescape(text_between(coded.at + i + 1, text_end(coded)));
			i += 2;
		} else {
			return 0;
		}
		if (c == 0)
			return 0;
		plain[length++] = c;
	}
	return length;
}

bool origin_find(struct text params, struct text *coded)
{
	return params.length && sip_param(params, origin_param, coded) && coded->length;
}

static bool is_host(struct text host)
{
	struct address address;

	if (host.length && host.at[0] == '[')
		return address_parse_host(host, &address);
	for (size_t i = 0; i < host.length; i++) {
		if (!byte_is(host.at[i], BYTE_NAME))
			return false;
	}
	return host.length > 0;
}

bool origin_is_host_port(struct text text)
{
	const char *colon = text.length ? memrchr(text.at, ':', text.length) : NULL;
	struct text host = text;
	uint32_t port;

	if (colon && text_end(text)[-1] != ']') {
		host = text_between(text.at, colon);
		if (!text_number(text_between(colon + 1, text_end(text)), &port) ||
			port > UINT16_MAX)
			return false;
	}
	return is_host(host);
}

bool maddr_find(struct text params, struct text *host, struct text *span)
{
	struct text other;

	if (!sip_param(params, TEXT("maddr"), host) || host->length > ORIGIN_MAX ||
		!origin_is_host_port(*host) || sip_param(params, origin_param, &other))
		return false;
	*span = (struct text){host->at - maddr_head.length, host->length + maddr_head.length};
	return text_starts_with(*span, maddr_head);
}
