/* What natbox.proxy names, and what that means on this host. */
#ifndef NATBOX_NAMED_H
#define NATBOX_NAMED_H

#include <natbox/wire.h>

/* "198.51.100.1:5060", or with " and 3 more" behind the first that is no loopback address, where
 * one is not; "*:5060" where the settings have that and it is loopback addresses alone. count is
 * not 0. Valid until the next call. */
const char *named_line(
	const struct wire_settings *settings, const struct address *proxies, size_t count);

/* Tells of each that is not on this host, and that no route leads to. */
void named_examine(const struct wire *wire, enum wire_notice notice);

#endif
