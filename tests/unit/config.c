/* natbox.ini and -o: what is taken, and that every error is named with its place. */
#include "../../src/ops/config/config_parsers.h"
#include "ini.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(config, empty_file_gives_the_defaults)
{
	expect_ok("");
	cr_expect_eq(config.mode, MODE_SNIFF);
	cr_expect_eq(config.proxy_count, 1);
	cr_expect(config.proxies[0].any);
	cr_expect_eq(config.proxies[0].address.port, 5060);
	cr_expect_str_eq(config.interface, "any");
	cr_expect_str_eq(config.user, "natbox");
	cr_expect_eq(config.core.nat.detect, NAT_VIA_SOURCE | NAT_CONTACT_PRIVATE);
	cr_expect_eq(config.core.nat.fix_via, FIX_VIA_FULL);
	cr_expect(config.core.nat.fix_contact && config.core.nat.restore);
	cr_expect_eq(config.core.nat.max_expires_us, 0);
	cr_expect_eq(config.core.nat.spread_expires, 0);
	cr_expect_eq(config.core.keepalive.rules.interval_us, 25000000);
	cr_expect_str_eq(config.core.keepalive.from, "sip:keepalive@PROXY");
	cr_expect(config.core.keepalive.registrations && config.core.keepalive.subscriptions &&
		  config.core.keepalive.dialogs && !config.core.keepalive.rules.drop_lost);
	cr_expect_eq(config.core.keepalive.rules.max_lost, 3);
	cr_expect_eq(config.core.keepalive.reply_timeout_us, 5000000);
	cr_expect_eq(config.core.timers.transaction_us, 32000000);
	cr_expect_eq(config.core.timers.invite_us, 180000000);
	cr_expect_eq(config.core.timers.dialog_us, 43200000000);
	cr_expect_str_eq(config.state.path, "/var/lib/natbox");
	cr_expect_eq(config.state.sync_us, 1000000);
	cr_expect_eq(config.core.limits.endpoints, 1000000);
	cr_expect_eq(config.core.limits.endpoints_per_address, 4096);
	cr_expect_eq(config.core.limits.transactions, 200000);
	cr_expect_eq(config.core.limits.datagram, 65535);
	cr_expect_eq(config.relay.in_port, 5062);
	cr_expect_eq(config.relay.out_port, 5063);
	cr_expect_eq(config.relay.mark, 0x6e62);
	cr_expect_eq(config.relay.own_mark, 0x6e63);
	cr_expect_eq(config.relay.table, 5060);
	cr_expect_eq(config.relay.rules, RULES_AUTO);
	cr_expect_eq(config.queue.number, 5060);
	cr_expect_str_eq(config.control.socket, "/run/natbox/natbox.sock");
	cr_expect_eq(config.metrics.listen.port, 0);
	cr_expect_eq(config.log.level, LOG_LEVEL_INFO);
	cr_expect_str_eq(config.log.events, "");
}

Test(config, proxies_are_a_list_of_addresses_and_wildcards)
{
	char text[ADDRESS_TEXT_MAX];

	expect_ok("[natbox]\nproxy = 192.0.2.1, [2001:db8::1]:5070 ,*:5080,*\n");
	cr_assert_eq(config.proxy_count, 4);
	address_format(&config.proxies[0].address, text);
	cr_expect_str_eq(text, "192.0.2.1:5060");
	address_format(&config.proxies[1].address, text);
	cr_expect_str_eq(text, "[2001:db8::1]:5070");
	cr_expect(!config.proxies[1].any && config.proxies[2].any && config.proxies[3].any);
	cr_expect_eq(config.proxies[2].address.port, 5080);
	cr_expect_eq(config.proxies[3].address.port, 5060);
}

