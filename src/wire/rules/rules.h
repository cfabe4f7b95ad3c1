/* The kernel rules of mode relay: an nftables table that diverts the datagrams between user agents
 * and proxies to the sockets of the relay, and the policy routing that makes them arrive there; and
 * those of mode queue, a table alone, which hands them over in a queue. Everything is ours alone:
 * the table "inet natbox", and routing rules and routes that carry a protocol number of their own.
 *
 * They match on the sets alive4 and alive6 of that table: the proxies, each for two seconds.
 * Threads renew them every half second for as long as the event loop calls rules_tick. When that
 * stops, crashed or hung, the rules no longer match and SIP flows past.
 *
 * What was left by a natbox that crashed is replaced. When somebody flushes the rule set, it comes
 * back at the next renewal. */
#ifndef NATBOX_RULES_H
#define NATBOX_RULES_H

#include "rules_settings.h"

#include <natbox/base.h>

#include <stdio.h>

/* The commands that install and remove the rules by hand, to be run by sh as root. They leave out
 * notrack where this host translates addresses (natbox.8), or when the caller may not look. */
void rules_print(const struct rules_settings *settings, FILE *file);

struct installed_rules;

/* Checks that the rules can work on this host, and installs them; nothing is diverted yet. With
 * manual nothing is installed. Call it once the relay or the queue is open, so that whoever has its
 * ports is found out first. Needs CAP_NET_RAW here, and CAP_NET_ADMIN, as does all below: keep it.
 * *settings is copied.
 *
 * 0 or a negative errno with *fault set: a mark or table that somebody else uses (-EEXIST), a
 * sysctl that would make the kernel drop (-ENOTSUP), no kernel support. */
int rules_install(
	const struct rules_settings *settings, struct installed_rules **rules, struct fault *fault);

/* Tells each thing that would keep rules_install from working, or the rules from doing so once they
 * are there; without the privilege, that alone. */
void rules_examine(const struct rules_settings *settings,
	void (*told)(void *context, int error, const struct fault *fault), void *context);

/* Diverts from now on. Starts threads: call it after privileges are dropped, as capabilities are a
 * thread's own. 0 or a negative errno with *fault set. */
int rules_start(struct installed_rules *rules, struct fault *fault);

/* The event loop turns (pulse.h). From its thread; costs nothing. */
void rules_tick(struct installed_rules *rules);

/* What keeps the proxies from being kept alive: true, and a line for the log, once for each spell
 * of it. From any thread. */
bool rules_trouble(struct installed_rules *rules, struct fault *fault);

/* Datagrams as the rules last had them, half a second ago. */
enum rules_counter {
	RULES_FORGED,       /* dropped for bearing a proxy's source but not coming from there */
	RULES_TO_PROXIES,   /* diverted on their way from other hosts to a proxy, in mode relay */
	RULES_FROM_PROXIES, /* likewise from a proxy */
	RULES_COUNTERS
};
uint64_t rules_counter(const struct installed_rules *rules, enum rules_counter counter);

/* Diverts nothing any more: stops the threads and empties the sets. NULL is fine. */
void rules_withdraw(struct installed_rules *rules);

/* Stops the threads and removes everything that was installed. NULL is fine. An error: the table is
 * left. */
int rules_remove(struct installed_rules *rules, struct fault *fault);

#endif
