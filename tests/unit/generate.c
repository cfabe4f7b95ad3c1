#include "generate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array)             (sizeof(array) / sizeof(*(array)))
#define ANY_OF(generator, array) ((array)[generator_below((generator), COUNT(array))])

enum { FIELDS_MAX = 48, FIELD_MAX = 2048, VALUES_MAX = 4 };

static const char *const methods[] = {"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS",
	"SUBSCRIBE", "NOTIFY", "PRACK", "UPDATE", "REFER", "MESSAGE", "PUBLISH", "INFO"};
static const unsigned statuses[] = {
	100, 180, 183, 200, 202, 302, 401, 404, 407, 481, 486, 503, 603};
static const char *const hosts[] = {"10.0.0.2", "192.168.1.20", "172.16.254.1", "100.64.7.7",
	"192.0.2.15", "198.51.100.4", "[2001:db8::9:1]", "[fd00::1]", "[2001:db8::192.0.2.33]",
	"phone", "sip.example.com", "a-b.example.org"};
static const char *const ports[] = {"", "", ":5060", ":5062", ":1", ":65535", ":0"};
static const char *const users[] = {"alice", "+12125551212", "1000", "bob.smith", "carol:pass",
	"a%20b", "%40at", "semi;par=u", "q?mark", "(to-be!sure)&isn't+it$", "x,y", "_~*'"};
static const char *const displays[] = {"", "", "Alice ", "Bob B. Smith ", "\"\" ", "\"Carol\"",
	"\"Smith, John\" ", "\"a;b=c <sip:x@y>, d\" ", "\"say \\\"hi, <you>\\\"\" ",
	"\"back\\\\\" ", "\"J\xc3\xb6rg (home)\" "};
static const char *const uri_params[] = {";transport=udp", ";lr", ";user=phone", ";ob",
	";rinstance=6ad1b4c5", ";maddr=192.0.2.7", ";maddr=[fd00::A]", ";MAddr=10.0.0.2",
	";x=%3b%2c", ";gr=urn:uuid:f81d4fae", ";gr", ";thinfo=\"VG8+P/oI==\"",
	";n=\"a b, c? ; d=e\"", "; odd"};
static const char *const addr_params[] = {"q=0.7",
	"+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0>\"", "reg-id=1", "note=\"a, b; c=\\\"d\\\"\"",
	"audio", "x=a=b=="};
static const char *const via_params[] = {"rport", "received=192.0.2.99", "ttl=16",
	"maddr=224.0.1.75", "maddr = 10.0.0.2", "maddr=Phone-1.lan", "note=\"x, y; z\"", "alias"};
static const char *const oddities[] = {"Max-Forwards: 70", "Subject: tea, \"cakes\" <and> more;",
	"s: short", "User-Agent: Phone/1.2 (a, b; <c> \"d\")", "X-Empty:", "X-Odd: ;;,,;<,\"",
	"Supported: path, outbound, gruu", "k: 100rel", "Allow: INVITE, ACK, BYE",
	"X-Folded: one\r\n two\r\n\tthree", "Date: Sat, 13 Nov 2010 23:29:00 GMT",
	"X-Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKno", "Timestamp: 54"};

/* The fields of the message that is being made, each a whole "Name: value". */
struct draft {
	struct generator *generator;
	unsigned count;
	struct {
		const char *list; /* the name of a header whose order counts, or NULL */
		bool may_stand_once;
		char text[FIELD_MAX];
	} fields[FIELDS_MAX];
};

void generator_seed(struct generator *generator, uint64_t seed)
{
	generator->state = seed;
}

