/* Next hops as the kernel has them, each test in a network namespace of its own: phones behind the
 * gateway .254 of the interface `near`. */
#include "wire/hops/hops.h"
#include "wire/hops/questions.h"
#include "wire/hops/segments.h"

#include <criterion/criterion.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"
#include "own_network.h"

static const char proxy4[] = "192.0.2.1:5060", phone4[] = "198.51.100.7:40000";
static const char proxy6[] = "[2001:db8::1]:5060", phone6[] = "[2001:db8:1::7]:40000";

enum { OWN_MARK = 0x6e63, PATIENCE_MS = 60000, LENGTH = 400, WAIT_TRIES = 30000 };

static struct hops *hops;
static struct next_hop next_hop;
static uint64_t ahead_ms; /* how much later hops take it to be */

static void add_neighbour(const char *address, const char *interface, unsigned mac)
{
	char command[256];

	snprintf(command, sizeof(command),
		"ip neigh replace %s lladdr 02:00:00:00:00:%02x dev %s nud permanent", address, mac,
		interface);
	run(command);
}

static void setup(void)
{
	enter_own_network();
	lay_wire();
	add_neighbour("192.0.2.254", "near", 0xfe);
	add_neighbour("2001:db8::254", "near", 0xfd);
	cr_assert_eq(hops_open(OWN_MARK, PATIENCE_MS, &hops), 0);
}

static void cleanup(void)
{
	hops_close(hops);
}

TestSuite(hops, .init = setup, .fini = cleanup, .timeout = 120);

static uint64_t now_ms(void)
{
	return ahead_ms + clock_us(CLOCK_MONOTONIC) / 1000;
}

static void look(void)
{
	hops_look(hops, now_ms());
}

static bool find_length(const char *source, const char *destination, size_t length)
{
	const struct flow flow = flow_of(source, destination);

	look();
	return hops_find(hops, &flow, length, &next_hop);
}

/* The last byte of the Ethernet address; 0: the kernel is to send. */
static unsigned find(const char *source, const char *destination)
{
	return find_length(source, destination, LENGTH) ? next_hop.mac[5] : 0;
}

/* A notification, or the time until prefixes are read again, takes some milliseconds. */
static bool becomes(const char *source, const char *destination, unsigned mac)
{
	for (unsigned i = 0; i < WAIT_TRIES; i++) {
		if (find(source, destination) == mac)
			return true;
		usleep(1000);
	}
	return false;
}

/* Of what is sent now, however often: for longer than a change takes to be told. */
static bool stays_the_kernels(const char *source, const char *destination)
{
	for (unsigned i = 0; i < 300; i++) {
		if (find(source, destination))
			return false;
		usleep(1000);
	}
	return true;
}

/* Of what is sent a second later, when all that has changed is read again. */
static bool is_the_kernels(const char *source, const char *destination)
{
	ahead_ms += 1000;
	return find(source, destination) == 0;
}

Test(hops, the_gateway_serves_all_who_are_behind_it)
{
	cr_expect(becomes(proxy4, phone4, 0xfe));
	cr_expect_eq(next_hop.interface, if_nametoindex("near"));
	cr_expect_eq(find(proxy4, "203.0.113.9:1"), 0xfe);
	cr_expect(becomes(proxy6, phone6, 0xfd));
	cr_expect_eq(next_hop.hop_limit, 64);
	cr_expect_eq(find(proxy6, "[2001:db9::1]:1"), 0xfd);
}

Test(hops, who_is_on_the_link_is_sent_to_directly)
{
	add_neighbour("192.0.2.7", "near", 7);
	add_neighbour("2001:db8::7", "near", 8);
	cr_expect(becomes(proxy4, "192.0.2.7:1", 7));
	cr_expect(becomes(proxy6, "[2001:db8::7]:1", 8));
	cr_expect_eq(find(proxy4, "192.0.2.8:1"), 0, "nobody knows its address");
	cr_expect_eq(find(proxy4, phone4), 0xfe);
}

Test(hops, a_longer_prefix_has_a_way_of_its_own)
{
	add_neighbour("192.0.2.253", "near", 0xa3);
	run("ip route add 198.51.100.0/25 via 192.0.2.253");
	cr_expect(becomes(proxy4, phone4, 0xa3));
	cr_expect_eq(find(proxy4, "198.51.100.128:1"), 0xfe);
	cr_expect_eq(find(proxy4, "198.51.99.255:1"), 0xfe);
}

