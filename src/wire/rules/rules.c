#include "rules.h"

#include "alive.h"
#include "kernel.h"
#include "pulse.h"
#include "queue_rule.h"
#include "routing.h"
#include "ruleset.h"
#include "ruleset_text.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What was out of place, and has to be told, is in place again. */
enum { MENDED = 1 };

/* Sysctls are looked at every so many renewals, as a host may have thousands of interfaces. */
enum { SYSCTLS_RENEWALS = 4 };

struct installed_rules {
	struct rules_settings settings;
	bool notrack; /* what is relayed, as was found at the start */
	struct alive *alive;
	struct routing *routing; /* NULL: the operator's to install */
	atomic_ullong counters[RULES_COUNTERS];
	atomic_bool is_sound; /* all was in place when it was last looked at */

	struct pulse pulse;
	struct pulse_thread examiner, prolonger;

	unsigned count;    /* of the table's rules, when it had all of them; the examiner's */
	unsigned renewals; /* likewise, as are the next two */
	int sysctls_error;
	struct fault sysctls_fault;

	pthread_mutex_t lock; /* of all below */
	bool in_trouble, trouble_is_news;
	struct fault trouble;
	struct address proxies[];
};

static const char *const families[] = {"-4", "-6"};

static void print_table(const struct rules_settings *settings, FILE *file)
{
	fprintf(file,
		"# The kernel rules of natbox's mode %s, to be run by sh as root.\n"
		"nft -f - <<'RULES'\n",
		settings->queues ? "queue" : "relay");
	ruleset_write(settings, !settings->queues && ruleset_may_notrack(), file);
	fprintf(file, "RULES\n");
}

void rules_print(const struct rules_settings *settings, FILE *file)
{
	static const char to_remove[] =
		"\n# And to remove them:\n#	nft delete table " RULESET_TABLE "\n";

	print_table(settings, file);
	if (settings->queues) {
		fputs(to_remove, file);
		return;
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		fprintf(file,
			"ip %s rule add priority %d fwmark %#x lookup %u protocol %d\n"
			"ip %s route add local default dev lo table %u protocol %d\n",
			families[i], ROUTING_PRIORITY, settings->mark, settings->table,
			ROUTING_PROTOCOL, families[i], settings->table, ROUTING_PROTOCOL);
	fputs(to_remove, file);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		fprintf(file,
			"#	ip %s rule del priority %d fwmark %#x\n"
			"#	ip %s route flush table %u protocol %d\n",
			families[i], ROUTING_PRIORITY, settings->mark, families[i], settings->table,
			ROUTING_PROTOCOL);
}

static struct installed_rules *rules_new(const struct rules_settings *settings)
{
	const size_t size = settings->proxy_count * sizeof(struct address);
	struct installed_rules *rules = calloc(1, sizeof(*rules) + size);

	if (!rules)
		return NULL;
	rules->settings = *settings;
	rules->settings.proxies = rules->proxies;
	memcpy(rules->proxies, settings->proxies, size);
	pthread_mutex_init(&rules->lock, NULL);
	pulse_init(&rules->pulse);
	return rules;
}

static void rules_free(struct installed_rules *rules)
{
	alive_close(rules->alive);
	routing_close(rules->routing);
	pulse_destroy(&rules->pulse);
	pthread_mutex_destroy(&rules->lock);
	free(rules);
}

/* Mode queue needs none of them. */
static int check_sysctls(const struct rules_settings *settings, struct fault *fault)
{
	return settings->queues
		       ? 0
		       : kernel_check_sysctls(settings->proxies, settings->proxy_count, fault);
}

void rules_examine(const struct rules_settings *settings,
	void (*told)(void *context, int error, const struct fault *fault), void *context)
{
	static const enum routing_use uses[] = {
		ROUTING_USES_MARK, ROUTING_USES_OWN_MARK, ROUTING_USES_TABLE};
	struct fault fault;
	int error = kernel_check_privilege(&fault);

	if (error) {
		told(context, error, &fault);
		return;
	}
	if ((error = check_sysctls(settings, &fault)))
		told(context, error, &fault);
	if (settings->manual)
		return;
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		/* Of marks and the routing table, mode queue uses its own mark alone. */
		if (settings->queues && uses[i] != ROUTING_USES_OWN_MARK)
			continue;
		if ((error = routing_check(settings, uses[i], &fault)))
			told(context, error, &fault);
	}
	if (!settings->queues && (error = ruleset_check_mark("mark", settings->mark, &fault)))
		told(context, error, &fault);
	if ((error = ruleset_check_mark("own-mark", settings->own_mark, &fault)))
		told(context, error, &fault);
}