/* splitmix64, after Steele, Lea and Flood. */
static uint64_t next_random(struct generator *generator)
{
	uint64_t z = generator->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t generator_below(struct generator *generator, uint32_t limit)
{
	return (uint32_t)((next_random(generator) >> 32) * limit >> 32);
}

bool generator_once_in(struct generator *generator, uint32_t times)
{
	return generator_below(generator, times) == 0;
}

__attribute__((format(printf, 2, 3))) static void append(char *field, const char *format, ...)
{
	size_t used = strlen(field);
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(field + used, FIELD_MAX - used, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= FIELD_MAX - used)
		abort();
}

/* Each argument of its own: C does not say in which order a call's arguments are made. */
static void append_any(
	struct generator *generator, char *field, const char *const *parts, size_t count)
{
	append(field, "%s", parts[generator_below(generator, (uint32_t)count)]);
}

static void append_number(struct generator *generator, char *field, uint32_t limit)
{
	append(field, "%u", generator_below(generator, limit));
}

static void append_token(struct generator *generator, char *field)
{
	append(field, "%08x", generator_below(generator, UINT32_MAX));
}

/* White space where the grammar lets it stand; mostly as everybody writes it. */
static void append_blank(struct generator *generator, char *field, const char *usual)
{
	static const char *const unusual[] = {" ", "  ", "\t", "\r\n ", " \r\n\t "};

	if (generator_once_in(generator, 12))
		append_any(generator, field, unusual, COUNT(unusual));
	else
		append(field, "%s", usual);
}

/* A separator with white space around it. */
static void append_separator(struct generator *generator, char *field, const char *separator)
{
	append_blank(generator, field, "");
	append(field, "%s", separator);
	append_blank(generator, field, "");
}

static char *begin_oddity(struct draft *draft)
{
	if (draft->count == FIELDS_MAX)
		abort();
	return draft->fields[draft->count++].text;
}

static char *last_field(struct draft *draft)
{
	return draft->fields[draft->count - 1].text;
}

/* "Name: " in any of its forms. */
static char *begin_field(struct draft *draft, const char *name, const char *compact)
{
	struct generator *generator = draft->generator;
	bool upper = generator_once_in(generator, 8), lower = generator_once_in(generator, 8);
	char *field = begin_oddity(draft);

	append(field, "%s", compact && generator_once_in(generator, 4) ? compact : name);
	for (char *at = field; *at; at++) {
		if (upper && *at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
		else if (lower && *at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	append(field, "%s:", generator_once_in(generator, 12) ? " " : "");
	append_blank(generator, field, " ");
	draft->fields[draft->count - 1].may_stand_once = true;
	return field;
}

/* Some of them, each once at most. */
static void append_params(
	struct generator *generator, char *field, const char *const *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!generator_once_in(generator, 4))
			continue;
		append_separator(generator, field, ";");
		append(field, "%s", params[i]);
	}
}

static void append_host_port(struct generator *generator, char *field)
{
	append_any(generator, field, hosts, COUNT(hosts));
	append_any(generator, field, ports, COUNT(ports));
}

static void append_uri(struct generator *generator, char *field, bool bare)
{
	const char *user = ANY_OF(generator, users);

	append(field, "%s:", generator_once_in(generator, 12) ? "sips" : "sip");
	if (!generator_once_in(generator, 8))
		append(field, "%s@", bare && strpbrk(user, ",;?") ? "dave" : user);
	append_host_port(generator, field);
	if (bare)
		return;
	for (size_t i = 0; i < COUNT(uri_params); i++) {
		if (generator_once_in(generator, 6))
			append(field, "%s", uri_params[i]);
	}
	if (generator_once_in(generator, 12))
		append(field, "?Subject=a%%20b&X=y");
}

static void append_address(struct generator *generator, char *field)
{
	if (generator_once_in(generator, 5)) {
		append_uri(generator, field, true);
		return;
	}
	append_any(generator, field, displays, COUNT(displays));
	append(field, "<");
	append_uri(generator, field, false);
	append(field, ">");
}

static void append_contact(struct generator *generator, char *field)
{
	size_t split = generator_below(generator, COUNT(addr_params) + 1);

	append_address(generator, field);
	append_params(generator, field, addr_params, split);
	if (generator_once_in(generator, 2)) {
		append_separator(generator, field, ";");
		append(field, "expires");
		append_separator(generator, field, "=");
		append_number(generator, field, 7200);
	}
	append_params(generator, field, addr_params + split, COUNT(addr_params) - split);
}

/* Of RFC 3261, of RFC 2543 or none. */
static void append_branch(struct generator *generator, char *field)
{
	if (generator_once_in(generator, 12))
		return;
	append_separator(generator, field, ";");
	append(field, "branch");
	append_separator(generator, field, "=");
	append(field, "%s", generator_once_in(generator, 12) ? "" : "z9hG4bK");
	append_token(generator, field);
}

static void append_via(
	struct generator *generator, char *field, const char *sent_by, bool empty_rport)
{
	static const char *const transports[] = {"UDP", "UDP", "UDP", "TCP", "TLS", "udp", "SCTP"};
	size_t split = generator_below(generator, COUNT(via_params) + 1);

	append(field, "SIP");
	append_separator(generator, field, "/");
	append(field, "2.0");
	append_separator(generator, field, "/");
	append_any(generator, field, transports, COUNT(transports));
	append_blank(generator, field, " ");
	if (sent_by)
		append(field, "%s", sent_by);
	else
		append_host_port(generator, field);
	if (empty_rport && generator_once_in(generator, 4)) {
		append_separator(generator, field, ";");
		append(field, "rport");
		append_separator(generator, field, "=");
	}
	append_params(generator, field, via_params, split);
	append_branch(generator, field);
	append_params(generator, field, via_params + split, COUNT(via_params) - split);
}

/* Begins a value of a list: after a comma, or in a header field of its own. */
static char *begin_value(struct draft *draft, bool first, const char *name, const char *compact)
{
	if (first || generator_once_in(draft->generator, 2)) {
		begin_field(draft, name, compact);
		draft->fields[draft->count - 1].list = name;
		draft->fields[draft->count - 1].may_stand_once = false;
	} else {
		append_separator(draft->generator, last_field(draft), ",");
	}
	return last_field(draft);
}

static unsigned add_vias(struct draft *draft, const struct generate_wish *wish)
{
	unsigned count =
		wish->vias ? wish->vias : 1 + generator_below(draft->generator, VALUES_MAX);

	for (unsigned i = 0; i < count; i++)
		append_via(draft->generator, begin_value(draft, i == 0, "Via", "v"),
			i == 0 ? wish->via_host : NULL, wish->empty_rport);
	return count;
}

static unsigned add_contacts(struct draft *draft, const struct generate_wish *wish)
{
	unsigned count =
		wish->contacts ? wish->contacts : generator_below(draft->generator, VALUES_MAX);

	if (wish->no_contact)
		return 0;
	if (!wish->contacts && !wish->no_star && generator_once_in(draft->generator, 20)) {
		append(begin_value(draft, true, "Contact", "m"), "*");
		return 1;
	}
	for (unsigned i = 0; i < count; i++)
		append_contact(draft->generator, begin_value(draft, i == 0, "Contact", "m"));
	return count;
}

static void add_routes(struct draft *draft, const char *name)
{
	unsigned count = generator_below(draft->generator, 3);

	for (unsigned i = 0; i < count; i++) {
		char *field = begin_value(draft, i == 0, name, NULL);

		append(field, "<sip:%s;lr>", ANY_OF(draft->generator, hosts));
	}
}

static void add_dialog(struct draft *draft, const char *method)
{
	struct generator *generator = draft->generator;
	char *field = begin_field(draft, "From", "f");

	append_address(generator, field);
	append_separator(generator, field, ";");
	append(field, "tag=");
	append_token(generator, field);

	field = begin_field(draft, "To", "t");
	append_address(generator, field);
	append_params(generator, field, addr_params, COUNT(addr_params));

	field = begin_field(draft, "Call-ID", "i");
	append_token(generator, field);
	append(field, "@%s", ANY_OF(generator, hosts));

	field = begin_field(draft, "CSeq", NULL);
	append_number(generator, field, 0x80000000);
	append_blank(generator, field, " ");
	append(field, "%s", method);
}

static void add_optional(struct draft *draft)
{
	struct generator *generator = draft->generator;

	if (generator_once_in(generator, 3))
		append_number(generator, begin_field(draft, "Expires", NULL), 7200);
	if (generator_once_in(generator, 4))
		append(begin_field(draft, "Event", "o"), "presence;id=a1");
	if (generator_once_in(generator, 4))
		append(begin_field(draft, "Subscription-State", NULL), "active;expires=600");
	if (generator_once_in(generator, 4))
		append(begin_field(draft, "Session-Expires", "x"), "1800;refresher=uac");
	for (size_t i = 0; i < COUNT(oddities); i++) {
		if (generator_once_in(generator, 6))
			append(begin_oddity(draft), "%s", oddities[i]);
	}
}

/* Some of what may stand once stands there again. */
static void add_doubles(struct draft *draft)
{
	unsigned count = draft->count;

	for (unsigned i = 0; i < count && draft->count < FIELDS_MAX; i++) {
		if (draft->fields[i].may_stand_once && generator_once_in(draft->generator, 40))
			append(begin_oddity(draft), "%s", draft->fields[i].text);
	}
}

/* In any order, but those of one list in theirs. */
static void shuffle(struct draft *draft, unsigned order[static FIELDS_MAX])
{
	unsigned swap;

	for (unsigned i = 0; i < draft->count; i++)
		order[i] = i;
	for (unsigned i = draft->count; i > 1; i--) {
		unsigned other = generator_below(draft->generator, i);

		swap = order[i - 1], order[i - 1] = order[other], order[other] = swap;
	}
	for (unsigned i = 0; i < draft->count; i++) {
		for (unsigned j = i + 1; j < draft->count; j++) {
			if (order[j] < order[i] && draft->fields[order[i]].list &&
				draft->fields[order[i]].list == draft->fields[order[j]].list)
				swap = order[i], order[i] = order[j], order[j] = swap;
		}
	}
}

/* With and without Content-Length, followed by bytes that are no part of it, and full of lines that
 * are no header fields. */
static const char *add_body(struct draft *draft, struct generated *message)
{
	static const char *const bodies[] = {"", "", "v=0\r\nc=IN IP4 10.0.0.2\r\n",
		"Via: SIP/2.0/UDP 10.9.9.9\r\nContact: <sip:x@10.9.9.9>\r\n\r\n", "x"};
	struct generator *generator = draft->generator;
	const char *body = ANY_OF(generator, bodies);

	message->body_length = strlen(body);
	if (*body)
		append(begin_field(draft, "Content-Type", "c"), "application/sdp");
	if (*body == 0 || !generator_once_in(generator, 4)) {
		message->body_length -= *body && generator_once_in(generator, 8) ? 1 : 0;
		append(begin_field(draft, "Content-Length", "l"), "%zu", message->body_length);
	}
	return body;
}

static void start_line(struct generator *generator, const struct generate_wish *wish,
	const char *method, char *line)
{
	if (wish->kind == GENERATE_REQUEST ||
		(wish->kind == GENERATE_ANY && generator_once_in(generator, 2))) {
		append(line, "%s ", method);
		append_uri(generator, line, false);
		append(line, " SIP/2.0");
	} else {
		static const char *const reasons[] = {
			"OK", "Not so, \"good\"", "", "\xc3\xa9t\xc3\xa9"};

		append(line, "SIP/2.0 %u ",
			wish->status ? wish->status : ANY_OF(generator, statuses));
		append_any(generator, line, reasons, COUNT(reasons));
	}
}

static void put(struct generated *message, const char *text, const char *line_end)
{
	int length = snprintf(message->bytes + message->length, GENERATED_MAX - message->length,
		"%s%s", text, line_end);

	if (length < 0 || (size_t)length >= GENERATED_MAX - message->length)
		abort();
	message->length += (size_t)length;
}

void generate_message(
	struct generator *generator, const struct generate_wish *wish, struct generated *message)
{
	const char *method = wish->method ? wish->method : ANY_OF(generator, methods), *body;
	struct draft draft = {.generator = generator};
	unsigned order[FIELDS_MAX];
	char line[FIELD_MAX] = "";

	start_line(generator, wish, method, line);
	message->length = 0;
	message->is_request = strncmp(line, "SIP/", 4) != 0;
	message->vias = add_vias(&draft, wish);
	message->contacts = add_contacts(&draft, wish);
	add_dialog(&draft, method);
	add_routes(&draft, "Record-Route");
	if (message->is_request)
		add_routes(&draft, "Route");
	add_optional(&draft);
	body = add_body(&draft, message);
	add_doubles(&draft);

	shuffle(&draft, order);
	put(message, line, "\r\n");
	for (unsigned i = 0; i < draft.count; i++)
		put(message, draft.fields[order[i]].text, "\r\n");
	put(message, "\r\n", body);
}
