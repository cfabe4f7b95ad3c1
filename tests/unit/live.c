/* Live capture and injection, each test in a network namespace of its own: what leaves by the
 * interface `near`, tagged or not, comes in on `far`. */
#include "wire/capture/capture.h"
#include "wire/host.h"
#include "wire/send/inject.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "own_network.h"

static const char proxy4[] = "198.51.100.1:5060", phone4[] = "192.0.2.7:40000";
static const char proxy6[] = "[2001:db8:1::1]:5060", phone6[] = "[2001:db8::7]:40000";
/* Nothing that a keepalive begins with: those of natbox's own are not captured. */
static const struct text hello = {"MESSAGE sip:phone", 17};

static struct fault fault;
static struct inject inject;

/* An interface with the network of the phones behind it, who need not be there. */
static void add_phones(const char *interface, const char *network4, const char *network6)
{
	char command[512];

	snprintf(command, sizeof(command),
		"ip link set %s up && ip addr add %s.1/24 dev %s && "
		"ip addr add %s::1/64 dev %s nodad && "
		"ip neigh add %s.7 lladdr 02:00:00:00:00:07 dev %s && "
		"ip neigh add %s::7 lladdr 02:00:00:00:00:07 dev %s",
		interface, network4, interface, network6, interface, network4, interface, network6,
		interface);
	run(command);
}

static void setup(void)
{
	enter_own_network();
	run("ip link add near type veth peer name far && ip link set far up");
	add_phones("near", "192.0.2", "2001:db8:0:0");
	cr_assert_eq(inject_open(&inject, &fault), 0, "%s", fault.line);
}

static void cleanup(void)
{
	sender_close(inject.sender);
}

TestSuite(live, .init = setup, .fini = cleanup, .timeout = 120);

static struct capture *capture_on(const char *interface)
{
	struct address proxies[] = {address_of(proxy4), address_of(proxy6)};
	struct capture *capture;

	cr_assert_eq(
		capture_open_live(interface, proxies, 2, &capture, &fault), 0, "%s", fault.line);
	return capture;
}

static void send_from(const char *source, const char *destination)
{
	struct flow flow = flow_of(source, destination);

	cr_assert_eq(inject_send(&inject, &flow, hello, &fault), 0, "%s", fault.line);
	sender_flush(inject.sender);
	cr_assert_eq(inject_trouble(&inject, &fault), 0, "%s", fault.line);
}

/* How many datagrams come: so many, however long that takes on a busy machine, and what follows
 * within the time that a batch may take. */
static unsigned receive(struct capture *capture, struct datagram *datagram, unsigned expected)
{
	struct pollfd waiting = {.fd = capture_descriptor(capture), .events = POLLIN};
	unsigned count = 0;

	while (poll(&waiting, 1, count < expected ? 30000 : 200) == 1) {
		while (capture_next(capture, datagram, &fault) == 1)
			count++;
	}
	return count;
}

static void expect_hello(struct capture *capture, const char *source, const char *destination)
{
	struct flow flow = flow_of(source, destination);
	struct datagram datagram;

	cr_assert_eq(receive(capture, &datagram, 1), 1, "%s to %s", source, destination);
	cr_expect(address_equal(&datagram.flow.source, &flow.source));
	cr_expect(address_equal(&datagram.flow.destination, &flow.destination));
	cr_expect(text_equal(datagram.bytes, hello));
}

Test(live, foreign_source_is_sent_and_captured)
{
	struct capture *capture = capture_on("far");

	send_from(proxy4, phone4);
	expect_hello(capture, proxy4, phone4);
	send_from(proxy6, phone6);
	expect_hello(capture, proxy6, phone6);
	cr_expect_eq(sender_counters(inject.sender).sent, 2);
	capture_close(capture);
}

