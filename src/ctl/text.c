#include "ctl.h"

#include <natbox/base.h>

#include <stdio.h>

/* Texts in use at a time, and the longest that is shown. */
enum { TEXTS = 8, TEXT_SHOWN_MAX = 4096 };

/* A zero byte that a phone has put into a name is one of its characters. */
json_t *line_of(const char *bytes, size_t length)
{
	json_t *line = json_loadb(bytes, length, JSON_ALLOW_NUL, NULL);

	if (json_is_object(line))
		return line;
	json_decref(line);
	return NULL;
}

/* It may have come from anywhere. */
static const char *make_plain(struct text text)
{
	static char texts[TEXTS][TEXT_SHOWN_MAX];
	static unsigned next;
	char *out = texts[next++ % TEXTS];

	out[text_plain(text, out, TEXT_SHOWN_MAX - 1)] = 0;
	return out;
}

const char *text_of(const json_t *line, const char *key)
{
	const json_t *value = key ? json_object_get(line, key) : line;

	if (!json_is_string(value))
		return "";
	return make_plain((struct text){json_string_value(value), json_string_length(value)});
}

const char *plain_of(const char *text)
{
	return make_plain(text_from(text));
}

const char *short_aor(const json_t *line)
{
	const char *aor = text_of(line, "aor");

	return strncmp(aor, "sip:", 4) == 0 ? aor + 4 : aor;
}

uint64_t number_of(const json_t *line, const char *key)
{
	const json_int_t number = json_integer_value(json_object_get(line, key));

	return number > 0 ? (uint64_t)number : 0;
}

bool is_true(const json_t *line, const char *key)
{
	return json_is_true(json_object_get(line, key));
}

const char *span_of(uint64_t seconds, char text[static SPAN_MAX])
{
	const unsigned long long s = seconds;

	if (s < 60)
		snprintf(text, SPAN_MAX, "%llus", s);
	else if (s < 3600)
		snprintf(text, SPAN_MAX, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, SPAN_MAX, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(text, SPAN_MAX, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return text;
}

uint64_t time_us_of(const json_t *line)
{
	const double seconds = json_real_value(json_object_get(line, "time"));

	return seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds * 1e6 + 0.5) : 0;
}

const char *local_of(time_t time, const char *format, char text[static SPAN_MAX])
{
	struct tm local = {0};

	localtime_r(&time, &local);
	strftime(text, SPAN_MAX, format, &local);
	return text;
}

const char *clock_of(const json_t *line, unsigned decimals, char text[static SPAN_MAX])
{
	const uint64_t us = time_us_of(line);
	const size_t length = strlen(local_of((time_t)(us / 1000000), "%H:%M:%S", text));
	char fraction[SPAN_MAX];

	snprintf(fraction, sizeof(fraction), "%06u", (unsigned)(us % 1000000));
	if (decimals)
		snprintf(text + length, SPAN_MAX - length, ".%.*s", (int)decimals, fraction);
	return text;
}
