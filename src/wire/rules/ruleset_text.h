/* The rule set of the modes relay and queue as nft reads it. */
#ifndef NATBOX_RULESET_TEXT_H
#define NATBOX_RULESET_TEXT_H

#include "../own_table.h"
#include "rules_settings.h"

#include <stdio.h>

#define RULESET_TABLE  "inet " OWN_TABLE
#define RULESET_REMOVE "add table " RULESET_TABLE "\ndelete table " RULESET_TABLE "\n"

/* The chain of mode queue that has queue_rule_put's rule, and nothing in the text. */
#define RULESET_QUEUE_CHAIN "to_natbox"

/* Writes table inet natbox in a form that replaces one that is there, in one transaction. notrack:
 * of mode relay alone. */
void ruleset_write(const struct rules_settings *settings, bool notrack, FILE *file);

#endif
