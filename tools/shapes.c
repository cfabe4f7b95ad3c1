/* What a message costs the engine that is made to be dear: a header field full of commas, a body of
 * nothing but boundaries. Each such shape is timed and held against a plain message of its kind.
 *
 *     shapes [LIMIT]
 *
 * Prints the dearest shape of each kind, as nanoseconds a byte beyond a plain message, how many
 * there are and the worst of all. Fails when one costs more than LIMIT, 4 when not given. What a
 * shape costs is the least of several times, and one that seems dear is tried again and again, with
 * a yardstick beside it: where that takes longer than it does on the machine that LIMIT is for, its
 * processor is slower or shared, and the shape's time is taken for as much less. */
#include <natbox/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	MESSAGE_MAX = 65507, /* UDP's largest payload over IPv4 */
	AS_FIT = 100000,     /* times: more than fit */
	TRIES = 100,
	TRIES_TOO_DEAR = 1500, /* before that is said of a shape, */
	ROUNDS_TOO_DEAR = 40,  /* in so many rounds, */
	PAUSE_NS = 250000000,  /* between which whoever shares the core may end */
	YARD_BYTES = 4096,
	YARD_NS = 2460,   /* what that many bytes take there, by -O3 */
	SETTLING = 10000, /* plain messages, until caches and predictors know the way */
};

/* How long the message is, and how often at most something is repeated in it: as often as fits, and
 * about as often as there are bounds on values and parameters. What is left is another header
 * field. */
static const struct amount {
	size_t size, times;
} amounts[] = {{1400, AS_FIT}, {8000, AS_FIT}, {MESSAGE_MAX, AS_FIT}, {600, 30}, {800, 38},
	{1400, 56}, {1000, 62}, {2400, 88}, {8000, 250}, {MESSAGE_MAX, 250}};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define BRANCH       "z9hG4bKbranch"
#define MARK         "00000000" /* the number of CSeq, another one in each message */
#define PHONE        "203.0.113.1:5061"
#define BINDING      "<sip:a@203.0.113.1:5061;natbox=10.0.0.1-5060>"

/* What comes by, and which request it answers. */
static const struct kind {
	const char *name, *method, *start, *contact;
	const char *via_host; /* NULL: as in headers */
	bool in;              /* from the phone to the proxy */
	bool is_answer;
} kinds[] = {
	{"REGISTER", "REGISTER", "REGISTER sip:example.com SIP/2.0\r\n", "<sip:a@10.0.0.1:5060>",
		NULL, true, false},
	{"REGISTER of an IPv6 phone", "REGISTER", "REGISTER sip:example.com SIP/2.0\r\n",
		"<sip:a@[fd00::1]:5060>", "[fd00::1]:5060", true, false},
	{"200 to REGISTER", "REGISTER", "SIP/2.0 200 OK\r\n", BINDING, NULL, false, true},
	{"INVITE", "INVITE", "INVITE sip:b@example.com SIP/2.0\r\n", "<sip:a@10.0.0.1:5060>", NULL,
		true, false},
	{"200 to INVITE", "INVITE", "SIP/2.0 200 OK\r\n", "<sip:b@192.0.2.1>", NULL, false, true},
	{"302 to INVITE", "INVITE", "SIP/2.0 302 Moved\r\n", "<sip:b@192.0.2.1>", NULL, false,
		true},
	{"INVITE to a phone", "INVITE",
		"INVITE sip:a@203.0.113.1:5061;natbox=10.0.0.1-5060 SIP/2.0\r\n",
		"<sip:b@192.0.2.1>", NULL, false, false},
	{"200 of a phone", "INVITE", "SIP/2.0 200 OK\r\n", "<sip:a@10.0.0.1:5060>", NULL, true,
		true},
	{"BYE", "BYE", "BYE sip:b@example.com SIP/2.0\r\n", "<sip:a@10.0.0.1:5060>", NULL, true,
		false},
	{"SUBSCRIBE", "SUBSCRIBE", "SUBSCRIBE sip:b@example.com SIP/2.0\r\n",
		"<sip:a@10.0.0.1:5060>", NULL, true, false},
	{"200 to SUBSCRIBE", "SUBSCRIBE", "SIP/2.0 200 OK\r\n", "<sip:b@192.0.2.1>", NULL, false,
		true},
	{"NOTIFY to a phone", "NOTIFY", "NOTIFY sip:a@203.0.113.1:5061 SIP/2.0\r\n",
		"<sip:b@192.0.2.1>", NULL, false, false},
	{"OPTIONS", "OPTIONS", "OPTIONS sip:example.com SIP/2.0\r\n", "<sip:a@10.0.0.1:5060>", NULL,
		true, false},
};

