#include "ctl.h"

#include <natbox/wire.h>

#include <stdio.h>

enum { MESSAGE_MAX = 65535 };

static int value_of(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands there in base64 (RFC 4648 4), as far as there is room. */
static size_t decode(const char *text, char *out, size_t room)
{
	unsigned bits = 0, count = 0;
	size_t used = 0;

	for (; value_of(*text) >= 0 && used < room; text++) {
		bits = bits << 6 | (unsigned)value_of(*text);
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[used++] = (char)(bits >> count & 0xff);
		}
	}
	return used;
}

static struct address address_of(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	struct address address = {0};

	if (text)
		address_parse(text_from(text), 0, &address);
	return address;
}

/* Line ends are line ends; of all else nothing does something to a terminal. */
static void print_message(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)bytes[i];

		if (c == '\r' && i + 1 < length && bytes[i + 1] == '\n')
			continue;
		if (c == '\n' || (c >= ' ' && c < 0x7f))
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	if (length && bytes[length - 1] != '\n')
		putchar('\n');
	putchar('\n');
}

static void print_head(const json_t *line)
{
	const char *what = text_of(line, "what"), *verdict = text_of(line, "verdict");
	char clock[SPAN_MAX];

	if (strcmp(verdict, "rewrite") == 0)
		verdict = ", and leaves as:";
	else if (strcmp(verdict, "consume") == 0)
		verdict = ", and ends here";
	else if (*verdict)
		verdict = ", and leaves as it came";
	printf("-- %s %s > %s %s%s\n", clock_of(line, 6, clock), text_of(line, "source"),
		text_of(line, "destination"), what, verdict);
}

static void write_message(struct ctl *ctl, const json_t *line, struct text message)
{
	const struct flow flow = {
		.source = address_of(line, "source"),
		.destination = address_of(line, "destination"),
	};
	struct fault fault;

	if (writer_add(ctl->writer, time_us_of(line), &flow, message, &fault) != 0)
		ctl->failure = ctl_fail(CTL_REFUSED, "%s", fault.line);
}

/* What stands in the file is kept until there is something to take its place. */
static void begin(struct ctl *ctl, const json_t *line)
{
	struct fault fault;

	if (ctl->file && writer_open(ctl->file, &ctl->writer, &fault) != 0)
		ctl->failure = ctl_fail(CTL_REFUSED, "%s", fault.line);
	else
		fprintf(stderr, "natboxctl: tracing %s, endpoints now: %llu\n",
			text_of(line, "tracing"), (unsigned long long)number_of(line, "endpoints"));
}

void trace_message(struct ctl *ctl, const json_t *line)
{
	static char message[MESSAGE_MAX];
	const char *base64 = json_string_value(json_object_get(line, "base64"));
	size_t length;

	if (!base64) {
		begin(ctl, line);
		return;
	}
	length = decode(base64, message, sizeof(message));
	if (ctl->writer) {
		write_message(ctl, line, (struct text){message, length});
		return;
	}
	print_head(line);
	print_message(message, length);
}
