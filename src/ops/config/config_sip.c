#include "config_parsers.h"

#include <natbox/keepalive.h>
#include <natbox/sip.h>

#include <errno.h>

static const char *find(struct text text, struct text part)
{
	return text.length ? memmem(text.at, text.length, part.at, part.length) : NULL;
}

/* Whether this is a SIP URI with an address in the place of PROXY. */
static bool from_is_uri(const char *from, struct text proxy)
{
	static const struct addressee alice = {
		.user = {"alice", 5}, .aor = {"sip:alice@example.com", 21}};
	char text[FROM_MAX + ADDRESS_TEXT_MAX + sizeof("sip:alice@example.com alice")];
	struct sip_uri uri;

	*keepalive_put_from(text, from, &alice, proxy) = 0;
	/* What others may send in a parameter, keepalives do not. */
	return !strpbrk(text, " \t\"") && sip_uri_parse(text_from(text), &uri) == 0 && uri.is_sip;
}

static int check_words(const char *from, struct fault *fault)
{
	for (unsigned i = 0; i < FROM_WORDS; i++) {
		const char *word = strstr(from, from_words[i]);

		if (word && strstr(word + 1, from_words[i]))
			return fault_set(
				fault, -EINVAL, "%s may stand in it only once", from_words[i]);
	}
	if (strstr(from, "AOR") && !text_starts_with(text_from(from), TEXT("AOR")))
		return fault_set(fault, -EINVAL,
			"AOR stands for a whole URI, as sip:alice@example.com, and may only be its "
			"beginning");
	return 0;
}

int config_parse_from(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	if (config_parse_string(key, value, target, fault) < 0 || check_words(target, fault) < 0)
		return -EINVAL;
	if (from_is_uri(target, TEXT("192.0.2.1:5070")) &&
		from_is_uri(target, TEXT("[2001:db8::1]")))
		return 0;
	return config_refuse(fault, value, "is not a SIP URI such as sip:keepalive@PROXY");
}

/* A final status, or all of a class, "4xx". */
static bool parse_status(struct text item, unsigned *first, unsigned *last)
{
	uint32_t number;

	if (item.length != 3 || item.at[0] < '2' || item.at[0] > '6')
		return false;
	if (text_equal_nocase((struct text){item.at + 1, 2}, TEXT("xx"))) {
		*first = (unsigned)(item.at[0] - '0') * 100;
		*last = *first + 99;
		return true;
	}
	if (!text_number(item, &number))
		return false;
	*first = *last = number;
	return true;
}

int config_parse_statuses(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	uint64_t others[STATUS_WORDS] = {0};
	struct text list = config_list_start(value), item;

	(void)key;
	if (!value.length)
		return fault_set(fault, -EINVAL, "may not be empty");
	if (text_equal_nocase(value, TEXT("any"))) {
		memset(target, 0, sizeof(others));
		return 0;
	}
	memset(others, 0xff, sizeof(others));
	while (config_list_next(&list, &item)) {
		unsigned first, last;

		if (text_equal_nocase(item, TEXT("any")))
			return fault_set(
				fault, -EINVAL, "any stands alone, and takes every status");
		if (!parse_status(item, &first, &last))
			return config_refuse(fault, item,
				"is neither any nor a final status such as 200 or 4xx");
		for (unsigned bit = first - STATUS_FIRST; bit <= last - STATUS_FIRST; bit++)
			others[bit / 64] &= ~(1ull << bit % 64);
	}
	memcpy(target, others, sizeof(others));
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

		if (text_equal_nocase(name, text_from(field->name)) ||
			text_equal_nocase(name, text_from(field->compact)))
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
		return fault_set(fault, -EINVAL, "the header \"%.*s\" is in it twice",
			config_shown(line), line.at);
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
		return config_refuse(fault, line,
			"is not a header line such as X-Name: value (lines are separated by "
			"\\r\\n)");
	for (size_t i = 0; i < line.length; i++) {
		if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return fault_set(fault, -EINVAL, "control character in header %.*s",
				config_shown(name), name.at);
	}
	field = field_find(name);
	if (field && field->use == FIELD_OWN)
		return fault_set(fault, -EINVAL, "natbox writes the header %.*s itself",
			config_shown(name), name.at);
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
