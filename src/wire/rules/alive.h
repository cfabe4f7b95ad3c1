/* The proxies in the sets alive4 and alive6 of table inet natbox, each for ALIVE_MS unless renewed.
 * A renewal is one transaction prepared at the start: it reads nothing back and takes microseconds,
 * however large the rule set of the host is. */
#ifndef NATBOX_ALIVE_H
#define NATBOX_ALIVE_H

#include <natbox/address.h>

/* How long the rules outlive a natbox that hangs. Renewed every PULSE_WORK_MS, three renewals may
 * come late before a living natbox is passed by. */
enum { ALIVE_MS = 2000 };

struct alive;

/* At most PROXIES_MAX proxies. 0 or a negative errno. */
int alive_open(const struct address *proxies, size_t count, struct alive **alive);
void alive_close(struct alive *alive);

/* Puts the proxies into the sets, or starts their time anew. 0; ALIVE_ANEW when they were not in
 * the sets, which may be those of another table by now; or a negative errno: -ENOENT when the table
 * or a set is not there. */
enum { ALIVE_ANEW = 1 };
int alive_renew(struct alive *alive);

/* Starts their time anew where they are in the sets. */
void alive_prolong(struct alive *alive);

/* Takes the proxies out of the sets, as far as they are there. */
void alive_withdraw(struct alive *alive);

/* Another transaction, over the same socket: that takes no descriptor, which may be missing. 0 or a
 * negative errno, as netlink_commit. */
int alive_commit(struct alive *alive, const void *transaction, size_t length);

/* Packets that a counter of the table has seen. 0 or a negative errno. */
int alive_counter(struct alive *alive, const char *name, uint64_t *packets);

/* How many rules the table has. 0 or a negative errno: -EINTR when it changed meanwhile. */
int alive_rules(struct alive *alive, unsigned *rules);

#endif
