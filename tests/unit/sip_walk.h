/* Walks all that can be asked about a datagram, as a fuzzer or a test of mutations wants it. */
#ifndef NATBOX_TESTS_SIP_WALK_H
#define NATBOX_TESTS_SIP_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* Scans bytes, parses every value, and puts each host and branch in its own place by edits, which
 * must give the same bytes. True when it was a usable message. Aborts when a promise of sip.h or
 * edit.h is broken: a text lies outside the datagram, an edit changes what it must not. */
bool sip_walk(const char *bytes, size_t length);

#endif
