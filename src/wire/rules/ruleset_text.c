#include "ruleset_text.h"

/* The two families differ in names only. */
struct family_words {
	const char *ip, *set, *type;
};
static const struct family_words words[] = {
	{"ip", "alive4", "ipv4_addr"}, {"ip6", "alive6", "ipv6_addr"}};
enum { FAMILIES = 2 };

static void write_counter(const char *name, FILE *file)
{
	fprintf(file, "	counter %s {\n	}\n\n", name);
}

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

/* A mark as a priority, which is written in halves. Packets of local programs have those of 0 to
 * 15, by their TOS or SO_PRIORITY, and marks may have them, too. */
enum { PRIORITIES = 0x6e62 };

static unsigned upper(uint32_t mark)
{
	return mark >> 16 ^ PRIORITIES;
}

static unsigned lower(uint32_t mark)
{
	return mark & 0xffff;
}

/* With a proxy's source. */
static void write_from_proxy(
	const struct rules_settings *settings, const struct family_words *family, FILE *file)
{
	fprintf(file,
		"	chain from_%s {\n"
		"		# Not from where the route to the proxy points.\n"
		"		fib saddr . iif oif missing counter name \"forged\" drop\n"
		"		# Between proxies.\n"
		"		%s daddr . udp dport @%s accept\n"
		"		meta l4proto udp counter name \"from_proxies\" tproxy %s to :%u "
		"meta priority set %x:%x accept\n"
		"	}\n\n",
		family->set, family->ip, family->set, family->ip, settings->out_port,
		upper(settings->mark), lower(settings->mark));
}

static void write_arriving(const struct rules_settings *settings, FILE *file)
{
	for (int i = 0; i < FAMILIES; i++)
		write_from_proxy(settings, &words[i], file);
	fprintf(file, "	# From other hosts.\n"
		      "	chain arriving {\n"
		      "		type filter hook prerouting priority -160; policy accept;\n"
		      "		meta l4proto != udp accept\n"
		      "		iif \"lo\" accept\n"
		      "		# A link-local source cannot be sent from: it has no interface.\n"
		      "		ip6 saddr fe80::/10 accept\n");
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s goto from_%s\n"
			"		%s daddr . udp dport @%s counter name \"to_proxies\" "
			"tproxy %s to :%u meta priority set %x:%x accept\n",
			words[i].ip, words[i].set, words[i].set, words[i].ip, words[i].set,
			words[i].ip, settings->in_port, upper(settings->mark),
			lower(settings->mark));
	fprintf(file, "	}\n\n");
}

/* Over the loopback interface, where a mark says the same as a priority: others may have changed
 * one of them. */
static void write_returning(const struct rules_settings *settings, FILE *file)
{
	const uint32_t mark = settings->mark, own = settings->own_mark;

	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"	chain back_from_%s {\n"
			"		# Between proxies.\n"
			"		%s daddr . udp dport @%s accept\n"
			"		meta priority %x:%x meta mark set %#x\n"
			"		meta l4proto udp meta mark %#x tproxy %s to :%u\n"
			"	}\n\n",
			words[i].set, words[i].ip, words[i].set, upper(mark), lower(mark), mark,
			mark, words[i].ip, settings->out_port);
	fprintf(file,
		"	chain returning {\n"
		"		meta l4proto != udp accept\n"
		"		# What natbox itself sent to a proxy on this host.\n"
		"		meta priority %x:%x accept\n"
		"		ip6 saddr fe80::/10 accept\n",
		upper(own), lower(own));
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s goto back_from_%s\n"
			"		%s daddr . udp dport @%s meta mark != %#x fib saddr type "
			"local "
			"tproxy %s to :%u meta mark set %#x\n",
			words[i].ip, words[i].set, words[i].set, words[i].ip, words[i].set, own,
			words[i].ip, settings->in_port, mark);
	fprintf(file, "	}\n\n");
}

/* The mark is the routing's alone, and comes last: others set marks, or look up by them which way a
 * packet's source is (fib). Until then a packet's priority says what its mark would. */
static void write_diverted(const struct rules_settings *settings, FILE *file)
{
	write_returning(settings, file);
	fprintf(file,
		"	# Leads to this host what is natbox's.\n"
		"	chain diverted {\n"
		"		type filter hook prerouting priority 200; policy accept;\n"
		"		iif \"lo\" goto returning\n"
		"		meta priority %x:%x meta mark set %#x\n"
		"	}\n\n",
		upper(settings->mark), lower(settings->mark), settings->mark);
}

