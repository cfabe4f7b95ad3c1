/* The table of keys. For config.c and the tests that hold natbox.8 and etc/natbox.ini
 * against it. */
#ifndef NATBOX_CONFIG_KEYS_H
#define NATBOX_CONFIG_KEYS_H

#include "config_parsers.h"

enum { CONFIG_KEYS = 49 };
extern const struct config_key config_keys[CONFIG_KEYS];

/* Of each section [class NAME]: its criteria, then its effects in the order of enum class_effect.
 * The offset is that in struct phone_class. None has a default: what is not named is
 * [keepalive]'s. */
enum { CLASS_CRITERIA = 3, CLASS_KEYS = 8 };
extern const struct config_key class_keys[CLASS_KEYS];

#endif