Test(hops, a_route_that_changes_counts_at_once)
{
	add_neighbour("192.0.2.253", "near", 0xa3);
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("ip route replace default via 192.0.2.253");
	cr_expect_neq(find(proxy4, phone4), 0xfe);
	cr_expect(becomes(proxy4, phone4, 0xa3));
	run("ip route add 198.51.100.7/32 via 192.0.2.254");
	cr_expect(becomes(proxy4, phone4, 0xfe));
	cr_expect_eq(find(proxy4, "198.51.100.8:1"), 0xa3);
	add_neighbour("2001:db8::253", "near", 0xa4);
	cr_assert(becomes(proxy6, phone6, 0xfd));
	run("ip route add 2001:db8:1::/48 via 2001:db8::253 dev near");
	cr_expect(becomes(proxy6, phone6, 0xa4));
	cr_expect_eq(find(proxy6, "[2001:db8:2::1]:1"), 0xfd);
}

/* Each interface of a container brings one. Not each time is there other news, or all read anew. */
Test(hops, a_route_of_one_link_changes_nothing)
{
	bool stays = false, changes = false;

	for (unsigned i = 0; i < 5 && !(stays && changes); i++) {
		cr_assert(becomes(proxy4, phone4, 0xfe) && becomes(proxy6, phone6, 0xfd));
		run("ip -6 route replace fe80:0:0:7::/64 dev near");
		stays |= find(proxy4, phone4) == 0xfe && find(proxy6, phone6) == 0xfd;
		run("ip -6 route add fe80::/9 dev near");
		changes |= !find(proxy4, phone4);
		run("ip -6 route del fe80::/9 dev near");
	}
	cr_expect(stays && changes);
}

Test(hops, addresses_of_one_link_are_the_kernels)
{
	add_neighbour("fe80::7", "near", 0xa7);
	cr_assert(becomes(proxy6, phone6, 0xfd));
	cr_expect(stays_the_kernels(proxy6, "[fe80::7]:5060"));
}

static void add_second_way(void)
{
	run("ip addr add 192.0.2.2/32 dev near");
	add_neighbour("192.0.2.253", "near", 0xa3);
	add_neighbour("2001:db8::253", "near", 0xa4);
	run("ip route add default via 192.0.2.253 table 100 && "
	    "ip route add default via 2001:db8::253 dev near table 100");
}

Test(hops, a_rule_chooses_by_the_source)
{
	add_second_way();
	run("ip rule add from 192.0.2.2 lookup 100 && ip -6 rule add from 2001:db8::2 lookup 100");
	cr_expect(becomes("192.0.2.2:5060", phone4, 0xa3));
	cr_expect_eq(find(proxy4, phone4), 0xfe);
	cr_expect(becomes("[2001:db8::2]:5060", phone6, 0xa4));
	cr_expect_eq(find(proxy6, phone6), 0xfd);
	run("ip rule del from 192.0.2.2 lookup 100");
	cr_expect(becomes("192.0.2.2:5060", phone4, 0xfe));
}

Test(hops, a_rule_chooses_by_the_destination)
{
	add_second_way();
	cr_assert(becomes(proxy4, phone4, 0xfe) && becomes(proxy6, phone6, 0xfd));
	run("ip -6 rule add to 2001:db8:1::/48 lookup 100");
	cr_expect(becomes(proxy6, phone6, 0xa4));
	cr_expect_eq(find(proxy6, "[2001:db8:2::1]:1"), 0xfd);
	run("ip rule add to 198.51.100.0/24 lookup 100");
	cr_expect(becomes(proxy4, phone4, 0xa3));
	cr_expect_eq(find(proxy4, "203.0.113.9:1"), 0xfe);
}

Test(hops, a_rule_chooses_by_natboxs_own_mark)
{
	add_second_way();
	run("ip rule add fwmark 0x6e63 lookup 100 && ip -6 rule add fwmark 0x6e63 lookup 100");
	cr_expect(becomes(proxy4, phone4, 0xa3));
	cr_expect(becomes(proxy6, phone6, 0xa4));
}

