/* The parsers of values: each a kind of value that natbox.ini knows. */
#include "config_keys.h"

#include <natbox/sip.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much of a wrong value an error shows. */
enum { SHOWN_MAX = 80 };

static int shown(struct text text)
{
	return text.length < SHOWN_MAX ? (int)text.length : SHOWN_MAX;
}

int config_parse_boolean(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	bool *boolean = target;

	(void)key;
	*boolean = text_equal_nocase(value, TEXT("yes"));
	if (*boolean || text_equal_nocase(value, TEXT("no")))
		return 0;
	return fault_set(fault, -EINVAL, "\"%.*s\" is neither yes nor no", shown(value), value.at);
}

/* No value may be negative, but one that is has the right form. */
static struct text without_sign(struct text value)
{
	bool negative = value.length && *value.at == '-';

	return (struct text){value.at + negative, value.length - negative};
}

int config_parse_number(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct text digits = without_sign(value);
	bool hexadecimal = digits.length > 2 && digits.at[0] == '0' && (digits.at[1] | 0x20) == 'x';
	unsigned long long number;
	char *end;

	if (digits.length == 0 || digits.at[0] < '0' || digits.at[0] > '9')
		return fault_set(
			fault, -EINVAL, "\"%.*s\" is not a number", shown(value), value.at);
	errno = 0;
	number = strtoull(digits.at, &end, hexadecimal ? 16 : 10);
	if (end != text_end(value))
		return fault_set(
			fault, -EINVAL, "\"%.*s\" is not a number", shown(value), value.at);
	if (errno || digits.at != value.at || number < key->least || number > key->most)
		return fault_set(fault, -EINVAL, "%.*s is out of range, %" PRIu64 " to %" PRIu64,
			shown(value), value.at, key->least, key->most);
	*(uint32_t *)target = (uint32_t)number;
	return 0;
}

static const struct unit {
	struct text name;
	uint64_t us;
} units[] = {
	{{"h", 1}, 3600000000},
	{{"m", 1}, 60000000},
	{{"s", 1}, 1000000},
	{{"ms", 2}, 1000},
	{{"", 0}, 1000000},
};

enum { UNITS = sizeof(units) / sizeof(*units), DURATION_TEXT_MAX = 32 };

/* In the largest unit that divides it. */
static const char *duration_format(uint64_t us, char text[static DURATION_TEXT_MAX])
{
	unsigned unit = 0;

	while (unit < UNITS - 2 && us % units[unit].us)
		unit++;
	snprintf(
		text, DURATION_TEXT_MAX, "%" PRIu64 "%s", us / units[unit].us, units[unit].name.at);
	return text;
}

/* A number with the unit after it. NULL: there is none. */
static const struct unit *split_duration(struct text value, struct text *digits)
{
	struct text name;

	*digits = (struct text){value.at, 0};
	while (digits->length < value.length && value.at[digits->length] >= '0' &&
		value.at[digits->length] <= '9')
		digits->length++;
	name = (struct text){text_end(*digits), value.length - digits->length};
	for (unsigned i = 0; digits->length && i < UNITS; i++) {
		if (text_equal(name, units[i].name))
			return &units[i];
	}
	return NULL;
}

bool config_duration(struct text value, uint64_t *us)
{
	struct text digits;
	const struct unit *unit = split_duration(value, &digits);
	uint32_t number;

	if (!unit || !text_number(digits, &number))
		return false;
	*us = number * unit->us;
	return true;
}

int config_parse_duration(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	struct text digits;
	uint64_t us;

	if (!split_duration(without_sign(value), &digits))
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is not a duration such as 500ms, 25s, 10m or 12h", shown(value),
			value.at);
	if (!config_duration(value, &us) || us < key->least || us > key->most)
		return fault_set(fault, -EINVAL, "%.*s is out of range, %s to %s", shown(value),
			value.at, duration_format(key->least, least),
			duration_format(key->most, most));
	*(uint64_t *)target = us;
	return 0;
}

