#include "wire/capture/filter.h"
#include "wire/send/inject.h"

#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "frames.h"

/* What the kernel takes (BPF_MAXINSNS of linux/filter.h). */
enum { KERNEL_INSTRUCTIONS_MAX = 4096 };

static const char phone4[] = "192.0.2.7:40000", proxy4[] = "198.51.100.1:5060";
static const char phone6[] = "[2001:db8::7]:40000", proxy6[] = "[2001:db8:1::1]:5060";
static const struct text hello = {"OPTIONS", 7};

/* Numbers of interfaces; proxies are behind another host unless a test says otherwise. */
enum { LOOPBACK = 1, ETHERNET = 2, INSIDE = 3 };
static unsigned ways[1024];

struct filter {
	int link_type;
	struct bpf_program program;
	/* Of what is seen at any interface: where, and whether it goes out there. */
	unsigned interface;
	bool goes_out;
};

/* On any interface as DLT_LINUX_SLL2, else on one that is Ethernet, towards the phones. */
static struct filter compile(const struct address *proxies, size_t count, int link_type)
{
	struct filter filter = {.link_type = link_type};
	struct address own[] = {address_of("198.51.100.1:1"), address_of("[2001:db8:1::1]:1")};
	pcap_t *pcap = pcap_open_dead(link_type, 65535);
	char *text = filter_write(&(struct filter_view){.proxies = proxies,
		.ways = ways,
		.count = count,
		.loopback = LOOPBACK,
		.interface = link_type == DLT_LINUX_SLL2 ? 0 : ETHERNET,
		.own = own,
		.own_count = 2,
		.link_type = link_type});

	cr_assert(text);
	cr_assert_eq(pcap_compile(pcap, &filter.program, text, 1, PCAP_NETMASK_UNKNOWN), 0,
		"%s: %s", pcap_geterr(pcap), text);
	cr_assert(filter.program.bf_len <= KERNEL_INSTRUCTIONS_MAX, "%u", filter.program.bf_len);
	free(text);
	pcap_close(pcap);
	return filter;
}

static struct filter compile_usual(int link_type)
{
	struct address proxies[] = {
		address_of(proxy4), address_of(proxy6), address_of("198.51.100.2:5080")};

	return compile(proxies, 3, link_type);
}

static bool passes(const struct filter *filter, const struct frame *frame)
{
	struct pcap_pkthdr header = {
		.caplen = (bpf_u_int32)frame->length, .len = (bpf_u_int32)frame->length};

	return pcap_offline_filter(&filter->program, &header, frame->bytes) != 0;
}

/* Cooked: protocol, reserved, interface, ARPHRD_ETHER, packet type (4: outgoing), address. */
static void add_link_header(
	struct frame *frame, const struct filter *filter, const struct flow *flow)
{
	const unsigned type = address_is_ipv4(&flow->source) ? TYPE_IPV4 : TYPE_IPV6;

	if (filter->link_type == DLT_EN10MB)
		frame_add_ethernet(frame, type);
	if (filter->link_type != DLT_LINUX_SLL2)
		return;
	frame_add_u16(frame, type);
	frame_add_u16(frame, 0);
	frame_add_u32(frame, filter->interface);
	frame_add_u16(frame, 1);
	frame_add_u8(frame, filter->goes_out ? 4 : 0);
	frame_add_u8(frame, 6);
	frame_add(frame, "\2\0\0\0\0\1\0\0", 8);
}

static bool datagram_passes(
	const struct filter *filter, const char *source, const char *destination)
{
	struct flow flow = flow_of(source, destination);
	struct frame frame = {0};

	add_link_header(&frame, filter, &flow);
	frame_add_datagram(&frame, &flow, hello);
	return passes(filter, &frame);
}