Test(config, an_ipv6_proxy_needs_brackets_where_its_end_is_like_sips_port)
{
	char text[ADDRESS_TEXT_MAX];

	expect_ok("[natbox]\nproxy = 2001:db8::1, 2001:db8::5:7, 2001:db8::5:5059, "
		  "2001:db8::5:5100, 2001:db8:0:0:0:0:5:5060\n");
	cr_assert_eq(config.proxy_count, 5);
	for (unsigned i = 0; i < 5; i++)
		cr_expect_eq(config.proxies[i].address.port, 5060);
	expect_ok("[natbox]\nproxy = [2001:db8::1:5060], [2001:db8::5:7]:5070\n");
	address_format(&config.proxies[0].address, text);
	cr_expect_str_eq(text, "[2001:db8::1:5060]:5060");
	address_format(&config.proxies[1].address, text);
	cr_expect_str_eq(text, "[2001:db8::5:7]:5070");
}

Test(config, a_proxy_that_is_named_twice_is_one)
{
	expect_ok("[natbox]\nproxy = 192.0.2.1, *, 192.0.2.1:5060, *:5060, *:5070\n");
	cr_expect_eq(config.proxy_count, 3);
	cr_expect(!config.proxies[0].any && config.proxies[1].any);
	cr_expect_eq(config.proxies[2].address.port, 5070);
}

Test(config, a_proxy_is_one_host)
{
	expect_error("[natbox]\nproxy = 192.0.2.1, 224.0.1.75:5060\n",
		":2: natbox.proxy: \"224.0.1.75:5060\" is not the address of one host");
	expect_error("[natbox]\nproxy = [ff02::1]:5060\n",
		":2: natbox.proxy: \"[ff02::1]:5060\" is not the address of one host");
	expect_error("[natbox]\nproxy = 255.255.255.255\n",
		":2: natbox.proxy: \"255.255.255.255\" is not the address of one host");
}

Test(config, durations_have_units_and_a_bare_number_is_seconds)
{
	expect_ok("[keepalive]\nreply-timeout=500ms\ninterval = 10\n"
		  "[timers]\ndialog = 12h\ninvite=10m\n");
	cr_expect_eq(config.core.keepalive.reply_timeout_us, 500000);
	cr_expect_eq(config.core.keepalive.rules.interval_us, 10000000);
	cr_expect_eq(config.core.timers.dialog_us, 43200000000);
	cr_expect_eq(config.core.timers.invite_us, 600000000);
}

Test(config, what_phones_are_told_of_their_expiry_may_be_off)
{
	expect_ok("[nat]\nmax-expires = 90m\nspread-expires = 90\n");
	cr_expect_eq(config.core.nat.max_expires_us, 5400000000);
	cr_expect_eq(config.core.nat.spread_expires, 90);
	expect_ok("[nat]\nmax-expires = Off\n");
	cr_expect_eq(config.core.nat.max_expires_us, 0);
	expect_error(
		"[nat]\nmax-expires = 59\n", ":2: nat.max-expires: 59 is out of range, 1m to 168h");
	expect_error(
		"[nat]\nmax-expires = 0\n", ":2: nat.max-expires: 0 is out of range, 1m to 168h");
	expect_error("[nat]\nmax-expires = no\n",
		":2: nat.max-expires: \"no\" is neither off nor a duration such as 10m or 12h");
	expect_error("[nat]\nspread-expires = 91\n",
		":2: nat.spread-expires: 91 is out of range, 0 to 90");
}

Test(config, semicolon_within_a_value_is_kept_and_after_a_blank_starts_a_comment)
{
	expect_ok("[keepalive]\nfrom = sip:keepalive@PROXY;transport=udp ; ours\n");
	cr_expect_str_eq(config.core.keepalive.from, "sip:keepalive@PROXY;transport=udp");
}

Test(config, mode_queue_may_have_any_queue)
{
	expect_ok("[natbox]\nmode = queue\n[queue]\nnumber = 0\n");
	cr_expect_eq(config.mode, MODE_QUEUE);
	cr_expect_eq(config.queue.number, 0);
}

Test(config, indented_line_is_a_key_of_its_own)
{
	expect_ok("[natbox]\nmode = relay\n  user = nobody\r\n\tinterface = eth0\n");
	cr_expect_str_eq(config.user, "nobody");
	cr_expect_str_eq(config.interface, "eth0");
}

