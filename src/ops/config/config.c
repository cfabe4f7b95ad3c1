#include <natbox/ops.h>

#include "config_file.h"
#include "config_reading.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>

enum {
	/* The longest line: natbox.proxy with all its addresses and ports in full. */
	LINE_BYTES_MAX = CONFIG_PROXIES_MAX * (ADDRESS_TEXT_MAX + 2),
};

static bool section_exists(struct text section)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		if (text_equal(section, text_from(config_keys[i].section)))
			return true;
	}
	return false;
}

/* Of a class that has an unknown key it is not asked any more whether it is whole: that key may be
 * the one that is missing. */
static unsigned class_key_find(struct reading *reading, struct text class, struct text name)
{
	const struct settings *settings = &reading->config->core;
	const unsigned place = config_class_find(settings, class);

	if (place == settings->classes.count)
		return KEYS_NONE;
	for (unsigned i = 0; i < CLASS_KEYS; i++) {
		if (text_equal(name, text_from(class_keys[i].name)))
			return CONFIG_KEYS + place * CLASS_KEYS + i;
	}
	reading->has_unknown[place] = true;
	return KEYS_NONE;
}

static unsigned key_find(struct reading *reading, struct text section, struct text name)
{
	struct text class;

	if (config_section_is_class(section, &class))
		return class_key_find(reading, class, name);
	return config_key_named(section, name);
}

static int key_set(struct config *config, unsigned key, struct text value, struct fault *fault)
{
	const struct config_key *what = config_key_at(key);
	const unsigned place = (key - CONFIG_KEYS) % CLASS_KEYS;
	char *base = key < CONFIG_KEYS ? (char *)config : (char *)config_class_of(config, key);

	if (what->parse(what, value, base + what->offset, fault) < 0)
		return -EINVAL;
	if (key >= CONFIG_KEYS && place >= CLASS_CRITERIA)
		config_class_of(config, key)->effects |= 1u << (place - CLASS_CRITERIA);
	return 0;
}

static void set_defaults(struct reading *reading)
{
	memset(reading->config, 0, sizeof(*reading->config));
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *value = config_keys[i].fallback;
		struct fault fault;

		if (key_set(reading->config, i, text_from(value), &fault) < 0)
			config_error(reading->errors, "default of %s.%s: %s",
				config_keys[i].section, config_keys[i].name, fault.line);
	}
}

/* A section [class NAME] begins. False when it is not taken, which is reported. */
static bool begin_class(struct reading *reading, struct text name)
{
	struct settings *settings = &reading->config->core;
	const unsigned place = config_class_find(settings, name);
	struct fault fault;

	if (place < settings->classes.count)
		fault_set(&fault, -EEXIST, "class %s is already on line %u",
			settings->classes.list[place].name, reading->classes[place].line);
	else if (config_class_add(settings, name, &fault) >= 0) {
		reading->classes[place].line = reading->line;
		return true;
	}
	config_line_error(reading, fault.line);
	return false;
}

/* Whether a section is taken; if not, that is reported. */
static bool begin_section(struct reading *reading, struct text section)
{
	struct text class;

	if (config_section_is_class(section, &class))
		return begin_class(reading, class);
	if (section_exists(section))
		return true;
	config_error(reading->errors, "%.*s:%u: unknown section [%.*s]", PLACE_MAX, reading->path,
		reading->line, text_shown(section, PLACE_MAX), section.at);
	return false;
}

/* Sees each line before inih does, for what inih passes over: it calls nobody for a section, and
 * of the lines that it cannot read it names only the first. */
static void check_line(struct reading *reading, struct text line)
{
	struct text rest;
	const char *bracket;

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
		config_line_error(reading, "a section needs its closing ]");
		return;
	}
	reading->section = (struct text){line.at + 1, (size_t)(bracket - line.at - 1)};
	rest = text_trim((struct text){bracket + 1, (size_t)(text_end(line) - bracket - 1)});
	reading->section_unknown = !begin_section(reading, reading->section);
	if (!reading->section_unknown && rest.length && *rest.at != ';' && *rest.at != '#')
		config_line_error(reading, "a section stands on a line of its own");
}

/* inih has had the last line: if it was to be a key, it has called on_key. */
static void finish_line(struct reading *reading)
{
	if (reading->pending)
		config_line_error(reading, "neither KEY = VALUE nor [SECTION] nor a # comment");
	reading->pending = false;
}

