/* Reading a mapped file that may be cut meanwhile, or be on a disk that cannot give it back: for
 * the one who reads, that is a SIGBUS. */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>

/* Makes SIGBUS end what is guarded; any other one ends natbox, as ever. */
void guard_init(void);

/* Calls work. False when it came to such a page, and was left there and then; the thread may not
 * have SIGBUS blocked. */
bool guard_run(void (*work)(void *context), void *context);

#endif