Test(config, extra_headers_are_decoded_to_whole_lines)
{
	expect_ok("[keepalive]\nextra-headers = X-A: 1\\r\\nUser-Agent: nat\\box\n");
	cr_expect_str_eq(config.core.keepalive.extra_headers, "X-A: 1\r\nUser-Agent: nat\\box\r\n");
	expect_ok("[keepalive]\nextra-headers = X-A: 1\\r\\n\n");
	cr_expect_str_eq(config.core.keepalive.extra_headers, "X-A: 1\r\n");
}

Test(config, extra_headers_may_not_break_the_message)
{
	static const char *const wrong[] = {"X-A", "X A: 1", ": 1", " folded", "X-A: 1\\nX-B: 2",
		"X-A: 1\\r\\n\\r\\nbody: 1", "X-A: \x01", "Via: x", "v: x", "FROM: x", "t: x",
		"call-id: x", "i: x", "CSeq: 1", "Max-Forwards: 1", "l: 0", "Content-Length: 0",
		"Event: x", "o: x", "Contact: <sip:a>", "m: x", "Subscription-State: x",
		"X-A: 1\\r\\nl: 5"};
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "[keepalive]\nextra-headers = X: 1\\r\\n%s\n",
			wrong[i]);
		cr_expect(read_text(text, strlen(text), NULL) < 0, "taken: %s", wrong[i]);
		cr_expect_eq(errors.count, 1);
	}
}

Test(config, extra_headers_stand_once)
{
	static const struct {
		const char *headers, *error;
	} wrong[] = {
		{"X-A: 1\\r\\nX-A: 1", "the header \"X-A: 1\" is in it twice"},
		{"X-A: 1\\r\\nX-B: 2\\r\\nx-a:  1 \\r\\nX-C: 3",
			"the header \"x-a:  1 \" is in it twice"},
		{"Supported: path\\r\\nk: path", "the header \"k: path\" is in it twice"},
		{"X-A:\\r\\nX-A:", "the header \"X-A:\" is in it twice"},
		{"User-Agent: a\\r\\nuser-agent: b",
			"a message has the header User-Agent only once"},
		{"Subject: a\\r\\ns: b", "a message has the header Subject only once"},
	};
	char text[256], error[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "[keepalive]\nextra-headers = %s\n", wrong[i].headers);
		snprintf(error, sizeof(error), ":2: keepalive.extra-headers: %s", wrong[i].error);
		expect_error(text, error);
	}
	expect_ok("[keepalive]\nextra-headers = Route: <sip:a;lr>\\r\\nRoute: <sip:b;lr>\n");
	expect_ok("[keepalive]\nextra-headers = X-A: 1\\r\\nX-A: 2\n");
	expect_ok("[keepalive]\nextra-headers = Supported: path\\r\\nk: gruu\n");
}

Test(config, from_must_be_a_sip_uri)
{
	static const char *const wrong[] = {"keepalive", "tel:+49301234", "sip:", "sip:a@",
		"sip:a b@PROXY", "<sip:a@PROXY>", "sip:a@PROXY>;tag=1", "sip:a@PROXY:5070",
		"sip:PROXY@PROXY", "sip:a@PROXY\x01", "\"n\" <sip:a@PROXY>", "sip:USER@USER",
		"AORAOR", "sip:AOR", "sip:a@PROXY;x=AOR", "USER@PROXY", "PROXY", "AOR\"", ""};
	char text[128];

	expect_ok("[keepalive]\nfrom = sip:ka@example.com\n");
	expect_ok("[keepalive]\nfrom = sip:USER@PROXY\n");
	expect_ok("[keepalive]\nfrom = AOR\n");
	expect_ok("[keepalive]\nfrom = AOR;by=PROXY;of=USER\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "[keepalive]\nfrom = %s\n", wrong[i]);
		cr_expect(read_text(text, strlen(text), NULL) < 0, "taken: %s", wrong[i]);
		cr_expect_eq(errors.count, 1);
	}
}

static bool is_alive(unsigned status)
{
	const unsigned bit = status - STATUS_FIRST;

	return !(config.core.keepalive.not_alive[bit / 64] >> bit % 64 & 1);
}

