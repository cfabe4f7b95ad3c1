/* What is done for a request. */
#ifndef NATBOX_CONTROL_COMMAND_H
#define NATBOX_CONTROL_COMMAND_H

#include "control_client.h"

/* A line that a client has said, without its line end: answered at once, or begun. */
void command_run(struct control_client *client, struct text line);

#endif
