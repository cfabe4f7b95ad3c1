/* The operator's texts say what the table of keys says: natbox.8 and etc/natbox.ini, read from the
 * top of the source tree. And the unit of systemd what natbox relies on. */
#include "../../src/ops/config/config_parsers.h"

#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[256 * 1024];
static struct config shipped, defaults;
static struct config_errors errors;

static void read_file(const char *name)
{
	FILE *file = fopen(name, "r");

	cr_assert(file, "no %s here", name);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
}

static void read_config(const char *path, struct config *config)
{
	struct config_source source = {.path = path};

	cr_assert_eq(config_read(&source, config, &errors), 0, "%s", errors.list[0].line);
}

/* Takes the # off the lines of keys: "#key = value", where "# Words." is an explanation. */
static void uncomment_keys(char *at)
{
	for (; at && *at; at = strchr(at + 1, '\n')) {
		char *hash = *at == '\n' ? at + 1 : at;

		if (hash[0] == '#' && hash[1] >= 'a' && hash[1] <= 'z')
			*hash = ' ';
	}
}

Test(manual_and_ini, shipped_file_is_the_defaults_in_comments_and_without)
{
	char path[] = "/tmp/natbox-texts-XXXXXX";
	int fd = mkstemp(path);

	read_config("/dev/null", &defaults);
	read_config("etc/natbox.ini", &shipped);
	cr_expect_eq(memcmp(&shipped, &defaults, sizeof(defaults)), 0);

	read_file("etc/natbox.ini");
	uncomment_keys(text);
	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	read_config(path, &shipped);
	cr_expect_eq(memcmp(&shipped, &defaults, sizeof(defaults)), 0);
	unlink(path);
}

/* The part of text between two marks; up to its end when the second is missing. */
static char *part(char *all, const char *from, const char *to)
{
	char *start = strstr(all, from), *end;

	cr_assert(start, "\"%s\" is missing", from);
	start = strdup(start + strlen(from));
	end = strstr(start, to);
	if (end)
		*end = 0;
	return start;
}

Test(manual_and_ini, shipped_file_has_every_key_with_its_default)
{
	read_file("etc/natbox.ini");
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];
		char mark[64], line[128];
		char *section;

		snprintf(mark, sizeof(mark), "\n[%s]\n", key->section);
		section = part(text, mark, "\n[");
		snprintf(line, sizeof(line), "\n#%s =%s%s\n", key->name, *key->fallback ? " " : "",
			key->fallback);
		cr_expect(strstr(section, line), "[%s] has no \"%s\"", key->section, line + 1);
		free(section);
	}
}

Test(manual_and_ini, manual_has_every_key_with_its_default)
{
	read_file("natbox.8");
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];
		char mark[64], line[128];
		char *section;

		snprintf(mark, sizeof(mark), "\n.Ss [%s]\n", key->section);
		section = part(text, mark, "\n.S");
		snprintf(line, sizeof(line), "\n.It Cm %s =%s%s\n", key->name,
			*key->fallback ? " " : "", key->fallback);
		cr_expect(strstr(section, line), "%s has no \"%s\"", mark + 1, line + 1);
		free(section);
	}
}

/* Each is in a section of the file that is a comment, as a class needs its criteria. */
Test(manual_and_ini, both_have_every_key_of_a_class)
{
	char *shown, *explained;

	read_file("etc/natbox.ini");
	shown = part(text, "\n#[class NAME]\n", "\n[");
	read_file("natbox.8");
	explained = part(text, "\n.Ss [class NAME]\n", "\n.S");
	for (unsigned i = 0; i < CLASS_KEYS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n# %s =\n", class_keys[i].name);
		cr_expect(strstr(shown, line), "natbox.ini has no \"%s\"", line + 1);
		snprintf(line, sizeof(line), "\n.It Cm %s =\n", class_keys[i].name);
		cr_expect(strstr(explained, line), "natbox.8 has no \"%s\"", line + 1);
	}
	free(shown);
	free(explained);
}

