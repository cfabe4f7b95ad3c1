/* How keepalives leave: what a packet socket and what the kernel sends, each test in a network
 * namespace of its own with a gateway at `far`, where all that comes in is looked at. */
#include "wire/send/sender.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"
#include "own_network.h"

static const char proxy4[] = "192.0.2.1:5060", phone4[] = "198.51.100.7:40000";
static const char proxy6[] = "[2001:db8::1]:5060", phone6[] = "[2001:db8:1::7]:40000";
static const struct text hello = {"NOTIFY sip:phone", 16};

enum { LABEL = 0x6e62, PACKET_MAX = 2048, WAIT_TRIES = 30000 };

struct packet {
	size_t length;
	uint8_t bytes[PACKET_MAX];
};

static struct sender *sender;
static int wire; /* what arrives at far */

static void setup(void)
{
	const struct sender_settings settings = {.label = LABEL};

	enter_own_network();
	lay_wire();
	run("ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe dev near && "
	    "ip neigh add 2001:db8::254 lladdr 02:00:00:00:00:fe dev near");
	wire = listen_at_far(ETH_P_ALL);
	cr_assert_eq(sender_open(&settings, &sender), 0);
}

static void cleanup(void)
{
	sender_close(sender);
	close(wire);
}

TestSuite(keepalive_path, .init = setup, .fini = cleanup, .timeout = 120);

/* The next packet that natbox sent. */
static struct packet take(void)
{
	struct packet packet;
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	struct pollfd waiting = {.fd = wire, .events = POLLIN};

	do {
		ssize_t got;

		cr_assert_eq(poll(&waiting, 1, 30000), 1);
		got = recvfrom(wire, packet.bytes, sizeof(packet.bytes), 0,
			(struct sockaddr *)&from, &length);
		cr_assert(got > 0);
		packet.length = (size_t)got;
	} while (from.sll_pkttype == PACKET_OUTGOING ||
		 !memmem(packet.bytes, packet.length, hello.at, hello.length));
	return packet;
}

static void send_keepalive(const char *source, const char *destination, struct text bytes)
{
	const struct flow flow = flow_of(source, destination);

	cr_assert_eq(sender_add_keepalive(sender, &flow, bytes), 0);
	sender_flush(sender);
}

/* Sends one and takes it. True: as a frame. */
static bool is_frame(const char *source, const char *destination, struct packet *packet)
{
	const uint64_t before = sender_counters(sender).linked;

	send_keepalive(source, destination, hello);
	*packet = take();
	return sender_counters(sender).linked > before;
}

/* What is known of the kernel is asked for and told of within some milliseconds, rules within a
 * second; but while others change interfaces and routes it does not answer. */
static bool becomes_frame(bool wanted, const char *source, const char *destination)
{
	struct packet packet;

	for (unsigned i = 0; i < WAIT_TRIES; i++) {
		if (is_frame(source, destination, &packet) == wanted)
			return true;
		usleep(1000);
	}
	return false;
}

static uint64_t coarse_ms(void)
{
	return clock_us(CLOCK_MONOTONIC_COARSE) / 1000;
}

/* What the kernel has told is taken once the coarse clock has gone on. */
static void await_tick(void)
{
	const uint64_t before = coarse_ms();

	for (unsigned i = 0; i < WAIT_TRIES && coarse_ms() == before; i++)
		usleep(1000);
	cr_assert_neq(coarse_ms(), before);
}

static bool stays_the_kernels(const char *source, const char *destination)
{
	struct packet packet;

	for (unsigned i = 0; i < 200; i++) {
		if (is_frame(source, destination, &packet))
			return false;
		usleep(1000);
	}
	return true;
}

/* Where IPv6 has no label, the kernel makes one up. */
static void forget_label(struct packet *packet)
{
	if (packet->bytes[0] >> 4 == 6)
		memset(packet->bytes + 1, 0, 3);
}

