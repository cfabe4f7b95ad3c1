#include "queue_rule.h"

#include "../netlink.h"
#include "ruleset_text.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { TRANSACTION_MAX = 4096, XT_REVISION = 3 };

static struct nftnl_expr *new_queue(uint16_t number)
{
	struct nftnl_expr *queue = nftnl_expr_alloc("queue");

	if (!queue)
		return NULL;
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_NUM, number);
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_TOTAL, 1);
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
	return queue;
}

static struct nftnl_expr *new_target(uint16_t number)
{
	const struct xt_NFQ_info_v3 settings = {
		.queuenum = number, .queues_total = 1, .flags = NFQ_FLAG_BYPASS};
	struct nftnl_expr *target = nftnl_expr_alloc("target");
	void *info = calloc(1, sizeof(settings)); /* goes with the expression */

	if (!target || !info) {
		free(info);
		if (target)
			nftnl_expr_free(target);
		return NULL;
	}
	memcpy(info, &settings, sizeof(settings));
	nftnl_expr_set_str(target, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(target, NFTNL_EXPR_TG_REV, XT_REVISION);
	nftnl_expr_set(target, NFTNL_EXPR_TG_INFO, info, sizeof(settings));
	return target;
}

/* A rule of the chain; NULL when memory is short. */
static struct nftnl_rule *new_rule(void)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return NULL;
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, "natbox");
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, RULESET_QUEUE_CHAIN);
	return rule;
}

static size_t put_rule(char *at, uint16_t type, uint16_t flags, struct nftnl_rule *rule)
{
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags, 1);

	nftnl_rule_nlmsg_build_payload(message, rule);
	return message->nlmsg_len;
}

/* One that names no rule deletes all of the chain. */
static int replace(struct nftnl_rule *all, struct nftnl_rule *rule)
{
	alignas(struct nlmsghdr) char bytes[TRANSACTION_MAX];
	struct mnl_socket *socket = NULL;
	size_t length = nftnl_batch_begin(bytes, 1)->nlmsg_len;
	int error = netlink_open(NETLINK_NETFILTER, &socket);

	if (error)
		return error;
	length += put_rule(bytes + length, NFT_MSG_DELRULE, 0, all);
	length += put_rule(bytes + length, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule);
	length += nftnl_batch_end(bytes + length, 1)->nlmsg_len;
	error = netlink_commit(socket, bytes, length);
	mnl_socket_close(socket);
	return error;
}

/* The expression goes with the rule. */
static int put_expression(struct nftnl_expr *expression)
{
	struct nftnl_rule *all = new_rule(), *rule = new_rule();
	int error = -ENOMEM;

	if (rule && expression)
		nftnl_rule_add_expr(rule, expression);
	if (all && rule && expression)
		error = replace(all, rule);
	if (all)
		nftnl_rule_free(all);
	if (rule)
		nftnl_rule_free(rule);
	else if (expression)
		nftnl_expr_free(expression);
	return error;
}

int queue_rule_put(uint16_t number, struct fault *fault)
{
	int error = put_expression(new_queue(number));

	if (error == -ENOENT)
		error = put_expression(new_target(number));
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
