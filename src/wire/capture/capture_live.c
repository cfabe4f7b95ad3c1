#include "capture.h"

#include "../apart.h"
#include "../hops/questions.h"
#include "../host.h"
#include "capture_source.h"
#include "filter.h"

#include <natbox/wire.h>

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <pcap/dlt.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

enum {
	/* The largest that libpcap allows: a reassembled or offloaded packet fits whole. Memory is
	 * taken for what a packet has, not for what it could have. */
	LIVE_SNAPLEN = 262144,
	/* What the kernel keeps while nobody reads, in blocks of 256 KiB. At 1 kB a packet, 16 000
	 * of them; in times of little traffic 640 ms, as a block holds one batch. */
	LIVE_BUFFER = 16 << 20,
	/* How long a batch is collected. Immediate mode would have each packet at once, but gives
	 * each the room of the snapshot length: the same buffer then holds 256. */
	LIVE_BATCH_MS = 10,
	/* The longest program that the kernel takes. */
	INSTRUCTIONS_MAX = 4096,
};

static int activate_fault(const struct capture *capture, int status, struct fault *fault)
{
	const char *name = capture->name, *why = pcap_geterr(capture->pcap);

	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return fault_set_kind(fault, FAULT_ABSENT, -ENODEV,
			"cannot capture on %s: there is no such interface; `ip link` lists them, "
			"`any` is all of them",
			name);
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return fault_set_kind(fault, FAULT_LASTING, -EPERM,
			"cannot capture on %s: no permission; run as root or with CAP_NET_RAW",
			name);
	case PCAP_ERROR_IFACE_NOT_UP:
		return fault_set(fault, -ENETDOWN,
			"cannot capture on %s: it is down; `ip link set %s up` brings it up", name,
			name);
	default:
		return fault_set(fault, -EIO, "cannot capture on %s: %s; choose another interface",
			name, *why ? why : pcap_statustostr(status));
	}
}

static int activate(struct capture *capture, struct fault *fault)
{
	pcap_t *pcap = capture->pcap;
	char why[PCAP_ERRBUF_SIZE];
	int status;

	pcap_set_snaplen(pcap, LIVE_SNAPLEN);
	pcap_set_buffer_size(pcap, LIVE_BUFFER);
	pcap_set_timeout(pcap, LIVE_BATCH_MS);
	/* What a switch mirrors to this interface is addressed to others; `any` cannot do it. */
	pcap_set_promisc(pcap, strcmp(capture->name, "any") != 0);
	status = pcap_activate(pcap);
	if (status < 0)
		return activate_fault(capture, status, fault);
	/* Of all interfaces at once: with the number of the one that a frame is seen at. */
	if (strcmp(capture->name, "any") == 0 && pcap_set_datalink(pcap, DLT_LINUX_SLL2))
		return fault_set(fault, -EIO, "cannot capture on %s: %s; choose another interface",
			capture->name, pcap_geterr(pcap));
	if (pcap_setnonblock(pcap, 1, why))
		return fault_set(fault, -EIO, "cannot capture on %s without waiting: %s",
			capture->name, why);
	return 0;
}

struct compilation {
	const struct capture *capture;
	unsigned count;
	struct bpf_insn instructions[INSTRUCTIONS_MAX];
};

static int refuse_filter(const struct capture *capture, const char *why, struct fault *fault)
{
	return fault_set(fault, -EINVAL,
		"cannot capture on %s: its filter is refused: %s; choose another interface",
		capture->name, why);
}

static int compile(void *context, struct fault *fault)
{
	struct compilation *compilation = context;
	const struct capture *capture = compilation->capture;
	struct bpf_program program;

	if (pcap_compile(capture->pcap, &program, capture->filter, 1, PCAP_NETMASK_UNKNOWN))
		return refuse_filter(capture, pcap_geterr(capture->pcap), fault);
	if (program.bf_len > INSTRUCTIONS_MAX)
		return refuse_filter(capture, "it is too long for the kernel", fault);
	compilation->count = program.bf_len;
	memcpy(compilation->instructions, program.bf_insns,
		program.bf_len * sizeof(*program.bf_insns));
	return 0;
}

/* What natbox was let see it keeps to, whoever may have taken it over: the kernel takes no other
 * filter from now on. */
static int lock_filter(const struct capture *capture, struct fault *fault)
{
	const int on = 1;

	if (setsockopt(pcap_fileno(capture->pcap), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) ==
		0)
		return 0;
	return fault_set(fault, -errno, "cannot capture on %s: its filter cannot be locked: %s",
		capture->name, strerror(errno));
}

