#include <natbox/ops.h>

#include "config_file.h"
#include "config_keys.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* The longest line: nat.exempt with all its networks in full. */
	LINE_BYTES_MAX = NETWORKS_MAX * 48,
	KEYS_NONE = CONFIG_KEYS,
	PLACE_MAX = 200, /* of a path or option shown in an error */
};

/* Where a key was set: on a line of the file, by an override, or by both; each counted from 1. */
struct setting {
	unsigned line, override;
};

struct reading {
	const struct config_source *source;
	const char *path;
	struct config *config;
	struct config_errors *errors;
	struct setting set[CONFIG_KEYS];

	struct text left; /* of the file */
	unsigned line;
	bool pending;         /* this line has to come out as a key, and has not yet */
	bool section_unknown; /* reported; its keys are not */
};

/* Adds an error. What the file holds goes to a terminal: no control characters. */
static void add_error(struct config_errors *errors, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_error(struct config_errors *errors, const char *format, ...)
{
	va_list arguments;
	char *line;

	if (errors->count++ >= CONFIG_ERRORS_MAX)
		return;
	line = errors->list[errors->count - 1].line;
	va_start(arguments, format);
	vsnprintf(line, FAULT_MAX, format, arguments);
	va_end(arguments);
	for (; *line; line++) {
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
	}
}

/* An error of the present line of the file. */
static void add_line_error(struct reading *reading, const char *what)
{
	add_error(reading->errors, "%.*s:%u: %s", PLACE_MAX, reading->path, reading->line, what);
}

/* An error of a key, at the place where it was set. */
static void add_key_error(struct reading *reading, unsigned key, const char *what)
{
	const struct setting *set = &reading->set[key];
	const char *const *overrides = reading->source->overrides;

	if (set->override)
		add_error(reading->errors, "-o %.*s: %s", PLACE_MAX, overrides[set->override - 1],
			what);
	else
		add_error(reading->errors, "%.*s:%u: %s.%s: %s", PLACE_MAX, reading->path,
			set->line, config_keys[key].section, config_keys[key].name, what);
}

static bool section_exists(struct text section)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *name = config_keys[i].section;

		if (text_equal(section, (struct text){name, strlen(name)}))
			return true;
	}
	return false;
}

static unsigned key_find(struct text section, struct text name)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (text_equal(section, (struct text){key->section, strlen(key->section)}) &&
			text_equal(name, (struct text){key->name, strlen(key->name)}))
			return i;
	}
	return KEYS_NONE;
}

static int key_set(struct config *config, unsigned key, struct text value, struct fault *fault)
{
	char *target = (char *)config + config_keys[key].offset;

	return config_keys[key].parse(&config_keys[key], value, target, fault);
}

static void set_defaults(struct reading *reading)
{
	memset(reading->config, 0, sizeof(*reading->config));
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *value = config_keys[i].fallback;
		struct fault fault;

		if (key_set(reading->config, i, (struct text){value, strlen(value)}, &fault) < 0)
			add_error(reading->errors, "default of %s.%s: %s", config_keys[i].section,
				config_keys[i].name, fault.line);
	}
}

/* Sees each line before inih does, for what inih passes over: it calls nobody for a section, and
 * of the lines that it cannot read it names only the first. */
static void check_line(struct reading *reading, struct text line)
{
	struct text rest;
	const char *bracket;
	struct text section;

	if (reading->line == 1 && text_starts_with(line, TEXT("\xef\xbb\xbf")))
		line = (struct text){line.at + 3, line.length - 3};
	line = text_trim(line);
	if (line.length == 0 || *line.at == ';' || *line.at == '#')
		return;
	if (*line.at != '[') {
		reading->pending = true;
		return;
	}
	reading->section_unknown = true;
	bracket = memchr(line.at, ']', line.length);
	if (!bracket) {
		add_line_error(reading, "a section needs its closing ]");
		return;
	}
	section = (struct text){line.at + 1, (size_t)(bracket - line.at - 1)};
	rest = text_trim((struct text){bracket + 1, (size_t)(text_end(line) - bracket - 1)});
	reading->section_unknown = !section_exists(section);
	if (reading->section_unknown)
		add_error(reading->errors, "%.*s:%u: unknown section [%.*s]", PLACE_MAX,
			reading->path, reading->line,
			section.length < PLACE_MAX ? (int)section.length : PLACE_MAX, section.at);
	else if (rest.length && *rest.at != ';' && *rest.at != '#')
		add_line_error(reading, "a section stands on a line of its own");
}

