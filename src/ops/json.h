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

void json_put_address(struct json *json, const struct address *address);

/* What goes between the quotes of a string (RFC 8259 7). What is not UTF-8 becomes U+FFFD, and no
 * byte is a control character to a terminal. */
void json_put_escaped(struct json *json, struct text text);

/* ,"key": and what is to follow. */
void json_put_key(struct json *json, const char *key);

/* ,"key":"value" for a constant value. */
void json_put_member(struct json *json, const char *key, const char *value);

/* ,"key":value */
void json_put_number_member(struct json *json, const char *key, uint64_t value);
void json_put_truth_member(struct json *json, const char *key, bool truth);

/* ,"key":["name",...] for the names whose bit is set. */
void json_put_set_member(
	struct json *json, const char *key, unsigned set, const char *const *names, unsigned count);

#endif
