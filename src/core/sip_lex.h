/* What the SIP parsers share: eating a text from its front. Private to the core's SIP files. */
#ifndef NATBOX_SIP_LEX_H
#define NATBOX_SIP_LEX_H

#include <natbox/text.h>

/* Classes of bytes, RFC 3261 25.1. */
enum {
	LEX_BLANK = 1 << 0, /* space, tab, and the line ends of folded lines */
	LEX_TOKEN = 1 << 1,
	LEX_HOST = 1 << 2, /* of names and IPv4; with the underscore that real names have */
	LEX_IPV6 = 1 << 3, /* between the brackets */
	LEX_URI = 1 << 4,  /* anything but blanks, control bytes, quotes and angle brackets */
	LEX_SCHEME = 1 << 5,
	LEX_PARAM = 1 << 6, /* anything but blanks, quotes, semicolon, comma, equals, brackets */
};

extern const uint8_t lex_class[256];

static inline bool lex_is(char c, uint8_t class)
{
	return lex_class[(uint8_t)c] & class;
}

static inline bool lex_at(struct text rest, char c)
{
	return rest.length && *rest.at == c;
}

static inline void lex_skip(struct text *rest, size_t length)
{
	rest->at += length;
	rest->length -= length;
}

/* Eats the longest run of the class, which may be empty. */
static inline struct text lex_run(struct text *rest, uint8_t class)
{
	struct text run = {rest->at, 0};

	while (run.length < rest->length && lex_is(run.at[run.length], class))
		run.length++;
	lex_skip(rest, run.length);
	return run;
}

static inline void lex_skip_blanks(struct text *rest)
{
	lex_run(rest, LEX_BLANK);
}

/* The text before rest, which is its tail. */
static inline struct text lex_before(struct text whole, struct text rest)
{
	return (struct text){whole.at, (size_t)(rest.at - whole.at)};
}

/* Eats a quoted string, rest being at its first quote. False when it does not end. */
bool lex_quoted(struct text *rest);

/* The same for a comment: parentheses, which nest. */
bool lex_comment(struct text *rest);

/* Host and port of a URI or, where blanks may stand around the colon, of a Via. */
struct lex_host {
	struct text host; /* IPv6 in its brackets */
	struct text host_port;
	uint16_t port; /* 0 when absent */
};
bool lex_host_port(struct text *rest, bool blanks, struct lex_host *out);

/* One parameter of a list, rest being at its semicolon: ";name=value", ";flag" or, as some send it,
 * a lone semicolon. */
struct lex_param {
	struct text name;  /* may be empty */
	struct text value; /* at is NULL for a flag */
	const char *end;   /* where it ends, without the blanks that follow */
};
bool lex_param(struct text *rest, struct lex_param *param);

#endif
