#include "host_watch.h"

#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <time.h>

/* How long an address that came to or left this host may count as it did before. */
enum { LOOK_INTERVAL_S = 1 };

struct host_watch {
	struct mnl_socket *notices;
	time_t looked_s;
	bool is_old; /* what is known of the host */
	unsigned lists;
	struct host host;
};

int host_watch_open(struct host_watch **out)
{
	static const int groups[] = {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	struct host_watch *watch = calloc(1, sizeof(*watch));
	int error = -ENOMEM;

	if (watch)
		error = netlink_listen(
			NETLINK_ROUTE, groups, sizeof(groups) / sizeof(*groups), &watch->notices);
	if (error) {
		free(watch);
		return error;
	}
	watch->is_old = true;
	*out = watch;
	return 0;
}

void host_watch_close(struct host_watch *watch)
{
	if (!watch)
		return;
	netlink_close(watch->notices);
	free(watch);
}

/* Each interface that is made gets an address of its link alone, which does not count (host.h). */
static int note(const struct nlmsghdr *message, void *context)
{
	struct host_watch *watch = context;
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);

	watch->is_old |= mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
			 header->ifa_scope != RT_SCOPE_LINK;
	return MNL_CB_OK;
}

const struct host *host_watch_now(struct host_watch *watch)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (watch->looked_s && now.tv_sec - watch->looked_s < LOOK_INTERVAL_S)
		return &watch->host;
	watch->looked_s = now.tv_sec;
	watch->is_old |= !netlink_take(watch->notices, note, watch);
	if (!watch->is_old)
		return &watch->host;
	watch->lists++;
	watch->is_old = host_read(&watch->host) != 0;
	return &watch->host;
}

unsigned host_watch_lists(const struct host_watch *watch)
{
	return watch->lists;
}
