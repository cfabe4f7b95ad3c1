#include "onlookers.h"

#include "../netlink.h"
#include "../own_table.h"

#include <errno.h>
#include <fcntl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Between two times that all is looked at: who changes rules changes several. */
	ASK_MS = 1000,
	NAME_MAX_SHOWN = 160,
	/* Tables of iptables' old kind, for IPv4 and IPv6. */
	LEGACY = 2,
};

struct onlookers {
	struct mnl_socket *rules, *policies; /* notifications; NULL: there are none */
	struct mnl_socket *questions;        /* about rules; NULL likewise */
	int legacy[LEGACY];                  /* files that name the tables; -1: none */
	uint64_t ask_next_ms;
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
	} else if (!is_own_table(family, nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)) &&
		   sees_what_is_sent(chain)) {
		snprintf(name, sizeof(name), "chain %s of nftables table %s %s",
			nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME), family_name(family),
			nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE));
		name_rule(context, name);
		result = MNL_CB_STOP;
	}
	if (chain)
		nftnl_chain_free(chain);
	return result;
}

/* 0 also from a kernel that has no nftables. The socket stays open: to close one of nftables is to
 * wait for what others have under way there. */
static int ask_rules(struct onlookers *onlookers)
{
	struct netlink_message request;
	int result;

	nftnl_nlmsg_build_hdr((char *)&request, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP, 1);
	result = netlink_request(onlookers->questions, &request.header, take_chain, onlookers);
	netlink_drain(onlookers->questions);
	return result == -EINVAL || result == -EOPNOTSUPP ? 0 : result;
}

static void look_at_legacy(struct onlookers *onlookers)
{
	char first;

	for (unsigned i = 0; i < LEGACY; i++) {
		if (onlookers->legacy[i] >= 0 && lseek(onlookers->legacy[i], 0, SEEK_SET) == 0 &&
			read(onlookers->legacy[i], &first, 1) == 1)
			name_rule(onlookers, i ? "an ip6tables table" : "an iptables table");
	}
}

/* False: they have to be looked at again, as some have changed meanwhile: be it natbox's own sets,
 * of which no notice is taken. */
static bool look_at_rules(struct onlookers *onlookers)
{
	int error;

	onlookers->filters = false;
	look_at_legacy(onlookers);
	if (onlookers->filters)
		return true;
	error = onlookers->rules && onlookers->questions ? ask_rules(onlookers) : -EPERM;
	if (error == -EINTR)
		name_rule(onlookers, changed);
	else if (error)
		name_rule(onlookers, "a firewall that natbox has no right to see");
	return error != -EINTR;
}

static int take_policy(const struct nlmsghdr *message, void *context)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(message);
	bool *encrypts = context;

	*encrypts |= message->nlmsg_type == XFRM_MSG_NEWPOLICY && policy->dir == XFRM_POLICY_OUT;
	return MNL_CB_OK;
}

static int take_default(const struct nlmsghdr *message, void *context)
{
	const struct xfrm_userpolicy_default *policy = mnl_nlmsg_get_payload(message);
	bool *encrypts = context;

	*encrypts |= policy->out == XFRM_USERPOLICY_BLOCK;
	return MNL_CB_OK;
}

/* 0 also from a kernel that has no default but to let pass. */
static int ask_policies(bool *encrypts)
{
	struct netlink_message request;
	int result;

	netlink_start(&request, XFRM_MSG_GETPOLICY, NLM_F_DUMP, sizeof(struct xfrm_userpolicy_id));
	result = netlink_ask(NETLINK_XFRM, &request.header, take_policy, encrypts);
	if (result != 0)
		return result;
	netlink_start(
		&request, XFRM_MSG_GETDEFAULT, NLM_F_ACK, sizeof(struct xfrm_userpolicy_default));
	result = netlink_ask(NETLINK_XFRM, &request.header, take_default, encrypts);
	return result == -EINVAL ? 0 : result;
}

/* Where that cannot be asked, what is known stays. */
static void look_at_policies(struct onlookers *onlookers)
{
	bool encrypts = false;

	if (onlookers->policies && ask_policies(&encrypts) == 0)
		onlookers->encrypts = encrypts;
}

struct onlookers *onlookers_new(void)
{
	static const int rules = NFNLGRP_NFTABLES, policies = XFRMNLGRP_POLICY;
	struct onlookers *onlookers = calloc(1, sizeof(*onlookers));
	int error;

	if (!onlookers)
		return NULL;
	netlink_listen(NETLINK_NETFILTER, &rules, 1, &onlookers->rules);
	netlink_open(NETLINK_NETFILTER, &onlookers->questions);
	error = netlink_listen(NETLINK_XFRM, &policies, 1, &onlookers->policies);
	onlookers->encrypts = error != -EPROTONOSUPPORT; /* until that is known better */
	onlookers->legacy[0] = open("/proc/net/ip_tables_names", O_RDONLY | O_CLOEXEC);
	onlookers->legacy[1] = open("/proc/net/ip6_tables_names", O_RDONLY | O_CLOEXEC);
	onlookers->rules_are_news = !look_at_rules(onlookers);
	look_at_policies(onlookers);
	return onlookers;
}

void onlookers_free(struct onlookers *onlookers)
{
	if (!onlookers)
		return;
	netlink_close(onlookers->rules);
	netlink_close(onlookers->policies);
	netlink_close(onlookers->questions);
	for (unsigned i = 0; i < LEGACY; i++) {
		if (onlookers->legacy[i] >= 0)
			close(onlookers->legacy[i]);
	}
	free(onlookers);
}

/* Of a chain or a rule, in another table than natbox's own, whose sets change all the time. */
static int note_rule(const struct nlmsghdr *message, void *context)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	struct onlookers *onlookers = context;
	const struct nlattr *table = netlink_find(message, sizeof(*general), NFTA_CHAIN_TABLE);

	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		break;
	default:
		return MNL_CB_OK;
	}
	if (!is_own_table(general->nfgen_family, table ? mnl_attr_get_str(table) : NULL))
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
	if (now_ms < onlookers->ask_next_ms)
		return;
	onlookers->ask_next_ms = now_ms + ASK_MS;
	if (onlookers->rules_are_news)
		onlookers->rules_are_news = !look_at_rules(onlookers);
	if (onlookers->policies_are_news)
		look_at_policies(onlookers);
	if (!onlookers->filters)
		look_at_legacy(onlookers);
	onlookers->policies_are_news = false;
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
	return !onlookers->rules_are_news && !onlookers->policies_are_news;
}

const char *onlookers_rule(const struct onlookers *onlookers)
{
	return onlookers->rule;
}