Test(config, alive_is_any_or_a_list_of_statuses_and_classes)
{
	expect_ok("[keepalive]\nalive = 2XX, 4xx, 501\n");
	for (unsigned status = STATUS_FIRST; status <= STATUS_LAST; status++)
		cr_expect_eq(is_alive(status),
			status / 100 == 2 || status / 100 == 4 || status == 501, "%u", status);
	expect_ok("[keepalive]\nalive = 699\n");
	cr_expect(is_alive(699));
	cr_expect_not(is_alive(200));
	expect_ok("[keepalive]\nalive = any\n");
	for (unsigned status = STATUS_FIRST; status <= STATUS_LAST; status++)
		cr_expect(is_alive(status), "%u", status);
}

Test(config, alive_is_nothing_else)
{
	static const char *const wrong[] = {"", ",", "200,", "any, 200", "100", "1xx", "7xx", "700",
		"20x", "2x", "xxx", "2000", "200 404", "-200", "2xx;4xx"};
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "[keepalive]\nalive = %s\n", wrong[i]);
		cr_expect(read_text(text, strlen(text), NULL) < 0, "taken: %s", wrong[i]);
		cr_expect_eq(errors.count, 1);
	}
	expect_error("[keepalive]\nalive = 2xx, ok\n",
		":2: keepalive.alive: \"ok\" is neither any nor a final status such as 200 or "
		"4xx");
	expect_error("[keepalive]\nalive = 2xx, any\n",
		":2: keepalive.alive: any stands alone, and takes every status");
	expect_error("[keepalive]\nfrom = sip:AOR\n",
		":2: keepalive.from: AOR stands for a whole URI, as sip:alice@example.com, and may "
		"only be its beginning");
}

static void expect_events(const char *value, unsigned kinds)
{
	char text[128];

	snprintf(text, sizeof(text), "[log]\nevents-of = %s\n", value);
	expect_ok(text);
	cr_expect_eq(config.log.events_of, kinds, "%s", value);
}

Test(config, events_are_chosen_by_kind_all_of_them_or_by_themselves)
{
	expect_ok("");
	cr_expect_eq(config.log.events_of, EVENTS_AUTO);
	expect_events("lost, Found", 1 << EVENT_LOST | 1 << EVENT_FOUND);
	expect_events("all", EVENTS_ALL);
	expect_events("auto, reply", EVENTS_AUTO | 1 << EVENT_REPLY);
	expect_events("", 0);
}

