#include "netlink.h"

#include <errno.h>
#include <stdalign.h>
#include <sys/socket.h>

enum {
	/* What the kernel puts at most into one answer of a dump. */
	ANSWER_MAX = 32768,
	/* Notifications are of up to 8 KiB, but for routes of a thousand next hops. */
	NOTICE_MAX = 16384,
	/* So many are taken at a time. */
	NOTICES_MAX = 64,
};

void *netlink_start(struct netlink_message *message, int type, int flags, size_t header_length)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(message);

	request->nlmsg_type = (uint16_t)type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(request, header_length);
}

const struct nlattr *netlink_find(
	const struct nlmsghdr *message, size_t header_length, unsigned type)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, (unsigned)header_length)
	{
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	}
	return NULL;
}

uint32_t netlink_number(const struct nlmsghdr *message, size_t header_length, unsigned type)
{
	const struct nlattr *attribute = netlink_find(message, header_length, type);

	return attribute ? mnl_attr_get_u32(attribute) : 0;
}

int netlink_open(int bus, struct mnl_socket **out)
{
	int on = 1;
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;

		mnl_socket_close(socket);
		return error;
	}
	/* Lets a dump name the table it wants: a border router has millions of other routes. */
	mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*out = socket;
	return 0;
}

int netlink_listen(int bus, const int *groups, size_t count, struct mnl_socket **out)
{
	struct mnl_socket *socket = NULL;
	int error = netlink_open(bus, &socket);

	for (size_t i = 0; !error && i < count; i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
			0)
			error = -errno;
	}
	if (error)
		netlink_close(socket);
	else
		*out = socket;
	return error;
}

void netlink_close(struct mnl_socket *socket)
{
	if (socket)
		mnl_socket_close(socket);
}

/* Whether what is listed has changed meanwhile. The marks go, or the rest would not be read. */
static bool take_cut_marks(char *answer, int length)
{
	bool is_cut = false;

	for (struct nlmsghdr *message = (struct nlmsghdr *)answer; mnl_nlmsg_ok(message, length);
		message = mnl_nlmsg_next(message, &length)) {
		is_cut |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		message->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
	return is_cut;
}

int netlink_request(
	struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
	alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	int verdict = MNL_CB_OK;
	bool is_cut = false;

	request->nlmsg_seq = 1; /* one request at a time: its answer is read to the end */
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (verdict > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (length < 0)
			return -errno;
		is_cut |= take_cut_marks(answer, (int)length);
		verdict = mnl_cb_run(answer, (size_t)length, request->nlmsg_seq,
			mnl_socket_get_portid(socket), callback, context);
	}
	if (verdict < 0)
		return -errno;
	return is_cut ? -EINTR : 0;
}

void netlink_drain(struct mnl_socket *socket)
{
	char answer[ANSWER_MAX];

	while (recv(mnl_socket_get_fd(socket), answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
}

int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = NULL;
	int result = netlink_open(bus, &socket);

	if (result != 0)
		return result;
	result = netlink_request(socket, request, callback, context);
	netlink_close(socket);
	return result;
}

bool netlink_take(struct mnl_socket *socket, mnl_cb_t callback, void *context)
{
	alignas(struct nlmsghdr) char notice[NOTICE_MAX];

	for (unsigned i = 0; i < NOTICES_MAX; i++) {
		const ssize_t length = recv(mnl_socket_get_fd(socket), notice, sizeof(notice),
			MSG_DONTWAIT | MSG_TRUNC);

		if (length < 0)
			return errno == EAGAIN || errno == EINTR;
		if (length > (ssize_t)sizeof(notice))
			return false;
		mnl_cb_run(notice, (size_t)length, 0, 0, callback, context);
	}
	return false;
}

/* The kernel has answered by the time that the transaction is sent, and says nothing when all is
 * well. */
int netlink_commit(struct mnl_socket *socket, const void *transaction, size_t length)
{
	alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	int error = 0;

	if (mnl_socket_sendto(socket, transaction, length) < 0)
		return -errno;
	for (;;) {
		ssize_t received =
			recv(mnl_socket_get_fd(socket), answer, sizeof(answer), MSG_DONTWAIT);

		if (received <= 0)
			return error;
		if (mnl_cb_run(answer, (size_t)received, 0, 0, NULL, NULL) < 0 && !error)
			error = -errno;
	}
}
