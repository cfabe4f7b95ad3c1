/* Commands that go through the endpoints: a few at a time, as there may be a million. */
#ifndef NATBOX_CONTROL_WALK_H
#define NATBOX_CONTROL_WALK_H

#include "control_client.h"

/* Begins with what the client's request asks for, and ends at once where one look is enough. */
void walk_start(struct control_client *client);

/* Goes on until that moment of CLOCK_MONOTONIC, for a few endpoints at least. */
void walk_run(struct control_client *client, uint64_t until_us);

/* Whether it can go on before the client has taken something. */
bool walk_can_run(const struct control_client *client);

#endif
