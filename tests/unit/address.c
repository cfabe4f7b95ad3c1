#include <natbox/address.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct address host(const char *string)
{
	struct address address = {.port = 9};

	cr_assert(address_parse_host(text_from(string), &address), "%s", string);
	cr_expect_eq(address.port, 9, "the port is left alone");
	return address;
}

static bool is_private(const char *string)
{
	struct address address = host(string);

	return address_is_private(&address);
}

Test(address, ipv4_is_kept_mapped)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct address address = address_ipv4((uint8_t[]){192, 0, 2, 1}, 5060);

	cr_expect_arr_eq(address.ip, mapped, sizeof(mapped));
	cr_expect_eq(address.port, 5060);
	cr_expect(address_is_ipv4(&address));
}

Test(address, mapped_ipv6_is_the_same_as_ipv4)
{
	struct address mapped = host("::ffff:192.0.2.1"), plain = host("192.0.2.1");

	cr_expect(address_is_ipv4(&mapped));
	cr_expect(address_equal(&mapped, &plain));
	cr_expect(is_private("::ffff:10.0.0.1"));
	cr_expect(is_private("[::ffff:a00:1]"));
}

Test(address, ipv6_is_not_ipv4)
{
	struct address compatible = host("::192.0.2.1"), other = host("2001:db8::ffff:c000:201");

	cr_expect_not(address_is_ipv4(&compatible));
	cr_expect_not(address_is_ipv4(&other));
}

Test(address, equal_means_host_and_port)
{
	struct address a = host("192.0.2.1"), b = a;

	b.port = 10;
	cr_expect(address_same_host(&a, &b));
	cr_expect_not(address_equal(&a, &b));
	b = host("192.0.2.2");
	cr_expect_not(address_same_host(&a, &b));
}