struct first_fault {
	int error; /* 0: none */
	struct fault *fault;
};

static void keep_first(void *context, int error, const struct fault *fault)
{
	struct first_fault *first = context;

	if (first->error)
		return;
	first->error = error;
	*first->fault = *fault;
}

static int install_routing(const struct installed_rules *rules, bool *added, struct fault *fault)
{
	*added = false;
	if (rules->settings.manual || rules->settings.queues)
		return 0;
	return routing_install(rules->routing, &rules->settings, added, fault);
}

/* The routing first: a rule that diverts what is then not delivered would lose it. */
static int install(const struct installed_rules *rules, struct fault *fault)
{
	bool added;
	int error = install_routing(rules, &added, fault);

	if (!error)
		error = ruleset_install(&rules->settings, rules->notrack, fault);
	if (!error && rules->settings.queues)
		error = queue_rule_put(rules->alive, rules->settings.queue, fault);
	return error;
}

static int uninstall(const struct installed_rules *rules, struct fault *fault)
{
	const int error = ruleset_remove(fault);

	routing_remove(rules->routing, &rules->settings);
	return error;
}

/* In place of what a crash has left behind. */
static int install_anew(struct installed_rules *rules, struct fault *fault)
{
	struct fault unheard;
	int error = routing_open(&rules->routing, fault);

	if (error)
		return error;
	routing_remove(rules->routing, &rules->settings);
	rules->notrack = !rules->settings.queues && ruleset_may_notrack();
	error = install(rules, fault);
	if (error)
		uninstall(rules, &unheard);
	return error;
}

int rules_install(
	const struct rules_settings *settings, struct installed_rules **out, struct fault *fault)
{
	struct installed_rules *rules;
	struct first_fault first = {0, fault};
	int error;

	rules_examine(settings, keep_first, &first);
	if (first.error)
		return first.error;
	rules = rules_new(settings);
	if (!rules) {
		fault_set(fault, -ENOMEM, "cannot install the rules: out of memory");
		return -ENOMEM; /* as the compiler does not know what fault_set returns */
	}
	error = alive_open(rules->settings.proxies, settings->proxy_count, &rules->alive);
	if (error)
		fault_set(fault, error, "cannot speak netlink to nftables: %s", strerror(-error));
	else if (!settings->manual)
		error = install_anew(rules, fault);
	if (error) {
		rules_free(rules);
		return error;
	}
	*out = rules;
	return 0;
}

/* Where the sets were empty, the table may be another one than before, without our rule. What does
 * not take the rule gets no proxies either: then the next renewal puts it there. */
static int renew_sets(const struct installed_rules *rules, bool *were_empty, struct fault *fault)
{
	int result = alive_renew(rules->alive);

	*were_empty = result == ALIVE_ANEW;
	if (result < 0)
		return fault_set(fault, result,
			"cannot renew the sets of table " RULESET_TABLE ": %s", strerror(-result));
	if (!*were_empty || !rules->settings.queues)
		return 0;
	result = queue_rule_put(rules->alive, rules->settings.queue, fault);
	if (result != 0)
		alive_withdraw(rules->alive);
	return result;
}

/* Whether there are fewer rules than there were: somebody has flushed the table, or a chain. */
static bool has_lost_rules(struct installed_rules *rules)
{
	unsigned count;

	if (alive_rules(rules->alive, &count) != 0)
		return false;
	if (count < rules->count)
		return true;
	rules->count = count;
	return false;
}

static int put_back(struct installed_rules *rules, const char *gone, struct fault *fault)
{
	bool were_empty;
	int error = install(rules, fault);

	if (!error)
		error = renew_sets(rules, &were_empty, fault);
	if (error)
		return error;
	if (alive_rules(rules->alive, &rules->count) != 0)
		rules->count = 0;
	return fault_set(fault, MENDED,
		"%s gone and has been put back; have whoever flushed the rule set leave tables of "
		"others alone",
		gone);
}

/* Somebody else may have flushed the rule set or, as some network managers do when they start anew,
 * the routing rules that they do not know. */
