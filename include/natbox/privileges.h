/* Privileges: who natbox is once its sockets are open. */
#ifndef NATBOX_PRIVILEGES_H
#define NATBOX_PRIVILEGES_H

#include <natbox/fault.h>

#include <stdbool.h>

/* Becomes that user for good, with his group alone and no capability but, where asked for,
 * CAP_NET_ADMIN. Where he runs natbox already, only the capabilities go. An empty name changes
 * nothing, nor does root's. 0 or a negative errno, with *fault set. */
int privileges_drop(const char *user, bool keep_net_admin, struct fault *fault);

#endif