/* Names, separated by commas, to be shown in an error. */
static void list_names(const char *const *names, unsigned count, char *out, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < count && names[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

int config_parse_choice(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char names[128];

	for (unsigned i = 0; key->choices[i]; i++) {
		struct text choice = {key->choices[i], strlen(key->choices[i])};

		if (text_equal_nocase(value, choice)) {
			*(unsigned *)target = i; /* gcc and clang: an enum without negatives */
			return 0;
		}
	}
	list_names(key->choices, UINT32_MAX, names, sizeof(names));
	return fault_set(fault, -EINVAL, "\"%.*s\" is none of %s", shown(value), value.at, names);
}

int config_parse_string(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char *string = target;

	if (value.length < key->least)
		return fault_set(fault, -EINVAL, "may not be empty");
	if (value.length >= key->most)
		return fault_set(fault, -EINVAL, "longer than %" PRIu64 " bytes", key->most - 1);
	memcpy(string, value.at, value.length);
	memset(string + value.length, 0, key->most - value.length);
	return 0;
}

/* A list to be taken apart by list_next. An empty value has no item, "," has two empty ones. */
static struct text list_start(struct text value)
{
	return (struct text){value.length ? value.at : NULL, value.length};
}

/* Takes the next item. False: there is none left. */
static bool list_next(struct text *list, struct text *item)
{
	const char *comma;

	if (!list->at)
		return false;
	comma = list->length ? memchr(list->at, ',', list->length) : NULL;
	item->at = list->at;
	item->length = comma ? (size_t)(comma - list->at) : list->length;
	*item = text_trim(*item);
	if (comma)
		*list = (struct text){comma + 1, (size_t)(text_end(*list) - comma - 1)};
	else
		list->at = NULL;
	return true;
}

int config_parse_detect(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	unsigned *tests = target;
	struct text list = list_start(value), item;
	char names[128];

	(void)key;
	*tests = 0;
	while (list_next(&list, &item)) {
		unsigned bit = 0;

		while (bit < NAT_TESTS &&
			!text_equal_nocase(item,
				(struct text){nat_test_names[bit], strlen(nat_test_names[bit])}))
			bit++;
		if (bit == NAT_TESTS) {
			list_names(nat_test_names, NAT_TESTS, names, sizeof(names));
			return fault_set(fault, -EINVAL, "\"%.*s\" is none of %s", shown(item),
				item.at, names);
		}
		*tests |= 1U << bit;
	}
	return 0;
}

int config_parse_exempt(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct settings *settings = target;
	struct text list = list_start(value), item;
	struct network network;

	(void)key;
	settings->nat.exempt.count = 0;
	while (list_next(&list, &item)) {
		if (network_parse(item, &network) < 0)
			return fault_set(fault, -EINVAL,
				"\"%.*s\" is not a network such as 10.0.0.0/8 or 2001:db8::/32 "
				"with its host bits zero",
				shown(item), item.at);
		if (networks_add(&settings->nat.exempt, &network) != 0)
			return fault_set(fault, -EINVAL, "more than %d networks", NETWORKS_MAX);
	}
	return 0;
}

/* "*" or "*:PORT". */
static bool parse_any_host(struct text item, struct proxy_entry *entry)
{
	uint32_t port = 5060;

	if (!text_starts_with(item, TEXT("*")))
		return false;
	if (item.length > 1 &&
		(item.at[1] != ':' ||
			!text_number((struct text){item.at + 2, item.length - 2}, &port)))
		return false;
	if (port == 0 || port > UINT16_MAX)
		return false;
	*entry = (struct proxy_entry){.any = true, .address.port = (uint16_t)port};
	return true;
}

static bool is_unspecified(const struct address *address)
{
	static const uint8_t zeros[16];

	return memcmp(address->ip + 12, zeros, 4) == 0 &&
	       (address_is_ipv4(address) || memcmp(address->ip, zeros, 12) == 0);
}

static int parse_proxy(struct text item, struct proxy_entry *entry, struct fault *fault)
{
	if (parse_any_host(item, entry))
		return 0;
	*entry = (struct proxy_entry){0};
	if (address_parse(item, 5060, &entry->address) < 0)
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is not an address such as 192.0.2.1:5060, [2001:db8::1]:5060 or "
			"*:5060 (names are not looked up)",
			shown(item), item.at);
	if (is_unspecified(&entry->address))
		return fault_set(fault, -EINVAL, "%.*s: for any address of this host write *:%u",
			shown(item), item.at, entry->address.port);
	if (!address_is_one_host(&entry->address))
		return fault_set(fault, -EINVAL, "\"%.*s\" is not the address of one host",
			shown(item), item.at);
	return 0;
}

int config_parse_proxies(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct config *config = target;
	struct text list = list_start(value), item;

	(void)key;
	config->proxy_count = 0;
	if (value.length == 0)
		return fault_set(fault, -EINVAL, "no proxy: give its address and port, or *:5060");
	while (list_next(&list, &item)) {
		if (config->proxy_count == CONFIG_PROXIES_MAX)
			return fault_set(
				fault, -EINVAL, "more than %d proxies", CONFIG_PROXIES_MAX);
		if (parse_proxy(item, &config->proxies[config->proxy_count], fault) < 0)
			return -EINVAL;
		config->proxy_count++;
	}
	return 0;
}

int config_parse_listen(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct address *address = target;

	(void)key;
	*address = (struct address){0};
	if (value.length == 0 || address_parse(value, 0, address) == 0)
		return 0;
	return fault_set(fault, -EINVAL,
		"\"%.*s\" is not an address and port such as 127.0.0.1:9560", shown(value),
		value.at);
}

static const char *find(struct text text, struct text part)
{
	return text.length ? memmem(text.at, text.length, part.at, part.length) : NULL;
}

/* Whether this is a SIP URI with an address in the place of PROXY. */
static bool from_is_uri(struct text from, struct text host)
{
	const char *proxy = find(from, TEXT("PROXY"));
	size_t before = proxy ? (size_t)(proxy - from.at) : from.length;
	char text[FROM_MAX + ADDRESS_TEXT_MAX];
	struct sip_uri uri;
	int length;

	length = snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)before, from.at,
		proxy ? (int)host.length : 0, host.at, proxy ? (int)(from.length - before - 5) : 0,
		proxy ? proxy + 5 : "");
	return sip_uri_parse((struct text){text, (size_t)length}, &uri) == 0 && uri.is_sip;
}