/* One of each method; what follows has to come alone. */
Test(live, own_keepalives_are_not_captured)
{
	static const char *const flows[][2] = {{proxy4, phone4}, {proxy6, phone6}};
	static const struct text methods[] = {
		{"NOTIFY sip:", 11}, {"OPTIONS sip:", 12}, {"\r\n\r\n", 4}, {"\0\0\0\0", 4}};
	static const char *const interfaces[] = {"near", "far", "any"};

	for (unsigned i = 0; i < 3; i++) {
		struct capture *capture = capture_on(interfaces[i]);

		for (unsigned j = 0; j < 2; j++) {
			struct flow flow = flow_of(flows[j][0], flows[j][1]);

			for (unsigned k = 0; k < 4; k++)
				inject_send(&inject, &flow, methods[k], &fault);
			send_from(flows[j][0], flows[j][1]);
			expect_hello(capture, flows[j][0], flows[j][1]);
		}
		capture_close(capture);
	}
	cr_expect_eq(sender_counters(inject.sender).sent, 30);
}

Test(live, proxys_own_host_sends_by_the_route_to_the_phone)
{
	struct capture *capture;

	run("ip addr add 198.51.100.1/32 dev lo && ip addr add 2001:db8:1::1/128 dev lo");
	capture = capture_on("near");
	send_from(proxy4, phone4);
	expect_hello(capture, proxy4, phone4);
	send_from(proxy6, phone6);
	expect_hello(capture, proxy6, phone6);
	capture_close(capture);
}

/* The kernel drops what has a wrong checksum before a socket gets it. */
Test(live, checksums_satisfy_the_kernel)
{
	static const char *const flows[][2] = {
		{proxy4, "127.0.0.1:40000"}, {proxy6, "[::1]:40000"}};
	struct pollfd waiting = {.events = POLLIN};

	run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lo.rp_filter=0");
	for (unsigned i = 0; i < 2; i++) {
		struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(40000)};
		char bytes[64];

		waiting.fd = socket(AF_INET6, SOCK_DGRAM, 0);
		cr_assert_eq(bind(waiting.fd, (struct sockaddr *)&any, sizeof(any)), 0);
		send_from(flows[i][0], flows[i][1]);
		cr_assert_eq(poll(&waiting, 1, 60000), 1, "%s", flows[i][1]);
		cr_expect_eq(recv(waiting.fd, bytes, sizeof(bytes), 0), (ssize_t)hello.length);
		close(waiting.fd);
	}
}

Test(live, filter_keeps_the_rest_out_in_the_kernel)
{
	struct capture *capture = capture_on("far");
	struct datagram datagram;

	send_from("198.51.100.1:53", phone4);
	send_from("198.51.100.2:5060", phone4);
	send_from("[2001:db8:1::2]:5060", phone6);
	cr_expect_eq(receive(capture, &datagram, 0), 0);
	cr_expect_eq(capture_counters(capture).frames, 0);
	send_from(proxy4, phone4);
	expect_hello(capture, proxy4, phone4);
	capture_close(capture);
}

/* Puts a frame on near as it is: with tags that no kernel has to know of. */
static void send_frame(const struct frame *frame)
{
	struct sockaddr_ll near = {.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("near"),
		.sll_halen = 6};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	cr_assert_eq(
		sendto(fd, frame->bytes, frame->length, 0, (struct sockaddr *)&near, sizeof(near)),
		(ssize_t)frame->length);
	close(fd);
}

static void send_tagged(unsigned tags, const char *source, const char *destination)
{
	struct flow flow = flow_of(source, destination);
	unsigned type = address_is_ipv4(&flow.source) ? TYPE_IPV4 : TYPE_IPV6;
	struct frame frame = {0};

	frame_add_ethernet(&frame, tags == 2 ? TYPE_SERVICE_VLAN : TYPE_VLAN);
	if (tags == 2)
		frame_add_vlan(&frame, 7, TYPE_VLAN);
	frame_add_vlan(&frame, 8, type);
	frame_add_datagram(&frame, &flow, hello);
	send_frame(&frame);
}