static void expect_same_either_way(const char *source, const char *destination, bool label_is_given)
{
	struct packet raw, frame;

	sender_set_path(sender, KEEPALIVE_PATH_RAW);
	cr_assert_not(is_frame(source, destination, &raw));
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, source, destination));
	cr_assert(is_frame(source, destination, &frame));
	if (!label_is_given) {
		forget_label(&raw);
		forget_label(&frame);
	}
	cr_assert_eq(frame.length, raw.length);
	cr_expect_arr_eq(frame.bytes, raw.bytes, raw.length);
}

Test(keepalive_path, a_frame_bears_the_packet_that_the_kernel_would_send)
{
	expect_same_either_way(proxy4, phone4, true);
	expect_same_either_way(proxy6, phone6, true);
}

/* Without the label by which a sniffing natbox knows its own; each has another identification. */
Test(keepalive_path, so_it_does_where_packets_may_be_fragmented)
{
	const struct sender_settings settings = {.mark = 0x6e63};
	struct packet first, second;

	sender_close(sender);
	cr_assert_eq(sender_open(&settings, &sender), 0);
	expect_same_either_way(proxy6, phone6, false);
	sender_set_path(sender, KEEPALIVE_PATH_RAW);
	cr_assert_not(is_frame(proxy4, phone4, &first));
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	cr_assert(is_frame(proxy4, phone4, &second));
	cr_expect_arr_neq(first.bytes + 4, second.bytes + 4, 2, "identification");
	memcpy(second.bytes + 4, first.bytes + 4, 2);
	memcpy(second.bytes + 10, first.bytes + 10, 2); /* checksum */
	cr_expect_arr_eq(first.bytes, second.bytes, first.length);
}

Test(keepalive_path, until_there_is_a_path_the_kernel_sends)
{
	struct packet packet;

	cr_expect(stays_the_kernels(proxy4, phone4));
	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_expect(becomes_frame(true, proxy4, phone4));
	sender_set_path(sender, KEEPALIVE_PATH_RAW);
	cr_expect_not(is_frame(proxy4, phone4, &packet));
}

Test(keepalive_path, what_exceeds_the_mtu_leaves_in_fragments)
{
	static char bytes[3000] = "NOTIFY sip:phone";

	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	send_keepalive(proxy4, phone4, (struct text){bytes, sizeof(bytes)});
	cr_expect(take().length <= 1500);
	send_keepalive(proxy6, phone6, (struct text){bytes, sizeof(bytes)});
	cr_expect(take().length <= IPV6_MTU_MIN, "as every path takes them");
	cr_expect_eq(sender_counters(sender).errors, 0);
}

/* In the first news that there are, which is of what was looked at. */
static bool says(const char *reason)
{
	struct fault line;

	for (unsigned i = 0; i < WAIT_TRIES; i++) {
		if (sender_path_news(sender, &line))
			return strstr(line.line, reason) != NULL;
		usleep(1000);
	}
	return false;
}

Test(keepalive_path, a_rule_that_is_to_see_keepalives_sees_them)
{
	struct packet packet;
	struct fault line;

	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_assert(becomes_frame(true, proxy4, phone4));
	cr_expect(sender_path_news(sender, &line));
	run("nft add table inet other && "
	    "nft 'add chain inet other out { type filter hook output priority 0; }'");
	cr_expect(becomes_frame(true, proxy4, phone4), "an empty chain sees nothing");
	run("nft add rule inet other out udp sport 5060 counter");
	await_tick();
	cr_expect_not(is_frame(proxy4, phone4, &packet));
	cr_expect(says("chain out of nftables table inet other"));
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_expect(becomes_frame(true, proxy4, phone4));
	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_expect_not(is_frame(proxy4, phone4, &packet));
	run("nft flush chain inet other out");
	cr_expect(becomes_frame(true, proxy4, phone4));
}

/* Of a proxy that the host translates to: its answers are translated back on their way out. */
Test(keepalive_path, a_rule_that_translates_what_comes_sees_what_leaves)
{
	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_expect(says("at the link layer"));
	run("nft add table ip other && "
	    "nft 'add chain ip other in { type nat hook prerouting priority dstnat; }'");
	cr_expect(becomes_frame(true, proxy4, phone4), "an empty chain translates nothing");
	run("nft add rule ip other in udp dport 5070 redirect to 5060");
	cr_expect(says("chain in of nftables table ip other"));
	run("nft delete table ip other");
	cr_expect(becomes_frame(true, proxy4, phone4));
}

