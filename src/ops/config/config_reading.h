/* What is known while a configuration is read, and the errors in it. */
#ifndef NATBOX_CONFIG_READING_H
#define NATBOX_CONFIG_READING_H

#include "config_parsers.h"

enum {
	/* First the keys of the table, then those of each class. */
	KEYS_NONE = CONFIG_KEYS + CLASSES_MAX * CLASS_KEYS,
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
	struct setting set[KEYS_NONE];
	struct setting classes[CLASSES_MAX]; /* where each begins */
	bool has_unknown[CLASSES_MAX];       /* a key in it, which is reported */

	struct text left;    /* of the file */
	struct text section; /* in it; at is NULL before the first */
	unsigned line;
	bool pending;         /* this line has to come out as a key, and has not yet */
	bool section_unknown; /* reported; its keys are not */
};

/* Adds an error. What the file holds goes to a terminal: no control characters. */
void config_error(struct config_errors *errors, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An error of the present line of the file. */
void config_line_error(struct reading *reading, const char *what);

/* An error of a class, or of a key of it or another one, at the place where it was set. */
void config_error_at(struct reading *reading, const struct setting *set, const char *whose,
	const char *name, const char *what);

/* The same of a key: a number below KEYS_NONE. */
void config_key_error(struct reading *reading, unsigned key, const char *what);
const struct config_key *config_key_at(unsigned key);

/* The number of a key of the table; KEYS_NONE: there is no such key. */
unsigned config_key_named(struct text section, struct text name);

/* The class that such a key belongs to. */
struct phone_class *config_class_of(struct config *config, unsigned key);

/* config_checks.c: adds what is wrong with keys together to the errors: of classes; and where there
 * was no other error, of the ports, marks and table of relay mode, unless nothing is opened. */
void config_check(struct reading *reading);

#endif