static void expect_proxies_udp_only(const struct filter *filter)
{
	cr_expect(datagram_passes(filter, phone4, proxy4));
	cr_expect(datagram_passes(filter, proxy4, phone4));
	cr_expect(datagram_passes(filter, phone6, proxy6));
	cr_expect(datagram_passes(filter, proxy6, phone6));
	cr_expect(datagram_passes(filter, phone4, "198.51.100.2:5080"));

	cr_expect(!datagram_passes(filter, phone4, "198.51.100.3:5060"));
	cr_expect(!datagram_passes(filter, phone4, "198.51.100.1:5080"));
	cr_expect(!datagram_passes(filter, phone4, "198.51.100.2:5060"));
	cr_expect(!datagram_passes(filter, "192.0.2.7:5060", "198.51.100.1:53"));
	cr_expect(!datagram_passes(filter, phone6, "[2001:db8:1::2]:5060"));
	cr_expect(!datagram_passes(filter, phone6, "[2001:db8:1::1]:5061"));
}

Test(filter, lets_the_proxies_udp_through_and_nothing_else)
{
	static const int link_types[] = {DLT_EN10MB, DLT_RAW};

	for (unsigned i = 0; i < 2; i++) {
		struct filter filter = compile_usual(link_types[i]);

		expect_proxies_udp_only(&filter);
		pcap_freecode(&filter.program);
	}
}

Test(filter, keeps_tcp_and_arp_out)
{
	struct filter filter = compile_usual(DLT_EN10MB);
	struct flow flow = flow_of(phone4, proxy4);
	struct frame tcp = {0}, arp = {0};

	frame_add_ethernet(&tcp, TYPE_IPV4);
	frame_add_ipv4(&tcp, &flow, 6, 1, 0, 8 + hello.length);
	frame_add_udp(&tcp, &flow, hello);
	cr_expect(!passes(&filter, &tcp));
	frame_add_ethernet(&arp, 0x0806);
	frame_add(&arp, "\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\xc6\x33\x64\1\0\0\0\0\0\0\xc0\0\2\7", 28);
	cr_expect(!passes(&filter, &arp));
	pcap_freecode(&filter.program);
}

Test(filter, looks_behind_one_and_two_vlan_tags)
{
	static const char *const flows[][2] = {{phone4, proxy4}, {proxy6, phone6}};
	struct filter filter = compile_usual(DLT_EN10MB);

	for (unsigned i = 0; i < 2; i++) {
		struct flow flow = flow_of(flows[i][0], flows[i][1]);
		unsigned type = i ? TYPE_IPV6 : TYPE_IPV4;
		struct frame once = {0}, twice = {0}, other = {0};

		frame_add_ethernet(&once, TYPE_VLAN);
		frame_add_vlan(&once, 100, type);
		frame_add_datagram(&once, &flow, hello);
		cr_expect(passes(&filter, &once));

		frame_add_ethernet(&twice, TYPE_SERVICE_VLAN);
		frame_add_vlan(&twice, 7, TYPE_VLAN);
		frame_add_vlan(&twice, 100, type);
		frame_add_datagram(&twice, &flow, hello);
		cr_expect(passes(&filter, &twice));

		flow.source.port = flow.destination.port = 9;
		frame_add_ethernet(&other, TYPE_VLAN);
		frame_add_vlan(&other, 100, type);
		frame_add_datagram(&other, &flow, hello);
		cr_expect(!passes(&filter, &other));
	}
	pcap_freecode(&filter.program);
}

static bool fragment_passes(
	const struct filter *filter, const char *source, const char *destination, bool first)
{
	struct flow flow = flow_of(source, destination);
	struct frame frame = {0};

	add_link_header(&frame, filter, &flow);
	if (address_is_ipv4(&flow.source)) {
		frame_add_ipv4(
			&frame, &flow, 17, 1, first ? MORE_FRAGMENTS : 185, 8 + hello.length);
	} else {
		frame_add_ipv6(&frame, &flow, 44, 8 + 8 + hello.length);
		frame_add_ipv6_fragment(&frame, 17, first ? 0 : 1232, first, 1);
	}
	if (first)
		frame_add_udp(&frame, &flow, hello);
	else
		frame_add(&frame, "some bytes more", 15);
	return passes(filter, &frame);
}

