/* Onlookers: what of this host is to see a packet of its own before it leaves, and sees no frame of
 * a packet socket: rules in the netfilter hooks output and postrouting, those that translate in any
 * hook, and IPsec policies. What they would do is not asked: that they are there is enough. */
#ifndef NATBOX_ONLOOKERS_H
#define NATBOX_ONLOOKERS_H

#include <stdbool.h>
#include <stdint.h>

struct onlookers;

/* NULL: no memory. Needs CAP_NET_ADMIN: without it there are rules and policies as far as is
 * known. */
struct onlookers *onlookers_new(void);
void onlookers_free(struct onlookers *onlookers); /* NULL is fine */

/* Takes what the kernel has told since. Where something has changed it is taken for an onlooker
 * until it has been looked at, within a second; and for good where CAP_NET_ADMIN was given up
 * meanwhile. */
void onlookers_look(struct onlookers *onlookers, uint64_t now_ms);

/* Whether there is an outgoing IPsec policy, or what none is for is blocked. */
bool onlookers_encrypt(const struct onlookers *onlookers);

/* Whether there is any rule but those of natbox's own table, or a chain that drops. */
bool onlookers_filter(const struct onlookers *onlookers);

/* False while something has changed that has not been looked at. */
bool onlookers_are_settled(const struct onlookers *onlookers);

/* What filters, for the log: "chain output of nftables table inet filter". */
const char *onlookers_rule(const struct onlookers *onlookers);

#endif
