#include "config_reading.h"

#include <stdarg.h>
#include <stdio.h>

void config_error(struct config_errors *errors, const char *format, ...)
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

void config_line_error(struct reading *reading, const char *what)
{
	config_error(reading->errors, "%.*s:%u: %s", PLACE_MAX, reading->path, reading->line, what);
}

const struct config_key *config_key_at(unsigned key)
{
	return key < CONFIG_KEYS ? &config_keys[key]
				 : &class_keys[(key - CONFIG_KEYS) % CLASS_KEYS];
}

unsigned config_key_named(struct text section, struct text name)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		if (text_equal(section, text_from(config_keys[i].section)) &&
			text_equal(name, text_from(config_keys[i].name)))
			return i;
	}
	return KEYS_NONE;
}

struct phone_class *config_class_of(struct config *config, unsigned key)
{
	return &config->core.classes.list[(key - CONFIG_KEYS) / CLASS_KEYS];
}

void config_error_at(struct reading *reading, const struct setting *set, const char *whose,
	const char *name, const char *what)
{
	if (set->override)
		config_error(reading->errors, "-o %.*s: %s", PLACE_MAX,
			reading->source->overrides[set->override - 1], what);
	else
		config_error(reading->errors, "%.*s:%u: %s%s: %s", PLACE_MAX, reading->path,
			set->line, whose, name, what);
}

void config_key_error(struct reading *reading, unsigned key, const char *what)
{
	const bool is_class = key >= CONFIG_KEYS;
	char whose[CLASS_NAME_MAX + sizeof("class .")];

	snprintf(whose, sizeof(whose), "%s%s%s.", config_key_at(key)->section, is_class ? " " : "",
		is_class ? config_class_of(reading->config, key)->name : "");
	config_error_at(reading, &reading->set[key], whose, config_key_at(key)->name, what);
}