Test(keepalive_path, rules_of_other_hooks_and_natboxs_own_are_no_reason)
{
	run("nft add table inet natbox && nft add table inet other && "
	    "nft 'add chain inet natbox out { type filter hook output priority 0; }' && "
	    "nft 'add chain inet other in { type filter hook input priority 0; }' && "
	    "nft add rule inet natbox out counter && nft add rule inet other in counter");
	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_expect(becomes_frame(true, proxy4, phone4));
	run("nft add table ip other && nft 'add chain ip other out "
	    "{ type filter hook output priority 0; policy drop; }'");
	for (unsigned i = 0; i < WAIT_TRIES && sender_counters(sender).errors == 0; i++) {
		send_keepalive(proxy4, phone4, hello);
		usleep(1000);
	}
	cr_expect_eq(sender_counters(sender).last_error, -EPERM, "the chain's policy is to drop");
	cr_expect_str_eq(sender_advice(-EPERM), "see which firewall rule forbids it");
}

Test(keepalive_path, an_ipsec_policy_counts_whatever_the_path)
{
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	run("ip xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir out tmpl src 192.0.2.1 "
	    "dst 192.0.2.99 proto esp mode tunnel");
	cr_expect(becomes_frame(false, proxy4, phone4));
	run("ip xfrm policy flush");
	cr_expect(becomes_frame(true, proxy4, phone4));
}

Test(keepalive_path, it_is_said_when_there_is_another_reason)
{
	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_expect(says("at the link layer"));
	run("nft add table inet other && nft 'add chain inet other out "
	    "{ type filter hook output priority 0; policy drop; }'");
	cr_expect(says("chain out of nftables table inet other"));
	run("ip xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir out tmpl src 192.0.2.1 "
	    "dst 192.0.2.99 proto esp mode tunnel");
	cr_expect(says("an IPsec policy"));
}

Test(keepalive_path, what_a_device_refuses_the_kernel_sends)
{
	const struct flow flow = flow_of(proxy4, phone4);

	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	run("ip link add other type veth peer name rest && ip link set other up && "
	    "ip link set rest up");
	cr_assert(becomes_frame(true, proxy4, phone4));
	cr_assert_eq(sender_add_keepalive(sender, &flow, hello), 0);
	run("ip link set near down && ip link set near up && "
	    "ip route add default via 192.0.2.254 && ip link set near down");
	sender_flush(sender);
	cr_expect_eq(sender_counters(sender).errors, 1, "the kernel has no way now, either");
	cr_expect_eq(sender_counters(sender).last_error, -ENETUNREACH);
	run("ip link set near up && ip neigh replace 192.0.2.254 lladdr 02:00:00:00:00:fe dev near "
	    "nud permanent && ip route add default via 192.0.2.254");
	cr_expect(becomes_frame(true, proxy4, phone4));
}

static void add_keepalive(const char *destination, const char *bytes)
{
	const struct flow flow = flow_of(proxy4, destination);

	cr_assert_eq(sender_add_keepalive(sender, &flow, text_from(bytes)), 0);
}

Test(keepalive_path, what_a_device_refuses_keeps_no_other_back)
{
	struct packet packet;

	run("ip link add other type veth peer name rest && ip link set rest up && "
	    "ip link set other up && ip addr add 10.9.0.1/24 dev other && "
	    "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:fc dev other");
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	sender_flush(sender);
	for (unsigned i = 0; i < WAIT_TRIES && sender_counters(sender).linked < 2; i++) {
		add_keepalive("10.9.0.2:1", "NOTIFY sip:other");
		sender_flush(sender);
		usleep(1000);
	}
	cr_assert_geq(sender_counters(sender).linked, 2, "over the other device, too");
	add_keepalive(phone4, "NOTIFY sip:phone 1");
	add_keepalive("10.9.0.2:1", "NOTIFY sip:other");
	add_keepalive(phone4, "NOTIFY sip:phone 3");
	run("ip link set other down && ip route del default");
	sender_flush(sender);
	packet = take();
	cr_expect_eq(packet.bytes[packet.length - 1], '1');
	packet = take();
	cr_expect_eq(packet.bytes[packet.length - 1], '3');
	cr_expect_eq(sender_counters(sender).errors, 1);
}

