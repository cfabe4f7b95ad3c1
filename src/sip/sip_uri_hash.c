#include "sip_lex.h"

#include <endian.h>

/* The same eight bytes, capital letters in lower case: of each byte below 0x80 a sum has its
 * highest bit from 'A' on, another from '[' on. */
static uint64_t fold(uint64_t bytes)
{
	const uint64_t ones = 0x0101010101010101, low = bytes & 0x7f * ones;
	const uint64_t from_a = low + (0x80 - 'A') * ones, beyond_z = low + (0x80 - 'Z' - 1) * ones;

	return bytes | ((from_a & ~beyond_z & ~bytes & 0x80 * ones) >> 2);
}

/* In lower case. */
static void add_folded(struct hash *hash, struct text text)
{
	for (size_t done = 0; done < text.length; done += sizeof(uint64_t)) {
		size_t left = text.length - done;
		size_t part = left < sizeof(uint64_t) ? left : sizeof(uint64_t);
		uint64_t bytes = 0;

		memcpy(&bytes, text.at + done, part);
		bytes = fold(bytes);
		hash_add(hash, &bytes, part);
	}
	hash_add_number(hash, text.length);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that begins at at, and how many bytes it takes: three where it is escaped. */
static char unescape(const char *at, const char *end, size_t *taken)
{
	int high, low;

	*taken = 1;
	if (*at != '%' || end - at < 3)
		return *at;
	high = digit_of(at[1]);
	low = digit_of(at[2]);
	if (high < 0 || low < 0)
		return *at;
	*taken = 3;
	return (char)(high << 4 | low);
}

void uri_hash_user(struct hash *hash, const struct sip_uri *uri)
{
	const char *at = uri->user.at, *end = text_end(uri->user);
	size_t length = 0, taken;

	if (!uri->user.length || !memchr(at, '%', uri->user.length)) {
		hash_add_text(hash, uri->user);
		return;
	}
	for (; at < end; at += taken, length++) {
		char c = unescape(at, end, &taken);

		hash_add(hash, &c, 1);
	}
	hash_add_number(hash, length);
}

void uri_hash_host_port(struct hash *hash, const struct sip_uri *uri)
{
	if (!uri->host.at)
		hash_add_text(hash, uri->whole);
	else if (uri->is_address)
		hash_add(hash, uri->address.ip, sizeof(uri->address.ip));
	else
		add_folded(hash, uri->host);
	hash_add_number(hash, uri_port(uri));
}

/* Where only one of two URIs has one of these, they differ; of all others that says nothing. */
enum { TRANSPORT, USER, METHOD, TTL, MADDR, PARAMS };
static const struct text param_names[PARAMS] = {
	{"transport", 9}, {"user", 4}, {"method", 6}, {"ttl", 3}, {"maddr", 5}};

/* UDP is what a border for UDP takes a URI without transport for. */
static bool add_params(struct hash *hash, struct text params)
{
	struct text values[PARAMS] = {{0}};
	bool any = false;

	sip_params(params, param_names, PARAMS, values);
	if (text_equal_nocase(values[TRANSPORT], TEXT("udp")))
		values[TRANSPORT].at = NULL;
	for (unsigned i = 0; i < PARAMS; i++) {
		if (!values[i].at)
			continue;
		hash_add_text(hash, param_names[i]);
		add_folded(hash, values[i]);
		any = true;
	}
	return any;
}

static bool may_begin_param(char c)
{
	const char letter = (char)(c | 0x20);

	return letter == 't' || letter == 'u' || letter == 'm' || lex_is(c, LEX_BLANK);
}

/* A bit in each of the eight bytes from at on that is a semicolon, the first of them the lowest;
 * the byte behind one may have it, too. */
static uint64_t semicolons(const char *at)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t bytes;

	memcpy(&bytes, at, sizeof(bytes));
	bytes = le64toh(bytes) ^ ';' * ones;
	return (bytes - ones) & ~bytes & 0x80 * ones;
}

static bool begins_param(const char *at, const char *end)
{
	return *at == ';' && at + 1 < end && may_begin_param(at[1]);
}

/* Few URIs have one of these, and all of them begin with one of few letters. */
static bool may_have_params(struct text params)
{
	const char *at = params.at, *end = text_end(params);

	for (; end - at >= 8; at += 8) {
		for (uint64_t found = semicolons(at); found; found &= found - 1) {
			if (begins_param(at + __builtin_ctzll(found) / 8, end))
				return true;
		}
	}
	while (at < end && !begins_param(at, end))
		at++;
	return at < end;
}

bool uri_hash_rest(struct hash *hash, const struct sip_uri *uri)
{
	bool any = !uri->is_sip || uri->headers.length;

	if (any) {
		add_folded(hash, uri->scheme);
		hash_add_text(hash, uri->headers);
	}
	return (uri->params.length && may_have_params(uri->params) &&
		       add_params(hash, uri->params)) ||
	       any;
}
