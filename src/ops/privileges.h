#ifndef NATBOX_PRIVILEGES_H
#define NATBOX_PRIVILEGES_H

#include <natbox/ops.h>

/* The calling thread gives up every capability for good, and so do the threads that it starts;
 * others keep theirs. 0 or -EPERM. */
int privileges_forgo(void);

#endif
