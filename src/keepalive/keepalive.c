#include <natbox/keepalive.h>

#include <endian.h>

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
	return put(at, text_from(string));
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

	return text_between(address.at, colon);
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

const char *const from_words[FROM_WORDS] = {"PROXY", "USER", "AOR"};

/* The word that stands there and has not been before; FROM_WORDS: none does. */
static unsigned word_at(const char *at, unsigned done)
{
	unsigned i = 0;

	if (*at != 'P' && *at != 'U' && *at != 'A')
		return FROM_WORDS;
	while (i < FROM_WORDS &&
		(done >> i & 1 || strncmp(at, from_words[i], strlen(from_words[i])) != 0))
		i++;
	return i;
}

char *keepalive_put_from(
	char *at, const char *from, const struct addressee *addressee, struct text proxy)
{
	unsigned done = 0;

	for (;;) {
		const char *end = from;
		unsigned word = FROM_WORDS;

		while (*end && (word = word_at(end, done)) == FROM_WORDS)
			end++;
		at = put(at, text_between(from, end));
		if (!*end)
			return at;
		at = put_placeholder(at, *end, addressee, proxy);
		from = end + strlen(from_words[word]);
		done |= 1u << word;
	}
}

bool keepalive_is_answered(enum keepalive_method method)
{
	return method == KEEPALIVE_NOTIFY || method == KEEPALIVE_OPTIONS;
}

void keepalive_forget(struct keepalive *keepalive)
{
	for (unsigned i = 0; i < KEEPALIVE_FORMS; i++)
		keepalive->forms[i].proxy.port = 0;
}

/* Whether what keepalive.from says differs from one user agent to the next. */
static bool names_user_agent(const char *from)
{
	return strstr(from, "USER") || strstr(from, "AOR");
}

/* The proxy as the host of a URI: without the port where it is the default one. */
static struct text default_host(const struct address *proxy, struct text formatted)
{
	return proxy->port == 5060 ? host_of(formatted) : formatted;
}

static void form_end(struct keepalive_form *form, enum keepalive_part part, const char *at)
{
	form->ends[part] = (uint16_t)(at - form->text);
}

static char *form_top(struct keepalive_form *form, struct text proxy)
{
	char *at = put_string(form->text, keepalive_method_names[form->method]);

	at = put(at, TEXT(" sip:"));
	form_end(form, PART_PHONE, at);
	at = put(at, TEXT(" SIP/2.0\r\nVia: SIP/2.0/UDP "));
	at = put(at, proxy);
	at = put(at, TEXT(";branch="));
	at = put(at, TEXT(branch_prefix));
	form_end(form, PART_BRANCH, at);
	return put(at, TEXT("\r\nMax-Forwards: 70\r\nFrom: <"));
}

static void form_rest(
	struct keepalive_form *form, char *at, const struct settings *settings, struct text proxy)
{
	at = put(at, TEXT(">;tag="));
	form_end(form, PART_TAG, at);
	at = put(at, TEXT("\r\nTo: <sip:"));
	form_end(form, PART_TO, at);
	at = put(at, TEXT(">\r\nCall-ID: "));
	form_end(form, PART_CALL_ID, at);
	at = put(at, TEXT("@"));
	at = put(at, host_of(proxy));
	at = put(at, TEXT("\r\nCSeq: 1 "));
	at = put_string(at, keepalive_method_names[form->method]);
	at = put(at, TEXT("\r\nContact: <sip:"));
	at = put(at, proxy);
	at = put(at, TEXT(">\r\n"));
	if (form->method == KEEPALIVE_NOTIFY)
		at = put(at, TEXT("Event: keep-alive\r\nSubscription-State: active\r\n"));
	at = put_string(at, settings->keepalive.extra_headers);
	form_end(form, PART_END, put(at, TEXT("Content-Length: 0\r\n\r\n")));
}

static void form_fill(struct keepalive_form *form, const struct settings *settings,
	enum keepalive_method method, const struct address *proxy)
{
	static const struct addressee nobody = {0};
	char proxy_text[ADDRESS_TEXT_MAX];
	const struct text formatted = {proxy_text, address_format(proxy, proxy_text)};
	const char *from = settings->keepalive.from;
	char *at;

	form->method = method;
	form->proxy = *proxy;
	form->has_from = !names_user_agent(from);
	at = form_top(form, formatted);
	if (form->has_from)
		at = keepalive_put_from(at, from, &nobody, default_host(proxy, formatted));
	form_end(form, PART_FROM, at);
	form_rest(form, at, settings, formatted);
}

/* Borders with few proxies find what was there before, others mostly. */
static const struct keepalive_form *form_for(
	struct keepalive *keepalive, enum keepalive_method method, const struct address *proxy)
{
	const unsigned number = proxy->ip[15] + proxy->port + method;
	struct keepalive_form *form = &keepalive->forms[number % KEEPALIVE_FORMS];

	if (form->method != method || !address_equal(&form->proxy, proxy))
		form_fill(form, keepalive->settings, method, proxy);
	return form;
}

static char *put_part(char *at, const struct keepalive_form *form, enum keepalive_part part)
{
	const unsigned start = part ? form->ends[part - 1] : 0;

	return put(at, (struct text){form->text + start, form->ends[part] - start});
}

/* The phone at its public address, as Request-URI and To have it. */
static char *put_phone(char *at, struct text user, const struct address *client)
{
	if (user.length)
		at = put(put(at, user), TEXT("@"));
	return at + address_format(client, at);
}

static char *put_own_from(
	char *at, const struct settings *settings, const struct keepalive_route *route)
{
	char proxy_text[ADDRESS_TEXT_MAX];
	const struct text formatted = {proxy_text, address_format(route->proxy, proxy_text)};

	return keepalive_put_from(at, settings->keepalive.from, &route->addressee,
		default_host(route->proxy, formatted));
}

static char *put_request(struct keepalive *keepalive, enum keepalive_method method,
	const struct keepalive_route *route, uint64_t sent_us, char *at)
{
	const struct keepalive_form *form = form_for(keepalive, method, route->proxy);
	const uint64_t mac = mac_of(keepalive, route->client, route->proxy, sent_us);
	struct text phone, numbers;

	at = put_part(at, form, PART_PHONE);
	phone.at = at;
	at = put_phone(at, route->addressee.user, route->client);
	phone = text_between(phone.at, at);
	at = put_part(at, form, PART_BRANCH);
	numbers = (struct text){at, NUMBERS_LENGTH};
	at = put_hex(put_hex(at, sent_us), mac);
	at = put_part(at, form, PART_FROM);
	if (!form->has_from)
		at = put_own_from(at, keepalive->settings, route);
	at = put_hex(put_part(at, form, PART_TAG), mac ^ sent_us);
	at = put(put_part(at, form, PART_TO), phone);
	at = put(put_part(at, form, PART_CALL_ID), numbers);
	return put_part(at, form, PART_END);
}

size_t keepalive_build(struct keepalive *keepalive, enum keepalive_method method,
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
