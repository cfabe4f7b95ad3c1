/* A border that each test of a suite has to itself. */
#ifndef NATBOX_TESTS_OWN_BORDER_H
#define NATBOX_TESTS_OWN_BORDER_H

#include "border.h"

extern struct border *border;

/* For a test suite. */
void own_border_open(void);
void own_border_close(void);

#endif
