/* What a key of natbox.ini is, the table of keys, and a parser for each kind of value. */
#ifndef NATBOX_CONFIG_PARSERS_H
#define NATBOX_CONFIG_PARSERS_H

#include <natbox/ops.h>

struct config_key;

/* Writes the value at target, the key's place in a struct config. 0, or -EINVAL with what is wrong
 * in *fault, without its place. value is trimmed, and may be empty. */
typedef int config_parser(
	const struct config_key *key, struct text value, void *target, struct fault *fault);

struct config_key {
	const char *section, *name;
	const char *fallback; /* the default, as it would stand in natbox.ini */
	config_parser *parse;
	size_t offset;        /* of the target in struct config */
	uint64_t least, most; /* numbers and durations (in microseconds); strings: most bytes */
	const char *const *choices; /* names of an enum's values from 0 on, ended by NULL */
};

/* config_keys.c; natbox.8 and etc/natbox.ini are held against it. */
enum { CONFIG_KEYS = 49 };
extern const struct config_key config_keys[CONFIG_KEYS];

/* Of each section [class NAME]: its criteria, then its effects in the order of enum class_effect.
 * The offset is that in struct phone_class. None has a default: what is not named is
 * [keepalive]'s. */
enum { CLASS_CRITERIA = 3, CLASS_KEYS = 8 };
extern const struct config_key class_keys[CLASS_KEYS];

/* config_values.c: one number, word or string, and sets of words. */
config_parser config_parse_boolean;  /* yes, no */
config_parser config_parse_number;   /* uint32_t, decimal or 0x */
config_parser config_parse_duration; /* uint64_t in microseconds */
config_parser config_parse_choice;   /* an enum */
config_parser config_parse_string;   /* char[most]; with least 1 not empty */
config_parser config_parse_name;     /* as config_parse_string; one */
config_parser config_parse_detect;   /* unsigned, a set of enum nat_test */
config_parser config_parse_events;   /* unsigned, a set of enum event_type, or EVENTS_AUTO */

/* The same as a duration, or 0 for off. */
config_parser config_parse_duration_or_off;

/* config_addresses.c; an item of a list of networks is 0 or -EINVAL, too. */
int config_network(struct text item, struct network *network, struct fault *fault);
config_parser config_parse_listen;  /* struct address, or port 0 when empty */
config_parser config_parse_proxies; /* struct config itself */
config_parser config_parse_exempt;  /* struct settings itself */

/* config_classes.c: whom a class is for; not empty. */
config_parser config_parse_class_networks; /* struct phone_class itself */
config_parser config_parse_globs;          /* as config_parse_string */
config_parser config_parse_aors;           /* globs, too */

/* Whether a section is [class NAME]; with the name, which may be empty. */
bool config_section_is_class(struct text section, struct text *name);

/* Adds a class with this name. Its place in the list; -EINVAL with what is wrong in *fault: the
 * name is none, or there are classes enough. */
int config_class_add(struct settings *settings, struct text name, struct fault *fault);

/* The place of the class with this name; classes.count: there is none. */
unsigned config_class_find(const struct settings *settings, struct text name);

/* config_sip.c: what a keepalive says, and what may be answered. */
config_parser config_parse_from;     /* as config_parse_string */
config_parser config_parse_headers;  /* char[EXTRA_HEADERS_MAX] */
config_parser config_parse_statuses; /* uint64_t[STATUS_WORDS], those that are not in the list */

/* How much of a wrong value an error shows. */
enum { CONFIG_SHOWN_MAX = 80 };

static inline int config_shown(struct text text)
{
	return text_shown(text, CONFIG_SHOWN_MAX);
}

/* -EINVAL, with "VALUE" and what is wrong with it in *fault. */
int config_refuse(struct fault *fault, struct text value, const char *what);

/* A list to be taken apart by config_list_next. An empty value has no item, "," has two
 * empty ones. */
static inline struct text config_list_start(struct text value)
{
	return (struct text){value.length ? value.at : NULL, value.length};
}

/* Takes the next item. False: there is none left. */
bool config_list_next(struct text *list, struct text *item);

#endif