/* Frames that are cooked have a header that libpcap makes, and translates the filter for. Others it
 * would filter itself at first, what came before the kernel did, and cannot tell then what goes
 * out: there the kernel is given the filter directly. */
static int attach(struct capture *capture, struct compilation *compilation, struct fault *fault)
{
	const int link_type = pcap_datalink(capture->pcap);
	struct bpf_program program = {compilation->count, compilation->instructions};
	struct sock_fprog filter = {(unsigned short)compilation->count,
		(struct sock_filter *)compilation->instructions};

	if (link_type == DLT_LINUX_SLL || link_type == DLT_LINUX_SLL2)
		return pcap_setfilter(capture->pcap, &program) == 0
			       ? 0
			       : refuse_filter(capture, pcap_geterr(capture->pcap), fault);
	return setsockopt(pcap_fileno(capture->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		       sizeof(filter)) == 0
		       ? 0
		       : refuse_filter(capture, strerror(errno), fault);
}

/* Writes the filter for the routes and addresses that there are now. */
static int write_filter(
	struct capture *capture, const struct address *proxies, size_t count, struct fault *fault)
{
	static unsigned ways[WIRE_NAMED_MAX];
	static struct host host;
	struct filter_view view = {.proxies = proxies,
		.ways = ways,
		.count = count,
		.own = host.list,
		.loopback = if_nametoindex("lo"),
		.interface = if_nametoindex(capture->name),
		.link_type = pcap_datalink(capture->pcap)};

	int error = host_read(&host);

	for (size_t i = 0; i < view.count && !error; i++)
		error = ask_way(&proxies[i], &ways[i]);
	if (error)
		return fault_set(fault, error,
			"cannot capture on %s: the kernel cannot be asked for addresses and "
			"routes: %s",
			capture->name, strerror(-error));
	view.own_count = host.count;
	capture->filter = filter_write(&view);
	if (capture->filter)
		return 0;
	return fault_set(fault, -ENOMEM, "cannot capture on %s: out of memory", capture->name);
}

static int set_filter(
	struct capture *capture, const struct address *proxies, size_t count, struct fault *fault)
{
	struct compilation compilation = {.capture = capture};
	int error = write_filter(capture, proxies, count, fault);

	if (error)
		return error;
	error = apart_run("compile the filter of the capture", compile, &compilation,
		sizeof(compilation), fault);
	if (error)
		return error;
	error = attach(capture, &compilation, fault);
	if (error)
		return error;
	capture->since_us = clock_us(CLOCK_REALTIME);
	return lock_filter(capture, fault);
}

static int start(
	struct capture *capture, const struct address *proxies, size_t count, struct fault *fault)
{
	uint8_t seed[16];
	int error = activate(capture, fault);

	if (error)
		return error;
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return fault_set(fault, -EIO, "cannot capture on %s: no random numbers: %s",
			capture->name, strerror(errno));
	/* Before the filter, which may have no words for this link type. */
	error = capture_decode(capture, seed, fault);
	return error ? error : set_filter(capture, proxies, count, fault);
}

int capture_open_live(const char *interface, const struct address *proxies, size_t count,
	struct capture **capture, struct fault *fault)
{
	struct capture *opened = capture_new(interface);
	char why[PCAP_ERRBUF_SIZE];
	int error;

	if (!opened)
		return fault_set(fault, -ENOMEM, "cannot capture on %s: out of memory", interface);
	opened->pcap = pcap_create(interface, why);
	if (opened->pcap)
		error = start(opened, proxies, count, fault);
	else
		error = fault_set(fault, -EIO, "cannot capture on %s: %s; choose another interface",
			interface, why);
	if (error) {
		capture_close(opened);
		return error;
	}
	*capture = opened;
	return 0;
}

int capture_descriptor(const struct capture *capture)
{
	return pcap_get_selectable_fd(capture->pcap);
}

const char *capture_filter(const struct capture *capture)
{
	return capture->filter;
}

uint64_t capture_dropped(struct capture *capture)
{
	struct pcap_stat status;

	/* pcap's count wraps at 32 bits, ours goes on from there. */
	if (pcap_stats(capture->pcap, &status) == 0)
		capture->dropped += (uint32_t)(status.ps_drop - (uint32_t)capture->dropped);
	return capture->dropped;
}
