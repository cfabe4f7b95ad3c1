/* The socket in the file system, and who may ask over it. */
#ifndef NATBOX_CONTROL_SOCKET_H
#define NATBOX_CONTROL_SOCKET_H

#include "control_client.h"

/* Looks up the group, if there is one by that name. 0, or -ENOENT with *fault set. */
int control_find_group(struct control *control, const char *name, struct fault *fault);

/* Makes the directory, where it is missing, and the socket, in place of one that nobody listens on
 * any more, and listens. 0 or a negative errno with *fault set. */
int control_listen(struct control *control, const struct identity *identity, struct fault *fault);

/* Removes the socket where it is still this one. */
void control_unlink(const struct control *control);

/* Whether the peer of a connection is root, natbox's user, or of the group. */
bool control_may_ask(const struct control *control, int connection);

#endif