Test(config, errors_name_file_line_and_what_is_wrong)
{
	expect_error("[natbox]\n\nmode = bridge\n",
		":3: natbox.mode: \"bridge\" is none of sniff, relay, queue");
	expect_error("[keepalive]\ninterval = 2h\n",
		":2: keepalive.interval: 2h is out of range, 1s to 1h");
	expect_error("[keepalive]\ninterval = 999ms\n",
		":2: keepalive.interval: 999ms is out of range, 1s to 1h");
	expect_error("[keepalive]\ninterval = 99999999999h\n",
		":2: keepalive.interval: 99999999999h is out of range, 1s to 1h");
	expect_error("[keepalive]\ninterval = -25\n",
		":2: keepalive.interval: -25 is out of range, 1s to 1h");
	expect_error("[keepalive]\nmax-lost = -1\n",
		":2: keepalive.max-lost: -1 is out of range, 0 to 100");
	expect_error("[keepalive]\nmax-lost = -0\n",
		":2: keepalive.max-lost: -0 is out of range, 0 to 100");
	expect_error(
		"[keepalive]\nmax-lost = --1\n", ":2: keepalive.max-lost: \"--1\" is not a number");
	expect_error("[keepalive]\nmax-lost = 99999999999999999999\n",
		":2: keepalive.max-lost: 99999999999999999999 is out of range, 0 to 100");
	expect_error("[keepalive]\ninterval = s\n",
		":2: keepalive.interval: \"s\" is not a duration such as 500ms, 25s, 10m or 12h");
	expect_error("[state]\nsync = 2m\n", ":2: state.sync: 2m is out of range, 10ms to 1m");
	expect_error("[state]\nsync = soon\n",
		":2: state.sync: \"soon\" is not a duration such as 500ms, 25s, 10m or 12h");
	expect_error("[relay]\nin-port = 70000\n",
		":2: relay.in-port: 70000 is out of range, 1 to 65535");
	expect_error(
		"[queue]\nnumber = 65536\n", ":2: queue.number: 65536 is out of range, 0 to 65535");
	expect_error("[relay]\nmark = 0x1g\n", ":2: relay.mark: \"0x1g\" is not a number");
	expect_error("[nat]\nrestore = 1\n", ":2: nat.restore: \"1\" is neither yes nor no");
	expect_error("[nat]\ndetect = via-source,\n",
		":2: nat.detect: \"\" is none of via-source, via-private, contact-private, "
		"contact-source, contact-port, sdp-private");
	expect_error("[log]\nevents-of = lost, losses\n",
		":2: log.events-of: \"losses\" is none of endpoint-add, endpoint-remove, "
		"reason-add, reason-refresh, reason-end, rewrite, keepalive, reply, lost, found, "
		"malformed, refused, auto, all");
	expect_error("[nat]\nexempt = 10.0.0.1/8\n",
		":2: nat.exempt: \"10.0.0.1/8\" is not a network such as 10.0.0.0/8 or "
		"2001:db8::/32 with its host bits zero");
	expect_error("[natbox]\nproxy = sip.example.com\n",
		":2: natbox.proxy: \"sip.example.com\" is not an address such as 192.0.2.1:5060, "
		"[2001:db8::1]:5060 or *:5060 (names are not looked up)");
	expect_error("[natbox]\nproxy = 2001:db8::1:5060\n",
		":2: natbox.proxy: \"2001:db8::1:5060\" may be with a port or without: write IPv6 "
		"addresses in brackets, as in [2001:db8::1]:5060");
	expect_error("[natbox]\nproxy = 2001:db8::1:5099\n",
		":2: natbox.proxy: \"2001:db8::1:5099\" may be with a port or without: write IPv6 "
		"addresses in brackets, as in [2001:db8::1]:5060");
	expect_error("[natbox]\nproxy = 0.0.0.0:5070\n",
		":2: natbox.proxy: 0.0.0.0:5070: for any address of this host write *:5070");
	expect_error("[natbox]\nproxy =\n",
		":2: natbox.proxy: no proxy: give its address and port, or *:5060");
	expect_error("[natbox]\ninterface = a23456789012345x\n",
		":2: natbox.interface: longer than 15 bytes");
	expect_error("[natbox]\ninterface =\n", ":2: natbox.interface: may not be empty");
	expect_error("[natbox]\ninterface = eth0 eth1\n",
		":2: natbox.interface: \"eth0 eth1\" is not one name");
	expect_error("[natbox]\ninterface = eth0,eth1\n",
		":2: natbox.interface: \"eth0,eth1\" is not one name");
	expect_error("[natbox]\nuser = natbox # after start\n",
		":2: natbox.user: \"natbox # after start\" is not one name");
	expect_error("[metrics]\ngroup = adm\twheel\n",
		":2: metrics.group: \"adm?wheel\" is not one name");
	expect_error("[metrics]\nlisten = 127.0.0.1\n",
		":2: metrics.listen: \"127.0.0.1\" is not an address and port such as "
		"127.0.0.1:9560");
	expect_error("[keepalive]\nfrom = sip:a@PROXY;x=\"y\"\n",
		":2: keepalive.from: \"sip:a@PROXY;x=\"y\"\" is not a SIP URI such as "
		"sip:keepalive@PROXY");
	expect_error("[keepalive]\nfrom = sip:a@PROXY; x\n",
		":2: keepalive.from: \"sip:a@PROXY; x\" is not a SIP URI such as "
		"sip:keepalive@PROXY");
	expect_error("[natbox]\ncolour = blue\n", ":2: unknown key \"colour\" in [natbox]");
	expect_error("mode = sniff\n", ":1: key before any [SECTION]");
	expect_error("[natbox]\nmode\n", ":2: neither KEY = VALUE nor [SECTION] nor a # comment");
	expect_error("[log]\nlevel = info\n# again\nlevel = info\n",
		":4: log.level: already set on line 2");
}

