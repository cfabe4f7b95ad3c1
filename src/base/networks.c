#include <natbox/address.h>

#include <errno.h>

static struct address first_of(const struct network *network)
{
	struct address first = {0};

	memcpy(first.ip, network->ip, sizeof(first.ip));
	return first;
}

/* By IP address, those of IPv4 after those of IPv6. */
static int compare(const struct address *a, const struct address *b)
{
	const int kinds = address_is_ipv4(a) - address_is_ipv4(b);

	return kinds ? kinds : memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* How many of them begin at this IP address or before it. */
static unsigned count_up_to(const struct networks *networks, const struct address *address)
{
	unsigned low = 0, high = networks->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct address first = first_of(&networks->list[middle]);

		if (compare(&first, address) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool networks_contain(const struct networks *networks, const struct address *address)
{
	unsigned count = networks->count ? count_up_to(networks, address) : 0;

	return count && network_contains(&networks->list[count - 1], address);
}

/* How many from that one on lie within the network: they stand one after the other. */
static unsigned count_within(
	const struct networks *networks, unsigned from, const struct network *network)
{
	unsigned end = from;

	while (end < networks->count) {
		const struct address first = first_of(&networks->list[end]);

		if (!network_contains(network, &first))
			break;
		end++;
	}
	return end - from;
}

int networks_add(struct networks *networks, const struct network *network)
{
	const struct address first = first_of(network);
	unsigned at = count_up_to(networks, &first), within;
	struct network *list = networks->list;

	if (at && list[at - 1].bits <= network->bits && network_contains(&list[at - 1], &first))
		return 0;
	/* A smaller one with the same first address stands before the place found. */
	if (at && memcmp(list[at - 1].ip, network->ip, sizeof(network->ip)) == 0)
		at--;
	within = count_within(networks, at, network);
	if (!within && networks->count == NETWORKS_MAX)
		return -ENOSPC;
	memmove(&list[at + 1], &list[at + within], (networks->count - at - within) * sizeof(*list));
	list[at] = *network;
	networks->count += 1 - within;
	return 0;
}
