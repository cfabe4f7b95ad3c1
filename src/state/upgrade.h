/* The state file of version 0.1, which LMDB had written. */
#ifndef STATE_UPGRADE_H
#define STATE_UPGRADE_H

#include "store.h"

/* Where the directory has such a file, writes its records into a new one of ours and moves it
 * aside: *fault says so, else its line is empty. 0 or a negative errno. */
int upgrade(struct store *store, struct fault *fault);

#endif