int config_parse_from(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	const char *proxy = find(value, TEXT("PROXY"));
	struct text rest = proxy ? (struct text){proxy + 5, (size_t)(text_end(value) - proxy - 5)}
				 : (struct text){0};
	char *from = target;

	(void)key;
	if (value.length >= FROM_MAX)
		return fault_set(fault, -EINVAL, "longer than %d bytes", FROM_MAX - 1);
	if (find(rest, TEXT("PROXY")))
		return fault_set(fault, -EINVAL, "PROXY may stand in it only once");
	if (!from_is_uri(value, TEXT("192.0.2.1:5070")) ||
		!from_is_uri(value, TEXT("[2001:db8::1]")))
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is not a SIP URI such as sip:keepalive@PROXY", shown(value),
			value.at);
	memcpy(from, value.at, value.length);
	memset(from + value.length, 0, FROM_MAX - value.length);
	return 0;
}

/* A token (RFC 3261 25.1). */
static bool is_token(struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr("-.!%*_+`'~", c)))
			return false;
	}
	return text.length > 0;
}

enum field_use {
	FIELD_OWN,  /* every keepalive has it already */
	FIELD_ONCE, /* stands once in a message (RFC 3261 7.3.1 and table 2) */
	FIELD_LIST, /* may be repeated */
};

/* Header fields that natbox has something to say about, and those with a compact form. */
static const struct field {
	const char *name, *compact; /* compact: "" where there is none */
	enum field_use use;
} fields[] = {
	{"Via", "v", FIELD_OWN},
	{"From", "f", FIELD_OWN},
	{"To", "t", FIELD_OWN},
	{"Call-ID", "i", FIELD_OWN},
	{"CSeq", "", FIELD_OWN},
	{"Max-Forwards", "", FIELD_OWN},
	{"Contact", "m", FIELD_OWN},
	{"Content-Length", "l", FIELD_OWN},
	{"Event", "o", FIELD_OWN},
	{"Subscription-State", "", FIELD_OWN},
	{"Content-Disposition", "", FIELD_ONCE},
	{"Content-Type", "c", FIELD_ONCE},
	{"Date", "", FIELD_ONCE},
	{"Expires", "", FIELD_ONCE},
	{"MIME-Version", "", FIELD_ONCE},
	{"Organization", "", FIELD_ONCE},
	{"Priority", "", FIELD_ONCE},
	{"Refer-To", "r", FIELD_ONCE},
	{"Referred-By", "b", FIELD_ONCE},
	{"Reply-To", "", FIELD_ONCE},
	{"Server", "", FIELD_ONCE},
	{"Session-Expires", "x", FIELD_ONCE},
	{"Subject", "s", FIELD_ONCE},
	{"Timestamp", "", FIELD_ONCE},
	{"User-Agent", "", FIELD_ONCE},
	{"Allow-Events", "u", FIELD_LIST},
	{"Content-Encoding", "e", FIELD_LIST},
	{"Supported", "k", FIELD_LIST},
};

