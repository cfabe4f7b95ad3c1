#include <natbox/address.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct {
	uint32_t network;
	uint8_t bits;
} private_ipv4[] = {
	{IPV4(10, 0, 0, 0), 8},
	{IPV4(172, 16, 0, 0), 12},
	{IPV4(192, 168, 0, 0), 16},
	{IPV4(100, 64, 0, 0), 10},
	{IPV4(169, 254, 0, 0), 16},
	{IPV4(192, 0, 0, 0), 29},
	{IPV4(127, 0, 0, 0), 8},
};

static const struct network private_ipv6[] = {
	{{0xfc}, 7},
	{{0xfe, 0x80}, 10},
	{{[15] = 1}, 128},
};

/* In two words at once: a processor waits when it reads as a whole what was just written in
 * parts. */
static void put_ipv4(struct address *address, uint32_t number)
{
	const uint64_t words[2] = {0, htobe64(0xffff00000000 | number)};

	memcpy(address->ip, words, sizeof(words));
}

struct address address_ipv4(const void *ip, uint16_t port)
{
	struct address address = {.port = port};
	uint32_t number;

	memcpy(&number, ip, sizeof(number));
	put_ipv4(&address, ntohl(number));
	return address;
}

struct address address_ipv6(const void *ip, uint16_t port)
{
	struct address address = {.port = port};

	memcpy(address.ip, ip, 16);
	return address;
}