Test(hops, a_proxy_behind_this_host_is_a_source_too)
{
	cr_expect(becomes("203.0.113.1:5060", phone4, 0xfe));
	cr_expect(becomes("[2001:db8:3::1]:5060", phone6, 0xfd));
}

Test(hops, where_rules_look_at_sources_a_proxys_behind_is_the_kernels)
{
	run("ip rule add from 192.0.2.2 lookup main");
	cr_assert(becomes(proxy4, phone4, 0xfe));
	cr_expect(stays_the_kernels("203.0.113.1:5060", phone4));
}

Test(hops, rules_that_look_at_ports_are_the_kernels)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("ip rule add sport 5060 lookup main");
	cr_expect(becomes(proxy4, phone4, 0));
	cr_expect(stays_the_kernels(proxy4, phone4));
	cr_expect(becomes(proxy6, phone6, 0xfd));
}

Test(hops, rules_that_look_at_what_no_question_names_are_the_kernels)
{
	static const char *const rules[] = {"uidrange 0-0 lookup main", "ipproto udp lookup main",
		"tun_id 7 lookup main", "l3mdev"};
	char command[128];

	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		cr_expect_not(is_the_kernels(proxy4, phone4));
		snprintf(command, sizeof(command), "ip rule add %s", rules[i]);
		run(command);
		cr_expect(is_the_kernels(proxy4, phone4), "%s", rules[i]);
		cr_expect_eq(find(proxy6, phone6), 0xfd, "%s", rules[i]);
		snprintf(command, sizeof(command), "ip rule del %s", rules[i]);
		run(command);
	}
}

Test(hops, several_next_hops_are_the_kernels)
{
	add_neighbour("192.0.2.253", "near", 0xa3);
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("ip route add 198.51.100.0/24 nexthop via 192.0.2.254 nexthop via 192.0.2.253");
	run("ip route add 2001:db8:1::/48 nexthop via 2001:db8::254 dev near "
	    "nexthop via 2001:db8::253 dev near");
	cr_expect(becomes(proxy4, "203.0.113.9:1", 0xfe));
	cr_expect(stays_the_kernels(proxy4, phone4));
	cr_expect(stays_the_kernels(proxy6, phone6));
}

Test(hops, no_way_and_this_host_are_the_kernels)
{
	run("ip route add blackhole 198.51.100.0/24 && ip route add unreachable 2001:db8:1::/48 && "
	    "ip tuntap add dev tunnel mode tun && ip link set tunnel up && "
	    "ip route add 203.0.113.0/24 dev tunnel");
	cr_assert(becomes(proxy4, "100.64.0.1:1", 0xfe));
	cr_expect(stays_the_kernels(proxy4, phone4));
	cr_expect(stays_the_kernels(proxy6, phone6));
	cr_expect(stays_the_kernels(proxy4, "203.0.113.7:1"));
	cr_expect(stays_the_kernels(proxy4, "127.0.0.1:1"));
	cr_expect(stays_the_kernels(proxy4, proxy4));
	cr_expect(stays_the_kernels(proxy4, "192.0.2.255:1"));
	cr_expect(stays_the_kernels(proxy4, "224.0.0.1:1"));
}

Test(hops, what_no_frame_takes_is_the_kernels)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	cr_expect(find_length(proxy4, phone4, 1500));
	cr_expect_not(find_length(proxy4, phone4, 1501));
	run("ip route replace default via 192.0.2.254 mtu 1300");
	for (unsigned i = 0; i < WAIT_TRIES && find_length(proxy4, phone4, 1301); i++)
		usleep(1000);
	cr_expect(becomes(proxy4, phone4, 0xfe));
	cr_expect(find_length(proxy4, phone4, 1300) && !find_length(proxy4, phone4, 1301));
	run("ip link set near mtu 1280");
	cr_expect_not(find_length(proxy4, phone4, 1281));
}

Test(hops, the_routes_hop_limit_is_that_of_the_packet)
{
	run("ip -6 route replace default via 2001:db8::254 dev near hoplimit 33");
	cr_expect(becomes(proxy6, phone6, 0xfd));
	cr_expect_eq(next_hop.hop_limit, 33);
	run("ip -6 route replace default via 2001:db8::254 dev near && "
	    "sysctl -qw net.ipv6.conf.near.hop_limit=99");
	hops_forget(hops);
	cr_expect(becomes(proxy6, phone6, 0xfd));
	cr_expect_eq(next_hop.hop_limit, 99);
}