Test(filter, lets_fragments_of_a_proxys_host_through)
{
	struct filter filter = compile_usual(DLT_RAW);

	for (int first = 0; first < 2; first++) {
		cr_expect(fragment_passes(&filter, phone4, proxy4, first));
		cr_expect(fragment_passes(&filter, proxy4, phone4, first));
		cr_expect(fragment_passes(&filter, phone6, proxy6, first));
		cr_expect(fragment_passes(&filter, proxy6, phone6, first));
		cr_expect(!fragment_passes(&filter, phone4, "198.51.100.3:5060", first));
		cr_expect(!fragment_passes(&filter, phone6, "[2001:db8:1::2]:5060", first));
	}
	pcap_freecode(&filter.program);
}

Test(filter, lets_ipv6_extension_headers_of_a_proxys_host_through)
{
	static const unsigned headers[] = {0, 43, 60};
	struct filter filter = compile_usual(DLT_RAW);
	struct flow flow = flow_of(phone6, proxy6), other = flow_of(phone6, "[2001:db8:1::2]:5060");

	for (unsigned i = 0; i < 3; i++) {
		struct frame ours = {0}, others = {0};

		frame_add_ipv6(&ours, &flow, headers[i], 8 + 8 + hello.length);
		frame_add_extension(&ours, 17);
		frame_add_udp(&ours, &flow, hello);
		cr_expect(passes(&filter, &ours));
		frame_add_ipv6(&others, &other, headers[i], 8 + 8 + hello.length);
		frame_add_extension(&others, 17);
		frame_add_udp(&others, &other, hello);
		cr_expect(!passes(&filter, &others));
	}
	pcap_freecode(&filter.program);
}

Test(filter, proxy_on_any_host_names_its_port_only)
{
	struct address any_ipv6 = {.port = 5060}, any_ipv4 = address_of("0.0.0.0:5060");
	struct address proxies[2] = {any_ipv6, address_of("198.51.100.2:5080")};

	for (unsigned i = 0; i < 2; i++) {
		struct filter filter;

		proxies[0] = i ? any_ipv4 : any_ipv6;
		filter = compile(proxies, 2, DLT_LINUX_SLL2);
		cr_expect(datagram_passes(&filter, phone4, proxy4));
		cr_expect(datagram_passes(&filter, phone4, "198.51.100.2:5080"));
		cr_expect(!datagram_passes(&filter, phone4, "198.51.100.1:5080"));
		cr_expect(!datagram_passes(&filter, phone4, "198.51.100.2:53"));
		filter.goes_out = true;
		cr_expect(datagram_passes(&filter, proxy6, phone6));
		pcap_freecode(&filter.program);
	}
}

/* At any interface. A proxy of this host; one behind it, which is one of two that lie behind the
 * same interface; and one that no route leads to. */

enum { HERE, BEHIND, BESIDE, NOWHERE, SOURCES };
static const char *const sources[SOURCES] = {
	"198.51.100.1:5060", "10.0.0.5:5060", "10.0.0.6:5060", "203.0.113.200:5060"};

/* Which of them are believed at an interface. */
static void expect_believed(
	struct filter *filter, unsigned interface, bool goes_out, const char *which)
{
	filter->interface = interface;
	filter->goes_out = goes_out;
	for (unsigned i = 0; i < SOURCES; i++) {
		const bool expected = which[i] == 'y';

		cr_expect_eq(datagram_passes(filter, sources[i], phone4), expected, "%s at %u",
			sources[i], interface);
		for (int first = 0; first < 2; first++)
			cr_expect_eq(fragment_passes(filter, sources[i], phone4, first), expected,
				"fragment of %s at %u", sources[i], interface);
		cr_expect(datagram_passes(filter, phone4, sources[i]));
	}
}

Test(filter, a_proxy_is_believed_only_where_it_can_be)
{
	struct address proxies[SOURCES];
	struct filter filter;

	for (unsigned i = 0; i < SOURCES; i++)
		proxies[i] = address_of(sources[i]);
	ways[HERE] = LOOPBACK;
	ways[BEHIND] = ways[BESIDE] = INSIDE;
	ways[NOWHERE] = 0;
	filter = compile(proxies, SOURCES, DLT_LINUX_SLL2);
	expect_believed(&filter, ETHERNET, false, "nnnn");
	expect_believed(&filter, ETHERNET, true, "yyyy");
	expect_believed(&filter, INSIDE, false, "nyyn");
	expect_believed(&filter, LOOPBACK, false, "ynnn");
	pcap_freecode(&filter.program);
}