static int renew(struct installed_rules *rules, struct fault *fault)
{
	struct fault cause;
	bool added, were_empty;
	int error = install_routing(rules, &added, fault);

	if (error)
		return error;
	error = renew_sets(rules, &were_empty, &cause);
	if (error == -ENOENT && !rules->settings.manual)
		return put_back(rules, "table " RULESET_TABLE " was", fault);
	if (error)
		return fault_set(fault, error,
			"%s; SIP flows past natbox until the rules are there (natbox --rules)",
			cause.line);
	if (added)
		return fault_set(fault, MENDED,
			"a routing rule or route of relay mode (table %u) was gone and has been "
			"put back; have whoever flushed them leave those of others alone",
			rules->settings.table);
	if (!rules->settings.manual && has_lost_rules(rules))
		return put_back(rules, "a rule of table " RULESET_TABLE " was", fault);
	if (were_empty && atomic_load(&rules->is_sound))
		return fault_set(fault, MENDED,
			"table " RULESET_TABLE " was not renewed for two seconds, and SIP has "
			"flowed past natbox, unrepaired; was natbox stopped, or is this host "
			"overloaded?");
	return 0;
}

static void note_trouble(struct installed_rules *rules, int error, const struct fault *fault)
{
	pthread_mutex_lock(&rules->lock);
	if (error && (!rules->in_trouble || strcmp(rules->trouble.line, fault->line) != 0)) {
		rules->trouble = *fault;
		rules->trouble_is_news = true;
	}
	rules->in_trouble = error != 0;
	pthread_mutex_unlock(&rules->lock);
}

/* Others change sysctls, too: wg-quick does, and what starts containers. Then the sets run out, so
 * that SIP flows past. */
static int check_and_renew(struct installed_rules *rules, struct fault *fault)
{
	if (rules->renewals++ % SYSCTLS_RENEWALS == 0)
		rules->sysctls_error = check_sysctls(&rules->settings, &rules->sysctls_fault);
	if (!rules->sysctls_error)
		return renew(rules, fault);
	return fault_set(fault, rules->sysctls_error, "%s; SIP flows past natbox until then",
		rules->sysctls_fault.line);
}

/* Rules by hand, or those of a mode, may not have all of them. */
static void read_counters(struct installed_rules *rules)
{
	static const char *const names[] = {[RULES_FORGED] = "forged",
		[RULES_TO_PROXIES] = "to_proxies",
		[RULES_FROM_PROXIES] = "from_proxies"};
	uint64_t packets;

	for (unsigned i = 0; i < RULES_COUNTERS; i++)
		if (alive_counter(rules->alive, names[i], &packets) == 0)
			atomic_store_explicit(&rules->counters[i], packets, memory_order_relaxed);
}

/* The examiner: it may wait for as long as others make and remove interfaces, which takes the
 * kernel seconds where many containers come and go. */
static void examine(void *context)
{
	struct installed_rules *rules = context;
	struct fault fault;
	const int error = check_and_renew(rules, &fault);

	atomic_store(&rules->is_sound, error >= 0);
	note_trouble(rules, error, &fault);
	read_counters(rules);
}

/* The prolonger: it waits for nobody but nftables. */
static void prolong(void *context)
{
	const struct installed_rules *rules = context;

	if (atomic_load(&rules->is_sound))
		alive_prolong(rules->alive);
}

int rules_start(struct installed_rules *rules, struct fault *fault)
{
	int error = renew(rules, fault);

	if (error < 0 && error != -ENOENT)
		return error;
	atomic_store(&rules->is_sound, error >= 0);
	error = pulse_start(&rules->pulse, &rules->examiner, examine, rules);
	if (!error)
		error = pulse_start(&rules->pulse, &rules->prolonger, prolong, rules);
	if (error)
		return fault_set(fault, error, "cannot start a thread: %s", strerror(-error));
	return 0;
}

void rules_tick(struct installed_rules *rules)
{
	pulse_tick(&rules->pulse);
}

bool rules_trouble(struct installed_rules *rules, struct fault *fault)
{
	bool news;

	pthread_mutex_lock(&rules->lock);
	news = rules->trouble_is_news;
	rules->trouble_is_news = false;
	if (news)
		*fault = rules->trouble;
	pthread_mutex_unlock(&rules->lock);
	return news;
}

uint64_t rules_counter(const struct installed_rules *rules, enum rules_counter counter)
{
	return atomic_load_explicit(&rules->counters[counter], memory_order_relaxed);
}

/* SIP flows past at once, and does not wait for the examiner, which may have renewed meanwhile. */
void rules_withdraw(struct installed_rules *rules)
{
	if (!rules)
		return;
	pulse_stop(&rules->pulse);
	pulse_join(&rules->prolonger);
	alive_withdraw(rules->alive);
	pulse_join(&rules->examiner);
	alive_withdraw(rules->alive);
}

int rules_remove(struct installed_rules *rules, struct fault *fault)
{
	int error = 0;

	if (!rules)
		return 0;
	rules_withdraw(rules);
	if (!rules->settings.manual)
		error = uninstall(rules, fault);
	rules_free(rules);
	return error;
}
