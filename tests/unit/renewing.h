/* Rules that change all the while: as natbox renews its own, only far more often. */
#ifndef NATBOX_TESTS_RENEWING_H
#define NATBOX_TESTS_RENEWING_H

#include <sys/types.h>

/* Makes the table inet natbox with its sets, and another one with so many chains and this in each.
 * A few hundred are too many for one answer of the kernel. */
void lay_rules(unsigned chains, const char *rule);

/* In a process of its own, until stop_renewing. */
pid_t start_renewing(void);
void stop_renewing(pid_t child);

#endif
