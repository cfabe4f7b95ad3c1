#include "json.h"

void json_put_number(struct json *json, uint64_t number, unsigned width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number || sizeof(digits) - at < width);
	json_put_bytes(json, digits + at, sizeof(digits) - at);
}

void json_put_address(struct json *json, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	const size_t length = address_format(address, text);

	json_put_char(json, '"');
	json_put_bytes(json, text, length);
	json_put_char(json, '"');
}

/* Length of the well-formed UTF-8 sequence at the start (RFC 3629 4); 0: there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	unsigned char least = 0x80, most = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		least = 0xa0; /* below: could be shorter */
	else if (at[0] == 0xed)
		most = 0x9f; /* above: surrogates */
	else if (at[0] == 0xf0)
		least = 0x90;
	else if (at[0] == 0xf4)
		most = 0x8f; /* above: beyond U+10FFFF */
	if (left < length || at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	}
	return length;
}

static inline bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Whether a byte is a control character of a terminal that takes each byte for a character. */
static bool has_control(const unsigned char *at, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (at[i] >= 0x80 && at[i] <= 0x9f)
			return true;
	}
	return false;
}

static void put_unit(struct json *json, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";

	json_put(json, "\\u");
	for (int shift = 12; shift >= 0; shift -= 4)
		json_put_char(json, digits[unit >> shift & 15]);
}

/* A well-formed UTF-8 sequence as \uXXXX, two of them beyond U+FFFF. */
static void put_escaped_sequence(struct json *json, const unsigned char *at, size_t length)
{
	uint32_t code = length == 2 ? at[0] & 0x1f : length == 3 ? at[0] & 0x0f : at[0] & 0x07;

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (at[i] & 0x3f);
	if (code > 0xffff) {
		put_unit(json, 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	put_unit(json, code);
}

/* One character that is not plain. Returns how long it was. */
static size_t put_special(struct json *json, const unsigned char *at, size_t left)
{
	size_t length = *at < 0x80 ? 0 : utf8_length(at, left);

	if (length && has_control(at, length)) {
		put_escaped_sequence(json, at, length);
		return length;
	}
	if (length) {
		json_put_bytes(json, (const char *)at, length);
		return length;
	}
	if (*at == '"' || *at == '\\') {
		json_put_char(json, '\\');
		json_put_char(json, (char)*at);
	} else {
		put_unit(json, *at < 0x80 ? *at : 0xfffd);
	}
	return 1;
}

void json_put_escaped(struct json *json, struct text text)
{
	const unsigned char *at = (const unsigned char *)text.at;
	size_t left = text.length < JSON_TEXT_MAX ? text.length : JSON_TEXT_MAX;

	while (left) {
		size_t length = 0;

		while (length < left && is_plain(at[length]))
			length++;
		if (length)
			json_put_bytes(json, (const char *)at, length);
		else
			length = put_special(json, at, left);
		at += length;
		left -= length;
	}
}

void json_put_set_member(
	struct json *json, const char *key, unsigned set, const char *const *names, unsigned count)
{
	json_put_key(json, key);
	json_put_char(json, '[');
	for (unsigned bit = 0; bit < count; bit++) {
		if (!(set & 1U << bit))
			continue;
		json_next(json);
		json_put_quoted(json, names[bit]);
	}
	json_put_char(json, ']');
}
