/* A line for the log, by the wire's handler. */
#ifndef NATBOX_TELL_H
#define NATBOX_TELL_H

#include <natbox/wire.h>

void tell(const struct wire *wire, enum wire_notice notice, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How much of a count that only grows has been told, and how many inspections, of which there is
 * one a second, are to pass until more of it is. */
struct growth {
	uint64_t told;
	unsigned pause;
};

/* By how much a count has grown, with each inspection: at once where it had stood still, and while
 * it goes on once a minute; else 0. */
uint64_t growth_to_tell(struct growth *growth, uint64_t now);

/* "N datagrams WHAT", a warning, where that much is to be told. */
void tell_growth(const struct wire *wire, uint64_t now, struct growth *growth, const char *what);

#endif