Test(config, unknown_section_is_one_error_however_many_keys_it_has)
{
	expect_error("[natbos]\nmode = sniff\nuser =\n", ":1: unknown section [natbos]");
	expect_error("[metrics]\n[nothing here]\n", ":2: unknown section [nothing here]");
	expect_error("[natbox\nmode = sniff\n", ":1: a section needs its closing ]");
	expect_error("[natbox] mode = relay\n", ":1: a section stands on a line of its own");
}

Test(config, all_errors_are_reported_at_once)
{
	const char *text = "[natbox]\nmode = x\nnonsense\n[nat]\nrestore = x\nnonsense\n[x]\na=1\n"
			   "[relay]\ntable = 254\n";

	cr_assert(read_text(text, strlen(text), "log.level=x", NULL) < 0);
	cr_assert_eq(errors.count, 7);
	cr_expect_str_eq(error_line(1), ":3: neither KEY = VALUE nor [SECTION] nor a # comment");
	cr_expect_str_eq(error_line(3), ":6: neither KEY = VALUE nor [SECTION] nor a # comment");
	cr_expect_str_eq(error_line(4), ":7: unknown section [x]");
	cr_expect_str_eq(
		error_line(5), "-o log.level=x: \"x\" is none of error, warning, info, debug");
	cr_expect_str_eq(error_line(6), ":10: relay.table: tables 253 to 255 are the kernel's own");
}

Test(config, more_errors_than_fit_are_counted)
{
	char text[8192] = "[natbox]\n";

	for (unsigned i = 0; i < 500; i++)
		strcat(text, "x = 1\n");
	cr_assert(read_text(text, strlen(text), NULL) < 0);
	cr_expect_eq(errors.count, 500);
}

Test(config, line_that_is_too_long_is_an_error_and_the_next_is_read)
{
	static char text[20000] = "[natbox]\nuser = ";

	memset(text + strlen(text), 'x', 15000);
	strcat(text, "\nmode = x\n");
	cr_assert(read_text(text, strlen(text), NULL) < 0);
	cr_expect_eq(errors.count, 2);
	cr_expect_str_eq(error_line(0), ":2: line too long");
	cr_expect_str_eq(error_line(1), ":3: natbox.mode: \"x\" is none of sniff, relay, queue");
}

Test(config, longest_list_of_networks_fits_its_line)
{
	static char text[20000] = "[nat]\nexempt = ";

	for (unsigned i = 0; i < NETWORKS_MAX; i++)
		sprintf(text + strlen(text), "%s2001:db8:1111:2222:3333:4444:5555:%x/128",
			i ? ", " : "", 0x6000 + i);
	expect_ok(text);
	cr_expect_eq(config.core.nat.exempt.count, NETWORKS_MAX);
	strcat(text, ",10.0.0.0/8");
	expect_error(text, ":2: nat.exempt: more than 256 networks");
}

Test(config, longest_list_of_proxies_fits_its_line)
{
	static char text[20000] = "[natbox]\nproxy = ";

	for (unsigned i = 0; i < CONFIG_PROXIES_MAX; i++)
		sprintf(text + strlen(text), "%s[2001:db8:1111:2222:3333:4444:5555:%x]:%u",
			i ? ", " : "", 0x6000 + i, 50600 + i);
	expect_ok(text);
	cr_expect_eq(config.proxy_count, CONFIG_PROXIES_MAX);
	strcat(text, ",10.0.0.1");
	expect_error(text, ":2: natbox.proxy: more than 256 proxies");
}

/* A value of this length after the name of its key: start, and then x. */
static const char *long_value(const char *start, size_t length)
{
	static char text[4096];
	size_t before = strlen("[keepalive]\n") + strcspn(start, "=") + 1;

	snprintf(text, sizeof(text), "[keepalive]\n%s", start);
	memset(text + strlen(text), 'x', before + length - strlen(text));
	text[before + length] = 0;
	return text;
}