/* By sysctl, or a router, of which no notification tells. */
Test(hops, a_devices_hop_limit_is_asked_after_again_after_a_second)
{
	cr_expect(becomes(proxy6, phone6, 0xfd));
	run("sysctl -qw net.ipv6.conf.near.hop_limit=99");
	ahead_ms += 1000;
	cr_expect_eq(find(proxy6, phone6), 0xfd);
	cr_expect_eq(next_hop.hop_limit, 99);
}

Test(hops, a_gateway_that_gets_another_address_is_followed)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	add_neighbour("192.0.2.254", "near", 0xa1);
	cr_expect_eq(find(proxy4, phone4), 0xa1);
	run("ip neigh change 192.0.2.254 dev near nud failed");
	cr_expect_eq(find(proxy4, phone4), 0);
	run("ip neigh del 192.0.2.254 dev near");
	cr_expect(stays_the_kernels(proxy4, phone4));
	add_neighbour("192.0.2.254", "near", 0xa2);
	cr_expect_eq(find(proxy4, phone4), 0xa2);
}

/* More strangers than there is room for, all in the same moment: for longer no answer holds. */
Test(hops, a_gateway_whose_place_others_have_taken_is_looked_for_again)
{
	struct flow flow = flow_of(proxy4, "10.7.0.0:1");
	uint64_t moment_ms;

	run("ip route add 10.0.0.0/8 dev near");
	cr_assert(becomes(proxy4, phone4, 0xfe));
	moment_ms = now_ms();
	for (unsigned i = 0; i < 32768; i++) {
		flow.destination.ip[14] = (uint8_t)(i >> 8);
		flow.destination.ip[15] = (uint8_t)i;
		hops_look(hops, moment_ms);
		cr_assert_not(hops_find(hops, &flow, LENGTH, &next_hop));
	}
	flow = flow_of(proxy4, phone4);
	hops_look(hops, moment_ms);
	cr_assert(hops_find(hops, &flow, LENGTH, &next_hop));
	cr_expect_eq(next_hop.mac[5], 0xfe);
}

enum { CROWD = 200 };

static void add_crowd(void)
{
	run("ip addr add 10.8.0.1/24 dev near && for i in $(seq 200); do "
	    "echo neigh replace 10.8.0.$((i + 1)) lladdr 02:00:00:00:00:77 dev near nud permanent; "
	    "done | ip -batch -");
	cr_assert(becomes(proxy4, "10.8.0.2:1", 0x77));
}

/* How many of them are known after one look. */
static unsigned look_at_crowd(void)
{
	struct flow flow = flow_of(proxy4, "10.8.0.2:1");
	unsigned found = 0;

	look();
	for (unsigned i = 0; i < CROWD; i++, flow.destination.ip[15]++)
		found += hops_find(hops, &flow, LENGTH, &next_hop);
	return found;
}

Test(hops, few_are_asked_after_in_one_look)
{
	unsigned found;

	add_crowd();
	found = look_at_crowd();
	cr_expect(found > 20 && found < 100, "%u", found);
	cr_expect_eq(find(proxy4, "10.8.0.200:1"), 0x77);
}

/* Of the questions of a look one is about the way. */
Test(hops, a_device_that_has_changed_is_not_asked_after)
{
	enum { QUESTIONS = 64 };
	unsigned found = 0;

	add_crowd();
	run("ip link set near mtu 1400");
	for (unsigned tries = 0; found == 0 && tries < WAIT_TRIES; tries++) {
		found = look_at_crowd();
		usleep(1000);
	}
	cr_expect_eq(found, QUESTIONS - 1);
	cr_expect_eq(next_hop.hop_limit, 64);
	cr_expect(find_length(proxy4, "10.8.0.2:1", 1400));
	cr_expect_not(find_length(proxy4, "10.8.0.2:1", 1401));
}

/* The kernel no longer takes it, and tells of it when it cleans up, up to half a minute later. */
Test(hops, an_answer_holds_for_a_second_at_most)
{
	add_neighbour("2001:db8::253", "near", 0xa4);
	run("ip -6 route add 2001:db8:1::/48 via 2001:db8::253 dev near expires 1");
	cr_assert(becomes(proxy6, phone6, 0xa4));
	cr_expect(becomes(proxy6, phone6, 0xfd));
}

