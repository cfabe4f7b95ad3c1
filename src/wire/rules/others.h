/* What the nftables rules of others on this host do. They may change all the while: what changes
 * during each of several looks is taken as it was seen then. */
#ifndef NATBOX_OTHERS_H
#define NATBOX_OTHERS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a chain of theirs is there that translates addresses, also where that cannot be found
 * out. */
bool others_translate(void);

/* Whether a rule of theirs sets this mark as a whole: 1, 0, or a negative errno. */
int others_set_mark(uint32_t mark);

#endif
