/* What the rules of others have natbox do at its start, in a network namespace of a test's own. */
#include "wire/rules/ruleset.h"
#include "wire/rules/ruleset_text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own_network.h"
#include "renewing.h"

static struct fault fault;

static void setup(void)
{
	enter_own_network();
}

TestSuite(ruleset, .init = setup, .timeout = 120);

static int check(uint32_t mark)
{
	return ruleset_check_mark("own-mark", mark, &fault);
}

Test(ruleset, a_mark_that_others_set_is_refused)
{
	run("nft add table inet other && nft add chain inet other marks && "
	    "nft add rule inet other marks udp dport 5060 counter meta mark set 0x6e63");
	cr_expect_eq(check(0x6e63), -EEXIST);
	cr_expect(strstr(fault.line, "relay.own-mark 0x6e63 is set by"), "%s", fault.line);
	cr_expect_eq(check(0x6e62), 0);
}

Test(ruleset, what_others_match_or_natbox_sets_itself_is_no_reason)
{
	run("nft add table inet other && nft add chain inet other marks && "
	    "nft add rule inet other marks meta mark 0x6e63 accept && "
	    "nft add rule inet other marks ct mark set 0x6e63 && "
	    "nft add rule inet other marks meta priority set 0x6e63 meta mark set 1 && "
	    "nft add table inet natbox && nft add chain inet natbox marks && "
	    "nft add rule inet natbox marks meta mark set 0x6e63");
	cr_expect_eq(check(0x6e63), 0, "%s", fault.line);
}

/* A packet of a local program with that TOS would pass for natbox's own. */
Test(ruleset, no_mark_is_a_priority_that_the_kernel_gives_by_tos)
{
	const struct rules_settings settings = {.mark = 4, .own_mark = 6};
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	ruleset_write(&settings, false, file);
	fclose(file);
	cr_expect(strstr(text, "meta mark set 0x6 meta priority set"), "%s", text);
	cr_expect_not(strstr(text, " 0:"), "%s", text);
	free(text);
}

Test(ruleset, translation_by_others_keeps_conntrack)
{
	cr_expect(ruleset_may_notrack());
	run("nft add table ip natbox && "
	    "nft 'add chain ip natbox out { type filter hook postrouting priority 0; }'");
	cr_expect(ruleset_may_notrack());
	run("nft 'add chain ip natbox translated { type nat hook postrouting priority 100; }'");
	cr_expect_not(ruleset_may_notrack());
}

static void translate_with(const char *command)
{
	cr_assert(ruleset_may_notrack());
	if (system(command))
		cr_skip_test("there is no such iptables here, or no such kernel");
	cr_expect_not(ruleset_may_notrack(), "%s", command);
}

Test(ruleset, translation_by_the_old_iptables_keeps_conntrack)
{
	translate_with("iptables-legacy -t nat -L >/dev/null 2>&1");
}

Test(ruleset, so_does_that_of_ipv6)
{
	translate_with("ip6tables-legacy -t nat -L >/dev/null 2>&1");
}

/* As a host of containers changes them: no look is long enough for a quiet moment. */
Test(ruleset, rules_that_change_all_the_while_are_seen)
{
	pid_t child;

	lay_rules(20000, "meta mark set 0x6e63;");
	child = start_renewing();
	cr_expect_eq(check(0x6e63), -EEXIST, "%s", fault.line);
	cr_expect_eq(check(0x6e62), 0, "%s", fault.line);
	stop_renewing(child);
}
