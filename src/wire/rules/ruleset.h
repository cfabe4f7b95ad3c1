/* The rule set of the modes relay and queue in force on this host. */
#ifndef NATBOX_RULESET_H
#define NATBOX_RULESET_H

#include "rules_settings.h"

#include <natbox/base.h>

/* Whether what is relayed may go untracked: only where no chain of this host translates addresses,
 * for NAT needs conntrack. False where that cannot be found out. */
bool ruleset_may_notrack(void);

/* Refuses a mark, that of the key relay.KEY, where a rule of somebody else sets it. 0, or -EEXIST
 * with *fault set. */
int ruleset_check_mark(const char *key, uint32_t mark, struct fault *fault);

/* Has nft do it. notrack: of mode relay alone. 0 or a negative errno with *fault set. */
int ruleset_install(const struct rules_settings *settings, bool notrack, struct fault *fault);
int ruleset_remove(struct fault *fault);

#endif
