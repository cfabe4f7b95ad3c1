/* Segments: destinations share one exactly when no prefix tells them apart. */
#include "wire/hops/segments.h"
#include <natbox/address.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIXES = 200, ADDRESSES = 400 };

static struct segments all, *const segments = &all;

static struct network network_of(const char *text)
{
	struct network network;

	cr_assert_eq(network_parse(text_from(text), &network), 0, "%s", text);
	return network;
}

static void add(const char *text, bool tells_apart)
{
	const struct network network = network_of(text);

	cr_assert(segments_add(segments, network.ip, network.bits, tells_apart));
}

static int find(const char *host)
{
	struct address address = {0};

	cr_assert(address_parse_host(text_from(host), &address), "%s", host);
	return segments_find(segments, address.ip);
}

Test(segments, before_all_prefixes_are_there_nobody_has_one)
{
	add("10.0.0.0/8", false);
	cr_expect_eq(find("10.1.2.3"), SEGMENT_NONE);
	segments_seal(segments);
	cr_expect_neq(find("10.1.2.3"), SEGMENT_NONE);
	segments_clear(segments);
	cr_expect_eq(find("10.1.2.3"), SEGMENT_NONE);
}

Test(segments, a_prefix_within_another_parts_it)
{
	add("0.0.0.0/0", false);
	add("10.0.0.0/8", false);
	add("10.1.0.0/16", false);
	add("::/0", false);
	segments_seal(segments);
	cr_expect_eq(find("10.0.0.1"), find("10.0.255.255"));
	cr_expect_neq(find("10.0.0.1"), find("10.1.0.0"));
	cr_expect_eq(find("10.1.0.0"), find("10.1.255.255"));
	cr_expect_neq(find("10.1.255.255"), find("10.2.0.0"));
	cr_expect_neq(find("9.255.255.255"), find("10.0.0.0"));
	cr_expect_eq(find("11.0.0.0"), find("255.255.255.255"));
	cr_expect_eq(find("2001:db8::1"), find("ffff::"));
	cr_expect_neq(find("2001:db8::1"), find("11.0.0.0"));
}

Test(segments, what_is_told_apart_has_none)
{
	add("10.0.0.0/8", true);
	add("10.1.0.0/16", false);
	add("10.255.255.0/24", true);
	add("2001:db8::/32", true);
	segments_seal(segments);
	cr_expect_eq(find("10.0.0.0"), SEGMENT_NONE);
	cr_expect_eq(find("10.1.0.1"), SEGMENT_NONE);
	cr_expect_eq(find("10.255.255.255"), SEGMENT_NONE);
	cr_expect_eq(find("2001:db8:ffff::1"), SEGMENT_NONE);
	cr_expect_neq(find("9.255.255.255"), SEGMENT_NONE);
	cr_expect_neq(find("11.0.0.0"), SEGMENT_NONE);
	cr_expect_neq(find("2001:db9::"), SEGMENT_NONE);
}

Test(segments, the_last_address_there_is_belongs_to_its_prefix)
{
	add("ffff::/16", false);
	add("::/0", true);
	segments_seal(segments);
	cr_expect_eq(find("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), SEGMENT_NONE);
	cr_expect_eq(find("::1"), SEGMENT_NONE);
}

Test(segments, too_many_are_refused)
{
	const struct network network = network_of("10.0.0.0/8");
	unsigned taken = 0;

	while (taken <= SEGMENTS_PREFIXES_MAX &&
		segments_add(segments, network.ip, network.bits, false))
		taken++;
	cr_expect_eq(taken, SEGMENTS_PREFIXES_MAX);
	cr_expect_not(segments_add(segments, network.ip, 129, false));
}

/* A few bits of an address, so that prefixes and addresses meet. */
static void draw(uint8_t ip[static 16])
{
	memset(ip, 0, 16);
	for (unsigned i = 0; i < 16; i += 5)
		ip[i] = (uint8_t)(rand() & 0x83);
}

static bool covers(const struct network *network, const struct address *address)
{
	return network_contains(network, address);
}

/* By the definition: the same prefixes cover both. */
static bool is_told_apart(
	const struct network *list, const struct address *a, const struct address *b)
{
	for (unsigned i = 0; i < PREFIXES; i++) {
		if (covers(&list[i], a) != covers(&list[i], b))
			return true;
	}
	return false;
}

Test(segments, nobody_shares_one_whom_any_prefix_tells_apart)
{
	static struct network list[PREFIXES];
	static struct address addresses[ADDRESSES];

	srand(5060);
	for (unsigned i = 0; i < PREFIXES; i++) {
		draw(list[i].ip);
		list[i].bits = (uint8_t)(rand() % 129);
		cr_assert(segments_add(segments, list[i].ip, list[i].bits, false));
		for (unsigned bit = list[i].bits; bit < 128; bit++)
			list[i].ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
	segments_seal(segments);
	for (unsigned i = 0; i < ADDRESSES; i++)
		draw(addresses[i].ip);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const int first = segments_find(segments, addresses[i].ip);

		for (unsigned j = 0; j < i; j++) {
			if (first == segments_find(segments, addresses[j].ip))
				cr_assert_not(is_told_apart(list, &addresses[i], &addresses[j]));
		}
	}
}
