#include "claim.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	/* A natbox that was killed has its claim until the kernel has taken that apart, which takes
	 * a while when it was large; the one that replaces it waits for that. */
	CLAIM_WAIT_MS = 3000,
	CLAIM_POLL_MS = 20,
	/* Each natbox that has looked stays in the queue of the one that has the claim, which takes
	 * nobody off it. Beyond, one that looks takes it for a stranger. */
	CLAIM_LOOKS_MAX = 4096,
};

/* Length of the address, which is no terminated string. */
static socklen_t name_claim(const char *purpose, struct sockaddr_un *address)
{
	int length;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = snprintf(
		address->sun_path + 1, sizeof(address->sun_path) - 1, "natbox/%s", purpose);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int try_to_take(int fd, const char *purpose)
{
	struct sockaddr_un address;
	const socklen_t length = name_claim(purpose, &address);

	if (bind(fd, (const struct sockaddr *)&address, length) != 0 ||
		listen(fd, CLAIM_LOOKS_MAX) != 0)
		return -errno;
	return 0;
}

/* Who has the claim. 0, or a negative errno: -ECONNREFUSED when nobody has, or does not listen. Of
 * whom nothing can be told he is a stranger. */
static int ask_holder(const char *purpose, struct ucred *holder)
{
	struct sockaddr_un address;
	const socklen_t length = name_claim(purpose, &address);
	socklen_t size = sizeof(*holder);
	int fd = open_socket(), error = 0;

	*holder = (struct ucred){.uid = (uid_t)-1};
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, length) == 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size);
	else if (errno == ECONNREFUSED)
		error = -ECONNREFUSED;
	close(fd);
	return error;
}

static int judge_holder(const char *purpose, const char *held, const struct ucred *holder,
	uid_t user, struct fault *fault)
{
	bool serves = strcmp(purpose, CLAIM_RELAY) != 0; /* else there is one a network namespace */

	if (holder->uid == 0 || holder->uid == geteuid() || holder->uid == user)
		return fault_set_kind(fault, FAULT_LASTING, -EADDRINUSE,
			"cannot %s: another natbox (process %d) has the claim to %s in this "
			"network namespace; stop that one%s",
			purpose, (int)holder->pid, held,
			serves ? ", or change natbox.proxy of either" : "");
	return fault_set(fault, 0,
		"whether another natbox has the claim to %s cannot be told: something that is no "
		"natbox has its name (ss -xap | grep natbox/)",
		held);
}

static int fail(const char *purpose, int error, struct fault *fault)
{
	return fault_set(fault, error, "cannot claim to %s: %s", purpose, strerror(-error));
}

int claim_take(const char *purpose, uid_t user, struct fault *fault)
{
	int fd = open_socket(), error = fd;
	struct ucred holder;

	fault->line[0] = 0;
	if (fd < 0)
		return fail(purpose, error, fault);
	for (unsigned waited_ms = 0; (error = try_to_take(fd, purpose)) == -EADDRINUSE;
		waited_ms += CLAIM_POLL_MS) {
		if (waited_ms >= CLAIM_WAIT_MS)
			break;
		usleep(CLAIM_POLL_MS * 1000);
	}
	if (error == -EADDRINUSE) {
		ask_holder(purpose, &holder);
		error = judge_holder(purpose, purpose, &holder, user, fault);
	} else if (error) {
		error = fail(purpose, error, fault);
	}
	if (!error)
		return fd;
	close(fd);
	return error;
}

int claim_look(const char *purpose, const char *other, uid_t user, struct fault *fault)
{
	struct ucred holder;
	int error;

	fault->line[0] = 0;
	for (unsigned waited_ms = 0; (error = ask_holder(other, &holder)) == 0;
		waited_ms += CLAIM_POLL_MS) {
		if (holder.pid == getpid())
			return 0;
		if (waited_ms >= CLAIM_WAIT_MS)
			return judge_holder(purpose, other, &holder, user, fault);
		usleep(CLAIM_POLL_MS * 1000);
	}
	return error == -ECONNREFUSED ? 0 : fail(purpose, error, fault);
}
