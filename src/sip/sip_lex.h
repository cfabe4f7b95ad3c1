/* What the SIP parsers share: eating bytes from at on, never past end. A lexer returns where it
 * stopped; one that can fail returns NULL then. Private to the core's SIP files. */
#ifndef NATBOX_SIP_LEX_H
#define NATBOX_SIP_LEX_H

#include <natbox/sip.h>

/* Classes of bytes, RFC 3261 25.1. */
enum {
	LEX_BLANK = 1 << 0, /* space, tab, and the line ends of folded lines */
	LEX_TOKEN = 1 << 1,
	LEX_HOST = 1 << 2, /* of names and IPv4; with the underscore that real names have */
	LEX_IPV6 = 1 << 3, /* between the brackets */
	LEX_URI = 1 << 4,  /* anything but blanks, control bytes, quotes and angle brackets */
	LEX_SCHEME = 1 << 5,
	LEX_VALUE = 1 << 6,  /* of a parameter: those of a URI without semicolon and comma */
	LEX_NAME = 1 << 7,   /* of a parameter: the same without equals sign */
	LEX_PLAIN = 1 << 8,  /* anything but comma, quote, open angle bracket and parenthesis */
	LEX_REMARK = 1 << 9, /* anything but parentheses and backslash */
	LEX_TEXT = 1 << 10,  /* anything but line ends and control bytes */
};

extern const uint16_t lex_class[256];

static inline bool lex_is(char c, uint16_t class)
{
	return lex_class[(uint8_t)c] & class;
}

static inline bool lex_at(const char *at, const char *end, char c)
{
	return at < end && *at == c;
}

/* The longest run of the class, which may be empty. Four bytes at a time: here most of a scan's
 * time goes. */
static inline const char *lex_run(const char *at, const char *end, uint16_t class)
{
	for (; end - at >= 4; at += 4) {
		if (!lex_is(at[0], class))
			return at;
		if (!lex_is(at[1], class))
			return at + 1;
		if (!lex_is(at[2], class))
			return at + 2;
		if (!lex_is(at[3], class))
			return at + 3;
	}
	while (at < end && lex_is(*at, class))
		at++;
	return at;
}

/* A carriage return alone is no blank: some read it as a line end, and see another message. */
static inline const char *lex_blanks(const char *at, const char *end)
{
	while (at < end && lex_is(*at, LEX_BLANK) &&
		(*at != '\r' || (at + 1 < end && at[1] == '\n')))
		at++;
	return at;
}

/* Where a header field ends that starts at at, with the lines that are the rest of it (RFC 3261
 * 7.3.1): its line feed, or NULL. */
static inline const char *lex_feed(const char *at, const char *end)
{
	const char *feed = memchr(at, '\n', (size_t)(end - at));

	while (feed && (lex_at(feed + 1, end, ' ') || lex_at(feed + 1, end, '\t'))) {
		at = feed + 2;
		/* A search takes longer than a line that is empty. */
		if (lex_at(at, end, '\r'))
			at++;
		feed = lex_at(at, end, '\n') ? at : memchr(at, '\n', (size_t)(end - at));
	}
	return feed;
}

/* A quoted string, at being its first quote. NULL when it does not end. */
const char *lex_quoted(const char *at, const char *end);

/* The same for a comment: parentheses, which nest. */
const char *lex_comment(const char *at, const char *end);

/* A flaw of a message that can be read: the first is the one that is told. */
static inline void lex_note_flaw(struct sip_message *message, enum sip_defect flaw)
{
	if (!message->flaw)
		message->flaw = flaw;
}

enum sip_method lex_method(struct text name);

/* A start line, without its line end: into the message, or what is wrong with it. */
enum sip_defect lex_start_line(struct text line, struct sip_message *message);

/* Whether somebody meant SIP by a start line that is none: it names the protocol. */
bool lex_means_sip(struct text line);

/* The header fields, and the body, which is what follows them: into the message, or what is wrong
 * with it. Lists are parted into their values; nothing is taken apart any further. */
enum sip_defect lex_headers(struct sip_message *message, const char *at, const char *end);

/* Host and port of a URI or, where blanks may stand around the colon, of a Via. */
struct lex_host {
	struct text host; /* IPv6 in its brackets */
	struct text host_port;
	uint16_t port; /* 0 when absent, or when that is what it says */
};
const char *lex_host_port(const char *at, const char *end, bool blanks, struct lex_host *out);

/* One parameter of a list, at being its semicolon: ";name=value", ";flag" or, as some send it, a
 * lone semicolon. Stops at the next semicolon or the end; NULL when something else follows. */
struct lex_param {
	struct text name;  /* may be empty */
	struct text value; /* at is NULL for a flag */
	const char *end;   /* where it ends, without the blanks that follow */
};
const char *lex_param(const char *at, const char *end, struct lex_param *param);

/* sip_uri_parse for what is known to be of LEX_URI throughout. */
int lex_uri(struct text uri, struct sip_uri *out);

/* The same where the first byte that is not stands at odd, which has to be in its parameters. */
int lex_odd_uri(struct text uri, const char *odd, struct sip_uri *out);

/* sip_name_addr_parse that leaves its URI in *uri, when that is odd. */
int lex_name_addr(struct text value, struct sip_name_addr *out, struct sip_uri *uri);

/* Parts the values of a header field at their commas, and keeps where they stand. False when they
 * are more than a message of that length may have. */
bool lex_values(struct sip_message *message, enum sip_list list, struct text field);

#endif
