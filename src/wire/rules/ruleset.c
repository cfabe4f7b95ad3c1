#include "ruleset.h"

#include "../apart.h"
#include "../netlink.h"
#include "../own_table.h"
#include "ruleset_text.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>

/* What the nftables rules of others on this host do. They may change all the while: what changes
 * during each of several looks is taken as it was seen then. */

/* So often is looked, until nothing changes meanwhile. */
enum { LOOKS = 5 };

static int family_of(const struct nlmsghdr *message)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);

	return general->nfgen_family;
}

/* -EINTR: all has been read, but has changed meanwhile, each time. */
static int look_at_others(uint16_t type, mnl_cb_t callback, void *context)
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

/* Whether a chain of theirs translates addresses, also where that cannot be found out. */
static bool others_translate(void)
{
	bool translates = false;

	return look_at_others(NFT_MSG_GETCHAIN, take_chain, &translates) != 0 || translates;
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

/* Whether a rule of theirs sets this mark as a whole: 1, 0, or a negative errno. */
static int others_set_mark(uint32_t mark)
{
	struct search search = {.mark = mark};
	const int error = look_at_others(NFT_MSG_GETRULE, take_rule, &search);

	return error && error != -EINTR ? error : search.found;
}

static bool names_nat(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[64];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strcmp(line, "nat\n") == 0;
	fclose(file);
	return found;
}

/* Rules of the old iptables, which nft does not show. */
static bool has_old_nat(void)
{
	return names_nat("/proc/net/ip_tables_names") || names_nat("/proc/net/ip6_tables_names");
}

bool ruleset_may_notrack(void)
{
	return !others_translate() && !has_old_nat();
}

int ruleset_check_mark(const char *key, uint32_t mark, struct fault *fault)
{
	const int found = others_set_mark(mark);

	if (found < 0)
		return fault_set(fault, found, "cannot read the nftables rules of this host: %s",
			strerror(-found));
	if (!found)
		return 0;
	return fault_set_kind(fault, FAULT_LASTING, -EEXIST,
		"relay.%s %#x is set by an nftables rule of somebody else; set relay.%s to a free "
		"one",
		key, mark, key);
}

/* A context whose output and errors are kept for us. NULL when memory is short. */
static struct nft_ctx *nft_new(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft)
		return NULL;
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_NUMERIC_SYMBOL | NFT_CTX_OUTPUT_STATELESS);
	return nft;
}

/* nft explains an error over several lines; the first says it. */
static int explain(const char *verb, const char *text, struct fault *fault)
{
	const bool is_missing =
		strstr(text, "tproxy") || strstr(text, "fib ") || strstr(text, "socket ");

	return fault_set(fault, is_missing ? -ENOTSUP : -EINVAL,
		"cannot %s table " RULESET_TABLE ": %.*s%s", verb, (int)strcspn(text, "\n"), text,
		is_missing
			? "; does this kernel have nft_tproxy, nft_socket and nft_fib_inet? Try: "
			  "modprobe -a nft_tproxy nft_socket nft_fib_inet"
			: "");
}

static int run_commands(const char *verb, const char *text, struct fault *fault)
{
	struct nft_ctx *nft = nft_new();
	int error = 0;

	if (!nft)
		return fault_set(fault, -ENOMEM, "cannot start libnftables: out of memory");
	if (nft_run_cmd_from_buffer(nft, text) != 0)
		error = explain(verb, nft_ctx_get_error_buffer(nft), fault);
	nft_ctx_free(nft);
	return error;
}

static int run_install(void *text, struct fault *fault)
{
	return run_commands("install", text, fault);
}

static int run_remove(void *unused, struct fault *fault)
{
	(void)unused;
	return run_commands("remove", RULESET_REMOVE, fault);
}

int ruleset_install(const struct rules_settings *settings, bool notrack, struct fault *fault)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int error;

	if (!file)
		return fault_set(fault, -ENOMEM, "cannot write the rules: out of memory");
	ruleset_write(settings, notrack, file);
	if (fclose(file) != 0) {
		free(text);
		return fault_set(fault, -ENOMEM, "cannot write the rules: out of memory");
	}
	error = apart_run("install table " RULESET_TABLE, run_install, text, 0, fault);
	free(text);
	return error;
}

int ruleset_remove(struct fault *fault)
{
	struct fault cause;
	const int error = apart_run("remove table " RULESET_TABLE, run_remove, NULL, 0, &cause);

	if (!error)
		return 0;
	return fault_set(fault, error,
		"%.*s; SIP flows past it, and `nft delete table " RULESET_TABLE "` removes it",
		FAULT_MAX / 2, cause.line);
}