/* Where what is repeated stands: in the place of a header field, of the start line, or behind all
 * that a plain message has. */
static const struct place {
	const char *name, *instead, *before, *after; /* instead of header fields by their names */
} places[] = {
	{"Contact", "Contact", "Contact: ", "\r\n"},
	{"Contacts after one", "Contact", "Contact: <sip:a@10.0.0.1>,", "\r\n"},
	{"Contacts before one", "Contact", "Contact: ", ",<sip:a@10.0.0.1>\r\n"},
	{"Contact's parameters", "Contact", "Contact: <sip:a@10.0.0.1>;x", "\r\n"},
	{"parameters of a repaired Contact", "Contact",
		"Contact: <sip:a@203.0.113.1:5061>;natbox=10.0.0.1;x", "\r\n"},
	{"a Contact's URI's parameters", "Contact", "Contact: <sip:a@10.0.0.1;x", ">\r\n"},
	{"a repaired Contact's URI", "Contact", "Contact: <sip:a@203.0.113.1:5061;x",
		";natbox=10.0.0.1>\r\n"},
	{"a Contact's user", "Contact", "Contact: <sip:x", "@10.0.0.1>\r\n"},
	{"a Contact's host", "Contact", "Contact: <sip:a@x", ">\r\n"},
	{"a bare Contact", "Contact", "Contact: sip:a@10.0.0.1;x", "\r\n"},
	{"a Contact's display name", "Contact", "Contact: \"", "\" <sip:a@10.0.0.1>\r\n"},
	{"a quoted parameter of Contact", "Contact", "Contact: <sip:a@10.0.0.1>;x=\"", "\"\r\n"},
	{"Via", "Via", "Via: ", "\r\n"},
	{"Vias after one", "Via", "Via: SIP/2.0/UDP 10.0.0.1;branch=" BRANCH ",", "\r\n"},
	{"a Via's parameters", "Via", "Via: SIP/2.0/UDP 10.0.0.1;branch=" BRANCH ";x", "\r\n"},
	{"a repaired Via's parameters", "Via",
		"Via: SIP/2.0/UDP 10.0.0.1;natbox;received=203.0.113.1;rport=5061;x",
		";branch=" BRANCH "\r\n"},
	{"a Via's comment", "Via", "Via: SIP/2.0/UDP 10.0.0.1;branch=" BRANCH " (", ")\r\n"},
	{"a quoted parameter of Via", "Via", "Via: SIP/2.0/UDP 10.0.0.1;branch=" BRANCH ";x=\"",
		"\"\r\n"},
	{"a Via's host", "Via", "Via: SIP/2.0/UDP x", ";branch=" BRANCH "\r\n"},
	{"a Via's branch", "Via", "Via: SIP/2.0/UDP 10.0.0.1;branch=x", "\r\n"},
	{"Route", "", "Route: ", "\r\n"},
	{"Route's parameters", "", "Route: <sip:198.51.100.1;lr>;x", "\r\n"},
	{"a Route's URI", "", "Route: <sip:203.0.113.1:5061;natbox=10.0.0.1;x", ">\r\n"},
	{"Record-Route", "", "Record-Route: ", "\r\n"},
	{"Record-Route's parameters", "", "Record-Route: <sip:198.51.100.1;lr>;x", "\r\n"},
	{"From", "From", "From: ", "\r\n"},
	{"From's parameters", "From", "From: <sip:a@example.com>;x", ";tag=1\r\n"},
	{"From's tag", "From", "From: <sip:a@example.com>;tag=x", "\r\n"},
	{"From's display name", "From", "From: \"", "\" <sip:a@example.com>;tag=1\r\n"},
	{"To", "To", "To: ", "\r\n"},
	{"To's parameters", "To", "To: <sip:a@example.com>;x", ";tag=1\r\n"},
	{"To's parameters, no tag", "To", "To: <sip:a@example.com>;x", "\r\n"},
	{"To's tag", "To", "To: <sip:a@example.com>;tag=x", "\r\n"},
	{"To's display name", "To", "To: \"", "\" <sip:a@example.com>;tag=1\r\n"},
	{"To's URI", "To", "To: <sip:a@203.0.113.1:5061;natbox=10.0.0.1;x", ">\r\n"},
	{"To's user", "To", "To: <sip:x", "@example.com>\r\n"},
	{"To's parameters without a branch", "Via To",
		"Via: SIP/2.0/UDP 10.0.0.1\r\nTo: <sip:a@example.com>;x", ";tag=1\r\n"},
	{"From's parameters without a branch", "Via From",
		"Via: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@example.com>;x", ";tag=1\r\n"},
	{"To, and once more", "To", "To: <sip:a@example.com>;x=", "\r\nt: <sip:a@example.com>\r\n"},
	{"To's host", "To", "To: <sip:a@x", ">\r\n"},
	{"Call-ID", "Call-ID", "Call-ID: x", "\r\n"},
	{"CSeq", "CSeq", "CSeq: " MARK " ", "\r\n"},
	{"Expires", "Expires", "Expires: ", "\r\n"},
	{"Event", "Event", "Event: presence;x", "\r\n"},
	{"Session-Expires", "", "Session-Expires: 90;x", "\r\n"},
	{"Subscription-State", "", "Subscription-State: active;x", ";expires=60\r\n"},
	{"Content-Length", "", "Content-Length: ", "\r\n"},
	{"another header field", "", "Y: ", "\r\n"},
	{"a header field's name", "", "Y", ": y\r\n"},
	{"header fields", "", "", "\r\n"},
	{"Content-Type", "", "Content-Type: application/sdp;x", "\r\n\r\nc=IN IP4 192.0.2.1\r\n"},
	{"multipart", "", "Content-Type: multipart/mixed;x", ";boundary=x\r\n\r\n--x\r\n\r\n"},
	{"SDP", "", "Content-Type: application/sdp\r\n\r\nv=0\r\n", "\r\n"},
	{"a part", "", "Content-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n", "\r\n"},
	{"boundaries", "",
		"Content-Type: multipart/a;boundary=x\r\n\r\n"
		"--x\r\nContent-Type: multipart/a;boundary=--\r\n\r\n--x\r\n"
		"Content-Type: multipart/a;boundary=---\r\n\r\n--x\r\n"
		"Content-Type: multipart/a;boundary=----\r\n\r\n--x\r\n\r\n",
		""},
	{"a part's header", "",
		"Content-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\nContent-Type: ", "\r\n"},
	{"method", "start", "", " sip:a@example.com SIP/2.0\r\n"},
	{"Request-URI", "start", "INVITE sip:a@203.0.113.1:5061;x", ";natbox=10.0.0.1 SIP/2.0\r\n"},
	{"Request-URI's quotes", "start", "INVITE sip:a@203.0.113.1:5061;x=\"",
		"\";natbox=10.0.0.1 SIP/2.0\r\n"},
	{"blanks before Request-URI", "start", "INVITE ", " sip:a@203.0.113.1 SIP/2.0\r\n"},
	{"a Contact's URI's quotes", "Contact", "Contact: <sip:a@10.0.0.1;x=\"", "\">\r\n"},
	{"Request-URI's user", "start", "INVITE sip:x", "@203.0.113.1 SIP/2.0\r\n"},
	{"Request-URI's host", "start", "INVITE sip:", " SIP/2.0\r\n"},
	{"reason phrase", "start", "SIP/2.0 200 ", "\r\n"},
	{"noise", "start", "", "\r\n"},
	{"a start line that is none", "start", "SIP/2.1 ", "\r\n"},
};