/* Both sides of every border. */
Test(address, private_networks_end_where_the_rfcs_say)
{
	static const struct {
		const char *before, *first, *last, *after;
	} networks[] = {
		{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
		{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
		{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
		{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
		{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
		{"191.255.255.255", "192.0.0.0", "192.0.0.7", "192.0.0.8"},
		{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
		{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"},
		{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"},
		{"::", "::1", "::1", "::2"},
	};

	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		cr_expect_not(is_private(networks[i].before), "%s", networks[i].before);
		cr_expect(is_private(networks[i].first), "%s", networks[i].first);
		cr_expect(is_private(networks[i].last), "%s", networks[i].last);
		cr_expect_not(is_private(networks[i].after), "%s", networks[i].after);
	}
}

Test(address, public_and_documentation_addresses_are_not_private)
{
	static const char *const public[] = {"0.0.0.0", "1.1.1.1", "192.0.2.1", "198.51.100.1",
		"203.0.113.1", "255.255.255.255", "2001:db8::1", "64:ff9b::a00:1", "ff02::1"};

	for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++)
		cr_expect_not(is_private(public[i]), "%s", public[i]);
}

Test(address, a_host_may_be_ipv6_with_or_without_brackets)
{
	struct address bare = host("2001:db8::1"), bracketed = host("[2001:DB8:0::1]");

	cr_expect(address_equal(&bare, &bracketed));
}

Test(address, what_is_no_address_is_no_host)
{
	static const char *const bad[] = {"", "example.com", "1.2.3", "1.2.3.4.5", "1.2.3.256",
		"01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", "[1.2.3.4]", "[", "]", "[]",
		"[::1", "::1]", "[[::1]]", ":", "1:2", "::g", "fe80::1%eth0", "1.2.3.4:5060",
		"4294967297.2.3.4", "1.2.3.0004", "x::1]", "[::1x", "1:2:3:4:5:6:7:8:9",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	struct address address = {.port = 1};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(address_parse_host(text_from(bad[i]), &address), "%s", bad[i]);
	cr_expect_not(address_parse_host(TEXT("1.2.3.4\0"), &address));
	cr_expect_not(address_parse_host((struct text){0}, &address));
}

Test(address, a_user_agent_can_only_be_at_one_host)
{
	static const char *const none[] = {"0.0.0.0", "0.1.2.3", "224.0.0.0", "239.1.2.3",
		"255.255.255.255", "::", "ff02::1", "ffff::1"};
	static const char *const some[] = {"1.0.0.0", "127.0.0.1", "223.255.255.255", "::1",
		"2001:db8::", "fe80::1", "feff::1"};
	struct address address;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		address = host(none[i]);
		address.port = 5060;
		cr_expect_not(address_is_one_host(&address), "%s", none[i]);
	}
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		address = host(some[i]);
		address.port = 5060;
		cr_expect(address_is_one_host(&address), "%s", some[i]);
		address.port = 0;
		cr_expect_not(address_is_one_host(&address), "port 0 of %s", some[i]);
	}
}

Test(address, unspecified_and_loopback_are_told_in_both_families)
{
	static const struct {
		const char *host;
		bool is_unspecified, is_loopback;
	} hosts[] = {{"0.0.0.0", true, false}, {"::", true, false}, {"127.0.0.1", false, true},
		{"127.255.255.255", false, true}, {"::1", false, true}, {"1.0.0.0", false, false},
		{"126.0.0.0", false, false}, {"128.0.0.1", false, false}, {"::2", false, false},
		{"2001:db8::", false, false}, {"::1.0.0.0", false, false}};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		const struct address address = host(hosts[i].host);

		cr_expect_eq(address_is_unspecified(&address), hosts[i].is_unspecified, "%s",
			hosts[i].host);
		cr_expect_eq(
			address_is_loopback(&address), hosts[i].is_loopback, "%s", hosts[i].host);
	}
}

static void expect_address(const char *string, uint16_t default_port, const char *expected)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX];
	size_t length;

	cr_expect_eq(address_parse(text_from(string), default_port, &address), 0, "%s", string);
	length = address_format(&address, text);
	cr_expect_str_eq(text, expected);
	cr_expect_eq(length, strlen(text));
}

Test(address, is_read_and_written_with_its_port)
{
	expect_address("1.2.3.4:5062", 5060, "1.2.3.4:5062");
	expect_address("1.2.3.4", 5060, "1.2.3.4:5060");
	expect_address("[2001:db8::1]:65535", 5060, "[2001:db8::1]:65535");
	expect_address("[2001:db8::1]", 5060, "[2001:db8::1]:5060");
	expect_address("2001:db8::1", 5060, "[2001:db8::1]:5060");
	expect_address("::1", 1, "[::1]:1");
	expect_address("::", 1, "[::]:1");
	expect_address("::ffff:1.2.3.4", 7, "1.2.3.4:7");
	expect_address("[::ffff:1.2.3.4]:8", 7, "1.2.3.4:8");
}

Test(address, the_longest_text_fits)
{
	expect_address("[1111:2222:3333:4444:5555:6666:7777:8888]:65535", 1,
		"[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	expect_address("255.255.255.255:65535", 1, "255.255.255.255:65535");
}

Test(address, a_host_is_written_as_a_uri_wants_it)
{
	struct address ipv4 = host("192.0.2.1"), ipv6 = host("2001:db8::1");
	char text[ADDRESS_TEXT_MAX];

	cr_expect_eq(address_format_host(&ipv4, text), strlen("192.0.2.1"));
	cr_expect_str_eq(text, "192.0.2.1");
	cr_expect_eq(address_format_host(&ipv6, text), strlen("[2001:db8::1]"));
	cr_expect_str_eq(text, "[2001:db8::1]");
}

Test(address, what_is_no_address_and_port_is_refused)
{
	static const char *const bad[] = {"", ":", ":5060", "1.2.3.4:", "1.2.3.4:0",
		"1.2.3.4:65536", "1.2.3.4:x", "1.2.3.4:-1", "1.2.3.4:5060:5060",
		"[::1]:", "[::1]:0", "[::1]x", "[::1]5060", "[::1", "[1.2.3.4]:5060",
		"example.com:5060", "*:5060", "1.2.3.4 :5060", "1.2.3.4: 5060", "[]:5060", "[", "]",
		"[:5060"};
	struct address address;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(
			address_parse(text_from(bad[i]), 5060, &address), -EINVAL, "%s", bad[i]);
	cr_expect_eq(address_parse(TEXT("1.2.3.4"), 0, &address), -EINVAL, "no port at all");
	cr_expect_eq(address_parse((struct text){0}, 5060, &address), -EINVAL);
}

static struct network network_of(const char *string)
{
	struct network network = {0};

	cr_expect_eq(network_parse(text_from(string), &network), 0, "%s", string);
	return network;
}

static bool contains(const char *string, const char *member)
{
	struct network network = network_of(string);
	struct address address = host(member);

	return network_contains(&network, &address);
}

Test(network, bits_are_counted_over_the_mapped_form)
{
	cr_expect_eq(network_of("10.0.0.0/8").bits, 104);
	cr_expect_eq(network_of("2001:db8::/32").bits, 32);
	cr_expect_eq(network_of("192.0.2.1").bits, 128);
	cr_expect_eq(network_of("0.0.0.0/0").bits, 96);
	cr_expect_eq(network_of("::/0").bits, 0);
	cr_expect_eq(network_of("[2001:db8::]/32").bits, 32);
}

Test(network, contains_what_shares_its_leading_bits)
{
	cr_expect(contains("10.1.0.0/16", "10.1.255.255"));
	cr_expect_not(contains("10.1.0.0/16", "10.2.0.0"));
	cr_expect(contains("192.0.2.128/25", "192.0.2.128"));
	cr_expect_not(contains("192.0.2.128/25", "192.0.2.127"));
	cr_expect(contains("192.0.2.6/31", "192.0.2.7"));
	cr_expect_not(contains("192.0.2.6/31", "192.0.2.8"));
	cr_expect(contains("192.0.2.7", "192.0.2.7"));
	cr_expect_not(contains("192.0.2.7", "192.0.2.6"));
	cr_expect(contains("2001:db8::/33", "2001:db8:7fff::1"));
	cr_expect_not(contains("2001:db8::/33", "2001:db8:8000::1"));
}

Test(network, all_of_ipv4_is_not_all_of_ipv6)
{
	cr_expect(contains("0.0.0.0/0", "255.1.2.3"));
	cr_expect_not(contains("0.0.0.0/0", "2001:db8::1"));
	cr_expect(contains("::/0", "2001:db8::1"));
}

Test(network, what_is_none_is_refused)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0.0/-1", "10.0.0.0/8/8", "2001:db8::/129", "2001:db8::1/64", "10.0.0/8",
		"example.com/8", "10.0.0.0/255.0.0.0", "10.0.0.0 /8", "10.0.0.0/ 8"};
	struct network network;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(network_parse(text_from(bad[i]), &network), -EINVAL, "%s", bad[i]);
	cr_expect_eq(network_parse((struct text){0}, &network), -EINVAL);
}