/* The classes that the manual shows for an example are taken. */
Test(manual_and_ini, manual_shows_classes_that_are_taken)
{
	char path[] = "/tmp/natbox-texts-XXXXXX";
	int fd = mkstemp(path);
	char *section, *example;

	read_file("natbox.8");
	section = part(text, "\n.Ss [class NAME]\n", "\n.S");
	example = part(section, "\n.Bd -literal -offset 2n\n", "\n.Ed\n");
	cr_assert(write(fd, example, strlen(example)) == (ssize_t)strlen(example));
	close(fd);
	read_config(path, &shipped);
	cr_expect_eq(shipped.core.classes.count, 4);
	unlink(path);
	free(section);
	free(example);
}

/* One line of the event stream. */
static char *event_line_of(enum event_type type)
{
	static char line[1024];
	char path[] = "/tmp/natbox-texts-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault;
	struct events *events = events_open(path, NULL, &fault);
	/* What the type does not use of the union is zero. */
	struct event event = {.type = type};

	if (type == EVENT_ENDPOINT_ADD)
		event.class = "";
	if (type == EVENT_ENDPOINT_ADD || type == EVENT_REASON_ADD)
		event.restored = true;
	else if (type == EVENT_ENDPOINT_REMOVE || type == EVENT_MALFORMED ||
		 type == EVENT_REFUSED || type == EVENT_LOST || type == EVENT_FOUND)
		event.aor = TEXT("sip:alice@example.com");
	if (type == EVENT_KEEPALIVE)
		event.method = "";
	else if (type == EVENT_ENDPOINT_REMOVE || type == EVENT_MALFORMED || type == EVENT_REFUSED)
		event.why = "";
	else if (type == EVENT_REASON_END)
		event.reason.why = "";
	events_write(events, &event);
	cr_assert_eq(events_close(events, &fault), 0, "%s", fault.line);
	line[read(fd, line, sizeof(line) - 1)] = 0;
	close(fd);
	unlink(path);
	return line;
}

/* Whether a line of .Cm names this word. */
static bool manual_names(const char *item, const char *word)
{
	char mark[64];
	const char *at = item;

	snprintf(mark, sizeof(mark), " %s ", word);
	while ((at = strstr(at, "\n.Cm "))) {
		char line[128] = "";

		sscanf(at + 1, "%126[^\n]", line);
		strcat(line, " ");
		if (strstr(line, mark))
			return true;
		at++;
	}
	return false;
}

Test(manual_and_ini, manual_has_every_event_with_its_keys)
{
	char *section;

	read_file("natbox.8");
	section = part(text, "\n.Sh EVENTS\n", "\n.Sh ");
	for (unsigned type = 0; type < EVENT_TYPES; type++) {
		char mark[64], key[32];
		const char *at = strstr(event_line_of(type), "\"proxy\"");
		char *item;

		snprintf(mark, sizeof(mark), "\n.It Cm %s", event_type_names[type]);
		item = part(section, mark, "\n.It");
		/* "The same." */
		while (type != EVENT_REASON_REFRESH && (at = strstr(at + 1, ",\""))) {
			sscanf(at, ",\"%31[a-z_]", key);
			cr_expect(manual_names(item, key), "%s has no %s", mark + 1, key);
		}
		free(item);
	}
	free(section);
}

/* An interface may come up long after the host. */
Test(manual_and_ini, unit_starts_natbox_again_however_often_it_failed)
{
	char *section;

	read_file("etc/natbox.service");
	section = part(text, "[Unit]\n", "\n[");
	cr_expect(strstr(section, "\nStartLimitIntervalSec=0"), "%s", section);
	free(section);
	section = part(text, "[Service]\n", "\n[");
	cr_expect(strstr(section, "\nRestart=on-failure\nRestartSec="), "%s", section);
	cr_expect(strstr(section, "\nRestartPreventExitStatus=2"), "%s", section);
	free(section);
}

/* A reload of a file with an error in it fails, and natbox hears nothing of it. */
Test(manual_and_ini, unit_waits_for_natbox_watches_it_and_tests_before_a_reload)
{
	char *section;

	read_file("etc/natbox.service");
	section = part(text, "[Service]\n", "\n[");
	cr_expect(strstr(section, "Type=notify\n"), "%s", section);
	cr_expect(strstr(section, "\nWatchdogSec=10s\n"), "%s", section);
	cr_expect(strstr(section, "\nExecReload=/usr/sbin/natbox -t\nExecReload=/bin/kill -HUP "),
		"%s", section);
	free(section);
}
