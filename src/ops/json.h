/* JSON in UTF-8, written piece by piece behind what is there. Whoever writes sees to the room. */
#ifndef NATBOX_JSON_H
#define NATBOX_JSON_H

#include <natbox/address.h>
#include <natbox/base.h>

#include <string.h>

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
void json_put_decimal(struct json *json, uint64_t value, unsigned decimals);

/* "text", of bytes that need no escape. */
void json_put_quoted(struct json *json, const char *text);

/* "192.0.2.1:5060" */
void json_put_address(struct json *json, const struct address *address);

/* What follows is the next member of an object, or item of a list: a comma, if not the first. */
void json_next(struct json *json);

/* The next item of a list. */
void json_put_item(struct json *json, uint64_t number);

/* What goes between the quotes of a string (RFC 8259 7). What is not UTF-8 becomes U+FFFD, and no
 * byte is a control character to a terminal. */
void json_put_escaped(struct json *json, struct text text);

/* The next member: "key": and what is to follow. */
void json_put_key(struct json *json, const char *key);

/* "key":"value" for a constant value. */
void json_put_member(struct json *json, const char *key, const char *value);

/* "key":"text", with what has to be escaped. */
void json_put_text_member(struct json *json, const char *key, struct text text);

void json_put_address_member(struct json *json, const char *key, const struct address *address);

/* "time":seconds with six decimals, not before 1970. */
void json_put_time_member(struct json *json, int64_t time_us);

/* "key":value */
void json_put_number_member(struct json *json, const char *key, uint64_t value);
void json_put_truth_member(struct json *json, const char *key, bool truth);

/* "key":["name",...] for the names whose bit is set. */
void json_put_set_member(
	struct json *json, const char *key, unsigned set, const char *const *names, unsigned count);

#endif
