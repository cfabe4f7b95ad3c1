/* Privileges: who natbox is once its sockets are open. */
#ifndef NATBOX_PRIVILEGES_H
#define NATBOX_PRIVILEGES_H

#include <natbox/fault.h>

#include <stdbool.h>

/* Becomes that user for good, with his group alone and no capability but, where asked for,
 * CAP_NET_ADMIN. An empty name, or his who runs natbox already: the user stays, and only a
 * process that is not root's keeps what it has. 0 or a negative errno, with *fault set. */
int privileges_drop(const char *user, bool keep_net_admin, struct fault *fault);

#endif
