/* What an endpoint is found to be: natted, lost, of a class. */
#ifndef NATBOX_ENDPOINTS_TRAITS_H
#define NATBOX_ENDPOINTS_TRAITS_H

#include <natbox/endpoints.h>

/* One endpoint more or, with -1, less: counted by what it is. */
void endpoint_count(struct endpoints *endpoints, const struct endpoint *endpoint, int by);

/* What a store keeps of its reasons has changed. */
void endpoint_note_change(struct endpoints *endpoints, const struct endpoint *endpoint);

/* These tests hit it; nothing else follows. False when that was known. */
bool endpoint_join_nat(struct endpoints *endpoints, uint32_t endpoint, unsigned nat);

/* It was lost before a restart. */
void endpoint_restore_lost(struct endpoints *endpoints, uint32_t endpoint);

/* It is of this class; nothing else follows. */
void endpoint_join_class(struct endpoints *endpoints, uint32_t endpoint, unsigned class);

/* It gets a new place on the schedule, for when its keepalive is due. */
void endpoint_place_anew(struct endpoints *endpoints, uint32_t endpoint);

#endif
