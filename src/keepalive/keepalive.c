#include <natbox/keepalive.h>

#include <endian.h>
#include <string.h>

/* "z9hG4bK" is RFC 3261's cookie, the rest of the prefix ours; then time and MAC in hexadecimal. */
static const char branch_prefix[] = "z9hG4bKnatbox";

enum {
	HEX_DIGITS = 16,
	NUMBERS_LENGTH = 2 * HEX_DIGITS,
	BRANCH_LENGTH = sizeof(branch_prefix) - 1 + NUMBERS_LENGTH,
};

static uint64_t mac_of(const struct keepalive *keepalive, const struct address *client,
	const struct address *proxy, uint64_t sent_us)
{
	struct hash hash;

	hash_start(&hash, &keepalive->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add(&hash, proxy->ip, sizeof(proxy->ip));
	hash_add_number(&hash, (uint64_t)client->port << 16 | proxy->port);
	hash_add_number(&hash, sent_us);
	return hash_end(&hash);
}

static char *put(char *at, struct text text)
{
	memcpy(at, text.at, text.length);
	return at + text.length;
}

static char *put_string(char *at, const char *string)
{
	return put(at, (struct text){string, strlen(string)});
}

/* Eight digits at once, one a byte: from 10 on they are letters. */
static uint64_t hex_of(uint32_t number)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t digits = number;

	digits = (digits << 16 | digits) & 0x0000ffff0000ffff;
	digits = (digits << 8 | digits) & 0x00ff00ff00ff00ff;
	digits = (digits << 4 | digits) & 0x0f0f0f0f0f0f0f0f;
	digits += ones * '0' + ((digits + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
	return htobe64(digits);
}

static char *put_hex(char *at, uint64_t number)
{
	const uint64_t digits[] = {hex_of((uint32_t)(number >> 32)), hex_of((uint32_t)number)};

	memcpy(at, digits, sizeof(digits));
	return at + sizeof(digits);
}

/* What hex_of has made digits of; whatever else stands there gives a number of other digits. */
static uint32_t number_of(uint64_t digits)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t number = be64toh(digits);

	number = (number & ones * 0x0f) + (number >> 6 & ones) * 9;
	number = (number | number >> 4) & 0x00ff00ff00ff00ff;
	number = (number | number >> 8) & 0x0000ffff0000ffff;
	return (uint32_t)(number | number >> 16);
}

static bool parse_hex(const char *at, uint64_t *number)
{
	uint64_t digits[2];

	memcpy(digits, at, sizeof(digits));
	*number = (uint64_t)number_of(digits[0]) << 32 | number_of(digits[1]);
	return hex_of((uint32_t)(*number >> 32)) == digits[0] &&
	       hex_of((uint32_t)*number) == digits[1];
}

/* An address that was formatted, without its port. */
static struct text host_of(struct text address)
{
	const char *colon = memrchr(address.at, ':', address.length);

	return (struct text){address.at, (size_t)(colon - address.at)};
}

static char *put_default_aor(char *at, struct text proxy)
{
	return put(put(at, TEXT("sip:keepalive@")), proxy);
}

/* What one of the words in keepalive.from stands for, the first time. Whatever is not known of the
 * phone is natbox's own. */
static char *put_placeholder(
	char *at, char word, const struct addressee *addressee, struct text proxy)
{
	if (word == 'P')
		return put(at, proxy);
	if (word == 'U')
		return put(at, addressee->user.length ? addressee->user : TEXT("keepalive"));
	return aor_is_plain(addressee->aor) ? put(at, addressee->aor) : put_default_aor(at, proxy);
}

/* The words of keepalive.from. */
static const char *const words[] = {"PROXY", "USER", "AOR"};
enum { WORDS = sizeof(words) / sizeof(*words) };

/* The word that stands there and has not been before; WORDS: none does. */
static unsigned word_at(const char *at, unsigned done)
{
	unsigned i = 0;

	if (*at != 'P' && *at != 'U' && *at != 'A')
		return WORDS;
	while (i < WORDS && (done >> i & 1 || strncmp(at, words[i], strlen(words[i])) != 0))
		i++;
	return i;
}

/* keepalive.from; in the place of PROXY, USER and AOR what they stand for. */
static char *put_from(
	char *at, const char *from, const struct addressee *addressee, struct text proxy)
{
	unsigned done = 0;

	for (;;) {
		const char *end = from;
		unsigned word = WORDS;

		while (*end && (word = word_at(end, done)) == WORDS)
			end++;
		at = put(at, (struct text){from, (size_t)(end - from)});
		if (!*end)
			return at;
		at = put_placeholder(at, *end, addressee, proxy);
		from = end + strlen(words[word]);
		done |= 1u << word;
	}
}

/* The phone at its public address, as Request-URI and To have it. */
static char *put_phone(char *at, struct text user, struct text client)
{
	at = put(at, TEXT("sip:"));
	if (user.length)
		at = put(put(at, user), TEXT("@"));
	return put(at, client);
}

bool keepalive_is_answered(enum keepalive_method method)
{
	return method == KEEPALIVE_NOTIFY || method == KEEPALIVE_OPTIONS;
}

static char *put_request(const struct keepalive *keepalive, enum keepalive_method method,
	const struct keepalive_route *route, uint64_t sent_us, char *at)
{
	const struct settings *settings = keepalive->settings;
	const struct address *client = route->client, *proxy = route->proxy;
	const struct addressee *addressee = &route->addressee;
	uint64_t mac = mac_of(keepalive, client, proxy, sent_us);
	char client_text[ADDRESS_TEXT_MAX], proxy_text[ADDRESS_TEXT_MAX], digits[NUMBERS_LENGTH];
	struct text client_address = {client_text, address_format(client, client_text)};
	struct text proxy_address = {proxy_text, address_format(proxy, proxy_text)};
	struct text proxy_host = host_of(proxy_address);
	struct text numbers = {digits, sizeof(digits)};

	put_hex(put_hex(digits, sent_us), mac);
	at = put_string(at, keepalive_method_names[method]);
	at = put(at, TEXT(" "));
	at = put_phone(at, addressee->user, client_address);
	at = put(at, TEXT(" SIP/2.0\r\nVia: SIP/2.0/UDP "));
	at = put(at, proxy_address);
	at = put(at, TEXT(";branch="));
	at = put(at, TEXT(branch_prefix));
	at = put(at, numbers);
	at = put(at, TEXT("\r\nMax-Forwards: 70\r\nFrom: <"));
	at = put_from(at, settings->keepalive.from, addressee,
		proxy->port == 5060 ? proxy_host : proxy_address);
	at = put(at, TEXT(">;tag="));
	at = put_hex(at, mac ^ sent_us);
	at = put(at, TEXT("\r\nTo: <"));
	at = put_phone(at, addressee->user, client_address);
	at = put(at, TEXT(">\r\nCall-ID: "));
	at = put(at, numbers);
	at = put(at, TEXT("@"));
	at = put(at, proxy_host);
	at = put(at, TEXT("\r\nCSeq: 1 "));
	at = put_string(at, keepalive_method_names[method]);
	at = put(at, TEXT("\r\nContact: <sip:"));
	at = put(at, proxy_address);
	at = put(at, TEXT(">\r\n"));
	if (method == KEEPALIVE_NOTIFY)
		at = put(at, TEXT("Event: keep-alive\r\nSubscription-State: active\r\n"));
	at = put_string(at, settings->keepalive.extra_headers);
	return put(at, TEXT("Content-Length: 0\r\n\r\n"));
}

size_t keepalive_build(const struct keepalive *keepalive, enum keepalive_method method,
	const struct keepalive_route *route, uint64_t sent_us, char out[static KEEPALIVE_MAX])
{
	switch (method) {
	case KEEPALIVE_CRLF:
		return (size_t)(put(out, TEXT("\r\n\r\n")) - out);
	case KEEPALIVE_ZERO:
		return (size_t)(put(out, TEXT("\0\0\0\0")) - out);
	case KEEPALIVE_NOTIFY:
	case KEEPALIVE_OPTIONS:
		break;
	}
	return (size_t)(put_request(keepalive, method, route, sent_us, out) - out);
}

bool keepalive_recognise(const struct keepalive *keepalive, struct text branch,
	const struct address *client, const struct address *proxy, uint64_t *sent_us)
{
	struct text prefix = TEXT(branch_prefix);
	char mac[HEX_DIGITS];

	if (branch.length != BRANCH_LENGTH || !text_starts_with(branch, prefix) ||
		!parse_hex(branch.at + prefix.length, sent_us))
		return false;
	put_hex(mac, mac_of(keepalive, client, proxy, *sent_us));
	return memcmp(branch.at + prefix.length + HEX_DIGITS, mac, sizeof(mac)) == 0;
}
