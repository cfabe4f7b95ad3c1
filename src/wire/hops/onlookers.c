#include "onlookers.h"

#include "../deputy.h"
#include "../netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Between two times that all is looked at: who changes rules changes several. */
	ASK_MS = 1000,
	/* And so many times as long as it took: of tens of thousands of chains it takes long. */
	REST = 16,
	NAME_MAX_SHOWN = 160,
	/* Tables of iptables' old kind, for IPv4 and IPv6. */
	LEGACY = 2,
};

/* One look at what there is. While it is under way all of it is the deputy's. */
struct inspection {
	struct mnl_socket *questions; /* about rules; NULL: they may not be asked for */
	int legacy[LEGACY];           /* files that name the tables; -1: none */
	bool wants_rules, wants_policies;

	/* What was seen. */
	bool filters, encrypts;
	bool is_cut;             /* rules have changed meanwhile */
	bool policies_are_known; /* else they could not be asked for */
	char rule[NAME_MAX_SHOWN];
};

struct onlookers {
	struct mnl_socket *rules, *policies; /* notifications; NULL: there are none */
	struct deputy *deputy;
	struct inspection inspection;
	bool is_inspecting;
	uint64_t inspected_ms, inspect_next_ms;
	bool filters, encrypts;
	bool rules_are_news, policies_are_news;
	char rule[NAME_MAX_SHOWN];
};

static const char changed[] = "a firewall that has changed";

static void name_rule(struct onlookers *onlookers, const char *name)
{
	onlookers->filters = true;
	snprintf(onlookers->rule, sizeof(onlookers->rule), "%s", name);
}

static void see_rule(struct inspection *inspection, const char *name)
{
	inspection->filters = true;
	snprintf(inspection->rule, sizeof(inspection->rule), "%s", name);
}

static bool is_own(int family, const char *table)
{
	return family == NFPROTO_INET && strcmp(table, "natbox") == 0;
}

static const char *family_name(int family)
{
	if (family == NFPROTO_INET)
		return "inet";
	return family == NFPROTO_IPV4 ? "ip" : "ip6";
}

/* What a rule translates in any hook is translated back in the others. A chain that hangs in a hook
 * is no rule's target, so what uses it are its rules. */
static bool sees_what_is_sent(const struct nftnl_chain *chain)
{
	const bool is_base = nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM);
	const uint32_t hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	const bool translates = type && strcmp(type, "nat") == 0;
	const bool drops = nftnl_chain_is_set(chain, NFTNL_CHAIN_POLICY) &&
			   nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) != NF_ACCEPT;

	return is_base &&
	       (translates || hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING) &&
	       (drops || nftnl_chain_get_u32(chain, NFTNL_CHAIN_USE));
}

static int take_chain(const struct nlmsghdr *message, void *context)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	const int family = general->nfgen_family;
	struct nftnl_chain *chain;
	char name[NAME_MAX_SHOWN];
	int result = MNL_CB_OK;

	if (family != NFPROTO_INET && family != NFPROTO_IPV4 && family != NFPROTO_IPV6)
		return MNL_CB_OK;
	chain = nftnl_chain_alloc();
	if (!chain || nftnl_chain_nlmsg_parse(message, chain) != 0) {
		errno = ENOMEM;
		result = MNL_CB_ERROR;
	} else if (!is_own(family, nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)) &&
		   sees_what_is_sent(chain)) {
		snprintf(name, sizeof(name), "chain %s of nftables table %s %s",
			nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME), family_name(family),
			nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE));
		see_rule(context, name);
		result = MNL_CB_STOP;
	}
	if (chain)
		nftnl_chain_free(chain);
	return result;
}

/* 0 also from a kernel that has no nftables. The socket stays open: to close one of nftables is to
 * wait for what others have under way there. */
static int ask_rules(struct inspection *inspection)
{
	struct netlink_message request;
	struct nfgenmsg *general = netlink_start(&request,
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, sizeof(*general));
	int result;

	general->nfgen_family = NFPROTO_UNSPEC;
	general->version = NFNETLINK_V0;
	result = netlink_request(inspection->questions, &request.header, take_chain, inspection);
	netlink_drain(inspection->questions);
	return result == -EINVAL || result == -EOPNOTSUPP ? 0 : result;
}