/* NULL: one of the many others. */
static const struct field *field_find(struct text name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct field *field = &fields[i];

		if (text_equal_nocase(name, (struct text){field->name, strlen(field->name)}) ||
			text_equal_nocase(
				name, (struct text){field->compact, strlen(field->compact)}))
			return field;
	}
	return NULL;
}

static struct text header_name(struct text line)
{
	const char *colon = line.length ? memchr(line.at, ':', line.length) : NULL;

	return (struct text){line.at, colon ? (size_t)(colon - line.at) : 0};
}

/* Of a line that has a name. */
static struct text header_value(struct text line)
{
	size_t name = header_name(line).length + 1;

	return text_trim((struct text){line.at + name, line.length - name});
}

static bool is_same_field(struct text a, struct text b)
{
	const struct field *field = field_find(a);

	return text_equal_nocase(a, b) || (field && field == field_find(b));
}

/* Against another line, an earlier one: the same twice is a slip of the editor, and two User-Agents
 * are no SIP. */
static int check_repeat(struct text line, struct text earlier, struct fault *fault)
{
	struct text name = header_name(line);
	const struct field *field = field_find(name);

	if (!is_same_field(name, header_name(earlier)))
		return 0;
	if (text_equal(header_value(line), header_value(earlier)))
		return fault_set(
			fault, -EINVAL, "the header \"%.*s\" is in it twice", shown(line), line.at);
	if (field && field->use == FIELD_ONCE)
		return fault_set(
			fault, -EINVAL, "a message has the header %s only once", field->name);
	return 0;
}

static int check_header(struct text line, struct fault *fault)
{
	struct text name = header_name(line);
	const struct field *field;

	if (!is_token(name) || find(line, TEXT("\\r")) || find(line, TEXT("\\n")))
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is not a header line such as X-Name: value (lines are separated "
			"by \\r\\n)",
			shown(line), line.at);
	for (size_t i = 0; i < line.length; i++) {
		if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return fault_set(fault, -EINVAL, "control character in header %.*s",
				shown(name), name.at);
	}
	field = field_find(name);
	if (field && field->use == FIELD_OWN)
		return fault_set(fault, -EINVAL, "natbox writes the header %.*s itself",
			shown(name), name.at);
	return 0;
}

/* Takes what stands before the next written-out \r\n. False: nothing is left. */
static bool next_line(struct text *lines, struct text *line)
{
	const char *end = find(*lines, TEXT("\\r\\n"));

	if (lines->length == 0)
		return false;
	line->at = lines->at;
	line->length = end ? (size_t)(end - lines->at) : lines->length;
	lines->at += line->length + (end ? 4 : 0);
	lines->length -= line->length + (end ? 4 : 0);
	return true;
}

/* earlier: the lines that are taken, each with its CRLF. */
static int check_repeats(struct text line, struct text earlier, struct fault *fault)
{
	while (earlier.length) {
		const char *end = find(earlier, TEXT("\r\n"));
		size_t length = (size_t)(end - earlier.at);

		if (check_repeat(line, (struct text){earlier.at, length}, fault) < 0)
			return -EINVAL;
		earlier = (struct text){end + 2, earlier.length - length - 2};
	}
	return 0;
}

int config_parse_headers(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char headers[EXTRA_HEADERS_MAX] = {0};
	struct text line;
	size_t used = 0;

	(void)key;
	while (next_line(&value, &line)) {
		if (check_header(line, fault) < 0 ||
			check_repeats(line, (struct text){headers, used}, fault) < 0)
			return -EINVAL;
		if (used + line.length + 2 >= sizeof(headers))
			return fault_set(
				fault, -EINVAL, "longer than %d bytes", EXTRA_HEADERS_MAX - 1);
		memcpy(headers + used, line.at, line.length);
		used += line.length;
		headers[used++] = '\r';
		headers[used++] = '\n';
	}
	memcpy(target, headers, sizeof(headers));
	return 0;
}
