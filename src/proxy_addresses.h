/* Whom natbox serves: the addresses of natbox.proxy, which the engine has to know. */
#ifndef NATBOX_PROXY_ADDRESSES_H
#define NATBOX_PROXY_ADDRESSES_H

#include "live.h"

/* Adds what natbox.proxy means now to the engine's proxies. What an address of this host was once
 * stays a proxy's. 0 or a negative errno with *fault set. */
int proxy_addresses_find(struct live *live, struct fault *fault);

/* Of a proxy in the state, as state_options has it: context is a struct live. An address of this
 * host may be there again in a moment, so where proxies come and go it stays a proxy's over a
 * restart, too. */
void proxy_addresses_take_stored(void *context, const struct address *proxy);

#endif
