/* Holds the kernel's lock of all interfaces, addresses and routes (RTNL), as others do who make
 * and remove many of them, until its standard input ends or a minute has passed. Prints "held"
 * once it does.
 *
 * The kernel asks a network card for its strings under that lock, and reads how many it is asked
 * for from a page that userfaultfd(2) keeps back. */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, HELD_MAX_MS = 60000 };

/* The command stands at the end of the first page, what belongs to it on the second. */
static void *ask(void *context)
{
	static const uint32_t command = ETHTOOL_GSTRINGS;
	char *question = (char *)context + PAGE - sizeof(command);
	struct ifreq request = {.ifr_name = "lo", .ifr_data = question};

	memcpy(question, &command, sizeof(command));
	ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCETHTOOL, &request);
	return NULL;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(void)
{
	const int access = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
	char *pages = mmap(NULL, 2 * (size_t)PAGE, access, own, -1, 0);
	const int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	const struct uffdio_range second = {(uintptr_t)pages + PAGE, PAGE};
	struct uffdio_api version = {.api = UFFD_API};
	struct uffdio_register kept = {.range = second, .mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffdio_zeropage given = {.range = second};
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	struct uffd_msg fault;
	pthread_t asker;

	if (pages == MAP_FAILED || faults < 0 || ioctl(faults, UFFDIO_API, &version) < 0 ||
		ioctl(faults, UFFDIO_REGISTER, &kept) < 0)
		return fail("cannot keep a page back");
	if (pthread_create(&asker, NULL, ask, pages) != 0 ||
		read(faults, &fault, sizeof(fault)) != sizeof(fault))
		return fail("cannot hold the lock");
	puts("held");
	fflush(stdout);
	poll(&input, 1, HELD_MAX_MS);
	ioctl(faults, UFFDIO_ZEROPAGE, &given);
	pthread_join(asker, NULL);
	return 0;
}
