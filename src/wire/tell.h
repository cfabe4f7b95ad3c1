/* A line for the log, by the wire's handler. */
#ifndef NATBOX_TELL_H
#define NATBOX_TELL_H

#include <natbox/wire.h>

void tell(const struct wire *wire, enum wire_notice notice, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
