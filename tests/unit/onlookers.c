/* What is to see a packet of this host before it leaves, each test in a network namespace of its
 * own. */
#include "wire/hops/onlookers.h"
#include "own_network.h"
#include "renewing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In milliseconds: longer than rules are left alone after they were looked at. */
enum { LATER_MS = 2000, TRIES = 500 };

static struct onlookers *onlookers;
static uint64_t now_ms = 1000000;

static void setup(void)
{
	enter_own_network();
}

static void cleanup(void)
{
	onlookers_free(onlookers);
}

TestSuite(onlookers, .init = setup, .fini = cleanup, .timeout = 120);

static void begin(void)
{
	onlookers = onlookers_new();
	cr_assert(onlookers);
}

static void look(void)
{
	onlookers_look(onlookers, now_ms += LATER_MS);
}

static void expect_rule(const char *words)
{
	cr_assert(onlookers_filter(onlookers), "%s", words);
	cr_expect(strstr(onlookers_rule(onlookers), words), "%s", onlookers_rule(onlookers));
}

Test(onlookers, rules_of_postrouting_see_what_leaves)
{
	run("nft add table ip other && "
	    "nft 'add chain ip other last { type filter hook postrouting priority 0; }'");
	begin();
	cr_expect_not(onlookers_filter(onlookers), "an empty chain sees nothing");
	run("nft add rule ip other last counter");
	look();
	expect_rule("chain last of nftables table ip other");
	cr_expect(onlookers_are_settled(onlookers));
}

Test(onlookers, a_chain_that_comes_with_its_table_is_news)
{
	begin();
	run("echo 'table ip other { chain last { "
	    "type filter hook postrouting priority 0; policy drop; }; }' | nft -f -");
	look();
	expect_rule("chain last of nftables table ip other");
}

Test(onlookers, natboxs_own_table_is_none_and_no_news)
{
	begin();
	look();
	run("nft add table inet natbox && "
	    "nft 'add chain inet natbox out { type filter hook output priority 0; }' && "
	    "nft add rule inet natbox out counter");
	onlookers_look(onlookers, now_ms);
	cr_expect(onlookers_are_settled(onlookers));
	cr_expect_not(onlookers_filter(onlookers));
	run("nft add table ip natbox && "
	    "nft 'add chain ip natbox out { type filter hook output priority 0; policy drop; }'");
	look();
	expect_rule("chain out of nftables table ip natbox");
}

Test(onlookers, tables_of_the_old_iptables_are_seen)
{
	begin();
	cr_assert_not(onlookers_filter(onlookers));
	if (system("iptables-legacy -t nat -L >/dev/null 2>&1"))
		cr_skip_test("there is no such iptables here, or no such kernel");
	look();
	expect_rule("an iptables table");
	cr_expect(onlookers_are_settled(onlookers));
	run("nft add table ip other && nft add chain ip other aside");
	onlookers_look(onlookers, now_ms);
	cr_expect_not(onlookers_are_settled(onlookers));
	look();
	expect_rule("an iptables table");
	cr_expect(onlookers_are_settled(onlookers));
}

Test(onlookers, policies_for_what_comes_in_are_none)
{
	begin();
	look();
	run("ip xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir in tmpl src 192.0.2.99 "
	    "dst 192.0.2.1 proto esp mode tunnel");
	onlookers_look(onlookers, now_ms);
	cr_expect(onlookers_encrypt(onlookers), "until it has been looked at");
	look();
	cr_expect_not(onlookers_encrypt(onlookers));
	cr_expect(onlookers_are_settled(onlookers));
	run("ip xfrm policy add src 10.1.0.0/16 dst 10.1.0.0/16 dir out tmpl src 192.0.2.1 "
	    "dst 192.0.2.99 proto esp mode tunnel && "
	    "ip xfrm policy add src 10.2.0.0/16 dst 10.2.0.0/16 dir in tmpl src 192.0.2.99 "
	    "dst 192.0.2.1 proto esp mode tunnel");
	look();
	cr_expect(onlookers_encrypt(onlookers), "one for what leaves is, between those");
	cr_expect(onlookers_are_settled(onlookers));
}

/* "Block" is the policy for all that no other one is for. */
Test(onlookers, what_is_blocked_without_a_policy_is_not_sent_past_it)
{
	begin();
	look();
	cr_assert_not(onlookers_encrypt(onlookers));
	run("ip xfrm policy setdefault in block");
	look();
	cr_expect_not(onlookers_encrypt(onlookers));
	run("ip xfrm policy setdefault out block");
	look();
	cr_expect(onlookers_encrypt(onlookers));
	run("ip xfrm policy setdefault out accept");
	look();
	cr_expect_not(onlookers_encrypt(onlookers));
}

/* Nor is it known that nothing is to be encrypted. */
Test(onlookers, who_may_not_look_takes_them_to_be_there)
{
	cr_assert_eq(setuid(65534), 0);
	begin();
	look();
	expect_rule("a firewall that natbox has no right to see");
	cr_expect(onlookers_encrypt(onlookers));
}

/* Chains that are no onlookers, but too many for one answer of the kernel. */
Test(onlookers, rules_that_change_while_they_are_read_are_read_again)
{
	bool was_disturbed = false;
	pid_t child;

	lay_rules(3000, "");
	child = start_renewing();
	for (unsigned i = 0; i < TRIES && !was_disturbed; i++) {
		onlookers_free(onlookers);
		begin();
		was_disturbed = onlookers_filter(onlookers);
	}
	stop_renewing(child);
	cr_assert(was_disturbed);
	cr_expect_not(onlookers_are_settled(onlookers));
	look();
	cr_expect_not(onlookers_filter(onlookers), "%s", onlookers_rule(onlookers));
	cr_expect(onlookers_are_settled(onlookers));
}
