/* One netlink socket: a request and all of its answer, or notifications. */
#ifndef NATBOX_NETLINK_H
#define NATBOX_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/* Room for a message of ours that is no transaction. */
struct netlink_message {
	struct nlmsghdr header;
	char rest[240];
};

/* Begins a request: NLM_F_REQUEST and these flags. Returns its own header, zeros of that length;
 * attributes go behind it. */
void *netlink_start(struct netlink_message *message, int type, int flags, size_t header_length);

/* The attribute of this type behind a message's own header, which is so long. NULL: it has none. */
const struct nlattr *netlink_find(
	const struct nlmsghdr *message, size_t header_length, unsigned type);

/* A number of 32 bits, in the byte order of this host; 0 where it is not there. */
uint32_t netlink_number(const struct nlmsghdr *message, size_t header_length, unsigned type);

/* bus: NETLINK_ROUTE, NETLINK_NETFILTER. 0 or a negative errno. */
int netlink_open(int bus, struct mnl_socket **socket);

/* The same for what the kernel tells by itself of these groups. */
int netlink_listen(int bus, const int *groups, size_t count, struct mnl_socket **socket);

void netlink_close(struct mnl_socket *socket); /* NULL is fine */

/* Sends the request and hands each message of the answer to callback, NULL: to none. The request
 * has NLM_F_ACK or NLM_F_DUMP. 0, or the negative errno that the kernel answered with; -EINTR: all
 * has been handed over, but what was listed has changed meanwhile. */
int netlink_request(
	struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t callback, void *context);

/* The same over a socket of its own. */
int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *context);

/* Reads away what is left of an answer that was cut short, or it would be taken for the next. */
void netlink_drain(struct mnl_socket *socket);

/* Hands what the kernel has told by itself to callback, without waiting. False: some of it was
 * lost, or there may be more than is taken at a time. */
bool netlink_take(struct mnl_socket *socket, mnl_cb_t callback, void *context);

/* Sends a transaction, which is several messages that take effect together or not at all. 0, or the
 * first negative errno that the kernel answered with: the cause of the others. */
int netlink_commit(struct mnl_socket *socket, const void *transaction, size_t length);

#endif
