/* What operators watch natbox with: alerts, dashboard, manual and the page that explains them all
 * name figures, events and alerts that there are, and leave none out. From the top of the source
 * tree. */
#include "ops/http/exposition.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES "etc/natbox.rules.yml"
#define TESTS "tests/alerts/natbox.rules.test.yml"
#define BOARD "etc/grafana-natbox.json"
#define PAGE  "docs/metrics-events-alerts.md"

enum { NAME_MAX_BYTES = 64, FILE_MAX = 1 << 18 };

static char exposed[EXPOSITION_MAX], text[FILE_MAX], other[FILE_MAX];

static void expose(void)
{
	static const struct metrics_snapshot snapshot = {
		.proxy_count = 1, .class_count = 1, .classes = {{.name = "office"}}};

	exposition_write(&snapshot, exposed);
}

TestSuite(monitoring, .init = expose);

static const char *read_file(const char *name, char into[static FILE_MAX])
{
	FILE *file = fopen(name, "r");

	cr_assert(file, "no %s here", name);
	into[fread(into, 1, FILE_MAX - 1, file)] = 0;
	fclose(file);
	return into;
}

/* The next name from there on that begins like this, after what is no part of a name; NULL: there
 * is none. */
static const char *next_name(
	const char *at, const char *all, const char *beginning, char name[static NAME_MAX_BYTES])
{
	while ((at = strstr(at, beginning))) {
		const size_t length = strspn(
			at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

		if (at == all || !(isalnum(at[-1]) || at[-1] == '_' || at[-1] == '/')) {
			cr_assert_lt(length, NAME_MAX_BYTES);
			snprintf(name, NAME_MAX_BYTES, "%.*s", (int)length, at);
			return at + length;
		}
		at += length;
	}
	return NULL;
}

/* Whether this is said at the start of a line. */
static bool has_line(const char *all, const char *format, const char *name)
{
	char line[2 * NAME_MAX_BYTES];

	line[0] = '\n';
	snprintf(line + 1, sizeof(line) - 1, format, name);
	return strstr(all, line);
}

static bool is_sample(const char *name)
{
	return has_line(exposed, "%s ", name) || has_line(exposed, "%s{", name);
}

static void expect_samples(const char *file, const char *beginning, unsigned least)
{
	const char *at = read_file(file, text);
	char name[NAME_MAX_BYTES];
	unsigned count = 0;

	for (; (at = next_name(at, text, beginning, name)); count++)
		cr_expect(is_sample(name), "%s has %s", file, name);
	cr_expect_geq(count, least, "%s", file);
}

Test(monitoring, alerts_and_dashboard_are_made_of_figures_that_there_are)
{
	expect_samples(RULES, "natbox_", 10);
	expect_samples(RULES, "process_", 1);
	expect_samples(TESTS, "natbox_", 10);
	expect_samples(BOARD, "natbox_", 20);
	expect_samples(BOARD, "process_", 1);
}

/* Calls for the name of each family in the exposition. */
static void for_each_family(void (*look)(const char *name))
{
	static const char type[] = "# TYPE ";
	char name[NAME_MAX_BYTES];

	for (const char *at = exposed; (at = strstr(at, type)); at++) {
		sscanf(at + strlen(type), "%63s", name);
		look(name);
	}
}

static bool is_family(const char *name)
{
	return has_line(exposed, "# TYPE %s ", name);
}

static void expect_in_manual(const char *name)
{
	cr_expect(has_line(text, ".It Cm %s\n", name) || has_line(text, ".It Cm %s Ns", name),
		"natbox.8 has no %s", name);
}

Test(monitoring, manual_has_every_figure_and_no_other)
{
	char name[NAME_MAX_BYTES];
	const char *at = read_file("natbox.8", text);

	for_each_family(expect_in_manual);
	while ((at = next_name(at, text, "natbox_", name)))
		cr_expect(is_family(name), "natbox.8 has %s", name);
}

static void expect_in_page(const char *name)
{
	cr_expect(has_line(text, "| `%s` |", name), "%s has no %s", PAGE, name);
}

Test(monitoring, page_has_every_figure_and_no_other)
{
	char name[NAME_MAX_BYTES];
	const char *at = read_file(PAGE, text);

	for_each_family(expect_in_page);
	while ((at = next_name(at, text, "natbox_", name)))
		cr_expect(is_family(name), "%s has %s", PAGE, name);
}

static bool is_event(const char *name)
{
	for (unsigned type = 0; type < EVENT_TYPES; type++) {
		if (strcmp(name, event_type_names[type]) == 0)
			return true;
	}
	return strcmp(name, "summary") == 0;
}

Test(monitoring, page_has_every_event_and_no_other)
{
	char name[NAME_MAX_BYTES];
	const char *at = strstr(read_file(PAGE, text), "\n## Events\n");
	const char *end = strstr(text, "\n## Metrics\n");

	for (unsigned type = 0; type < EVENT_TYPES; type++)
		expect_in_page(event_type_names[type]);
	for (; (at = strstr(at, "\n| `")) && at < end; at++) {
		sscanf(at, "\n| `%63[^`]", name);
		cr_expect(is_event(name), "%s has %s", PAGE, name);
	}
}

Test(monitoring, page_has_every_alert_and_no_other)
{
	const char *at = read_file(RULES, other), *page = read_file(PAGE, text);
	char name[NAME_MAX_BYTES];
	unsigned count = 0;

	for (; (at = strstr(at, "- alert: ")); at++, count++) {
		sscanf(at, "- alert: %63s", name);
		cr_expect(has_line(page, "### `%s`\n", name), "%s has no %s", PAGE, name);
	}
	cr_expect_geq(count, 9);
	for (at = page; (at = next_name(at, page, "Natbox", name));)
		cr_expect(has_line(other, "      - alert: %s\n", name), "%s has %s", PAGE, name);
}

/* How often an alert is expected to fire, or not to. */
static unsigned count_tests(const char *alert, bool fires)
{
	char mark[2 * NAME_MAX_BYTES];
	const char *at = text;
	unsigned count = 0;

	snprintf(mark, sizeof(mark), "alertname: %s", alert);
	for (; (at = strstr(at, mark)); at++) {
		const char *after = at + strlen(mark);

		if (!isalnum(*after))
			count += (strncmp(after, "\n        exp_alerts:\n", 21) == 0) == fires;
	}
	return count;
}

Test(monitoring, every_alert_is_tried_where_it_fires_and_where_it_does_not)
{
	const char *at = read_file(RULES, other);
	char name[NAME_MAX_BYTES];

	read_file(TESTS, text);
	for (; (at = strstr(at, "- alert: ")); at++) {
		sscanf(at, "- alert: %63s", name);
		cr_expect_geq(count_tests(name, true), 1, "%s never fires", name);
		cr_expect_geq(count_tests(name, false), 2, "%s always fires", name);
	}
}

static void expect_panel(json_t *panel)
{
	const char *title = json_string_value(json_object_get(panel, "title"));
	json_t *targets = json_object_get(panel, "targets"), *target;
	size_t i;

	cr_expect(title && *title);
	cr_expect_geq(json_array_size(targets), 1, "%s", title);
	json_array_foreach(targets, i, target)
	{
		const char *query = json_string_value(json_object_get(target, "expr"));

		cr_expect(query && strstr(query, "instance=~\"$instance\""), "%s", title);
	}
}

Test(monitoring, dashboard_is_json_and_each_panel_asks_for_the_hosts_that_are_chosen)
{
	json_error_t error;
	json_t *board = json_load_file(BOARD, JSON_REJECT_DUPLICATES, &error), *panel;
	json_t *panels = json_object_get(board, "panels");
	size_t i;

	cr_assert(board, "%s:%d: %s", BOARD, error.line, error.text);
	cr_expect_geq(json_array_size(panels), 15);
	json_array_foreach(panels, i, panel)
	{
		cr_expect_eq(json_integer_value(json_object_get(panel, "id")), (json_int_t)i + 1);
		expect_panel(panel);
	}
	json_decref(board);
}
