#include "others.h"

#include "../netlink.h"
#include "../own_table.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* So often is looked, until nothing changes meanwhile. */
enum { LOOKS = 5 };

static int family_of(const struct nlmsghdr *message)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);

	return general->nfgen_family;
}

/* -EINTR: all has been read, but has changed meanwhile, each time. */
static int look(uint16_t type, mnl_cb_t callback, void *context)
{
	struct netlink_message request;
	int error = -EINTR;

	for (unsigned i = 0; i < LOOKS && error == -EINTR; i++) {
		nftnl_nlmsg_build_hdr((char *)&request, type, NFPROTO_UNSPEC, NLM_F_DUMP, 1);
		error = netlink_ask(NETLINK_NETFILTER, &request.header, callback, context);
	}
	return error;
}

static int take_chain(const struct nlmsghdr *message, void *context)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	const char *type;
	bool *translates = context;

	if (!chain || nftnl_chain_nlmsg_parse(message, chain) != 0) {
		*translates = true;
	} else if (!is_own_table(
			   family_of(message), nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE))) {
		type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
		*translates |= type && strcmp(type, "nat") == 0;
	}
	if (chain)
		nftnl_chain_free(chain);
	return MNL_CB_OK;
}

bool others_translate(void)
{
	bool translates = false;

	return look(NFT_MSG_GETCHAIN, take_chain, &translates) != 0 || translates;
}

/* In a rule: the register that the mark has been put into last. */
struct search {
	uint32_t mark, where;
	bool is_there, found;
};

/* "meta mark set 0x6e62" is two expressions: a number into a register, and that into the mark. To
 * match our marks is a firewall's right (natbox.8). */
static int take_expression(struct nftnl_expr *expression, void *context)
{
	struct search *search = context;
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	uint32_t length = 0;
	const void *data;

	if (strcmp(name, "immediate") == 0) {
		data = nftnl_expr_get(expression, NFTNL_EXPR_IMM_DATA, &length);
		search->is_there = data && length == sizeof(search->mark) &&
				   memcmp(data, &search->mark, length) == 0;
		search->where = nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG);
	} else if (strcmp(name, "meta") == 0) {
		search->found |=
			search->is_there && nftnl_expr_is_set(expression, NFTNL_EXPR_META_SREG) &&
			nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_MARK &&
			nftnl_expr_get_u32(expression, NFTNL_EXPR_META_SREG) == search->where;
	}
	return MNL_CB_OK;
}

static int take_rule(const struct nlmsghdr *message, void *context)
{
	struct search *search = context;
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	search->is_there = false;
	if (nftnl_rule_nlmsg_parse(message, rule) == 0 &&
		!is_own_table(family_of(message), nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)))
		nftnl_expr_foreach(rule, take_expression, search);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

int others_set_mark(uint32_t mark)
{
	struct search search = {.mark = mark};
	const int error = look(NFT_MSG_GETRULE, take_rule, &search);

	return error && error != -EINTR ? error : search.found;
}
