#include "routing.h"

#include "../netlink.h"
#include "kernel.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

static const uint8_t families[] = {AF_INET, AF_INET6};

struct routing {
	struct mnl_socket *socket;
	uint32_t loopback; /* the interface's index */
};

struct fib_rule {
	uint8_t family, action, protocol;
	bool inverted;
	uint32_t priority, mark, mask, table;
};

static struct fib_rule read_rule(const struct nlmsghdr *message)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *protocol = netlink_find(message, sizeof(*header), FRA_PROTOCOL);

	return (struct fib_rule){.family = header->family,
		.action = header->action,
		.protocol = protocol ? mnl_attr_get_u8(protocol) : 0,
		.inverted = header->flags & FIB_RULE_INVERT,
		.priority = netlink_number(message, sizeof(*header), FRA_PRIORITY),
		.mark = netlink_number(message, sizeof(*header), FRA_FWMARK),
		.mask = netlink_number(message, sizeof(*header), FRA_FWMASK),
		.table = netlink_number(message, sizeof(*header), FRA_TABLE)};
}

static bool rule_is_ours(const struct fib_rule *rule)
{
	return rule->protocol == ROUTING_PROTOCOL && rule->action == FR_ACT_TO_TBL;
}

static int each_rule(struct mnl_socket *socket, uint8_t family, mnl_cb_t callback, void *context)
{
	struct netlink_message request;
	struct fib_rule_hdr *header =
		netlink_start(&request, RTM_GETRULE, NLM_F_DUMP, sizeof(*header));

	header->family = family;
	return netlink_request(socket, &request.header, callback, context);
}

static int change_rule(struct mnl_socket *socket, int type, int flags, const struct fib_rule *rule)
{
	struct netlink_message request;
	struct fib_rule_hdr *header =
		netlink_start(&request, type, NLM_F_ACK | flags, sizeof(*header));

	header->family = rule->family;
	header->action = FR_ACT_TO_TBL;
	header->table = RT_TABLE_UNSPEC; /* FRA_TABLE has it, which is wider */
	mnl_attr_put_u32(&request.header, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(&request.header, FRA_FWMARK, rule->mark);
	mnl_attr_put_u32(&request.header, FRA_TABLE, rule->table);
	mnl_attr_put_u8(&request.header, FRA_PROTOCOL, ROUTING_PROTOCOL);
	return netlink_request(socket, &request.header, NULL, NULL);
}

static int change_route(
	const struct routing *routing, int type, int flags, uint8_t family, uint32_t table)
{
	struct netlink_message request;
	struct rtmsg *header = netlink_start(&request, type, NLM_F_ACK | flags, sizeof(*header));

	header->rtm_family = family;
	header->rtm_type = RTN_LOCAL;
	header->rtm_scope = RT_SCOPE_HOST;
	header->rtm_protocol = ROUTING_PROTOCOL;
	mnl_attr_put_u32(&request.header, RTA_TABLE, table);
	mnl_attr_put_u32(&request.header, RTA_OIF, routing->loopback);
	return netlink_request(routing->socket, &request.header, NULL, NULL);
}

struct search {
	const struct rules_settings *settings;
	enum routing_use use;
	struct fault *fault;
};

static int check_rule(const struct nlmsghdr *message, void *context)
{
	const struct search *search = context;
	const bool is_own = search->use == ROUTING_USES_OWN_MARK;
	const uint32_t mark = is_own ? search->settings->own_mark : search->settings->mark;
	const uint32_t table = search->settings->table;
	const char *key = is_own ? "own-mark" : "mark";
	const struct fib_rule rule = read_rule(message);

	if (rule_is_ours(&rule))
		return MNL_CB_OK;
	if (search->use != ROUTING_USES_TABLE && rule.mask && !rule.inverted &&
		(mark & rule.mask) == (rule.mark & rule.mask))
		fault_set_kind(search->fault, FAULT_LASTING, 0,
			"relay.%s %#x is in use by somebody else's routing rule %u (fwmark "
			"%#x/%#x); set relay.%s to a free one",
			key, mark, rule.priority, rule.mark, rule.mask, key);
	else if (search->use == ROUTING_USES_TABLE && rule.table == table)
		fault_set_kind(search->fault, FAULT_LASTING, 0,
			"relay.table %u is in use by somebody else's routing rule %u; set "
			"relay.table to a free one",
			table, rule.priority);
	else
		return MNL_CB_OK;
	errno = EEXIST;
	return MNL_CB_ERROR;
}

static int check_route(const struct nlmsghdr *message, void *context)
{
	const struct search *search = context;
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);

	if (header->rtm_protocol == ROUTING_PROTOCOL ||
		netlink_number(message, sizeof(*header), RTA_TABLE) != search->settings->table)
		return MNL_CB_OK;
	fault_set_kind(search->fault, FAULT_LASTING, 0,
		"relay.table %u has routes of somebody else; set relay.table to a free one",
		search->settings->table);
	errno = EEXIST;
	return MNL_CB_ERROR;
}

static int check_once(uint8_t family, struct search *search)
{
	struct netlink_message request;
	struct rtmsg *header = netlink_start(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(*header));
	struct mnl_socket *socket = NULL;
	int error = netlink_open(NETLINK_ROUTE, &socket);

	if (error)
		return error;
	header->rtm_family = family;
	mnl_attr_put_u32(&request.header, RTA_TABLE, search->settings->table);
	error = each_rule(socket, family, check_rule, search);
	if (!error && search->use == ROUTING_USES_TABLE)
		error = netlink_request(socket, &request.header, check_route, search);
	netlink_close(socket);
	return error;
}