/* A neighbour that has not been heard of lately. */
Test(hops, once_a_second_the_kernel_is_made_to_look_for_a_neighbour)
{
	unsigned found = 0, kernels = 0;

	run("ip neigh change 192.0.2.254 dev near nud stale");
	cr_assert(becomes(proxy4, phone4, 0xfe));
	for (unsigned i = 0; i < 2500; i++) {
		if (find(proxy4, phone4))
			found++;
		else
			kernels++;
		usleep(1000);
	}
	cr_expect(found > 2000, "%u", found);
	cr_expect(kernels >= 2, "%u", kernels);
	cr_expect(kernels <= found / 100, "%u of %u", kernels, found);
}

Test(hops, a_neighbour_that_is_heard_of_needs_no_looking_for)
{
	run("ip neigh change 192.0.2.254 dev near nud reachable");
	cr_assert(becomes(proxy4, phone4, 0xfe));
	for (unsigned i = 0; i < 1500; i++) {
		cr_assert_eq(find(proxy4, phone4), 0xfe);
		usleep(1000);
	}
}

Test(hops, an_interface_goes_and_comes)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("ip link set near down");
	cr_expect_eq(find(proxy4, phone4), 0);
	run("ip link set near up && ip route add default via 192.0.2.254");
	add_neighbour("192.0.2.254", "near", 0xa1);
	cr_expect(becomes(proxy4, phone4, 0xa1));
	run("ip link del near");
	cr_expect_eq(find(proxy4, phone4), 0);
	run("ip link add near type veth peer name far && ip link set far up && "
	    "ip link set near up && ip addr add 192.0.2.1/24 dev near && "
	    "ip route add default via 192.0.2.254");
	add_neighbour("192.0.2.254", "near", 0xa2);
	cr_expect(becomes(proxy4, phone4, 0xa2));
	cr_expect_eq(next_hop.interface, if_nametoindex("near"));
}

Test(hops, an_interface_without_a_carrier_is_the_kernels)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("ip link set far down");
	/* Within a second the kernel finds out. */
	for (unsigned i = 0; i < WAIT_TRIES && !is_the_kernels(proxy4, phone4); i++)
		usleep(1000);
	cr_expect(is_the_kernels(proxy4, phone4));
	run("ip link set far up");
	cr_expect(becomes(proxy4, phone4, 0xfe));
}

/* Each of these is looked at, and nobody is known there. */
Test(hops, devices_that_there_is_no_room_for_are_the_kernels)
{
	char phone[32];

	run("{ for i in $(seq 0 69); do echo link add d$i type bridge; echo link set d$i up; "
	    "echo route add 10.6.$i.0/24 dev d$i; done; } | ip -batch - && "
	    "ip link add late type veth peer name rest && ip link set rest up && "
	    "ip link set late up && ip addr add 10.7.0.1/24 dev late");
	add_neighbour("10.7.0.2", "late", 0x72);
	cr_assert(becomes(proxy4, phone4, 0xfe));
	for (unsigned i = 0; i < 70; i++) {
		snprintf(phone, sizeof(phone), "10.6.%u.1:1", i);
		cr_expect_eq(find(proxy4, phone), 0);
	}
	cr_expect_eq(find(proxy4, "10.7.0.2:1"), 0);
	cr_expect_eq(find(proxy4, phone4), 0xfe);
	hops_forget(hops);
	cr_expect(becomes(proxy4, "10.7.0.2:1", 0x72));
}

Test(hops, a_bridge_is_an_interface_like_others)
{
	run("ip link add bridge type bridge && ip link set bridge up && "
	    "ip addr add 10.2.0.1/24 dev bridge");
	add_neighbour("10.2.0.2", "bridge", 0x72);
	cr_expect(becomes(proxy4, "10.2.0.2:1", 0x72));
	cr_expect_eq(next_hop.interface, if_nametoindex("bridge"));
}

