/* Preloaded, it writes a line into the file that SOCKETS names for each socket of nftables. */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int socket(int family, int type, int protocol)
{
	int (*open_socket)(int, int, int) = dlsym(RTLD_NEXT, "socket");

	if (family == AF_NETLINK && protocol == NETLINK_NETFILTER) {
		FILE *file = fopen(getenv("SOCKETS"), "ae");

		fputs("opened\n", file);
		fclose(file);
	}
	return open_socket(family, type, protocol);
}
