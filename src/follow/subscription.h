#ifndef NATBOX_FOLLOW_SUBSCRIPTION_H
#define NATBOX_FOLLOW_SUBSCRIPTION_H

#include <natbox/follow.h>

/* SUBSCRIBE and NOTIFY with their responses (RFC 6665); REFER, which subscribes, too (RFC 3515). */
void subscription_request(struct follow *follow, struct passage *passage);
void subscription_response(struct follow *follow, struct passage *passage, uint32_t transaction);
void subscription_refer(struct follow *follow, struct passage *passage);
void subscription_refer_response(
	struct follow *follow, struct passage *passage, uint32_t transaction);
void subscription_notify(struct follow *follow, struct passage *passage);
void subscription_notify_response(
	struct follow *follow, struct passage *passage, uint32_t transaction);

#endif