/* Reads up to a line end, at most size bytes. False at the end of the file. */
static bool read_line(struct reading *reading, size_t size, struct text *read)
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
		config_line_error(reading, zero ? "zero byte in this line" : "line too long");
		length = 0;
	}
	*read = (struct text){start, length};
	return true;
}

/* inih's reader: a line with its terminating zero, NULL at the end of the file. */
static char *on_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	struct text line;

	finish_line(reading);
	if (!read_line(reading, (size_t)size - 2, &line))
		return NULL;
	check_line(reading, line);
	memcpy(buffer, line.at, line.length);
	buffer[line.length] = '\n';
	buffer[line.length + 1] = 0;
	return buffer;
}

static void set_from_file(struct reading *reading, unsigned key, struct text value)
{
	struct setting *set = &reading->set[key];
	const unsigned first = set->line;
	struct fault fault;

	set->line = reading->line;
	if (first)
		fault_set(&fault, -EEXIST, "already set on line %u", first);
	else if (key_set(reading->config, key, value, &fault) == 0)
		return;
	config_key_error(reading, key, fault.line);
}

/* inih's handler of a key. Errors are kept here, so it is told that all went well. Of a section it
 * knows the beginning only. */
static int on_key(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	const struct text whole = reading->section;
	unsigned key;

	(void)section;
	reading->pending = false;
	if (reading->section_unknown)
		return 1;
	if (!whole.at) {
		config_line_error(reading, "key before any [SECTION]");
		return 1;
	}
	key = key_find(reading, whole, text_from(name));
	if (key == KEYS_NONE)
		config_error(reading->errors, "%.*s:%u: unknown key \"%.*s\" in [%.*s]", PLACE_MAX,
			reading->path, reading->line, PLACE_MAX, name, text_shown(whole, PLACE_MAX),
			whole.at);
	else
		set_from_file(reading, key, text_trim(text_from(value)));
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
	reading->errors->may_pass = error == -ENOMEM;
	if (error == -ENOENT && !reading->source->path)
		config_error(reading->errors,
			"%s: no such file; write one there (natbox.8 has examples) or name another "
			"with -c",
			reading->path);
	else
		config_error(reading->errors, "%.*s: %s", PLACE_MAX, reading->path, fault->line);
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
		config_error(reading->errors, "%.*s: the file is too large to be a natbox.ini",
			PLACE_MAX, reading->path);
	else
		parse_file(reading);
	free(bytes);
}

/* A class that the file has not may be made by overrides alone. */
static int make_class(struct reading *reading, unsigned number, struct text section)
{
	struct settings *settings = &reading->config->core;
	struct fault fault;
	struct text name;
	int place;

	if (!config_section_is_class(section, &name) ||
		config_class_find(settings, name) < settings->classes.count)
		return 0;
	place = config_class_add(settings, name, &fault);
	if (place < 0) {
		config_error(reading->errors, "-o %.*s: %s", PLACE_MAX,
			reading->source->overrides[number - 1], fault.line);
		return place;
	}
	reading->classes[place].override = number;
	return 0;
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
		config_error(reading->errors, "-o %.*s: not of the form SECTION.KEY=VALUE",
			PLACE_MAX, override);
		return;
	}
	section = text_trim((struct text){override, (size_t)(dot - override)});
	name = text_trim((struct text){dot + 1, (size_t)(equals - dot - 1)});
	value = text_trim(text_from(equals + 1));
	if (make_class(reading, number, section) < 0)
		return;
	key = key_find(reading, section, name);
	if (key == KEYS_NONE) {
		config_error(reading->errors, "-o %.*s: unknown %s", PLACE_MAX, override,
			section_exists(section) || config_section_is_class(section, &name)
				? "key"
				: "section");
		return;
	}
	reading->set[key].override = number;
	if (key_set(reading->config, key, value, &fault) < 0)
		config_key_error(reading, key, fault.line);
}

const char *config_path(const struct config_source *source)
{
	return source->path ? source->path : CONFIG_PATH_DEFAULT;
}

int config_read(
	const struct config_source *source, struct config *config, struct config_errors *errors)
{
	struct reading reading = {
		.source = source,
		.path = config_path(source),
		.config = config,
		.errors = errors,
	};

	errors->count = 0;
	errors->may_pass = false;
	set_defaults(&reading);
	read_file(&reading);
	for (unsigned i = 0; i < source->override_count; i++)
		apply_override(&reading, i + 1);
	config_check(&reading);
	return errors->count ? -EINVAL : 0;
}
