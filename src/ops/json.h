/* JSON in UTF-8, written piece by piece behind what is there. Whoever writes sees to the room. */
#ifndef NATBOX_JSON_H
#define NATBOX_JSON_H

#include <natbox/address.h>
#include <natbox/base.h>

enum {
	/* A text is cut there: it comes from one datagram. */
	JSON_TEXT_MAX = 65535,
	/* What a byte of a text may become: \u00XX. */
	JSON_BYTES_A_BYTE = 6,
};

struct json {
	size_t used;
	char *bytes;
};

static inline void json_put_bytes(struct json *json, const char *bytes, size_t length)
{
	memcpy(json->bytes + json->used, bytes, length);
	json->used += length;
}

static inline void json_put(struct json *json, const char *string)
{
	json_put_bytes(json, string, strlen(string));
}

static inline void json_put_char(struct json *json, char c)
{
	json->bytes[json->used++] = c;
}

/* In decimal, with zeros before it to fill width. */
void json_put_number(struct json *json, uint64_t number, unsigned width);

/* Value, of units so many decimals behind the point: 1500000 with 6 of them is 1.500000. */
static inline void json_put_decimal(struct json *json, uint64_t value, unsigned decimals)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < decimals; i++)
		one *= 10;
	json_put_number(json, value / one, 0);
	json_put_char(json, '.');
	json_put_number(json, value % one, decimals);
}

/* "text", of bytes that need no escape. */
static inline void json_put_quoted(struct json *json, const char *text)
{
	json_put_char(json, '"');
	json_put(json, text);
	json_put_char(json, '"');
}

/* "192.0.2.1:5060" */
void json_put_address(struct json *json, const struct address *address);

/* What follows is the next member of an object, or item of a list: a comma, if not the first. */
static inline void json_next(struct json *json)
{
	const char last = json->bytes[json->used - 1];

	if (last != '{' && last != '[')
		json_put_char(json, ',');
}

/* The next item of a list. */
static inline void json_put_item(struct json *json, uint64_t number)
{
	json_next(json);
	json_put_number(json, number, 0);
}

/* What goes between the quotes of a string (RFC 8259 7). What is not UTF-8 becomes U+FFFD, and no
 * byte is a control character to a terminal. */
void json_put_escaped(struct json *json, struct text text);

/* The next member: "key": and what is to follow. */
static inline void json_put_key(struct json *json, const char *key)
{
	json_next(json);
	json_put_quoted(json, key);
	json_put_char(json, ':');
}

/* "key":"value" for a constant value. */
static inline void json_put_member(struct json *json, const char *key, const char *value)
{
	json_put_key(json, key);
	json_put_quoted(json, value);
}

/* "key":"text", with what has to be escaped. */
static inline void json_put_text_member(struct json *json, const char *key, struct text text)
{
	json_put_key(json, key);
	json_put_char(json, '"');
	json_put_escaped(json, text);
	json_put_char(json, '"');
}

static inline void json_put_address_member(
	struct json *json, const char *key, const struct address *address)
{
	json_put_key(json, key);
	json_put_address(json, address);
}

/* "time":seconds with six decimals, not before 1970. */
static inline void json_put_time_member(struct json *json, int64_t time_us)
{
	json_put_key(json, "time");
	json_put_decimal(json, time_us > 0 ? (uint64_t)time_us : 0, 6);
}

/* "key":value */
static inline void json_put_number_member(struct json *json, const char *key, uint64_t value)
{
	json_put_key(json, key);
	json_put_number(json, value, 0);
}

static inline void json_put_truth_member(struct json *json, const char *key, bool truth)
{
	json_put_key(json, key);
	json_put(json, truth ? "true" : "false");
}

/* "key":["name",...] for the names whose bit is set. */
void json_put_set_member(
	struct json *json, const char *key, unsigned set, const char *const *names, unsigned count);

#endif
