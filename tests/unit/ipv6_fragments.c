/* What is too long for some path over IPv6, in fragments as they arrive at `far`, each test in a
 * network namespace of its own. */
#include "wire/send/ipv6_fragments.h"
#include "frames.h"
#include "own_network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char proxy[] = "[2001:db8::1]:5060", phone[] = "[2001:db8:1::7]:40000";
static const struct hop hop = {.ttl = 61, .tos = 0xb8};

enum {
	MARK = 0x6e63,
	IDENTIFICATION = 0xa1b2c3d4,
	HEADERS = sizeof(struct ip6_hdr) + sizeof(struct ip6_frag),
	PACKET_MAX = 2048,
	WHOLE_MAX = 65535,
	FRAGMENTS_MAX = 64,
};

static int wire, sender;
static char payload[WHOLE_MAX];

/* What has arrived of one datagram: UDP header and payload. */
struct whole {
	unsigned fragments;
	size_t length, longest;
	uint8_t bytes[WHOLE_MAX];
};

static void setup(void)
{
	enter_own_network();
	lay_wire();
	run("ip neigh add 2001:db8::254 lladdr 02:00:00:00:00:fe dev near");
	wire = listen_at_far(ETH_P_IPV6);
	sender = ipv6_fragments_open(MARK);
	cr_assert_geq(sender, 0);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7 + i / 256);
}

static void cleanup(void)
{
	close(sender);
	close(wire);
}

TestSuite(ipv6_fragments, .init = setup, .fini = cleanup, .timeout = 60);

static int send_bytes(const char *source, const char *destination, size_t length)
{
	const struct flow flow = flow_of(source, destination);

	return ipv6_fragments_send(
		sender, &flow, hop, IDENTIFICATION, (struct text){payload, length});
}

static void expect_headers(const struct ip6_hdr *ip, const struct ip6_frag *fragment, size_t length)
{
	const struct flow flow = flow_of(proxy, phone);

	cr_expect_eq(ntohl(ip->ip6_flow), 6u << 28 | 0xb8u << 20);
	cr_expect_eq(ip->ip6_hlim, 61);
	cr_expect_eq(ntohs(ip->ip6_plen) + sizeof(*ip), length);
	cr_expect_eq(memcmp(&ip->ip6_src, flow.source.ip, 16), 0);
	cr_expect_eq(memcmp(&ip->ip6_dst, flow.destination.ip, 16), 0);
	cr_expect_eq(fragment->ip6f_nxt, IPPROTO_UDP);
	cr_expect_eq(ntohl(fragment->ip6f_ident), (uint32_t)IDENTIFICATION);
}

/* The next one that is a fragment: the kernel has words of its own for routers and groups. */
static size_t receive(uint8_t packet[static PACKET_MAX])
{
	struct pollfd waiting = {.fd = wire, .events = POLLIN};
	ssize_t got;

	do {
		cr_assert_eq(poll(&waiting, 1, 30000), 1);
		got = recv(wire, packet, PACKET_MAX, 0);
		cr_assert(got > HEADERS, "%zd", got);
	} while (packet[offsetof(struct ip6_hdr, ip6_nxt)] != IPPROTO_FRAGMENT);
	return (size_t)got;
}

/* Puts the next fragment, which is the next part of it as well, to its place. False: that was the
 * last. */
static bool take(struct whole *whole)
{
	struct ip6_hdr ip;
	struct ip6_frag fragment;
	uint8_t packet[PACKET_MAX];
	const size_t got = receive(packet);

	memcpy(&ip, packet, sizeof(ip));
	memcpy(&fragment, packet + sizeof(ip), sizeof(fragment));
	expect_headers(&ip, &fragment, got);
	cr_assert_eq(ntohs(fragment.ip6f_offlg & IP6F_OFF_MASK), whole->length);
	cr_assert(whole->length + got - HEADERS <= sizeof(whole->bytes));
	memcpy(whole->bytes + whole->length, packet + HEADERS, got - HEADERS);
	whole->length += got - HEADERS;
	if (got > whole->longest)
		whole->longest = got;
	cr_assert(++whole->fragments <= FRAGMENTS_MAX);
	return fragment.ip6f_offlg & IP6F_MORE_FRAG;
}

static void expect_whole(size_t length, unsigned fragments)
{
	static struct whole whole;
	const struct flow flow = flow_of(proxy, phone);
	uint8_t udp[DATAGRAM_UDP_LENGTH];

	memset(&whole, 0, sizeof(whole));
	cr_assert_eq(send_bytes(proxy, phone, length), 0, "%zu", length);
	while (take(&whole))
		;
	datagram_udp_header(&flow, (struct text){payload, length}, udp);
	cr_expect_eq(whole.fragments, fragments, "%zu: %u", length, whole.fragments);
	cr_expect(whole.longest <= IPV6_MTU_MIN, "%zu: %zu", length, whole.longest);
	cr_assert_eq(whole.length, sizeof(udp) + length);
	cr_expect_arr_eq(whole.bytes, udp, sizeof(udp));
	cr_expect_arr_eq(whole.bytes + sizeof(udp), payload, length);
}

/* A fragment holds 1232 bytes, of which the first has the UDP header's 8. */
Test(ipv6_fragments, make_the_datagram_of_any_length)
{
	expect_whole(1400, 2);
	expect_whole(1225, 2);
	expect_whole(2 * 1232 - 8, 2);
	expect_whole(2 * 1232 - 7, 3);
	expect_whole(DATAGRAM_PAYLOAD_IPV6_MAX, 54);
}

/* As a single one, which a receiver takes as well (RFC 6946). */
Test(ipv6_fragments, may_be_one)
{
	expect_whole(0, 1);
	expect_whole(1224, 1);
}

/* Of a proxy behind this host, too. */
Test(ipv6_fragments, leave_by_a_route_that_looks_at_source_and_mark)
{
	run("ip -6 route del default && ip -6 rule add from 2001:db8::1 fwmark 0x6e63 lookup 100 "
	    "&& "
	    "ip route add default via 2001:db8::254 dev near table 100");
	expect_whole(1400, 2);
	cr_expect_eq(send_bytes("[2001:db8:3::1]:5060", phone, 1400), -ENETUNREACH);
}

Test(ipv6_fragments, that_a_firewall_refuses_are_an_error)
{
	run("nft add table ip6 other && nft 'add chain ip6 other out "
	    "{ type filter hook output priority 0; policy drop; }'");
	cr_expect_eq(send_bytes(proxy, phone, 1400), -EPERM);
}

Test(ipv6_fragments, need_a_privilege_to_be_sent)
{
	cr_assert_eq(setuid(65534), 0);
	cr_expect_eq(ipv6_fragments_open(MARK), -EPERM);
}