#define EIGHT(x) x x x x x x x x

static const char *const units[] = {
	"<sip:a@10.0.0.1" EIGHT(";x;x;x;x;x;x;x") ">" EIGHT(";y;y;y;y;y;y;y") ",",
	"sip:a@10.0.0.1" EIGHT(";y;y;y;y;y;y;y") ",",
	"<sip:203.0.113.1:5061" EIGHT(";x;x;x;x;x;x;x") ">" EIGHT(";y;y;y;y;y;y;y") ",",
	"SIP/2.0/UDP a;branch=x" EIGHT(";y;y;y;y;y;y;y") ",",
	"<sip:a@203.0.113.1:5061;natbox=10.0.0.1-5060>;expires=60,", "x", ",", ";", "\"", "<", ">",
	"(", ")", "()", "\\", "=", "@", ":", "[", "/", "?", "-", ".", "1", "1.", " ", "\t", "\r",
	"\n", "\r\n", "\r\n ", "\n\t", "x,", ",;", "x;", ";x", ";=", ";x=", ";x=1", ";x=\"",
	";x=\"\"", "\"\"", "\"\\\"", "\"\\\"\"", "\\\"", "\",\"", "\"<,>\"", "<>", "<>,", "<,>",
	"(,)", "(,", "sip:a,", "sip:a;x,", "<sip:a>,", "<sip:a@10.0.0.1>,", "<sip:a@192.0.2.1>,",
	"<sip:a@[2001:db8::1:2:3]>,", "<sip:a@10.0.0.1:5060>;expires=60,", "<sip:a@[::1]>,",
	"<sip:a@b.c>,", "<sip:a@203.0.113.1:5061;natbox=10.0.0.1>,",
	"<sip:a@203.0.113.1:5061;natbox=10.0.0.2>,", "sip:a@10.0.0.1,",
	"<sip:a@10.0.0.1;x;y;z>;x;y;z,", "SIP/2.0/UDP a,", "SIP/2.0/UDP 10.0.0.1;branch=x,",
	"SIP/2.0/UDP 10.0.0.1;branch=x;x;y (),", ";expires=1", ";+sip.instance=x", ";natbox=1",
	";received=203.0.113.1", ";rport=5061", ";rport", ";tag", ";tag=x", ";boundary=x",
	";transport=udp", " SIP/2", " S", "SIP/", "Y:\r\n", "Y: y\r\n", "x:\r\n", "Yyyy:y\n",
	"Y\t:\n", "y: y\r\n y\r\n", ":\r\n", "Contact: *\r\n", "Contact: <sip:a@10.0.0.1>\r\n",
	"m:\r\n", "m:,\r\n", "v: SIP/2.0/UDP a\r\n", "Route: <sip:a>\r\n", "f:\r\n",
	"t: <sip:a@example.com>;tag=2\r\n", "l:0\r\n", "l:00\r\n", "i:0123456789@phone\r\n",
	"Expires: 60\r\n", "Expires:060\r\n", "o:presence\r\n", "\" ;x=\"", "\"?\"", "a\n",
	"ab\r\n", "c\n", "-\n", " \n", "c=\r\n", "c=IN IP4 192.0.2.1\r\n", "c= 1.1.1.1\n",
	"c= ::1\n", "c= x/\n", "--x\r\n", "--x--\r\n", "----\n", "-----\n", "--x\n\n",
	"--x\nContent-Type: application/sdp\n\nc= 1.1.1.1\n", "Content-Type: a/b\n",
	"Content-Type: multipart/x;boundary=x\n", "content-type:/\n", "application/sdp;"};

