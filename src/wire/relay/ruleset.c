#include "ruleset.h"

#include "../apart.h"
#include "../netlink.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <nftables/libnftables.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TABLE        "inet natbox"
#define REMOVE_TABLE "add table " TABLE "\ndelete table " TABLE "\n"

/* The two families differ in names only. */
struct family_words {
	const char *ip, *set, *type;
};
static const struct family_words words[] = {
	{"ip", "alive4", "ipv4_addr"}, {"ip6", "alive6", "ipv6_addr"}};
enum { FAMILIES = 2 };

static void write_sets(FILE *file)
{
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"	# The proxies, while natbox is alive; natbox renews them.\n"
			"	set %s {\n"
			"		type %s . inet_service\n"
			"		flags timeout\n"
			"	}\n\n",
			words[i].set, words[i].type);
}

/* Before conntrack, which stands at -200. What natbox itself sends is known by its mark, and is not
 * looked up. */
static void write_notrack(const struct rules_settings *settings, FILE *file)
{
	fprintf(file, "	# What is relayed needs no state in conntrack.\n");
	for (int hook = 0; hook < 2; hook++) {
		fprintf(file,
			"	chain untracked_%s {\n"
			"		type filter hook %s priority raw; policy accept;\n"
			"		meta mark %#x notrack accept\n",
			hook ? "out" : "in", hook ? "output" : "prerouting", settings->own_mark);
		for (int i = 0; i < FAMILIES; i++)
			fprintf(file,
				"		%s daddr . udp dport @%s notrack accept\n"
				"		%s saddr . udp sport @%s notrack accept\n",
				words[i].ip, words[i].set, words[i].ip, words[i].set);
		fprintf(file, "	}\n\n");
	}
}

/* With a proxy's source. */
static void write_from_proxy(
	const struct rules_settings *settings, const struct family_words *family, FILE *file)
{
	fprintf(file,
		"	chain from_%s {\n"
		"		# Not from where the route to the proxy points.\n"
		"		iif != \"lo\" fib saddr . iif oif missing "
		"counter name \"forged\" drop\n"
		"		# Between proxies.\n"
		"		%s daddr . udp dport @%s accept\n"
		"		# From a proxy behind this host; from one on this host.\n"
		"		iif != \"lo\" meta l4proto udp "
		"tproxy %s to :%u meta mark set %#x accept\n"
		"		iif \"lo\" meta mark %#x meta l4proto udp tproxy %s to :%u accept\n"
		"	}\n\n",
		family->set, family->ip, family->set, family->ip, settings->out_port,
		settings->mark, settings->mark, family->ip, settings->out_port);
}

static void write_arriving(const struct rules_settings *settings, FILE *file)
{
	for (int i = 0; i < FAMILIES; i++)
		write_from_proxy(settings, &words[i], file);
	fprintf(file,
		"	chain arriving {\n"
		"		type filter hook prerouting priority mangle; policy accept;\n"
		"		meta l4proto != udp accept\n"
		"		# What natbox itself sent to a proxy on this host.\n"
		"		meta mark %#x accept\n"
		"		# A link-local source cannot be sent from: it has no interface.\n"
		"		ip6 saddr fe80::/10 accept\n",
		settings->own_mark);
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s goto from_%s\n"
			"		%s daddr . udp dport @%s "
			"tproxy %s to :%u meta mark set %#x accept\n",
			words[i].ip, words[i].set, words[i].set, words[i].ip, words[i].set,
			words[i].ip, settings->in_port, settings->mark);
	fprintf(file, "	}\n\n");
}

static void write_leaving(const struct rules_settings *settings, FILE *file)
{
	fprintf(file,
		"	# From a proxy on this host, but not to another: the mark turns it round\n"
		"	# to the chain above.\n"
		"	chain leaving {\n"
		"		type route hook output priority mangle; policy accept;\n"
		"		meta mark %#x accept\n",
		settings->own_mark);
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s %s daddr . udp dport != @%s "
			"meta mark set %#x\n",
			words[i].ip, words[i].set, words[i].ip, words[i].set, settings->mark);
	fprintf(file, "	}\n");
}

void ruleset_write(const struct rules_settings *settings, bool notrack, FILE *file)
{
	fprintf(file, REMOVE_TABLE "table " TABLE " {\n"
				   "	counter forged {\n"
				   "	}\n\n");
	write_sets(file);
	if (notrack)
		write_notrack(settings, file);
	write_arriving(settings, file);
	write_leaving(settings, file);
	fprintf(file, "}\n");
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

struct search {
	bool (*visit)(const char *line, const void *context);
	const void *context;
	bool found;
};

static int visit_lines(void *context, struct fault *fault)
{
	struct search *search = context;
	struct nft_ctx *nft = nft_new();
	bool ours = false;
	char *rest = NULL, *copy = NULL;

	if (nft && nft_run_cmd_from_buffer(nft, "list ruleset") == 0)
		copy = strdup(nft_ctx_get_output_buffer(nft));
	if (!copy)
		return fault_set(fault, -EIO, "cannot read the nftables rules of this host");
	for (char *line = strtok_r(copy, "\n", &rest); line && !search->found;
		line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "table ", strlen("table ")) == 0)
			ours = strcmp(line, "table " TABLE " {") == 0;
		search->found = !ours && search->visit(line, search->context);
	}
	free(copy);
	nft_ctx_free(nft);
	return 0;
}

