#include <natbox/claim.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLAIM_WAIT_MS = 3000, CLAIM_POLL_MS = 20 };

/* An abstract name: each network namespace has its own, and the kernel forgets them with the
 * process. */
static const char name[] = "\0natbox/relay";

/* A natbox that was killed holds it until the kernel has taken that apart, which takes a while when
 * it was large; the one that replaces it waits for that. */
static int bind_name(int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1;

	memcpy(address.sun_path, name, sizeof(name) - 1);
	for (unsigned waited_ms = 0; bind(fd, (const struct sockaddr *)&address, length) != 0;
		waited_ms += CLAIM_POLL_MS) {
		if (errno != EADDRINUSE || waited_ms >= CLAIM_WAIT_MS)
			return -errno;
		usleep(CLAIM_POLL_MS * 1000);
	}
	return 0;
}

int claim_take(struct fault *fault)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return fault_set(fault, -errno, "cannot claim to relay: %s", strerror(errno));
	error = bind_name(fd);
	if (!error)
		return fd;
	close(fd);
	if (error == -EADDRINUSE)
		return fault_set(fault, error,
			"cannot relay: another natbox does so in this network namespace; stop that "
			"one, or have it relay for all proxies (natbox.proxy)");
	return fault_set(fault, error, "cannot claim to relay: %s", strerror(-error));
}