Test(config, longest_values_of_a_keepalive_are_taken_and_no_longer_ones)
{
	expect_ok(long_value("from=sip:k@", FROM_MAX - 1));
	cr_expect_eq(strlen(config.core.keepalive.from), FROM_MAX - 1);
	expect_error(
		long_value("from=sip:k@", FROM_MAX), ":2: keepalive.from: longer than 255 bytes");
	expect_ok(long_value("extra-headers=X:", EXTRA_HEADERS_MAX - 3));
	cr_expect_eq(strlen(config.core.keepalive.extra_headers), EXTRA_HEADERS_MAX - 1);
	expect_error(long_value("extra-headers=X:", EXTRA_HEADERS_MAX - 2),
		":2: keepalive.extra-headers: longer than 1023 bytes");
}

Test(config, zero_bytes_and_huge_files_are_errors)
{
	static char lines[1024 * 1024 + 1];

	cr_expect(read_text("[natbox]\nuser = a\0b\n", 20, NULL) < 0);
	cr_expect_str_eq(error_line(0), ":2: zero byte in this line");
	memset(lines, '\n', sizeof(lines));
	cr_expect_eq(read_text(lines, sizeof(lines) - 1, NULL), 0);
	cr_expect(read_text(lines, sizeof(lines), NULL) < 0);
	cr_expect_str_eq(error_line(0), ": the file is too large to be a natbox.ini");
}

Test(config, errors_hold_no_control_characters)
{
	expect_error("[natbox]\nmode = \x1b[2J\n",
		":2: natbox.mode: \"?[2J\" is none of sniff, relay, queue");
}

Test(config, byte_order_mark_and_last_line_without_end_are_taken)
{
	expect_ok("\xef\xbb\xbf[natbox]\nmode = relay");
	cr_expect_eq(config.mode, MODE_RELAY);
}

Test(config, override_wins_over_the_file_and_the_last_over_the_first)
{
	const char *text = "[keepalive]\ninterval = 10s\nreply-timeout = 2s\n";

	cr_assert_eq(read_text(text, strlen(text), "keepalive.interval=20s",
			     " keepalive.interval = 30s ", "state.path=", NULL),
		0);
	cr_expect_eq(config.core.keepalive.rules.interval_us, 30000000);
	cr_expect_str_eq(config.state.path, "");
}

/* SIGHUP names a key as changed where its bytes have. */
Test(config, nothing_is_left_of_a_value_that_an_override_goes_over)
{
	static const char *const values[][2] = {
		{"natbox.proxy=*:5070", "proxy = 192.0.2.1, [2001:db8::1]:5070, *"},
		{"natbox.interface=lo", "interface = interface-1"},
		{"natbox.user=", "user = somebody"},
	};
	static struct config without;
	char text[128];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		cr_assert_eq(read_text("", 0, values[i][0], NULL), 0);
		without = config;
		snprintf(text, sizeof(text), "[natbox]\n%s\n", values[i][1]);
		cr_assert_eq(read_text(text, strlen(text), values[i][0], NULL), 0);
		cr_expect_eq(memcmp(&config, &without, sizeof(config)), 0, "%s", values[i][0]);
	}
}

Test(config, wrong_overrides_are_named)
{
	cr_assert(read_text("", 0, "mode=sniff", "natbox.mode", "x.y=1", "natbox.y=1",
			  "natbox.mode=", NULL) < 0);
	cr_assert_eq(errors.count, 5);
	cr_expect_str_eq(error_line(0), "-o mode=sniff: not of the form SECTION.KEY=VALUE");
	cr_expect_str_eq(error_line(1), "-o natbox.mode: not of the form SECTION.KEY=VALUE");
	cr_expect_str_eq(error_line(2), "-o x.y=1: unknown section");
	cr_expect_str_eq(error_line(3), "-o natbox.y=1: unknown key");
	cr_expect_str_eq(error_line(4), "-o natbox.mode=: \"\" is none of sniff, relay, queue");
}