Test(live, vlan_tags_once_and_twice)
{
	struct capture *capture = capture_on("far");

	for (unsigned tags = 1; tags <= 2; tags++) {
		send_tagged(tags, proxy4, phone4);
		expect_hello(capture, proxy4, phone4);
		send_tagged(tags, phone6, proxy6);
		expect_hello(capture, phone6, proxy6);
		send_tagged(tags, "198.51.100.1:53", phone4);
		send_tagged(tags, phone6, "[2001:db8:1::2]:5060");
	}
	cr_expect_eq(receive(capture, &(struct datagram){0}, 0), 0);
	cr_expect_eq(capture_counters(capture).frames, 4);
	capture_close(capture);
}

/* Leaving near and coming in on far, with a tag too. On far, where the way to a proxy does not
 * lead, what one sends is not believed. */
Test(live, any_device_counts_a_packet_once)
{
	struct capture *capture;

	run("ip route add 198.51.100.0/24 via 192.0.2.7 && "
	    "ip route add 2001:db8:1::/64 via 2001:db8::7 dev near");
	capture = capture_on("any");
	send_from(phone4, proxy4);
	expect_hello(capture, phone4, proxy4);
	send_from(phone6, proxy6);
	expect_hello(capture, phone6, proxy6);
	cr_expect_eq(capture_counters(capture).repeated, 2);
	send_from(proxy4, phone4);
	expect_hello(capture, proxy4, phone4);
	cr_expect_eq(capture_counters(capture).frames, 5);
	send_tagged(1, phone4, proxy4);
	expect_hello(capture, phone4, proxy4);
	capture_close(capture);
}

/* A socket's own fragments: 3 kB to a phone, both IP versions. */
Test(live, fragments_arrive_whole)
{
	static const char *const flows[][2] = {{proxy4, phone4}, {proxy6, phone6}};
	static char bytes[3000];
	struct capture *capture;

	run("ip addr add 198.51.100.1/32 dev lo && ip addr add 2001:db8:1::1/128 dev lo");
	capture = capture_on("near");
	for (unsigned i = 0; i < 2; i++) {
		struct flow flow = flow_of(flows[i][0], flows[i][1]);
		struct sockaddr_in6 from = {.sin6_family = AF_INET6}, to = from;
		struct datagram datagram;
		int fd = socket(AF_INET6, SOCK_DGRAM, 0);

		memcpy(&from.sin6_addr, flow.source.ip, 16);
		from.sin6_port = htons(flow.source.port);
		memcpy(&to.sin6_addr, flow.destination.ip, 16);
		to.sin6_port = htons(flow.destination.port);
		cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
		cr_assert_eq(
			sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to)),
			(ssize_t)sizeof(bytes));
		cr_assert_eq(receive(capture, &datagram, 1), 1);
		cr_expect(address_equal(&datagram.flow.source, &flow.source));
		cr_expect_eq(datagram.bytes.length, sizeof(bytes));
		close(fd);
	}
	cr_expect_eq(capture_counters(capture).fragments.reassembled, 2);
	capture_close(capture);
}

Test(live, burst_while_nobody_reads_is_kept)
{
	struct capture *capture = capture_on("far");
	struct datagram datagram;

	for (unsigned i = 0; i < 10000; i++)
		send_from(proxy4, phone4);
	cr_expect_eq(receive(capture, &datagram, 10000), 10000);
	cr_expect_eq(capture_dropped(capture), 0);
	capture_close(capture);
}

Test(live, what_a_burst_loses_is_counted)
{
	struct capture *capture = capture_on("far");
	struct datagram datagram;
	unsigned sent = 0, kept;

	/* How much the kernel keeps depends on how fast it comes. */
	while (sent < 1000000 && capture_dropped(capture) == 0) {
		for (unsigned i = 0; i < 50000; i++, sent++)
			send_from(proxy4, phone4);
	}
	cr_expect(capture_dropped(capture) > 0);
	kept = sent - (unsigned)capture_dropped(capture);
	cr_expect_eq(receive(capture, &datagram, kept) + capture_dropped(capture), sent);
	capture_close(capture);
}

