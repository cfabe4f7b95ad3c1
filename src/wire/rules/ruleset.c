#include "ruleset.h"

#include "../apart.h"
#include "others.h"
#include "ruleset_text.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>

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
