/* Sets of networks: what one by one would say, whatever the order and however they overlap. */
#include <natbox/address.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct networks networks;

static struct network parse(const char *text)
{
	struct network network;

	cr_assert_eq(network_parse(text_from(text), &network), 0, "%s", text);
	return network;
}

static int add(const char *text)
{
	const struct network network = parse(text);

	return networks_add(&networks, &network);
}

static bool contains(const char *host)
{
	struct address address = {0};

	cr_assert(address_parse_host(text_from(host), &address), "%s", host);
	return networks_contain(&networks, &address);
}

Test(networks, an_empty_set_contains_nothing)
{
	cr_expect_not(contains("0.0.0.0"));
	cr_expect_not(contains("::"));
}

Test(networks, a_network_ends_where_it_ends)
{
	add("10.0.0.0/8");
	add("2001:db8::/32");
	add("203.0.113.7");
	cr_expect(contains("10.0.0.0"));
	cr_expect(contains("10.255.255.255"));
	cr_expect_not(contains("9.255.255.255"));
	cr_expect_not(contains("11.0.0.0"));
	cr_expect(contains("2001:db8:ffff::1"));
	cr_expect_not(contains("2001:db9::"));
	cr_expect(contains("203.0.113.7"));
	cr_expect_not(contains("203.0.113.6"));
	cr_expect_not(contains("203.0.113.8"));
}

Test(networks, all_of_ipv4_is_none_of_ipv6)
{
	add("0.0.0.0/0");
	cr_expect(contains("255.255.255.255"));
	cr_expect_not(contains("2001:db8::1"));
	add("::/0");
	cr_expect(contains("2001:db8::1"));
	cr_expect_eq(networks.count, 2);
}

Test(networks, all_of_ipv6_is_none_of_ipv4)
{
	add("::/0");
	cr_expect(contains("::1"));
	cr_expect(contains("::fffe:ffff:ffff"));
	cr_expect(contains("ffff::"));
	cr_expect_not(contains("0.0.0.0"));
	cr_expect_not(contains("203.0.113.1"));
	add("203.0.113.0/24");
	add("2001:db8::/32");
	add("10.0.0.0/8");
	cr_expect_eq(networks.count, 3);
	cr_expect(contains("::1"));
	cr_expect(contains("2001:db9::1"));
	cr_expect(contains("203.0.113.1"));
	cr_expect_not(contains("198.51.100.1"));
}

Test(networks, one_within_another_takes_no_room)
{
	add("10.1.0.0/16");
	add("10.0.0.0/16");
	add("10.2.3.4");
	add("11.0.0.0/8");
	cr_assert_eq(networks.count, 4);
	add("10.0.0.0/8");
	cr_assert_eq(networks.count, 2);
	add("10.0.0.0/9");
	add("11.0.0.0/8");
	cr_assert_eq(networks.count, 2);
	cr_expect(contains("10.200.0.1"));
	cr_expect(contains("11.0.0.1"));
}

Test(networks, a_full_set_takes_no_more_but_what_it_contains)
{
	char text[32];

	for (unsigned i = 0; i < NETWORKS_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.0/24", i);
		cr_assert_eq(add(text), 0);
	}
	cr_expect_eq(add("192.0.2.0/24"), -ENOSPC);
	cr_expect_not(contains("192.0.2.1"));
	cr_expect_eq(add("10.0.7.9"), 0);
	cr_expect_eq(add("10.0.0.0/20"), 0);
	cr_expect_eq(add("192.0.2.0/24"), 0);
	cr_expect(contains("192.0.2.1"));
}

/* In a corner of IPv4 and one of IPv6 with 256 addresses each, so that they overlap a lot; now and
 * then all of either. */
static struct network some_network(void)
{
	struct network network = parse(rand() % 2 ? "203.0.113.0" : "2001:db8::");
	unsigned host_bits = (unsigned)rand() % 9;

	if (rand() % 64 == 0)
		return parse(rand() % 2 ? "::/0" : "0.0.0.0/0");
	network.bits = (uint8_t)(128 - host_bits);
	network.ip[15] = (uint8_t)((unsigned)rand() >> host_bits << host_bits);
	return network;
}

static struct address address_in_corner(unsigned number)
{
	const struct network corner = parse(number < 256 ? "203.0.113.0" : "2001:db8::");
	struct address address = {0};

	memcpy(address.ip, corner.ip, sizeof(address.ip));
	address.ip[15] = (uint8_t)number;
	return address;
}

Test(networks, a_set_says_what_its_networks_say_one_by_one)
{
	enum { ROUNDS = 1000, COUNT = 16 };

	srand(5060);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct network list[COUNT];

		networks.count = 0;
		for (unsigned i = 0; i < COUNT; i++) {
			list[i] = some_network();
			cr_assert_eq(networks_add(&networks, &list[i]), 0);
		}
		for (unsigned number = 0; number < 512; number++) {
			const struct address address = address_in_corner(number);
			bool any = false;

			for (unsigned i = 0; i < COUNT; i++)
				any |= network_contains(&list[i], &address);
			cr_assert_eq(networks_contain(&networks, &address), any, "%u", number);
		}
	}
}
