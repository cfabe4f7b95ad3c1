/* This host's addresses while packets pass: known without waiting for the kernel, which may take a
 * second to list them while somebody makes interfaces. */
#ifndef NATBOX_HOST_WATCH_H
#define NATBOX_HOST_WATCH_H

#include "host.h"

struct host_watch;

/* Lists them for the first time, for as long as that takes. patience_ms: how long a look waits at
 * most for a kernel that has others change interfaces first. 0 or a negative errno. */
int host_watch_open(unsigned patience_ms, struct host_watch **watch);
/* NULL is fine. */
void host_watch_close(struct host_watch *watch);

/* Its addresses as they were at most a second ago, or when others began to change interfaces. They
 * are listed anew when one has come or gone, and only then. */
const struct host *host_watch_now(struct host_watch *watch);

/* How often they have been listed. */
unsigned host_watch_lists(const struct host_watch *watch);

#endif
