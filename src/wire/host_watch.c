#include "host_watch.h"

#include "deputy.h"
#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* How long an address that came to or left this host may count as it did before. */
enum { LOOK_INTERVAL_S = 1 };

struct host_watch {
	struct mnl_socket *notices;
	struct deputy *deputy;
	time_t looked_s;
	bool is_old; /* what is known of the host */
	bool is_being_listed;
	unsigned lists;
	struct host host;

	/* The deputy's while it lists. */
	struct host listed;
	int result;
};

static void list(void *context)
{
	struct host_watch *watch = context;

	watch->result = host_read(&watch->listed);
}

static void take(struct host_watch *watch)
{
	watch->is_being_listed = false;
	watch->is_old |= watch->result != 0;
	if (watch->result == 0)
		watch->host = watch->listed;
}

int host_watch_open(unsigned patience_ms, struct host_watch **out)
{
	static const int groups[] = {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	struct host_watch *watch = calloc(1, sizeof(*watch));
	int error = -ENOMEM;

	if (watch)
		watch->deputy = deputy_new(patience_ms);
	if (watch && watch->deputy)
		error = netlink_listen(
			NETLINK_ROUTE, groups, sizeof(groups) / sizeof(*groups), &watch->notices);
	if (error) {
		host_watch_close(watch);
		return error;
	}
	watch->lists = 1;
	list(watch);
	take(watch);
	*out = watch;
	return 0;
}

void host_watch_close(struct host_watch *watch)
{
	if (!watch)
		return;
	deputy_free(watch->deputy);
	netlink_close(watch->notices);
	free(watch);
}

/* Each interface that is made gets an IPv6 address of its link alone, which does not count
 * (host.h). */
static int note(const struct nlmsghdr *message, void *context)
{
	struct host_watch *watch = context;
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);

	watch->is_old |= mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
			 header->ifa_family != AF_INET6 || header->ifa_scope != RT_SCOPE_LINK;
	return MNL_CB_OK;
}

static void begin(struct host_watch *watch)
{
	watch->is_old = false;
	watch->lists++;
	watch->is_being_listed = !deputy_do(watch->deputy, list, watch);
	if (!watch->is_being_listed)
		take(watch);
}

const struct host *host_watch_now(struct host_watch *watch)
{
	struct timespec now;

	if (watch->is_being_listed && deputy_is_free(watch->deputy))
		take(watch);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (watch->looked_s && now.tv_sec - watch->looked_s < LOOK_INTERVAL_S)
		return &watch->host;
	watch->looked_s = now.tv_sec;
	watch->is_old |= !netlink_take(watch->notices, note, watch);
	if (watch->is_old && !watch->is_being_listed)
		begin(watch);
	return &watch->host;
}

unsigned host_watch_lists(const struct host_watch *watch)
{
	return watch->lists;
}
