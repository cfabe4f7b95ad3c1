/* The socket of one of the kernel's queues: how it is bound, and why it cannot be. */
#ifndef NATBOX_WIRE_QUEUE_QUEUE_SOCKET_H
#define NATBOX_WIRE_QUEUE_QUEUE_SOCKET_H

#include <natbox/base.h>

#include <libmnl/libmnl.h>

/* Bound to the queue of that number: packets are copied as far as a verdict can give them back, and
 * go on by themselves where there is no room. 0, or a negative error number; *out is to be closed
 * wherever it is not NULL. */
int queue_socket_open(uint16_t number, struct mnl_socket **out);

/* Says what such an error means and what to do. Returns it. */
int queue_socket_explain(int error, uint16_t number, struct fault *fault);

#endif