/* inih has had the last line: if it was to be a key, it has called on_key. */
static void finish_line(struct reading *reading)
{
	if (reading->pending)
		add_line_error(reading, "neither KEY = VALUE nor [SECTION] nor a # comment");
	reading->pending = false;
}

/* Reads up to a line end, at most size bytes of it into line. False at the end of the file. */
static bool read_line(struct reading *reading, char *line, size_t size, struct text *read)
{
	const char *start = reading->left.at;
	const char *end = reading->left.length ? memchr(start, '\n', reading->left.length) : NULL;
	size_t length = end ? (size_t)(end - start) : reading->left.length;
	bool zero = length && memchr(start, 0, length);

	if (reading->left.length == 0)
		return false;
	reading->line++;
	reading->left.at += length + (end != NULL);
	reading->left.length -= length + (end != NULL);
	if (zero || length > size) {
		add_line_error(reading, zero ? "zero byte in this line" : "line too long");
		length = 0;
	}
	memcpy(line, start, length);
	*read = (struct text){line, length};
	return true;
}

/* inih's reader: a line with its terminating zero, NULL at the end of the file. */
static char *on_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	struct text line;

	finish_line(reading);
	if (!read_line(reading, buffer, (size_t)size - 2, &line))
		return NULL;
	check_line(reading, line);
	buffer[line.length] = '\n';
	buffer[line.length + 1] = 0;
	return buffer;
}

static void set_from_file(struct reading *reading, unsigned key, struct text value)
{
	struct setting *set = &reading->set[key];
	unsigned first = set->line;
	struct fault fault;

	set->line = reading->line;
	if (first) {
		char what[64];

		snprintf(what, sizeof(what), "already set on line %u", first);
		add_key_error(reading, key, what);
	} else if (key_set(reading->config, key, value, &fault) < 0) {
		add_key_error(reading, key, fault.line);
	}
}

/* inih's handler of a key. Errors are kept here, so it is told that all went well. */
static int on_key(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	unsigned key;

	reading->pending = false;
	if (reading->section_unknown)
		return 1;
	if (*section == 0) {
		add_line_error(reading, "key before any [SECTION]");
		return 1;
	}
	key = key_find((struct text){section, strlen(section)}, (struct text){name, strlen(name)});
	if (key == KEYS_NONE)
		add_error(reading->errors, "%.*s:%u: unknown key \"%.*s\" in [%s]", PLACE_MAX,
			reading->path, reading->line, PLACE_MAX, name, section);
	else
		set_from_file(reading, key, text_trim((struct text){value, strlen(value)}));
	return 1;
}

static void parse_file(struct reading *reading)
{
	/* A value stands on one line; a semicolon after a blank starts a comment. */
	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_max_line = LINE_BYTES_MAX;
	ini_parse_stream(on_line, reading, on_key, reading);
}

static void add_file_error(struct reading *reading, int error, const struct fault *fault)
{
	if (error == -ENOENT && reading->source->may_lack_file && !reading->source->path)
		return;
	if (error == -ENOENT && !reading->source->path)
		add_error(reading->errors,
			"%s: no such file; write one there (natbox.8 has examples) or name another "
			"with -c",
			reading->path);
	else
		add_error(reading->errors, "%.*s: %s", PLACE_MAX, reading->path, fault->line);
}