/* Whether visit returns true for a line of what is in force, but for our own table. 1, 0, or a
 * negative errno with *fault set. */
static int find_line(bool (*visit)(const char *line, const void *context), const void *context,
	struct fault *fault)
{
	struct search search = {visit, context, false};
	int error = apart_run("read the nftables rules of this host", visit_lines, &search,
		sizeof(search), fault);

	return error ? error : search.found;
}

static bool translates(const char *line, const void *context)
{
	(void)context;
	return strstr(line, "type nat hook") != NULL;
}

/* Rules of the old iptables, which nft does not show. */
static bool has_old_nat(void)
{
	FILE *file = fopen("/proc/net/ip_tables_names", "re");
	char line[64];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strcmp(line, "nat\n") == 0;
	fclose(file);
	return found;
}

/* Asks the kernel itself: libnftables has words on standard error for those who may not. */
static bool may_list(void)
{
	alignas(struct nlmsghdr) char bytes[256];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(bytes, NFT_MSG_GETGEN, AF_UNSPEC, NLM_F_ACK, 0);
	struct mnl_socket *socket = NULL;
	bool may;

	if (netlink_open(NETLINK_NETFILTER, &socket) != 0)
		return false;
	may = netlink_request(socket, request, NULL, NULL) == 0;
	mnl_socket_close(socket);
	return may;
}

bool ruleset_may_notrack(void)
{
	struct fault unheard;

	return may_list() && find_line(translates, NULL, &unheard) == 0 && !has_old_nat();
}

/* nft shows "meta mark set 0x00006e62". To match our marks is a firewall's right (natbox.8). */
static bool sets_mark(const char *line, const void *context)
{
	const uint32_t *mark = context;
	char shown[sizeof("0x00000000")];
	const char *at = strstr(line, "meta mark set ");

	snprintf(shown, sizeof(shown), "0x%08x", *mark);
	return at && strstr(at, shown);
}

int ruleset_check_mark(const char *key, uint32_t mark, struct fault *fault)
{
	int found = find_line(sets_mark, &mark, fault);

	if (found <= 0)
		return found;
	return fault_set_kind(fault, FAULT_LASTING, -EEXIST,
		"relay.%s %#x is set by an nftables rule of somebody else; set relay.%s to a free "
		"one",
		key, mark, key);
}

/* nft explains an error over several lines; the first says it. */
static int explain(int error, const char *text, struct fault *fault)
{
	const int length = (int)strcspn(text, "\n");

	if (strstr(text, "not permitted"))
		return fault_set_kind(fault, FAULT_LASTING, -EPERM,
			"cannot install table " TABLE
			": not permitted; run natbox as root, or with "
			"CAP_NET_ADMIN and CAP_NET_RAW");
	if (strstr(text, "tproxy") || strstr(text, "fib "))
		return fault_set(fault, -ENOTSUP,
			"cannot install table " TABLE
			": %.*s; does this kernel have nft_tproxy and "
			"nft_fib_inet? Try: modprobe -a nft_tproxy nft_fib_inet",
			length, text);
	return fault_set(fault, error, "cannot install table " TABLE ": %.*s", length, text);
}

struct commands {
	const char *text;
};

static int run_commands(void *context, struct fault *fault)
{
	const struct commands *commands = context;
	struct nft_ctx *nft = nft_new();
	int error = 0;

	if (!nft)
		return fault_set(fault, -ENOMEM, "cannot start libnftables: out of memory");
	if (nft_run_cmd_from_buffer(nft, commands->text) != 0)
		error = explain(-EINVAL, nft_ctx_get_error_buffer(nft), fault);
	nft_ctx_free(nft);
	return error;
}

static int run(const char *what, const char *text, struct fault *fault)
{
	struct commands commands = {text};

	return apart_run(what, run_commands, &commands, sizeof(commands), fault);
}

int ruleset_install(const struct rules_settings *settings, struct fault *fault)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int error;

	if (!file)
		return fault_set(fault, -ENOMEM, "cannot write the rules: out of memory");
	ruleset_write(settings, ruleset_may_notrack(), file);
	if (fclose(file) != 0) {
		free(text);
		return fault_set(fault, -ENOMEM, "cannot write the rules: out of memory");
	}
	error = run("install table " TABLE, text, fault);
	free(text);
	return error;
}

void ruleset_remove(void)
{
	struct fault unheard;

	run("remove table " TABLE, REMOVE_TABLE, &unheard);
}
