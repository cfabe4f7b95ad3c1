#ifndef NATBOX_FOLLOW_REGISTRATION_H
#define NATBOX_FOLLOW_REGISTRATION_H

#include <natbox/follow.h>

/* REGISTER and its responses (RFC 3261 10, RFC 5626 for +sip.instance). */
void registration_request(struct follow *follow, struct passage *passage);
void registration_response(struct follow *follow, struct passage *passage, uint32_t transaction);

#endif
