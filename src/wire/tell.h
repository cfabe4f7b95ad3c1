/* A line for the log, by the wire's handler. */
#ifndef NATBOX_TELL_H
#define NATBOX_TELL_H

#include <natbox/wire.h>

void tell(const struct wire *wire, enum wire_notice notice, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "N datagrams WHAT", a warning, where there are more than were reported. */
void tell_growth(const struct wire *wire, uint64_t now, uint64_t *reported, const char *what);

#endif
