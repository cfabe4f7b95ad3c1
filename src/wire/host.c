#include "host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct address *left = a, *right = b;

	return memcmp(left->ip, right->ip, sizeof(left->ip));
}

static bool usable(const struct sockaddr *socket_address, struct address *address)
{
	if (!socket_address)
		return false;
	if (socket_address->sa_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const void *)socket_address;

		*address = address_ipv4(&ipv4->sin_addr, 0);
		return true;
	}
	if (socket_address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *ipv6 = (const void *)socket_address;

		*address = address_ipv6(&ipv6->sin6_addr, 0);
		return !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr);
	}
	return false;
}

/* Tunnels share the address of their near end, which is listed once for each of them in a row. */
static bool is_last(const struct host *host, const struct address *address)
{
	return host->count && compare(&host->list[host->count - 1], address) == 0;
}

static void drop_doubles(struct host *host)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < host->count; i++)
		if (!kept || compare(&host->list[kept - 1], &host->list[i]) != 0)
			host->list[kept++] = host->list[i];
	host->count = kept;
}

int host_read(struct host *host)
{
	const unsigned up = IFF_LOOPBACK | IFF_UP;
	struct ifaddrs *all;
	struct address address;

	if (getifaddrs(&all) < 0)
		return -errno;
	host->count = 0;
	host->is_cut = host->loopback_is_up = false;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		host->loopback_is_up |= (one->ifa_flags & up) == up;
		if (!usable(one->ifa_addr, &address) || is_last(host, &address))
			continue;
		if (host->count < HOST_ADDRESSES_MAX)
			host->list[host->count++] = address;
		else
			host->is_cut = true;
	}
	freeifaddrs(all);
	qsort(host->list, host->count, sizeof(host->list[0]), compare);
	drop_doubles(host);
	return 0;
}

bool host_has(const struct host *host, const struct address *address)
{
	if (address_is_ipv4(address) && address->ip[12] == 127)
		return true;
	return bsearch(address, host->list, host->count, sizeof(host->list[0]), compare) != NULL;
}