static void write_leaving(const struct rules_settings *settings, FILE *file)
{
	const uint32_t mark = settings->mark, own = settings->own_mark;

	fprintf(file,
		"	chain own {\n"
		"		oif \"lo\" meta mark set %#x meta priority set %x:%x\n"
		"	}\n\n"
		"	# From a proxy on this host, but not to another: the mark turns it round\n"
		"	# to the chains above. natbox's own is known by its socket.\n"
		"	chain leaving {\n"
		"		type route hook output priority 200; policy accept;\n"
		"		socket mark %#x goto own\n",
		own, upper(own), lower(own), own);
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s %s daddr . udp dport != @%s "
			"meta mark set %#x meta priority set %x:%x\n",
			words[i].ip, words[i].set, words[i].ip, words[i].set, mark, upper(mark),
			lower(mark));
	fprintf(file, "	}\n");
}

/* Nobody goes there: that it is there has the kernel put fragments together, without conntrack. */
static void write_reassembly(FILE *file)
{
	fprintf(file, "	# Nothing goes here: a rule with tproxy has fragments put together.\n"
		      "	chain reassembling {\n"
		      "		meta l4proto udp tproxy ip to :1\n"
		      "		meta l4proto udp tproxy ip6 to :1\n"
		      "	}\n\n");
}

static void write_queue(uint16_t number, FILE *file)
{
	fprintf(file,
		"	# natbox itself adds the rule here, as it renews the sets: in this form\n"
		"	# where the kernel has it, else as xt's target.\n"
		"	chain " RULESET_QUEUE_CHAIN " {\n"
		"		# queue num %u bypass\n"
		"	}\n\n",
		number);
}

/* With a proxy's source. */
static void write_queued_from_proxy(const struct family_words *family, FILE *file)
{
	fprintf(file,
		"	chain from_%s {\n"
		"		# Not from where the route to the proxy points.\n"
		"		iif != \"lo\" fib saddr . iif oif missing "
		"counter name \"forged\" drop\n"
		"		# Between proxies; and from one on this host, on its way to this "
		"host: it\n"
		"		# has been through the chain below.\n"
		"		%s daddr . udp dport @%s accept\n"
		"		iif \"lo\" accept\n"
		"		goto " RULESET_QUEUE_CHAIN "\n"
		"	}\n\n",
		family->set, family->ip, family->set);
}

static void write_queued_arriving(const struct rules_settings *settings, FILE *file)
{
	for (int i = 0; i < FAMILIES; i++)
		write_queued_from_proxy(&words[i], file);
	fprintf(file,
		"	# Past those that translate destinations, at -100.\n"
		"	chain arriving {\n"
		"		type filter hook prerouting priority -90; policy accept;\n"
		"		meta l4proto != udp accept\n"
		"		# What natbox itself sent to a proxy on this host.\n"
		"		meta mark %#x accept\n"
		"		# Seen before, at a port of the VRF, which loses what is queued "
		"here.\n"
		"		meta iifkind \"vrf\" accept\n"
		"		# A link-local source cannot be sent to: it has no interface.\n"
		"		ip6 saddr fe80::/10 accept\n",
		settings->own_mark);
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s goto from_%s\n"
			"		%s daddr . udp dport @%s goto " RULESET_QUEUE_CHAIN "\n",
			words[i].ip, words[i].set, words[i].set, words[i].ip, words[i].set);
	fprintf(file, "	}\n\n");
}

static void write_queued_leaving(const struct rules_settings *settings, FILE *file)
{
	fprintf(file,
		"	# From a proxy on this host, but not to another.\n"
		"	chain leaving {\n"
		"		type filter hook output priority -90; policy accept;\n"
		"		meta mark %#x accept\n"
		"		# Seen again at a port of the VRF.\n"
		"		meta oifkind \"vrf\" accept\n",
		settings->own_mark);
	for (int i = 0; i < FAMILIES; i++)
		fprintf(file,
			"		%s saddr . udp sport @%s %s daddr . udp dport != @%s "
			"goto " RULESET_QUEUE_CHAIN "\n",
			words[i].ip, words[i].set, words[i].ip, words[i].set);
	fprintf(file, "	}\n");
}

void ruleset_write(const struct rules_settings *settings, bool notrack, FILE *file)
{
	fprintf(file, RULESET_REMOVE "table " RULESET_TABLE " {\n");
	write_counter("forged", file);
	write_sets(file);
	if (settings->queues) {
		write_queue(settings->queue, file);
		write_reassembly(file);
		write_queued_arriving(settings, file);
		write_queued_leaving(settings, file);
	} else {
		write_counter("to_proxies", file);
		write_counter("from_proxies", file);
		if (notrack)
			write_notrack(settings, file);
		write_arriving(settings, file);
		write_diverted(settings, file);
		write_leaving(settings, file);
	}
	fprintf(file, "}\n");
}
