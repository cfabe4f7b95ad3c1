/* Preloaded, it has the kernel refuse a message to the queue for want of memory, as it may: as
 * often as the file that REFUSALS names has bytes, of which each refusal takes one. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_refused(void)
{
	const char *path = getenv("REFUSALS");
	struct stat status;

	return stat(path, &status) == 0 && status.st_size > 0 &&
	       truncate(path, status.st_size - 1) == 0;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to,
	socklen_t size)
{
	ssize_t (*send)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		dlsym(RTLD_NEXT, "sendto");
	const struct nlmsghdr *message = bytes;

	if (to && to->sa_family == AF_NETLINK && length >= sizeof(*message) &&
		message->nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE && is_refused()) {
		errno = ENOBUFS;
		return -1;
	}
	return send(fd, bytes, length, flags, to, size);
}