Test(config, relay_keys_that_would_collide_are_errors)
{
	expect_error(
		"[relay]\nin-port = 5063\n", ":2: relay.in-port: in-port and out-port must differ");
	expect_error(
		"[relay]\nown-mark = 28258\n", ":2: relay.own-mark: mark and own-mark must differ");
	expect_error("[relay]\ntable = 254\n",
		":2: relay.table: tables 253 to 255 are the kernel's own");
	expect_error("[natbox]\nmode = relay\nproxy = 192.0.2.1:5062\n",
		":3: natbox.proxy: in-port is the port of a proxy: choose another");
	expect_error("[natbox]\nmode = relay\n[relay]\nout-port = 5060\n",
		":4: relay.out-port: out-port is the port of a proxy: choose another");
	expect_ok("[natbox]\nproxy = 192.0.2.1:5062\n");
}

Test(config, relay_keys_may_collide_where_nothing_is_opened)
{
	static const char *const overrides[] = {"natbox.mode=relay", "natbox.proxy=192.0.2.1:5062",
		"relay.out-port=5062", "relay.own-mark=0x6e62", "relay.table=254"};
	struct config_source source = {.path = "/dev/null",
		.overrides = overrides,
		.override_count = sizeof(overrides) / sizeof(*overrides)};

	cr_expect(config_read(&source, &config, &errors) < 0);
	source.opens_nothing = true;
	cr_expect_eq(config_read(&source, &config, &errors), 0, "%s", errors.list[0].line);
}

Test(config, a_lost_phone_is_answered_for_with_one_of_two_statuses_or_not_at_all)
{
	expect_ok("");
	cr_expect_eq(config.core.relay.lost_answer, LOST_ANSWER_OFF);
	expect_ok("[relay]\nlost-answer = 430\n");
	cr_expect_eq(config.core.relay.lost_answer, LOST_ANSWER_430);
	expect_ok("[relay]\nlost-answer = 480\n");
	cr_expect_eq(config.core.relay.lost_answer, LOST_ANSWER_480);
	expect_error("[relay]\nlost-answer = 486\n",
		":2: relay.lost-answer: \"486\" is none of off, 430, 480");
}

Test(config, keepalives_leave_at_the_link_layer_or_through_the_kernel)
{
	expect_ok("");
	cr_expect_eq(config.keepalive.path, KEEPALIVE_PATH_AUTO);
	expect_ok("[keepalive]\npath = link\n");
	cr_expect_eq(config.keepalive.path, KEEPALIVE_PATH_LINK);
	expect_ok("[keepalive]\npath = raw\n");
	cr_expect_eq(config.keepalive.path, KEEPALIVE_PATH_RAW);
	expect_error("[keepalive]\npath = wire\n",
		":2: keepalive.path: \"wire\" is none of auto, link, raw");
}

Test(config, file_that_cannot_be_read_is_an_error)
{
	struct config_source source = {.path = "/nowhere/natbox.ini", .may_lack_file = true};

	cr_expect(config_read(&source, &config, &errors) < 0);
	cr_expect_str_eq(errors.list[0].line,
		"/nowhere/natbox.ini: cannot open: No such file or directory; see that "
		"natbox may read it, or name another with -c");
	source.path = "/";
	cr_expect(config_read(&source, &config, &errors) < 0);
	cr_expect_str_eq(errors.list[0].line, "/: is a directory; name a file with -c");
	source.path = "/dev/zero";
	cr_expect(config_read(&source, &config, &errors) < 0);
	cr_expect_str_eq(errors.list[0].line, "/dev/zero: is a device; name a file with -c");
}

Test(config, default_file_may_be_missing_only_where_that_is_said)
{
	struct config_source source = {.may_lack_file = true};

	if (access(CONFIG_PATH_DEFAULT, F_OK) == 0)
		cr_skip("there is a %s", CONFIG_PATH_DEFAULT);
	cr_expect_eq(config_read(&source, &config, &errors), 0);
	cr_expect_eq(config.core.limits.endpoints, 1000000);
	source.may_lack_file = false;
	cr_expect(config_read(&source, &config, &errors) < 0);
}
