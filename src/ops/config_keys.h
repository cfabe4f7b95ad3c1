/* The table of keys. For config.c and the tests that hold natbox.8 and etc/natbox.ini
 * against it. */
#ifndef NATBOX_CONFIG_KEYS_H
#define NATBOX_CONFIG_KEYS_H

#include "config_parsers.h"

enum { CONFIG_KEYS = 46 };
extern const struct config_key config_keys[CONFIG_KEYS];

#endif
