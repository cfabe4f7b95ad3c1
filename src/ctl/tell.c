#include "ctl.h"

#include <natbox/base.h>

#include <inttypes.h>
#include <stdio.h>

static void print_last(const json_t *line, const char *name, const char *key)
{
	char ago[SPAN_MAX];

	if (json_object_get(line, key))
		printf("%-15s %s ago\n", name, span_of(number_of(line, key), ago));
	else
		printf("%-15s none since the start\n", name);
}

static void print_proxies(const json_t *line)
{
	const json_t *proxies = json_object_get(line, "proxies");
	const size_t count = json_array_size(proxies);

	for (size_t i = 0; i < count; i++)
		printf("%-15s %s\n", i ? "" : "proxies", text_of(json_array_get(proxies, i), NULL));
	if (number_of(line, "proxy_count") > count)
		printf("%-15s and %" PRIu64 " more\n", "", number_of(line, "proxy_count") - count);
}

static const char *or_none(const char *text)
{
	return *text ? text : "none";
}

static void print_keepalives(const json_t *line)
{
	const char *keepalives = text_of(line, "keepalives");

	if (strcmp(keepalives, "held") == 0)
		printf("%-15s HELD: none is sent until natboxctl keepalive on\n", "keepalives");
	else if (strcmp(keepalives, "off") == 0)
		printf("%-15s off, by keepalive.scope\n", "keepalives");
	else
		printf("%-15s on%s\n", "keepalives",
			is_true(line, "dry_run") ? ", but this is a dry run: nothing is sent" : "");
}

static void print_endpoints(const json_t *line)
{
	printf("%-15s %" PRIu64 "; %" PRIu64 " lost, %" PRIu64 " unproven\n", "endpoints",
		number_of(line, "endpoints"), number_of(line, "lost"), number_of(line, "unproven"));
	printf("%-15s %" PRIu64 " registrations, %" PRIu64 " subscriptions, %" PRIu64 " dialogs\n",
		"reasons", number_of(line, "registrations"), number_of(line, "subscriptions"),
		number_of(line, "dialogs"));
}

static void print_state(const json_t *line)
{
	const char *state = text_of(line, "state");

	if (*state)
		printf("%-15s %s, lag %" PRIu64 " s\n", "state", state,
			number_of(line, "state_lag"));
	else
		printf("%-15s none is kept\n", "state");
}

void tell_status(struct ctl *ctl, const json_t *line)
{
	char since[SPAN_MAX], up[SPAN_MAX];

	(void)ctl;
	printf("%-15s natbox %s, mode %s\n", "version", text_of(line, "version"),
		text_of(line, "mode"));
	printf("%-15s %s, %s\n", "since",
		local_of((time_t)number_of(line, "since"), "%Y-%m-%d %H:%M:%S", since),
		span_of(number_of(line, "up"), up));
	printf("%-15s %s%s\n", "configuration", text_of(line, "configuration"),
		is_true(line, "settling") ? ", on its way to all endpoints" : "");
	print_proxies(line);
	print_endpoints(line);
	print_keepalives(line);
	print_last(line, "last in", "last_in");
	print_last(line, "last out", "last_out");
	print_state(line);
	printf("%-15s %s\n", "events", or_none(text_of(line, "events")));
	printf("%-15s %s\n", "metrics", or_none(text_of(line, "metrics")));
}

/* Of a histogram the sum and the count are enough for a table; what is no single figure top
 * draws. */
void tell_stats(struct ctl *ctl, const json_t *line)
{
	const char *key;
	json_t *value;

	(void)ctl;
	json_object_foreach((json_t *)line, key, value)
	{
		const char *name = strncmp(key, "natbox_", 7) == 0 ? key + 7 : key;

		if (strstr(name, "_bucket{"))
			continue;
		if (json_is_integer(value))
			printf("%-60s %19" JSON_INTEGER_FORMAT "\n", plain_of(name),
				json_integer_value(value));
		else if (json_is_real(value))
			printf("%-60s %19.6f\n", plain_of(name), json_real_value(value));
	}
}

void tell_logged(struct ctl *ctl, const json_t *line)
{
	(void)ctl;
	printf("%s: %s\n", text_of(line, "level"), text_of(line, "line"));
}

void tell_version(struct ctl *ctl, const json_t *line)
{
	(void)ctl;
	printf("natboxctl %s, natbox %s\n", NATBOX_VERSION, text_of(line, "version"));
}

static void write_value(FILE *out, const json_t *value)
{
	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.3f", json_real_value(value));
	for (size_t i = 0; i < json_array_size(value); i++)
		fprintf(out, "%s%s", i ? "," : "", text_of(json_array_get(value, i), NULL));
	if (json_is_string(value))
		fprintf(out, "%s", text_of(value, NULL));
	if (json_is_boolean(value))
		fprintf(out, "%s", json_is_true(value) ? "true" : "false");
}

static bool is_in_front(const char *key)
{
	static const char *const keys[] = {"time", "event", "client", "proxy"};
	enum { KEYS = sizeof(keys) / sizeof(*keys) };

	return text_find(text_from(key), keys, KEYS) < KEYS;
}

void write_event(FILE *out, const json_t *line, bool is_short)
{
	char clock[SPAN_MAX];
	const char *key;
	json_t *value;

	fprintf(out, "%s %s", clock_of(line, is_short ? 0 : 3, clock), text_of(line, "event"));
	if (json_object_get(line, "client"))
		fprintf(out, " %s", text_of(line, "client"));
	if (json_object_get(line, "client") && !is_short)
		fprintf(out, " at %s", text_of(line, "proxy"));
	json_object_foreach((json_t *)line, key, value)
	{
		if (is_in_front(key))
			continue;
		fprintf(out, " %s=", key);
		write_value(out, value);
	}
}

void tell_event(struct ctl *ctl, const json_t *line)
{
	(void)ctl;
	write_event(stdout, line, false);
	putchar('\n');
}
