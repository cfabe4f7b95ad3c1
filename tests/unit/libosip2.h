/* libosip2 reads the same message as the scanner; both must see the same. */
#ifndef NATBOX_TESTS_LIBOSIP2_H
#define NATBOX_TESTS_LIBOSIP2_H

#include <stddef.h>

/* NULL when both take the message and agree on every field the scanner reports, or both refuse it.
 * Otherwise a line that says what differs, which lives until the next call. */
const char *libosip2_differs(const char *bytes, size_t length);

#endif
