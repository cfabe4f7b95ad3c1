#include <natbox/interfaces.h>

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

static bool address_from(const struct sockaddr *socket_address, struct address *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (!socket_address)
		return false;
	switch (socket_address->sa_family) {
	case AF_INET:
		memcpy(&ipv4, socket_address, sizeof(ipv4));
		*address = address_ipv4(&ipv4.sin_addr, 0);
		return true;
	case AF_INET6:
		memcpy(&ipv6, socket_address, sizeof(ipv6));
		*address = address_ipv6(&ipv6.sin6_addr, 0);
		return true;
	default:
		return false;
	}
}

static bool is_listed(const struct address *addresses, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (address_same_host(&addresses[i], address))
			return true;
	}
	return false;
}

int interfaces_list(struct address *addresses, size_t size, struct fault *fault)
{
	struct ifaddrs *all;
	struct address address;
	size_t count = 0;
	int error = 0;

	if (getifaddrs(&all))
		return fault_set(fault, -errno,
			"cannot list the addresses of this host: %s; name the proxies' addresses",
			strerror(errno));
	for (const struct ifaddrs *one = all; one && !error; one = one->ifa_next) {
		if (!address_from(one->ifa_addr, &address) || is_listed(addresses, count, &address))
			continue;
		if (count == size)
			error = fault_set(fault, -ENOSPC,
				"this host has more than %zu addresses; name the proxies' "
				"addresses",
				size);
		else
			addresses[count++] = address;
	}
	freeifaddrs(all);
	return error ? error : (int)count;
}
