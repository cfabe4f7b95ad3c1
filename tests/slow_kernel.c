/* Preloaded, it has who asks the kernel about interfaces, routes and neighbours wait for as long as
 * the file that HELD names is there: as kernels before 6.9 do, while somebody makes interfaces.
 * After a minute it takes the file away. */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELD_MAX_MS = 60000, LOOK_MS = 10 };

static void wait_for_others(void)
{
	const char *held = getenv("HELD");

	for (int waited_ms = 0; access(held, F_OK) == 0; waited_ms += LOOK_MS) {
		if (waited_ms > HELD_MAX_MS)
			unlink(held);
		usleep(LOOK_MS * 1000);
	}
}

static int is_question(const struct nlmsghdr *message, size_t length, const struct sockaddr *to)
{
	if (!to || to->sa_family != AF_NETLINK || length < sizeof(*message))
		return 0;
	return message->nlmsg_type == RTM_GETLINK || message->nlmsg_type == RTM_GETROUTE ||
	       message->nlmsg_type == RTM_GETRULE || message->nlmsg_type == RTM_GETNEIGH;
}

ssize_t sendto(int to_send, const void *bytes, size_t length, int flags,
	const struct sockaddr *address, socklen_t address_length)
{
	ssize_t (*send_to)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		dlsym(RTLD_NEXT, "sendto");

	if (is_question(bytes, length, address))
		wait_for_others();
	return send_to(to_send, bytes, length, flags, address, address_length);
}