/* As routers on every link may be fe80::1. */
Test(hops, gateways_of_one_name_on_two_links_are_two)
{
	run("ip link add other type bridge && ip link set other up && "
	    "ip addr add 2001:db8:2::1/64 dev other nodad && "
	    "ip route add 2001:db8:3::/48 via fe80::1 dev near && "
	    "ip route add 2001:db8:4::/48 via fe80::1 dev other");
	add_neighbour("fe80::1", "near", 0xa3);
	add_neighbour("fe80::1", "other", 0xa4);
	cr_expect(becomes(proxy6, "[2001:db8:3::1]:1", 0xa3));
	cr_expect(becomes(proxy6, "[2001:db8:4::1]:1", 0xa4));
	cr_expect_eq(find(proxy6, "[2001:db8:3::1]:1"), 0xa3);
}

/* More than any socket holds. */
Test(hops, notifications_that_were_lost_are_made_up_for)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("{ for i in 1 2 3; do for j in $(seq 0 249); do for k in $(seq 1 10); do "
	    "echo neigh replace 192.0.2.$j lladdr 02:00:00:00:$i:$k dev near nud permanent; "
	    "done; done; done; echo neigh replace 192.0.2.254 lladdr 02:00:00:00:00:a5 "
	    "dev near nud permanent; } | ip -batch -");
	cr_expect(becomes(proxy4, phone4, 0xa5));
	run("ip route del default && ip route add default via 192.0.2.7");
	cr_expect(becomes(proxy4, phone4, 0x10));
}

/* Through netlink itself, as no command line has room for so many. */
static void add_next_hops(struct nlmsghdr *request, unsigned count)
{
	struct nlattr *all = mnl_attr_nest_start(request, RTA_MULTIPATH);
	const struct address gateway = address_of("192.0.2.254:1");

	for (unsigned i = 0; i < count; i++) {
		struct rtnexthop *next = mnl_nlmsg_get_payload_tail(request);

		*next = (struct rtnexthop){.rtnh_ifindex = (int)if_nametoindex("near"),
			.rtnh_len = sizeof(*next) + MNL_ATTR_HDRLEN + 4};
		request->nlmsg_len += sizeof(*next);
		mnl_attr_put(request, RTA_GATEWAY, 4, gateway.ip + 12);
	}
	mnl_attr_nest_end(request, all);
}

static void add_wide_route(const char *destination)
{
	static char buffer[65536] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket;
	struct rtmsg *route;

	request->nlmsg_type = RTM_NEWROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	*route = (struct rtmsg){.rtm_family = AF_INET,
		.rtm_dst_len = 24,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST};
	mnl_attr_put(request, RTA_DST, 4, address_of(destination).ip + 12);
	add_next_hops(request, 1200);
	cr_assert_eq(netlink_open(NETLINK_ROUTE, &socket), 0);
	cr_assert_eq(netlink_request(socket, request, NULL, NULL), 0);
	mnl_socket_close(socket);
}

/* In the same moment, as an answer is asked for again a second later. */
Test(hops, a_notification_too_long_to_be_read_is_made_up_for)
{
	const struct flow flow = flow_of(proxy4, phone4);
	uint64_t moment_ms;

	cr_assert(becomes(proxy4, phone4, 0xfe));
	moment_ms = now_ms();
	hops_look(hops, moment_ms);
	cr_assert(hops_find(hops, &flow, LENGTH, &next_hop));
	add_wide_route("198.51.100.0:1");
	hops_look(hops, moment_ms);
	cr_expect_not(hops_find(hops, &flow, LENGTH, &next_hop));
	cr_expect(is_the_kernels(proxy4, phone4));
	cr_expect_eq(find(proxy4, "203.0.113.9:1"), 0xfe);
}

Test(hops, more_prefixes_than_there_is_room_for_are_the_kernels)
{
	cr_assert(becomes(proxy4, phone4, 0xfe));
	run("for i in $(seq 0 32); do for j in $(seq 0 254); do "
	    "echo route add 10.$i.$j.0/24 via 192.0.2.254; done; done | ip -batch -");
	for (unsigned i = 0; i < WAIT_TRIES && !hops_are_too_many(hops); i++) {
		look();
		usleep(1000);
	}
	cr_expect(hops_are_too_many(hops));
	cr_expect_eq(find(proxy4, phone4), 0);
	run("ip route flush root 10.0.0.0/8");
	cr_expect(is_the_kernels(proxy4, phone4), "they are not read again so soon");
	ahead_ms += 30000;
	cr_expect(becomes(proxy4, phone4, 0xfe));
	cr_expect_not(hops_are_too_many(hops));
}
