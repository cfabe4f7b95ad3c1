/* How endpoints and reasons are told of. */
#ifndef NATBOX_ENDPOINTS_REPORTS_H
#define NATBOX_ENDPOINTS_REPORTS_H

#include <natbox/endpoints.h>

/* Reports an endpoint that is new, where that is wanted. */
void endpoint_report_added(struct endpoints *endpoints, uint32_t endpoint);

/* Reports an event of a reason, where it is wanted. why: of reason-end. */
void reason_report(
	struct endpoints *endpoints, uint32_t reason, enum event_type type, const char *why);

/* Notes all that there is as restored and not told of, where such events are wanted; and tells of
 * one endpoint before anything else is told of it, or changes in it. */
void restored_note(struct endpoints *endpoints);
void restored_tell_now(struct endpoints *endpoints, uint32_t endpoint);
static inline void restored_tell_first(struct endpoints *endpoints, uint32_t endpoint)
{
	if (restored_are_untold(endpoints))
		restored_tell_now(endpoints, endpoint);
}

#endif
