/* Sections [class NAME] of natbox.ini, and -o for them. */
#include "ini.h"
#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(config_classes, class_has_its_criteria_and_what_it_changes)
{
	const struct phone_class *class;

	expect_ok("[class one]\nnetwork = 192.0.2.0/24, 2001:db8::/32\nuser-agent = Acme *,Other\n"
		  "interval = 15s\n[keepalive]\nmethod = CRLF\n[class two]\naor = *@example.com\n"
		  "scope = off\nmethod = OPTIONS\nmax-lost = 0\ndrop-lost = yes\n");
	cr_assert_eq(config.core.classes.count, 2);
	class = &config.core.classes.list[0];
	cr_expect_str_eq(class->name, "one");
	cr_expect_eq(class->network_count, 2);
	cr_expect_str_eq(class->user_agents, "Acme *,Other");
	cr_expect_eq(class->effects, CLASS_INTERVAL);
	cr_expect_eq(class->rules.interval_us, 15000000);
	class = &config.core.classes.list[1];
	cr_expect_str_eq(class->name, "two");
	cr_expect_str_eq(class->aors, "*@example.com");
	cr_expect_eq(class->effects, CLASS_SCOPE | CLASS_METHOD | CLASS_MAX_LOST | CLASS_DROP_LOST);
	cr_expect_eq(class->rules.scope, KEEPALIVE_OFF);
	cr_expect_eq(class->rules.method, KEEPALIVE_OPTIONS);
	cr_expect(class->rules.max_lost == 0 && class->rules.drop_lost);
}

/* inih keeps 49 bytes of what stands in the brackets. */
Test(config_classes, blanks_before_a_name_do_not_count_however_many)
{
	expect_ok("[class                                                  office]\naor = *\n"
		  "scope = off\n");
	cr_assert_eq(config.core.classes.count, 1);
	cr_expect_str_eq(config.core.classes.list[0].name, "office");
	cr_expect_eq(config.core.classes.list[0].effects, CLASS_SCOPE);
}

Test(config_classes, errors_of_classes_are_named_all_at_once)
{
	static const char text[] = "[class a]\ninterval = 15s\nnetwork = 192.0.2.1/24\n"
				   "[class a.b]\nx = 1\n[class a]\nmethod = PING\n[class]\n"
				   "[class b]\naor = x\nmethd = NOTIFY\n[class c]\naor = a,,b\n"
				   "interval = 2h\ninterval = 1s\n[class d]\n[class e]\n"
				   "network =\nscope = no\n[class f]\nuser-agent = *\n"
				   "[class g]\naor = alice@*, bob@* carol@*\nscope = all\n";
	static const char *const expected[] = {
		":3: class a.network: \"192.0.2.1/24\" is not a network such as 10.0.0.0/8 or "
		"2001:db8::/32 with its host bits zero",
		":4: \"a.b\" is no name for a class: up to 31 letters, digits, - and _",
		":6: class a is already on line 1",
		":8: a class needs a name, as in [class office]",
		":11: unknown key \"methd\" in [class b]",
		":13: class c.aor: an item of the list is empty",
		":14: class c.interval: 2h is out of range, 1s to 1h",
		":15: class c.interval: already set on line 14",
		":18: class e.network: may not be empty",
		":19: class e.scope: \"no\" is none of natted, all, off",
		":23: class g.aor: \"bob@* carol@*\" has a blank, as no address of record has: "
		"commas part globs",
		":16: class d: is for nobody: give it network, user-agent or aor",
		":16: class d: changes nothing: give it scope, interval, method, max-lost or "
		"drop-lost",
		":20: class f: changes nothing: give it scope, interval, method, max-lost or "
		"drop-lost",
	};

	cr_assert(read_text(text, strlen(text), NULL) < 0);
	cr_assert_eq(errors.count, sizeof(expected) / sizeof(*expected));
	for (unsigned i = 0; i < errors.count; i++)
		cr_expect_str_eq(error_line(i), expected[i]);
}

Test(config_classes, there_are_32_classes_at_most)
{
	char text[4096] = "";

	for (unsigned i = 0; i < CLASSES_MAX; i++)
		sprintf(text + strlen(text), "[class n%u]\naor = *\nscope = all\n", i);
	expect_ok(text);
	cr_expect_eq(config.core.classes.count, CLASSES_MAX);
	strcat(text, "[class last]\naor = *\nscope = all\n");
	expect_error(text, ":97: more than 32 classes");
}

Test(config_classes, globs_take_511_bytes_at_most)
{
	char text[1024];

	sprintf(text, "[class a]\nscope = all\naor = %0*d\n", CLASS_GLOBS_MAX - 1, 0);
	expect_ok(text);
	cr_expect_eq(strlen(config.core.classes.list[0].aors), CLASS_GLOBS_MAX - 1);
	sprintf(text, "[class a]\nscope = all\naor = %0*d\n", CLASS_GLOBS_MAX, 0);
	expect_error(text, ":3: class a.aor: longer than 511 bytes");
}

Test(config_classes, override_goes_over_a_class_or_makes_one)
{
	static const char text[] = "[class a]\naor = *\ninterval = 15s\n";

	cr_assert_eq(read_text(text, strlen(text), "class a.interval=10s", "class b.aor=x",
			     "class b.scope=off", NULL),
		0);
	cr_assert_eq(config.core.classes.count, 2);
	cr_expect_eq(config.core.classes.list[0].rules.interval_us, 10000000);
	cr_expect_str_eq(config.core.classes.list[1].name, "b");

	cr_assert(read_text(text, strlen(text), "class c.scope=off", "class a.x=1", NULL) < 0);
	cr_assert_eq(errors.count, 2);
	cr_expect_str_eq(error_line(0), "-o class a.x=1: unknown key");
	cr_expect_str_eq(error_line(1), "-o class c.scope=off: is for nobody: give it network, "
					"user-agent or aor");
}