Test(filter, any_address_of_this_host_is_believed_where_it_can_be)
{
	struct address proxies[] = {{.port = 5060}, address_of("10.0.0.5:5080")};
	struct filter filter;

	ways[1] = INSIDE;
	filter = compile(proxies, 2, DLT_LINUX_SLL2);
	for (unsigned interface = LOOPBACK; interface <= INSIDE; interface++) {
		for (int goes_out = 0; goes_out < 2; goes_out++) {
			const bool is_own = goes_out || interface == LOOPBACK;

			filter.interface = interface;
			filter.goes_out = goes_out;
			cr_expect_eq(datagram_passes(&filter, proxy4, phone4), is_own);
			cr_expect_eq(datagram_passes(&filter, proxy6, phone6), is_own);
			cr_expect_eq(datagram_passes(&filter, "10.0.0.5:5080", phone4),
				goes_out || interface == INSIDE);
			for (int first = 0; first < 2; first++) {
				cr_expect_eq(
					fragment_passes(&filter, proxy4, phone4, first), is_own);
				cr_expect_eq(
					fragment_passes(&filter, proxy6, phone6, first), is_own);
				cr_expect(fragment_passes(&filter, phone4, proxy4, first));
			}
		}
	}
	pcap_freecode(&filter.program);
}

Test(filter, stays_within_the_kernels_limit_however_many_proxies)
{
	static struct address proxies[1024];

	for (unsigned ports = 1; ports <= 1024; ports *= FILTER_PORTS_MAX) {
		for (size_t count = 1; count <= 1024; count *= 4) {
			struct filter filter;

			for (size_t i = 0; i < count; i++) {
				proxies[i] = address_of(i % 2 ? proxy4 : proxy6);
				proxies[i].ip[14] = (uint8_t)(i >> 8);
				proxies[i].ip[15] = (uint8_t)i;
				proxies[i].port = (uint16_t)(5060 + i % ports);
			}
			filter = compile(proxies, count, DLT_EN10MB);
			for (size_t i = 0; i < count; i++) {
				char text[ADDRESS_TEXT_MAX];

				address_format(&proxies[i], text);
				cr_expect(datagram_passes(&filter, i % 2 ? phone4 : phone6, text));
			}
			cr_expect(!datagram_passes(&filter, phone4, "198.51.100.1:53") ||
				  (count > FILTER_PORTS_MAX && ports > FILTER_PORTS_MAX));
			pcap_freecode(&filter.program);
		}
	}
}

/* A keepalive as natbox sends it, or one that differs in what it is known by. */
static struct frame keepalive(bool ipv4, unsigned label, const char *bytes)
{
	struct flow flow = ipv4 ? flow_of(proxy4, phone4) : flow_of(proxy6, phone6);
	struct frame frame = {0};

	frame_add_datagram(&frame, &flow, (struct text){bytes, 7});
	frame.bytes[ipv4 ? 4 : 2] = (uint8_t)(label >> 8);
	frame.bytes[ipv4 ? 5 : 3] = (uint8_t)label;
	if (ipv4)
		frame.bytes[6] = 0x40;
	return frame;
}

Test(filter, keeps_own_keepalives_out_and_nothing_that_is_like_them)
{
	struct filter filter = compile_usual(DLT_RAW);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct frame notify = keepalive(ipv4, INJECT_LABEL, "NOTIFY ");
		struct frame options = keepalive(ipv4, INJECT_LABEL, "OPTIONS");
		struct frame other = keepalive(ipv4, INJECT_LABEL + 1, "NOTIFY ");
		struct frame response = keepalive(ipv4, INJECT_LABEL, "SIP/2.0");
		struct frame invite = keepalive(ipv4, INJECT_LABEL, "INVITE ");

		cr_expect(!passes(&filter, &notify));
		cr_expect(!passes(&filter, &options));
		cr_expect(passes(&filter, &other));
		cr_expect(passes(&filter, &response));
		cr_expect(passes(&filter, &invite));
	}
	pcap_freecode(&filter.program);
}