static void read_file(struct reading *reading)
{
	struct fault fault;
	size_t length;
	char *bytes;
	int result =
		config_file_read(reading->path, reading->source->wait_ms, &bytes, &length, &fault);

	if (result != 0) {
		add_file_error(reading, result, &fault);
		return;
	}
	reading->left = (struct text){bytes, length};
	if (length > CONFIG_FILE_MAX)
		add_error(reading->errors, "%.*s: the file is too large to be a natbox.ini",
			PLACE_MAX, reading->path);
	else
		parse_file(reading);
	free(bytes);
}

/* number: of the override, counted from 1. */
static void apply_override(struct reading *reading, unsigned number)
{
	const char *override = reading->source->overrides[number - 1];
	const char *equals = strchr(override, '=');
	const char *dot = strchr(override, '.');
	struct text section, name, value;
	struct fault fault;
	unsigned key;

	if (!equals || !dot || dot > equals) {
		add_error(reading->errors, "-o %.*s: not of the form SECTION.KEY=VALUE", PLACE_MAX,
			override);
		return;
	}
	section = text_trim((struct text){override, (size_t)(dot - override)});
	name = text_trim((struct text){dot + 1, (size_t)(equals - dot - 1)});
	value = text_trim((struct text){equals + 1, strlen(equals + 1)});
	key = key_find(section, name);
	if (key == KEYS_NONE) {
		add_error(reading->errors, "-o %.*s: unknown %s", PLACE_MAX, override,
			section_exists(section) ? "key" : "section");
		return;
	}
	reading->set[key].override = number;
	if (key_set(reading->config, key, value, &fault) < 0)
		add_key_error(reading, key, fault.line);
}

static bool is_set(const struct reading *reading, unsigned key)
{
	return reading->set[key].line || reading->set[key].override;
}

static unsigned key_named(const char *section, const char *name)
{
	return key_find((struct text){section, strlen(section)}, (struct text){name, strlen(name)});
}

/* An error of two keys that do not go together, at one of them that was set. */
static void add_pair_error(struct reading *reading, unsigned a, unsigned b, const char *what)
{
	add_key_error(reading, is_set(reading, a) ? a : b, what);
}

static bool is_proxy_port(const struct config *config, uint32_t port)
{
	for (unsigned i = 0; i < config->proxy_count; i++) {
		if (config->proxies[i].address.port == port)
			return true;
	}
	return false;
}

static void check_relay(struct reading *reading)
{
	const struct config *config = reading->config;
	unsigned in = key_named("relay", "in-port"), out = key_named("relay", "out-port");
	unsigned proxy = key_named("natbox", "proxy"), table = key_named("relay", "table");
	unsigned mark = key_named("relay", "mark"), own = key_named("relay", "own-mark");

	if (config->relay.in_port == config->relay.out_port)
		add_pair_error(reading, in, out, "in-port and out-port must differ");
	if (config->relay.mark == config->relay.own_mark)
		add_pair_error(reading, mark, own, "mark and own-mark must differ");
	if (config->relay.table >= 253 && config->relay.table <= 255)
		add_key_error(reading, table, "tables 253 to 255 are the kernel's own");
	if (config->mode != MODE_RELAY)
		return;
	if (is_proxy_port(config, config->relay.in_port))
		add_pair_error(
			reading, in, proxy, "in-port is the port of a proxy: choose another");
	if (is_proxy_port(config, config->relay.out_port))
		add_pair_error(
			reading, out, proxy, "out-port is the port of a proxy: choose another");
}

int config_read(
	const struct config_source *source, struct config *config, struct config_errors *errors)
{
	struct reading reading = {
		.source = source,
		.path = source->path ? source->path : CONFIG_PATH_DEFAULT,
		.config = config,
		.errors = errors,
	};

	errors->count = 0;
	set_defaults(&reading);
	read_file(&reading);
	for (unsigned i = 0; i < source->override_count; i++)
		apply_override(&reading, i + 1);
	if (errors->count == 0 && !source->opens_nothing)
		check_relay(&reading);
	return errors->count ? -EINVAL : 0;
}