static void look_at_legacy(struct inspection *inspection)
{
	char first;

	for (unsigned i = 0; i < LEGACY; i++) {
		if (inspection->legacy[i] >= 0 && lseek(inspection->legacy[i], 0, SEEK_SET) == 0 &&
			read(inspection->legacy[i], &first, 1) == 1)
			see_rule(inspection, i ? "an ip6tables table" : "an iptables table");
	}
}

/* Cut by what changes meanwhile, be it natbox's own sets, of which no notice is taken. */
static void look_at_rules(struct inspection *inspection)
{
	const int error = inspection->questions ? ask_rules(inspection) : -EPERM;

	inspection->is_cut = error == -EINTR;
	if (error && !inspection->is_cut)
		see_rule(inspection, "a firewall that natbox has no right to see");
}

static int take_policy(const struct nlmsghdr *message, void *context)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(message);
	bool *encrypts = context;

	*encrypts |= message->nlmsg_type == XFRM_MSG_NEWPOLICY && policy->dir == XFRM_POLICY_OUT;
	return MNL_CB_OK;
}

static void look_at_policies(struct inspection *inspection)
{
	struct netlink_message request;

	netlink_start(&request, XFRM_MSG_GETPOLICY, NLM_F_DUMP, sizeof(struct xfrm_userpolicy_id));
	inspection->policies_are_known =
		netlink_ask(NETLINK_XFRM, &request.header, take_policy, &inspection->encrypts) == 0;
}

static void inspect(void *context)
{
	struct inspection *inspection = context;

	inspection->filters = inspection->encrypts = false;
	inspection->is_cut = inspection->policies_are_known = false;
	look_at_legacy(inspection);
	if (inspection->wants_rules && !inspection->filters)
		look_at_rules(inspection);
	if (inspection->wants_policies)
		look_at_policies(inspection);
}

static void want(struct onlookers *onlookers)
{
	onlookers->inspection.wants_rules = onlookers->rules_are_news;
	onlookers->inspection.wants_policies = onlookers->policies_are_news && onlookers->policies;
	onlookers->rules_are_news = onlookers->policies_are_news = false;
}

/* What has changed again meanwhile is an onlooker until it has been looked at again. */
static void take_rules(struct onlookers *onlookers)
{
	const struct inspection *seen = &onlookers->inspection;

	onlookers->rules_are_news |= seen->is_cut;
	if (onlookers->rules_are_news)
		name_rule(onlookers, changed);
	else if (seen->filters)
		name_rule(onlookers, seen->rule);
	else if (seen->wants_rules)
		onlookers->filters = false;
}

/* Where policies could not be asked for, what is known stays. */
static void take_policies(struct onlookers *onlookers)
{
	if (onlookers->inspection.policies_are_known)
		onlookers->encrypts =
			onlookers->inspection.encrypts || onlookers->policies_are_news;
}

static void conclude(struct onlookers *onlookers, uint64_t now_ms)
{
	const uint64_t rest_ms = REST * (now_ms - onlookers->inspected_ms);

	onlookers->is_inspecting = false;
	onlookers->inspect_next_ms = now_ms + (rest_ms > ASK_MS ? rest_ms : ASK_MS);
	take_rules(onlookers);
	take_policies(onlookers);
}

static void begin(struct onlookers *onlookers, uint64_t now_ms)
{
	onlookers->inspected_ms = now_ms;
	want(onlookers);
	onlookers->is_inspecting = !deputy_do(onlookers->deputy, inspect, &onlookers->inspection);
	if (!onlookers->is_inspecting)
		conclude(onlookers, now_ms);
}

/* The first look is nobody's to wait for: nothing has been sent yet. */
static void look_at_all(struct onlookers *onlookers)
{
	onlookers->rules_are_news = onlookers->policies_are_news = true;
	want(onlookers);
	inspect(&onlookers->inspection);
	take_rules(onlookers);
	take_policies(onlookers);
}