static const char headers[] = "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=" BRANCH ";rport\r\n"
			      "Max-Forwards: 70\r\n"
			      "From: <sip:a@example.com>;tag=1\r\n"
			      "To: <sip:a@example.com>;tag=2\r\n"
			      "Call-ID: 0123456789@phone\r\n"
			      "CSeq: " MARK " METHOD\r\n"
			      "Contact: CONTACT\r\n"
			      "Event: presence\r\n"
			      "Expires: 60\r\n"
			      "User-Agent: shapes\r\n";

struct shape {
	const struct kind *kind;
	const struct place *place; /* NULL: a plain message */
	const char *unit;
	const struct amount *amount;
	size_t length;
	uint64_t ns;
};

/* A message whose CSeq changes each time. */
struct message {
	size_t length;
	char *mark;
	char bytes[MESSAGE_MAX + 1];
};

static struct engine *engine;
static uint64_t plain_ns[COUNT(kinds)];
static uint64_t now_us = 1000000000;
static unsigned mark;

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct address address_of(const char *text)
{
	struct address address = {0};

	if (address_parse(text_from(text), 5060, &address) != 0)
		exit(1);
	return address;
}

static void put(struct message *message, const char *text, size_t length)
{
	if (length > MESSAGE_MAX - message->length)
		length = MESSAGE_MAX - message->length;
	memcpy(message->bytes + message->length, text, length);
	message->length += length;
}

