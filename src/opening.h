/* Opens everything that natbox has while it runs, in the one order that serves: what has to be
 * root's before privileges are dropped, the wire last; and closes it. */
#ifndef NATBOX_OPENING_H
#define NATBOX_OPENING_H

#include "live.h"

/* sink: what the engine tells, and sends unless natbox is only to watch. 0 or a negative errno with
 * *fault set: what is open then is to be closed as well. */
int live_open(struct live *live, const struct engine_sink *sink, struct fault *fault);

/* Adds what natbox.proxy means now to the engine's proxies. What an address of this host was once
 * stays a proxy's. 0 or a negative errno with *fault set. */
int live_find_proxies(struct live *live, struct fault *fault);

/* Also of one that could not be opened. What is lost in it is told. */
void live_close(struct live *live);

#endif