struct onlookers *onlookers_new(unsigned patience_ms)
{
	static const int rules = NFNLGRP_NFTABLES, policies = XFRMNLGRP_POLICY;
	struct onlookers *onlookers = calloc(1, sizeof(*onlookers));
	struct inspection *inspection;
	int error;

	if (!onlookers)
		return NULL;
	inspection = &onlookers->inspection;
	onlookers->deputy = deputy_new(patience_ms);
	if (netlink_listen(NETLINK_NETFILTER, &rules, 1, &onlookers->rules) == 0)
		netlink_open(NETLINK_NETFILTER, &inspection->questions);
	error = netlink_listen(NETLINK_XFRM, &policies, 1, &onlookers->policies);
	onlookers->encrypts = error != -EPROTONOSUPPORT; /* until that is known better */
	inspection->legacy[0] = open("/proc/net/ip_tables_names", O_RDONLY | O_CLOEXEC);
	inspection->legacy[1] = open("/proc/net/ip6_tables_names", O_RDONLY | O_CLOEXEC);
	if (!onlookers->deputy) {
		onlookers_free(onlookers);
		return NULL;
	}
	look_at_all(onlookers);
	return onlookers;
}

void onlookers_free(struct onlookers *onlookers)
{
	struct inspection *inspection;

	if (!onlookers)
		return;
	inspection = &onlookers->inspection;
	deputy_free(onlookers->deputy);
	netlink_close(onlookers->rules);
	netlink_close(onlookers->policies);
	netlink_close(inspection->questions);
	for (unsigned i = 0; i < LEGACY; i++) {
		if (inspection->legacy[i] >= 0)
			close(inspection->legacy[i]);
	}
	free(onlookers);
}

/* Of a chain or a rule, in another table than natbox's own, whose sets change all the time. */
static int note_rule(const struct nlmsghdr *message, void *context)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	struct onlookers *onlookers = context;
	const struct nlattr *attribute;
	const char *table = "";

	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		break;
	default:
		return MNL_CB_OK;
	}
	mnl_attr_for_each(attribute, message, sizeof(*general))
	{
		if (mnl_attr_get_type(attribute) == NFTA_CHAIN_TABLE)
			table = mnl_attr_get_str(attribute);
	}
	if (!is_own(general->nfgen_family, table))
		onlookers->rules_are_news = true;
	return MNL_CB_OK;
}

static int note_policy(const struct nlmsghdr *message, void *context)
{
	struct onlookers *onlookers = context;

	(void)message;
	onlookers->policies_are_news = true;
	return MNL_CB_OK;
}

void onlookers_look(struct onlookers *onlookers, uint64_t now_ms)
{
	if (onlookers->rules && !netlink_take(onlookers->rules, note_rule, onlookers))
		onlookers->rules_are_news = true;
	if (onlookers->policies && !netlink_take(onlookers->policies, note_policy, onlookers))
		onlookers->policies_are_news = true;
	if (onlookers->rules_are_news && !onlookers->filters)
		name_rule(onlookers, changed);
	onlookers->encrypts |= onlookers->policies_are_news;
	if (!onlookers->is_inspecting && now_ms >= onlookers->inspect_next_ms)
		begin(onlookers, now_ms);
	else if (onlookers->is_inspecting && deputy_is_free(onlookers->deputy))
		conclude(onlookers, now_ms);
}

bool onlookers_encrypt(const struct onlookers *onlookers)
{
	return onlookers->encrypts;
}

bool onlookers_filter(const struct onlookers *onlookers)
{
	return onlookers->filters;
}

bool onlookers_are_settled(const struct onlookers *onlookers)
{
	const struct inspection *inspection = &onlookers->inspection;

	if (onlookers->rules_are_news || onlookers->policies_are_news)
		return false;
	return !onlookers->is_inspecting ||
	       (!inspection->wants_rules && !inspection->wants_policies);
}

const char *onlookers_rule(const struct onlookers *onlookers)
{
	return onlookers->rule;
}