static void put_string(struct message *message, const char *string)
{
	put(message, string, strlen(string));
}

/* A line of the plain message's header, with what differs from kind to kind. */
static void put_line(
	struct message *message, const struct kind *kind, const char *line, size_t length)
{
	const char *end = line + length;

	if (memcmp(line, "CSeq:", 5) == 0) {
		put_string(message, "CSeq: " MARK " ");
		put_string(message, kind->method);
	} else if (memcmp(line, "Via:", 4) == 0 && kind->via_host) {
		put_string(message, "Via: SIP/2.0/UDP ");
		put_string(message, kind->via_host);
		put_string(message, ";branch=" BRANCH ";rport");
	} else if (memcmp(line, "Contact:", 8) == 0) {
		put_string(message, "Contact: ");
		put_string(message, kind->contact);
	} else {
		put(message, line, (size_t)(end - line) - 2);
	}
	put_string(message, "\r\n");
}

/* Whether a line is of one of the header fields named, with blanks between them. */
static bool is_one_of(const char *line, const char *names)
{
	size_t length = strcspn(line, ":");

	for (; *names; names += strspn(names, " ")) {
		size_t name_length = strcspn(names, " ");

		if (name_length == length && strncmp(line, names, length) == 0)
			return true;
		names += name_length;
	}
	return false;
}

static void put_headers(struct message *message, const struct kind *kind, const char *without)
{
	for (const char *line = headers, *next; *line; line = next) {
		next = strchr(line, '\n') + 1;
		if (!is_one_of(line, without))
			put_line(message, kind, line, (size_t)(next - line));
	}
}

/* Leaves room for as many bytes. What has been put is put again, twice as much each time: there are
 * a million messages of up to 64 KB to make. */
static void put_units(struct message *message, const struct shape *shape, size_t room)
{
	const size_t length = strlen(shape->unit), taken = message->length + room;
	const size_t fits =
		taken < shape->amount->size ? (shape->amount->size - taken) / length : 0;
	const size_t times = shape->amount->times < fits ? shape->amount->times : fits;
	const char *first = message->bytes + message->length;
	const char *end = first + times * length;

	if (times > 0)
		put(message, shape->unit, length);
	for (const char *at = first + length; at < end; at = message->bytes + message->length)
		put(message, first, (size_t)(end - at < at - first ? end - at : at - first));
}

/* What the units and as many other bytes leave. */
static void put_padding(struct message *message, const struct shape *shape, size_t room)
{
	size_t size = shape->amount->size - room, filled;

	if (shape->amount->times == AS_FIT)
		return;
	filled = strlen(shape->unit) * shape->amount->times;
	if (message->length + strlen("Y: \r\n") + filled > size)
		return;
	put_string(message, "Y: ");
	memset(message->bytes + message->length, 'y', size - filled - message->length - 2);
	message->length = size - filled - 2;
	put_string(message, "\r\n");
}

static void make(struct message *message, const struct shape *shape)
{
	static const struct place nowhere = {"", "", "", ""};
	const struct place *place = shape->place ? shape->place : &nowhere;
	bool in_start = strcmp(place->instead, "start") == 0;
	size_t behind = strlen(place->after) + sizeof("\r\n");

	message->length = 0;
	if (in_start) {
		put_string(message, place->before);
		put_units(message, shape, behind + sizeof(headers));
		put_string(message, place->after);
	} else {
		put_string(message, shape->kind->start);
	}
	put_headers(message, shape->kind, in_start ? "" : place->instead);
	if (shape->place && !in_start)
		put_padding(message, shape, behind + strlen(place->before));
	if (!in_start && shape->place) {
		put_string(message, place->before);
		put_units(message, shape, behind);
		put_string(message, place->after);
	}
	put_string(message, "\r\n");
	message->bytes[message->length] = 0;
	message->mark = strstr(message->bytes, "CSeq: " MARK);
}

