#include "ctl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROW_MAX = 4096 };

/* What there is to know of an endpoint's keepalives in a word. */
static const char *state_of(const json_t *line, char text[static SPAN_MAX])
{
	const uint64_t missed = number_of(line, "missed");

	if (is_true(line, "lost"))
		return "lost";
	if (!is_true(line, "proven"))
		return "unproven";
	if (!missed)
		return "reachable";
	snprintf(text, SPAN_MAX, "missed %" PRIu64, missed);
	return text;
}

/* As in 1r 2s 1d. */
static const char *reasons_of(const json_t *line, char text[static SPAN_MAX])
{
	static const char *const keys[] = {"registrations", "subscriptions", "dialogs"};
	size_t used = 0;

	*text = 0;
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t count = number_of(line, keys[i]);

		if (count)
			used += (size_t)snprintf(text + used, SPAN_MAX - used, "%s%" PRIu64 "%c",
				used ? " " : "", count, "rsd"[i]);
	}
	return text;
}

static const char *next_of(const json_t *line, char text[static SPAN_MAX])
{
	return json_object_get(line, "next") ? span_of(number_of(line, "next"), text) : "-";
}

/* On a terminal what does not fit is cut, for the table to stay one. */
__attribute__((format(printf, 1, 2))) static void print_row(const char *format, ...)
{
	struct winsize size = {0};
	char row[ROW_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row, sizeof(row), format, arguments);
	va_end(arguments);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		printf("%.*s\n", size.ws_col, row);
	else
		puts(row);
}

void show_endpoint(struct ctl *ctl, const json_t *line)
{
	char state[SPAN_MAX], quiet[SPAN_MAX], next[SPAN_MAX], ends[SPAN_MAX], reasons[SPAN_MAX];

	if (!ctl->shown++)
		print_row("%-21s %-9s %6s %6s %6s %-8s %s", "CLIENT", "STATE", "QUIET", "NEXT",
			"ENDS", "WHY", "ADDRESS OF RECORD");
	print_row("%-21s %-9s %6s %6s %6s %-8s %s", text_of(line, "client"), state_of(line, state),
		span_of(number_of(line, "quiet"), quiet), next_of(line, next),
		span_of(number_of(line, "expires"), ends), reasons_of(line, reasons),
		short_aor(line));
}

void show_lost(struct ctl *ctl, const json_t *line)
{
	char quiet[SPAN_MAX];

	if (!ctl->shown++)
		print_row("%-21s %-21s %6s %6s %s", "CLIENT", "PROXY", "QUIET", "MISSED",
			"ADDRESS OF RECORD");
	print_row("%-21s %-21s %6s %6" PRIu64 " %s", text_of(line, "client"),
		text_of(line, "proxy"), span_of(number_of(line, "quiet"), quiet),
		number_of(line, "missed"), short_aor(line));
}

static void print_tests(const json_t *tests)
{
	printf("  nat           ");
	for (size_t i = 0; i < json_array_size(tests); i++)
		printf("%s%s", i ? ", " : "", text_of(json_array_get(tests, i), NULL));
	printf("%s\n", json_array_size(tests) ? "" : "no test hits");
}

static void print_state(const json_t *line)
{
	char quiet[SPAN_MAX];

	span_of(number_of(line, "quiet"), quiet);
	if (is_true(line, "lost"))
		printf("  state         LOST: %" PRIu64 " keepalives in a row without an answer\n",
			number_of(line, "missed"));
	else if (!is_true(line, "proven"))
		printf("  state         unproven: nothing shows yet that somebody is there\n");
	else if (number_of(line, "missed"))
		printf("  state         reachable, but keepalives missed in a row: %" PRIu64 "\n",
			number_of(line, "missed"));
	else
		printf("  state         reachable\n");
	printf("  last heard    %s ago\n", quiet);
}

static void print_reason(const json_t *reason)
{
	char ends[SPAN_MAX];
	const char *user = text_of(reason, "user");

	printf("  %-13s %s%s%s%s, ends in %s\n", text_of(reason, "reason"), text_of(reason, "id"),
		*user ? " as " : "", user, is_true(reason, "early") ? ", ringing" : "",
		span_of(number_of(reason, "expires"), ends));
}

void show_one(struct ctl *ctl, const json_t *line)
{
	const json_t *reasons = json_object_get(line, "reasons");
	char next[SPAN_MAX];

	printf("%s%s at %s\n", ctl->shown++ ? "\n" : "", text_of(line, "client"),
		text_of(line, "proxy"));
	print_state(line);
	printf("  keepalive     %s%s\n", json_object_get(line, "next") ? "next in " : "none",
		json_object_get(line, "next") ? next_of(line, next) : "");
	print_tests(json_object_get(line, "nat"));
	if (json_object_get(line, "class"))
		printf("  class         %s\n", text_of(line, "class"));
	for (size_t i = 0; i < json_array_size(reasons); i++)
		print_reason(json_array_get(reasons, i));
	if (number_of(line, "more"))
		printf("  and %" PRIu64 " more reasons\n", number_of(line, "more"));
}

void show_flushed(struct ctl *ctl, const json_t *line)
{
	ctl->shown++;
	printf("%s at %s\n", text_of(line, "client"), text_of(line, "proxy"));
}

void show_count(const struct ctl *ctl)
{
	const bool is_flush = strcmp(ctl->command, "flush") == 0;
	const uint64_t count = number_of(ctl->last, is_flush ? "flushed" : "endpoints");

	printf("%" PRIu64 " %s%s%s\n", count, count == 1 ? "endpoint" : "endpoints",
		strcmp(ctl->command, "lost") == 0 ? " lost" : "", is_flush ? " flushed" : "");
}
