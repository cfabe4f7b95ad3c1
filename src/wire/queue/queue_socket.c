#include "queue_socket.h"

#include "../netlink.h"
#include "../rules/kernel.h"
#include "../send/batch.h"
#include "../socket_buffers.h"
#include "verdicts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

/* Packets that wait for natbox, or for what it says of them: far more than the socket's buffer
 * holds, so that it is the buffer that is full first, which natbox sees. */
enum { WAITING_MAX = 65536 };

int queue_socket_explain(int error, uint16_t number, struct fault *fault)
{
	if (error == -EPERM || error == -EACCES)
		return fault_set_kind(fault, FAULT_LASTING, error,
			"cannot open queue %u: %s; run natbox as root, or with CAP_NET_ADMIN and "
			"CAP_NET_RAW",
			number, strerror(-error));
	if (error == -EBUSY)
		return fault_set(fault, error,
			"queue %u is in use by another program; stop that program or set "
			"queue.number to a free one",
			number);
	if (error == -EINVAL)
		return fault_set(fault, -ENOTSUP,
			"cannot open queue %u: this kernel has no nfnetlink_queue (modprobe "
			"nfnetlink_queue); natbox.mode = relay needs none",
			number);
	return fault_set(fault, error, "cannot open queue %u: %s", number, strerror(-error));
}

/* All in one message: what comes to a queue that does not know yet how much to copy is lost. */
static void put_configuration(struct netlink_message *message, uint16_t number)
{
	const struct nfqnl_msg_config_cmd bind = {.command = NFQNL_CFG_CMD_BIND};
	const struct nfqnl_msg_config_params parameters = {
		.copy_range = htonl(VERDICT_PACKET_MAX), .copy_mode = NFQNL_COPY_PACKET};
	struct nlmsghdr *header = &message->header;
	struct nfgenmsg *general = netlink_start(
		message, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, 0, sizeof(*general));

	general->version = NFNETLINK_V0;
	general->res_id = htons(number);
	mnl_attr_put(header, NFQA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(header, NFQA_CFG_PARAMS, sizeof(parameters), &parameters);
	mnl_attr_put_u32(header, NFQA_CFG_QUEUE_MAXLEN, htonl(WAITING_MAX));
	mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
	mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN));
}

/* An error is the kernel's first word; without one, the first packet may be. */
static int read_error(int descriptor)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} answer = {0};
	ssize_t length = recv(descriptor, &answer, sizeof(answer), MSG_PEEK | MSG_DONTWAIT);

	if (length < (ssize_t)sizeof(answer) || answer.header.nlmsg_type != NLMSG_ERROR)
		return 0;
	return answer.error.error;
}

static int bind_queue(struct mnl_socket *socket, uint16_t number)
{
	struct netlink_message message;
	const int fd = mnl_socket_get_fd(socket), on = 1;
	struct fault unheard;
	int error;

	put_configuration(&message, number);
	socket_buffer_in(fd, SOCKET_BUFFER);
	socket_buffer_out(fd, SOCKET_BUFFER);
	if (setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
		mnl_socket_sendto(socket, &message, message.header.nlmsg_len) < 0)
		return -errno;
	error = read_error(fd);
	/* The kernel says so, too, where another program has the queue. */
	return error == -EPERM && kernel_check_privilege(&unheard) == 0 ? -EBUSY : error;
}

int queue_socket_open(uint16_t number, struct mnl_socket **out)
{
	const int error = netlink_open(NETLINK_NETFILTER, out);

	return error ? error : bind_queue(*out, number);
}