static void set_mark(struct message *message)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%08u", mark % 100000000);
	if (message->mark)
		memcpy(message->mark + strlen("CSeq: "), digits, 8);
}

static void pass(const struct message *message, bool in)
{
	static struct address phone, proxy;
	struct flow flow;

	if (!phone.port) {
		phone = address_of(PHONE);
		proxy = address_of("198.51.100.1");
	}
	flow = (struct flow){in ? phone : proxy, in ? proxy : phone};
	engine_packet(engine, now_us, &flow, (struct text){message->bytes, message->length});
}

static const struct kind *asked_by(const struct kind *answer)
{
	for (const struct kind *kind = kinds;; kind++) {
		if (!kind->is_answer && kind->in != answer->in &&
			strcmp(kind->method, answer->method) == 0)
			return kind;
	}
}

/* Time the message takes, once its request has passed if it is an answer. */
static uint64_t take_time(struct message *message, const struct kind *kind)
{
	static struct message request;
	uint64_t start_ns;

	now_us += 1000;
	mark++;
	if (kind->is_answer) {
		make(&request, &(struct shape){.kind = asked_by(kind)});
		set_mark(&request);
		pass(&request, !kind->in);
	}
	set_mark(message);
	start_ns = clock_ns();
	pass(message, kind->in);
	return clock_ns() - start_ns;
}

static uint64_t least_time(struct shape *shape, unsigned tries, uint64_t enough_ns)
{
	static struct message message;
	uint64_t least_ns = UINT64_MAX, ns;

	make(&message, shape);
	shape->length = message.length;
	while (tries-- > 0 && least_ns > enough_ns) {
		ns = take_time(&message, shape->kind);
		if (ns < least_ns)
			least_ns = ns;
	}
	return least_ns;
}

/* Looks at each byte as a scanner does: that suffers as the engine does where something else on the
 * same core computes, which arithmetic alone hardly does. Where its loop stands makes it a quarter
 * slower or faster, so it stands at a line of the cache whatever else is linked. */
__attribute__((noinline, aligned(64))) static unsigned look_at(const char *text, size_t length)
{
	unsigned values = 0, params = 0;

	for (const char *at = text; at < text + length; at++) {
		if (*at == ',')
			values++;
		else if (*at == ';')
			params++;
		else if (*at >= 'a' && *at <= 'z')
			values ^= (unsigned)*at;
		else if (*at == '"')
			values += params;
	}
	return values + params;
}

static uint64_t yardstick_ns(void)
{
	static const char unit[] = "sip:a@10.0.0.1,";
	static char text[YARD_BYTES];
	uint64_t start_ns;

	for (unsigned i = 0; !text[YARD_BYTES - 1] && i < YARD_BYTES; i++)
		text[i] = unit[i % (sizeof(unit) - 1)];
	start_ns = clock_ns();
	mark += look_at(text, YARD_BYTES);
	return clock_ns() - start_ns;
}

/* The same, as it were where the yardstick takes YARD_NS. */
static uint64_t least_time_by_yardstick(struct shape *shape, uint64_t enough_ns)
{
	uint64_t least_ns = UINT64_MAX, least_yard_ns = UINT64_MAX, ns;

	for (unsigned i = 0; i < TRIES_TOO_DEAR && least_ns > enough_ns; i++) {
		ns = least_time(shape, 1, 0);
		least_ns = ns < least_ns ? ns : least_ns;
		ns = yardstick_ns();
		least_yard_ns = ns < least_yard_ns ? ns : least_yard_ns;
	}
	return least_yard_ns > YARD_NS ? least_ns * YARD_NS / least_yard_ns : least_ns;
}

/* The same of a shape that seems too dear. */
static uint64_t least_time_of_rounds(struct shape *shape, uint64_t enough_ns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t least_ns = least_time_by_yardstick(shape, enough_ns), ns;

	for (unsigned i = 1; i < ROUNDS_TOO_DEAR && least_ns > enough_ns; i++) {
		nanosleep(&pause, NULL);
		ns = least_time_by_yardstick(shape, enough_ns);
		least_ns = ns < least_ns ? ns : least_ns;
	}
	return least_ns;
}