/* What changes while the kernel lists it is listed again. */
static int check_family(uint8_t family, struct search *search)
{
	enum { TRIES = 100 };
	int error = -EINTR;

	for (unsigned i = 0; i < TRIES && error == -EINTR; i++)
		error = check_once(family, search);
	/* The kernel has no such table: nobody uses it. Or no IPv6. */
	return error == -ENOENT || error == -EAFNOSUPPORT ? 0 : error;
}

int routing_check(const struct rules_settings *settings, enum routing_use use, struct fault *fault)
{
	struct search search = {settings, use, fault};

	for (size_t i = 0; i < sizeof(families); i++) {
		int error = check_family(families[i], &search);

		if (error && error != -EEXIST)
			return fault_set(fault, error, "cannot read the routing rules: %s",
				strerror(-error));
		if (error)
			return error;
	}
	return 0;
}

/* Whether an error matters: of IPv6, which a host may lack, only where a proxy has it. */
static bool is_needed(uint8_t family, const struct rules_settings *settings)
{
	if (family == AF_INET)
		return true;
	for (size_t i = 0; i < settings->proxy_count; i++)
		if (!address_is_ipv4(&settings->proxies[i]))
			return true;
	return false;
}

static int install_family(const struct routing *routing, uint8_t family,
	const struct rules_settings *settings, bool *added)
{
	const int flags = NLM_F_CREATE | NLM_F_EXCL;
	const struct fib_rule ours = {.family = family,
		.priority = ROUTING_PRIORITY,
		.mark = settings->mark,
		.table = settings->table};
	int rule = change_rule(routing->socket, RTM_NEWRULE, flags, &ours);
	int route;

	if (rule && rule != -EEXIST)
		return rule;
	route = change_route(routing, RTM_NEWROUTE, flags, family, settings->table);
	if (route && route != -EEXIST)
		return route;
	*added |= !rule || !route;
	return 0;
}

/* A host's switch, or one of the loopback interface, where the route leads. */
static const char *ipv6_switch(void)
{
	if (kernel_ipv6_is_off("all"))
		return "all";
	return kernel_ipv6_is_off("lo") ? "lo" : NULL;
}

static int explain(
	int error, uint8_t family, const struct rules_settings *settings, struct fault *fault)
{
	const char *off = family == AF_INET6 ? ipv6_switch() : NULL;

	if (off)
		return fault_set(fault, error,
			"cannot relay for IPv6 proxies: net.ipv6.conf.%s.disable_ipv6 is 1; sysctl "
			"-w net.ipv6.conf.%s.disable_ipv6=0, or take them out of natbox.proxy",
			off, off);
	return fault_set(fault, error,
		"cannot add the %s routing rule and route of relay mode (table %u): %s",
		family == AF_INET ? "IPv4" : "IPv6", settings->table, strerror(-error));
}

int routing_open(struct routing **out, struct fault *fault)
{
	struct routing *routing = calloc(1, sizeof(*routing));
	int error = routing ? netlink_open(NETLINK_ROUTE, &routing->socket) : -ENOMEM;

	if (error) {
		routing_close(routing);
		return fault_set(
			fault, error, "cannot speak netlink to the routing: %s", strerror(-error));
	}
	routing->loopback = if_nametoindex("lo");
	*out = routing;
	return 0;
}

void routing_close(struct routing *routing)
{
	if (!routing)
		return;
	netlink_close(routing->socket);
	free(routing);
}

int routing_install(struct routing *routing, const struct rules_settings *settings, bool *added,
	struct fault *fault)
{
	int error = 0;

	*added = false;
	for (size_t i = 0; !error && i < sizeof(families); i++) {
		error = install_family(routing, families[i], settings, added);
		if (!is_needed(families[i], settings))
			error = 0;
		if (error)
			explain(error, families[i], settings, fault);
	}
	return error;
}

/* Rules that a crash, or several with a changed configuration between them, left behind. */
enum { LEFTOVERS_MAX = 16 };

struct leftovers {
	unsigned count;
	struct fib_rule list[LEFTOVERS_MAX];
};

static int collect_ours(const struct nlmsghdr *message, void *context)
{
	struct leftovers *leftovers = context;
	const struct fib_rule rule = read_rule(message);

	if (rule_is_ours(&rule) && leftovers->count < LEFTOVERS_MAX)
		leftovers->list[leftovers->count++] = rule;
	return MNL_CB_OK;
}

static void remove_family(
	const struct routing *routing, uint8_t family, const struct rules_settings *settings)
{
	struct leftovers leftovers = {0};

	each_rule(routing->socket, family, collect_ours, &leftovers);
	for (unsigned i = 0; i < leftovers.count; i++) {
		const struct fib_rule *rule = &leftovers.list[i];

		change_rule(routing->socket, RTM_DELRULE, 0, rule);
		change_route(routing, RTM_DELROUTE, 0, family, rule->table);
	}
	change_route(routing, RTM_DELROUTE, 0, family, settings->table);
}

void routing_remove(struct routing *routing, const struct rules_settings *settings)
{
	for (size_t i = 0; i < sizeof(families); i++)
		remove_family(routing, families[i], settings);
}