/* Changes rules that are no onlookers, as somebody who may, once natbox no longer may: when it
 * closes its end of the pipe. */
static int start_changing(void)
{
	int ends[2];
	char byte;

	cr_assert_eq(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0 ||
			system("nft add table inet other && nft 'add chain inet other in "
			       "{ type filter hook input priority 0; }'") != 0);
	}
	close(ends[0]);
	return ends[1];
}

/* As in sniff mode, once it has started. */
Test(keepalive_path, without_the_right_to_look_a_change_of_rules_is_taken_for_one)
{
	struct fault line;
	int changing;

	sender_set_path(sender, KEEPALIVE_PATH_AUTO);
	cr_assert(becomes_frame(true, proxy4, phone4));
	cr_expect(sender_path_news(sender, &line));
	changing = start_changing();
	cr_assert_eq(setuid(65534), 0);
	close(changing);
	cr_expect(becomes_frame(false, proxy4, phone4));
	cr_expect(says("a firewall that natbox has no right to see"), "once it was looked at");
	cr_expect(stays_the_kernels(proxy4, phone4));
	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_expect(becomes_frame(true, proxy4, phone4));
}

/* A batch is one call's; what is more goes before. */
Test(keepalive_path, more_frames_than_a_batch_holds_leave_all)
{
	const struct flow flow = flow_of(proxy4, phone4);
	struct text bytes = {NULL, hello.length + 1};
	char numbered[sizeof("NOTIFY sip:phone") + 1];
	struct sent_counters before;

	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	before = sender_counters(sender);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(numbered, sizeof(numbered), "%s%c", hello.at, (char)(i + 1));
		bytes.at = numbered;
		cr_assert_eq(sender_add_keepalive(sender, &flow, bytes), 0);
	}
	sender_flush(sender);
	cr_expect_eq(sender_counters(sender).linked - before.linked, 200);
	cr_expect_eq(sender_counters(sender).sent - before.sent, 200);
	for (unsigned i = 0; i < 200; i++) {
		const struct packet packet = take();

		cr_assert_eq(packet.bytes[packet.length - 1], i + 1);
	}
}

Test(keepalive_path, more_routes_than_are_followed_are_the_kernels_and_it_is_said)
{
	struct fault line;

	sender_set_path(sender, KEEPALIVE_PATH_LINK);
	cr_assert(becomes_frame(true, proxy4, phone4));
	cr_expect(sender_path_news(sender, &line));
	run("for i in $(seq 0 32); do for j in $(seq 0 254); do "
	    "echo route add 10.$i.$j.0/24 via 192.0.2.254; done; done | ip -batch -");
	cr_expect(says("more routes than natbox follows"));
	cr_expect(stays_the_kernels(proxy4, phone4));
}

/* In all far more than the room of a batch, and of others beside it. */
enum { MANY = 16384 };

static void send_many(enum keepalive_path path)
{
	static const char long_one[1400];
	const struct flow flow = flow_of(proxy4, phone4);
	const uint64_t before = sender_counters(sender).sent;

	sender_set_path(sender, path);
	cr_assert(becomes_frame(path == KEEPALIVE_PATH_LINK, proxy4, phone4));
	for (unsigned i = 0; i < MANY; i++) {
		cr_assert_eq(sender_add_keepalive(
				     sender, &flow, (struct text){long_one, sizeof(long_one)}),
			0);
		sender_flush(sender);
	}
	cr_expect_geq(sender_counters(sender).sent - before, MANY);
}

Test(keepalive_path, a_batch_that_has_left_makes_room_for_the_next)
{
	send_many(KEEPALIVE_PATH_RAW);
}

Test(keepalive_path, so_does_a_batch_of_frames)
{
	send_many(KEEPALIVE_PATH_LINK);
}