static double ns_per_byte(const struct shape *shape)
{
	return ((double)shape->ns - (double)plain_ns[shape->kind - kinds]) / (double)shape->length;
}

/* What a shape of that length takes that costs so much a byte. */
static uint64_t ns_at(const struct shape *shape, double per_byte)
{
	return plain_ns[shape->kind - kinds] + (uint64_t)(per_byte * (double)shape->length);
}

/* The shape becomes the dearest, if it is dearer. */
static void measure(struct shape shape, struct shape *dearest, double limit)
{
	double most = ns_per_byte(dearest);

	shape.ns = least_time(&shape, 1, 0);
	if (ns_per_byte(&shape) > most)
		shape.ns = least_time(&shape, TRIES, ns_at(&shape, most));
	if (ns_per_byte(&shape) > limit && most <= limit)
		shape.ns = least_time_of_rounds(&shape, ns_at(&shape, limit));
	if (ns_per_byte(&shape) > most)
		*dearest = shape;
}

static void print(const struct shape *shape)
{
	char unit[64];
	size_t used = 0;

	for (const char *at = shape->unit; *at && used < sizeof(unit) - 3; at++) {
		if (*at == '\r' || *at == '\n' || *at == '\t') {
			unit[used++] = '\\';
			unit[used++] = *at == '\r' ? 'r' : *at == '\n' ? 'n' : 't';
		} else {
			unit[used++] = *at;
		}
	}
	unit[used] = 0;
	printf("%.2f ns a byte: %s, %s: many %s (%zu bytes, %.1f us)\n", ns_per_byte(shape),
		shape->kind->name, shape->place->name, unit, shape->length,
		(double)shape->ns / 1000);
	fflush(stdout);
}

static void on_event(void *context, const struct event *event)
{
	(void)context;
	(void)event;
}

static void on_send(void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context;
	(void)time_us;
	(void)flow;
	(void)bytes;
}

static void start_engine(void)
{
	static const uint8_t seed[16];
	const struct settings settings = {
		.nat = {.detect = (1u << NAT_TESTS) - 1,
			.fix_via = FIX_VIA_FULL,
			.fix_contact = true,
			.restore = true},
		.keepalive = {.rules.scope = KEEPALIVE_ALL,
			.rules.interval_us = 25000000,
			.from = "sip:keepalive@PROXY",
			.registrations = true,
			.subscriptions = true,
			.dialogs = true,
			.reply_timeout_us = 5000000},
		.timers = {32000000, 180000000, 43200000000},
		.limits = {.endpoints = 1000,
			.endpoints_per_address = 1000,
			.unproven = 1000,
			.unproven_per_address = 1000,
			.transactions = 1000,
			.datagram = 65535},
	};
	const struct engine_sink sink = {.send = on_send, .event = on_event};
	const struct address proxy = address_of("198.51.100.1");

	engine = engine_new(&settings, true, seed, &sink);
	if (!engine || engine_add_proxy(engine, &proxy) != 0)
		exit(1);
}

/* Returns how many shapes a kind has. */
static unsigned measure_kind(const struct kind *kind, struct shape *dearest, double limit)
{
	struct shape shape = {.kind = kind};
	unsigned count = 0;

	plain_ns[kind - kinds] = least_time(&shape, SETTLING, 0);
	*dearest = (struct shape){.kind = kind, .length = 1};
	for (size_t p = 0; p < COUNT(places); p++) {
		shape.place = &places[p];
		for (size_t u = 0; u < COUNT(units); u++) {
			shape.unit = units[u];
			for (size_t a = 0; a < COUNT(amounts); a++, count++) {
				shape.amount = &amounts[a];
				measure(shape, dearest, limit);
			}
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	double limit = argc > 1 ? atof(argv[1]) : 4, worst = 0;
	struct shape dearest;
	unsigned count = 0;

	start_engine();
	for (size_t k = 0; k < COUNT(kinds); k++) {
		count += measure_kind(&kinds[k], &dearest, limit);
		print(&dearest);
		if (ns_per_byte(&dearest) > worst)
			worst = ns_per_byte(&dearest);
	}
	printf("shapes %u\nworst_shape_ns_per_byte %.2f\n", count, worst);
	return worst > limit;
}
