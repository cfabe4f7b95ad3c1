#include "sip_lex.h"

/* Where Via stands further down than that, the whole message is to be read. */
enum { LINES_MAX = 16 };

/* "SIP/2.0 200 OK" up to its line end. NULL where that is written in another way. */
static const char *read_status(const char *at, const char *end, unsigned *status)
{
	const struct text version = TEXT("SIP/2.0 ");
	const char *code, *rest;
	uint32_t number;

	if ((size_t)(end - at) <= version.length + 3 || memcmp(at, version.at, version.length) != 0)
		return NULL;
	code = at + version.length;
	rest = code + 3;
	if (!text_number(text_between(code, rest), &number) || number < 100 || number > 699 ||
		(*rest != ' ' && *rest != '\r' && *rest != '\n'))
		return NULL;
	*status = number;
	at = memchr(rest, '\n', (size_t)(end - rest));
	/* A carriage return that ends nothing would be a part of the status. */
	return at && (*rest != '\r' || at == rest + 1) ? at + 1 : NULL;
}

/* What follows the colon of a Via; NULL where the line is another header field. */
static const char *after_via(const char *at, const char *end)
{
	if (end - at >= 4 && text_equal_nocase(text_between(at, at + 3), TEXT("Via")))
		at += 3;
	else
		at += 1;
	return lex_at(at, end, ':') ? at + 1 : NULL;
}

/* The first header field that begins like a Via, if it is one. */
static const char *find_via(const char *at, const char *end)
{
	for (unsigned i = 0; at < end && i < LINES_MAX; i++) {
		if ((*at | 0x20) == 'v')
			return after_via(at, end);
		if (*at == '\r' || *at == '\n')
			return NULL;
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return NULL;
		at++;
	}
	return NULL;
}

/* The branch, which begins at at; NULL where what follows it may be more of it. */
static struct text read_branch(const char *at, const char *end)
{
	const char *stop = lex_run(at, end, LEX_TOKEN);

	if (stop == end || (*stop != ';' && *stop != '\r' && *stop != ','))
		return (struct text){0};
	return text_between(at, stop);
}

/* The first branch of a line of parameters. There may be no second value before it, and nothing
 * that hides one. */
static struct text find_branch(const char *start, const char *end)
{
	const struct text name = TEXT("branch=");
	const char *at = start;

	for (unsigned i = 0; i < SIP_PARAMS_MAX; i++) {
		at = memchr(at, ';', (size_t)(end - at));
		if (!at || (size_t)(end - at) <= name.length)
			break;
		at++;
		if (!text_equal_nocase(text_between(at, at + name.length), name))
			continue;
		if (lex_run(start, at, LEX_PLAIN) != at)
			break;
		return read_branch(at + name.length, end);
	}
	return (struct text){0};
}

bool sip_glance(struct text datagram, struct sip_glance *glance)
{
	const char *at = datagram.at, *end = text_end(datagram);

	at = read_status(at, end, &glance->status);
	at = at ? find_via(at, end) : NULL;
	end = at ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	if (!end)
		return false;
	glance->branch = find_branch(at, end);
	return glance->branch.length;
}
