#include "queue_rule.h"

#include "../own_table.h"
#include "ruleset_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdalign.h>

enum { TRANSACTION_MAX = 4096, XT_REVISION = 3 };

/* The forms that the rule may have. */
enum form { EXPRESSION, TARGET };

static void put_queue(struct nlmsghdr *message, uint16_t number)
{
	mnl_attr_put_u16(message, NFTA_QUEUE_NUM, htons(number));
	mnl_attr_put_u16(message, NFTA_QUEUE_TOTAL, htons(1));
	mnl_attr_put_u16(message, NFTA_QUEUE_FLAGS, htons(NFT_QUEUE_FLAG_BYPASS));
}

static void put_target(struct nlmsghdr *message, uint16_t number)
{
	const struct xt_NFQ_info_v3 information = {
		.queuenum = number, .queues_total = 1, .flags = NFQ_FLAG_BYPASS};

	mnl_attr_put_strz(message, NFTA_TARGET_NAME, "NFQUEUE");
	mnl_attr_put_u32(message, NFTA_TARGET_REV, htonl(XT_REVISION));
	mnl_attr_put(message, NFTA_TARGET_INFO, sizeof(information), &information);
}

static struct nlmsghdr *put_rule(char *at, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags, 1);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, OWN_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, RULESET_QUEUE_CHAIN);
	return message;
}

static void put_form(struct nlmsghdr *message, enum form form, uint16_t number)
{
	struct nlattr *all = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	struct nlattr *one = mnl_attr_nest_start(message, NFTA_LIST_ELEM), *data;

	mnl_attr_put_strz(message, NFTA_EXPR_NAME, form == TARGET ? "target" : "queue");
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	if (form == TARGET)
		put_target(message, number);
	else
		put_queue(message, number);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, one);
	mnl_attr_nest_end(message, all);
}

/* To delete a rule without naming which one deletes all of the chain. */
static int replace(struct alive *alive, enum form form, uint16_t number)
{
	alignas(struct nlmsghdr) char bytes[TRANSACTION_MAX];
	size_t length = nftnl_batch_begin(bytes, 1)->nlmsg_len;
	struct nlmsghdr *message;

	length += put_rule(bytes + length, NFT_MSG_DELRULE, 0)->nlmsg_len;
	message = put_rule(bytes + length, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_form(message, form, number);
	length += message->nlmsg_len;
	length += nftnl_batch_end(bytes + length, 1)->nlmsg_len;
	return alive_commit(alive, bytes, length);
}

int queue_rule_put(struct alive *alive, uint16_t number, struct fault *fault)
{
	int error = replace(alive, EXPRESSION, number);

	if (error == -ENOENT)
		error = replace(alive, TARGET, number);
	if (error == -ENOENT)
		return fault_set(fault, error,
			"cannot queue: table " RULESET_TABLE " has no chain " RULESET_QUEUE_CHAIN
			" (natbox --rules), or this kernel has neither nft_queue nor xt_NFQUEUE "
			"with nft_compat; try modprobe, or natbox.mode = relay");
	if (error)
		return fault_set(fault, error,
			"cannot put the rule for queue %u into table " RULESET_TABLE ": %s", number,
			strerror(-error));
	return 0;
}