static void expect_live_fault(const char *interface, int error, const char *why)
{
	struct address proxy = address_of(proxy4);
	struct capture *capture;

	cr_expect_eq(capture_open_live(interface, &proxy, 1, &capture, &fault), error);
	cr_expect(strstr(fault.line, why), "%s", fault.line);
	cr_expect(strstr(fault.line, interface), "%s", fault.line);
}

Test(live, missing_interface_is_a_fault)
{
	expect_live_fault("nowhere0", -ENODEV, "no such interface");
}

Test(live, interface_that_is_down_is_a_fault)
{
	run("ip link set far down");
	expect_live_fault("far", -ENETDOWN, "it is down");
}

Test(live, missing_privilege_is_a_fault)
{
	struct inject another = {0};

	cr_assert_eq(setuid(65534), 0);
	expect_live_fault("far", -EPERM, "CAP_NET_RAW");
	cr_expect_eq(inject_open(&another, &fault), -EPERM);
	cr_expect(strstr(fault.line, "CAP_NET_RAW"), "%s", fault.line);
	/* What was opened before still sends. */
	send_from(proxy4, phone4);
}

Test(live, interface_that_vanishes_is_a_fault)
{
	struct capture *capture = capture_on("far");
	struct pollfd waiting = {.fd = capture_descriptor(capture), .events = POLLIN};
	struct datagram datagram;
	int result = 0;

	run("ip link del near");
	/* That it goes down wakes the capture before it is gone. */
	for (unsigned i = 0; i < 6000 && result == 0; i++) {
		poll(&waiting, 1, 10);
		result = capture_next(capture, &datagram, &fault);
	}
	cr_expect_eq(result, -EIO);
	cr_expect(strstr(fault.line, "far"), "%s", fault.line);
	capture_close(capture);
}

static void expect_refused(const char *source, const char *destination)
{
	struct flow flow = flow_of(source, destination);

	cr_assert_eq(inject_send(&inject, &flow, hello, &fault), 0, "%s", fault.line);
	sender_flush(inject.sender);
	cr_expect_eq(inject_trouble(&inject, &fault), -ENETUNREACH);
	cr_expect(strstr(fault.line, destination), "%s", fault.line);
	cr_expect_eq(inject_trouble(&inject, &fault), 0);
}

Test(live, what_cannot_be_sent_is_a_fault)
{
	static const char big[65536];
	struct flow flow = flow_of(proxy4, phone4), other = flow_of(proxy6, phone6);

	expect_refused(proxy4, "100.64.0.1:5060");
	expect_refused(proxy6, "[2001:db8:ffff::1]:5060");
	cr_expect_eq(
		inject_send(&inject, &flow, (struct text){big, sizeof(big)}, &fault), -EMSGSIZE);
	flow.destination = other.destination;
	cr_expect_eq(inject_send(&inject, &flow, hello, &fault), -EAFNOSUPPORT);
	cr_expect_eq(inject_failed(&inject), 4);
	cr_expect_eq(sender_counters(inject.sender).sent, 0);
}

Test(live, one_that_cannot_be_sent_holds_up_no_other)
{
	struct capture *capture = capture_on("far");
	struct flow flow = flow_of(proxy4, phone4), lost = flow_of(proxy4, "100.64.0.1:5060");
	struct datagram datagram;

	for (unsigned i = 0; i < 200; i++)
		cr_assert_eq(inject_send(&inject, i % 2 ? &lost : &flow, hello, &fault), 0);
	sender_flush(inject.sender);
	cr_expect_eq(receive(capture, &datagram, 100), 100);
	cr_expect_eq(inject_failed(&inject), 100);
	capture_close(capture);
}