bool address_is_ipv4(const struct address *address)
{
	return memcmp(address->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool address_same_host(const struct address *a, const struct address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_same_host(a, b);
}

uint32_t hash_address(const struct hash_key *key, const struct address *address, uint16_t port)
{
	uint64_t words[2];
	unsigned __int128 product;

	memcpy(words, address->ip, sizeof(words));
	product = (unsigned __int128)(words[0] ^ key->k[0] ^ port) * (words[1] ^ key->k[1]);
	words[0] = (uint64_t)product ^ (uint64_t)(product >> 64);
	return (uint32_t)(words[0] ^ words[0] >> 32);
}

bool network_contains(const struct network *network, const struct address *address)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	/* ::/0 is all of IPv6, and none of the addresses that are kept as a part of it. */
	if (network->bits < 96 && address_is_ipv4(address))
		return false;
	if (memcmp(network->ip, address->ip, whole) != 0)
		return false;
	return rest == 0 || ((network->ip[whole] ^ address->ip[whole]) >> (8 - rest)) == 0;
}

bool address_is_private(const struct address *address)
{
	const uint8_t *ip = address->ip;

	if (address_is_ipv4(address)) {
		const uint32_t number = IPV4(ip[12], ip[13], ip[14], ip[15]);

		for (size_t i = 0; i < sizeof(private_ipv4) / sizeof(*private_ipv4); i++) {
			if ((number ^ private_ipv4[i].network) >> (32 - private_ipv4[i].bits) == 0)
				return true;
		}
		return false;
	}
	for (size_t i = 0; i < sizeof(private_ipv6) / sizeof(*private_ipv6); i++) {
		if (network_contains(&private_ipv6[i], address))
			return true;
	}
	return false;
}

bool address_is_loopback(const struct address *address)
{
	static const struct network ipv4 = {{[10] = 0xff, [11] = 0xff, [12] = 127}, 96 + 8};
	static const struct network ipv6 = {{[15] = 1}, 128};

	return network_contains(&ipv4, address) || network_contains(&ipv6, address);
}

bool address_is_unspecified(const struct address *address)
{
	static const uint8_t zeros[16];
	const bool ends_in_zeros = memcmp(address->ip + 12, zeros, 4) == 0;

	return ends_in_zeros && (address_is_ipv4(address) || memcmp(address->ip, zeros, 12) == 0);
}

bool address_is_no_place(const struct address *address)
{
	return address_is_private(address) || address_is_unspecified(address);
}

bool address_is_one_host(const struct address *address)
{
	if (address->port == 0)
		return false;
	if (address_is_ipv4(address))
		return address->ip[12] != 0 && address->ip[12] < 224;
	return address->ip[0] != 0xff && !address_is_unspecified(address);
}

/* More than 9 for what is none, as the end is. */
static inline unsigned digit_at(const char *at, const char *end)
{
	return at < end ? (unsigned char)*at - (unsigned)'0' : UINT8_MAX;
}

/* One of the numbers of an IPv4 address, which becomes the last byte of number. NULL for what is
 * none, or has leading zeros. */
static inline const char *parse_byte(const char *at, const char *end, uint32_t *number)
{
	unsigned value = digit_at(at, end), digit;

	if (value > 9)
		return NULL;
	at++;
	for (unsigned more = value ? 2 : 0; more && (digit = digit_at(at, end)) <= 9; more--, at++)
		value = value * 10 + digit;
	*number = *number << 8 | value;
	return value <= UINT8_MAX ? at : NULL;
}

/* As inet_pton has it: four decimal numbers. Every message that passes has some, so this one is
 * ours. */
static bool parse_ipv4(struct text text, uint32_t *number)
{
	const char *at = text.at, *end = text_end(text);

	*number = 0;
	for (unsigned part = 0; part < 4; part++) {
		if (part && (at == end || *at++ != '.'))
			return false;
		at = parse_byte(at, end, number);
		if (!at)
			return false;
	}
	return at == end;
}

/* inet_pton wants a terminated string; the texts here are not. */
static bool parse_ipv6(struct text text, uint8_t ip[static 16])
{
	char string[INET6_ADDRSTRLEN];

	if (text.length == 0 || text.length >= sizeof(string) ||
		!memchr(text.at, ':', text.length) || memchr(text.at, 0, text.length))
		return false;
	memcpy(string, text.at, text.length);
	string[text.length] = 0;
	return inet_pton(AF_INET6, string, ip) == 1;
}

bool address_parse_host(struct text host, struct address *address)
{
	uint8_t ip[16];
	uint32_t number;

	if (parse_ipv4(host, &number)) {
		put_ipv4(address, number);
		return true;
	}
	if (host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']') {
		host.at++;
		host.length -= 2;
	}
	if (!parse_ipv6(host, ip))
		return false;
	*address = address_ipv6(ip, address->port);
	return true;
}

int address_parse(struct text text, uint16_t default_port, struct address *address)
{
	struct text host = text;
	uint32_t port = default_port;
	const char *colon = text.length ? memrchr(text.at, ':', text.length) : NULL;
	bool bracketed = text.length && text.at[0] == '[';
	bool lone_ipv6 = colon && !bracketed && memchr(text.at, ':', (size_t)(colon - text.at));

	if (colon && !lone_ipv6 && !(bracketed && text_end(text)[-1] == ']')) {
		host = text_between(text.at, colon);
		if (!text_number(text_between(colon + 1, text_end(text)), &port))
			return -EINVAL;
	}
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	address->port = (uint16_t)port;
	return address_parse_host(host, address) ? 0 : -EINVAL;
}

/* Writes a number and what ends it; returns the place after. */
static char *put_number(char *at, unsigned number, char end)
{
	char digits[10];
	unsigned count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*at++ = digits[--count];
	*at++ = end;
	return at;
}

size_t address_format_host(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN], *at = text;

	if (address_is_ipv4(address)) {
		for (unsigned part = 12; part < 16; part++)
			at = put_number(at, address->ip[part], part < 15 ? '.' : 0);
		return (size_t)(at - text) - 1;
	}
	inet_ntop(AF_INET6, address->ip, ip, sizeof(ip));
	return (size_t)snprintf(text, ADDRESS_TEXT_MAX, "[%s]", ip);
}

size_t address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
	size_t length = address_format_host(address, text);

	text[length++] = ':';
	return (size_t)(put_number(text + length, address->port, 0) - text) - 1;
}

int network_parse(struct text text, struct network *network)
{
	const char *slash = text.length ? memchr(text.at, '/', text.length) : NULL;
	struct text host = slash ? text_between(text.at, slash) : text;
	struct address address = {0};
	uint32_t bits, most;

	if (!address_parse_host(host, &address))
		return -EINVAL;
	most = address_is_ipv4(&address) ? 32 : 128;
	bits = most;
	if (slash && (!text_number(text_between(slash + 1, text_end(text)), &bits) || bits > most))
		return -EINVAL;
	network->bits = (uint8_t)(bits + 128 - most);
	for (unsigned bit = network->bits; bit < 128; bit++) {
		if (address.ip[bit / 8] & (0x80 >> bit % 8))
			return -EINVAL;
	}
	memcpy(network->ip, address.ip, sizeof(network->ip));
	return 0;
}