Test(live, long_ones_leave_in_fragments)
{
	static char bytes[3000];
	static const char *const flows[][2] = {{proxy4, phone4}, {proxy6, phone6}};
	struct capture *capture = capture_on("far");

	for (unsigned i = 0; i < 2; i++) {
		struct flow flow = flow_of(flows[i][0], flows[i][1]);
		struct datagram datagram;

		cr_assert_eq(
			inject_send(&inject, &flow, (struct text){bytes, sizeof(bytes)}, &fault),
			0);
		sender_flush(inject.sender);
		cr_assert_eq(receive(capture, &datagram, 1), 1);
		cr_expect_eq(datagram.bytes.length, sizeof(bytes));
	}
	cr_expect_eq(capture_counters(capture).fragments.reassembled, 2);
	cr_expect_eq(inject_failed(&inject), 0);
	capture_close(capture);
}

/* Two uplinks, and a rule for what has the proxy's source. */
Test(live, rules_for_the_source_apply)
{
	struct capture *capture;

	run("ip link add other type veth peer name beyond && ip link set beyond up");
	add_phones("other", "192.0.2", "2001:db8:0:0");
	run("ip route del 192.0.2.0/24 dev other && ip rule add from 198.51.100.1 lookup 7 && "
	    "ip route add 192.0.2.0/24 dev other table 7 && "
	    "ip neigh replace 192.0.2.7 lladdr 02:00:00:00:00:07 dev other");
	capture = capture_on("beyond");
	send_from(proxy4, phone4);
	expect_hello(capture, proxy4, phone4);
	capture_close(capture);
}

/* An interface that lets a few bytes a second out and keeps the rest for later. */
Test(live, slow_interface_does_not_stall_the_sender)
{
	struct flow flow = flow_of(proxy4, phone4);

	if (system("tc qdisc add dev near root tbf rate 8kbit burst 2k limit 100m 2>/dev/null"))
		cr_skip_test("this kernel cannot slow an interface down");
	for (unsigned i = 0; i < 100000; i++)
		cr_assert_eq(inject_send(&inject, &flow, hello, &fault), 0);
	sender_flush(inject.sender);
	cr_expect_eq(inject_trouble(&inject, &fault), -EAGAIN);
	cr_expect(sender_counters(inject.sender).sent > 4000);
}

Test(live, addresses_of_this_host)
{
	static const char *const expected[] = {
		"127.0.0.1:1", "[::1]:1", "192.0.2.1:1", "[2001:db8::1]:1"};
	static struct host host;

	cr_assert_eq(host_read(&host), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct address address = address_of(expected[i]);
		unsigned found = 0;

		for (unsigned j = 0; j < host.count; j++)
			found += address_same_host(&host.list[j], &address);
		cr_expect_eq(found, 1, "%s", expected[i]);
		cr_expect(host_has(&host, &address));
	}
}

/* Sockets of that domain, and how many of them have a filter that cannot be changed any more. */
static void count_locked(int domain, unsigned *sockets, unsigned *locked)
{
	*sockets = *locked = 0;
	for (int fd = 3; fd < 256; fd++) {
		int its_domain = 0, type = 0, is_locked = 0;
		socklen_t length = sizeof(int);

		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &its_domain, &length) ||
			type != SOCK_RAW || its_domain != domain)
			continue;
		getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &is_locked, &length);
		++*sockets;
		*locked += is_locked != 0;
	}
}

Test(live, what_sockets_hear_is_fixed)
{
	struct capture *capture = capture_on("far");
	unsigned sockets, locked;

	count_locked(AF_PACKET, &sockets, &locked);
	cr_assert_geq(sockets, 1);
	cr_assert_eq(locked, sockets, "%u of %u captures are locked", locked, sockets);
	count_locked(AF_INET, &sockets, &locked);
	cr_assert_eq(sockets, 2);
	cr_assert_eq(locked, sockets, "%u of %u raw sockets are locked", locked, sockets);
	count_locked(AF_INET6, &sockets, &locked);
	cr_assert_eq(sockets, 1);
	cr_assert_eq(locked, sockets, "%u of %u raw sockets are locked", locked, sockets);
	capture_close(capture);
}
