/* Sniff mode: copies come in by libpcap, keepalives go out with the proxy's address. */
#include "live.h"

#include "wire/capture/capture.h"
#include "wire/send/inject.h"
#include <natbox/ops.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sniffing {
	struct capture *capture;
	struct inject *inject; /* NULL: a dry run */
	uint64_t dropped;      /* reported so far */
};

/* The kernel filter names `*:PORT` by an unspecified host: an address that comes later is seen. */
static size_t list_filter_hosts(const struct live *live, struct address *list)
{
	const struct config *config = live->config;

	for (unsigned i = 0; i < config->proxy_count; i++) {
		list[i] = config->proxies[i].address;
		if (config->proxies[i].any)
			list[i] = (struct address){.port = config->proxies[i].address.port};
	}
	return config->proxy_count;
}

static int sniffing_open(struct live *live, struct fault *fault)
{
	struct sniffing *sniffing = calloc(1, sizeof(*sniffing));
	struct address hosts[CONFIG_PROXIES_MAX];
	int result;

	if (!sniffing)
		return fault_set(fault, -ENOMEM, "no memory to sniff");
	live->wire_state = sniffing;
	result = capture_open_live(live->config->interface, hosts, list_filter_hosts(live, hosts),
		&sniffing->capture, fault);
	if (result == 0 && !live->dry_run)
		result = inject_open(&sniffing->inject, fault);
	return result;
}

static int sniffing_start(struct live *live, struct fault *fault)
{
	const struct sniffing *sniffing = live->wire_state;

	(void)fault;
	log_debug("the kernel hands over: %s", capture_filter(sniffing->capture));
	log_info("ready: sniffing on %s for %s%s", live->config->interface,
		live_name_proxies(live->config, live->proxies, live->proxy_count),
		live->dry_run ? ", a dry run: nothing is sent" : "");
	return 0;
}

static unsigned sniffing_descriptors(const struct live *live, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct sniffing *sniffing = live->wire_state;

	list[0] = capture_descriptor(sniffing->capture);
	return 1;
}

/* The kernel hands packets out in batches, some milliseconds after they came. A clock that was set
 * meanwhile makes no difference: a packet is not older than a turn. */
static uint64_t age_of(const struct live *live, const struct datagram *datagram)
{
	struct timespec now;
	uint64_t now_us;

	clock_gettime(CLOCK_REALTIME, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (now_us < datagram->time_us || now_us - datagram->time_us > live->wire->longest_turn_us)
		return 0;
	return now_us - datagram->time_us;
}

static int sniffing_receive(struct live *live, struct fault *fault)
{
	struct sniffing *sniffing = live->wire_state;
	struct datagram datagram;
	size_t bytes = 0;
	int result = 1;

	for (unsigned i = 0; i < TURN_DATAGRAMS_MAX && bytes < TURN_BYTES_MAX && result > 0; i++) {
		result = capture_next(sniffing->capture, &datagram, fault);
		if (result <= 0)
			break;
		bytes += datagram.bytes.length;
		live_datagram(live, age_of(live, &datagram), &datagram.flow, datagram.bytes);
	}
	return result < 0 ? result : 0;
}

static int sniffing_send(
	struct live *live, const struct flow *flow, struct text bytes, struct fault *fault)
{
	struct sniffing *sniffing = live->wire_state;

	return inject_send(sniffing->inject, flow, bytes, fault);
}

static void sniffing_flush(struct live *live)
{
	struct sniffing *sniffing = live->wire_state;

	if (sniffing->inject)
		inject_flush(sniffing->inject);
}

static void sniffing_inspect(struct live *live)
{
	struct sniffing *sniffing = live->wire_state;
	uint64_t dropped = capture_dropped(sniffing->capture);
	struct fault fault;

	if (sniffing->inject && inject_trouble(sniffing->inject, &fault) != 0)
		log_warning("%s", fault.line);
	if (dropped > sniffing->dropped)
		log_warning("the kernel dropped %llu captured packets that natbox did not take in "
			    "time",
			(unsigned long long)(dropped - sniffing->dropped));
	sniffing->dropped = dropped;
}

static uint64_t sniffing_dropped(const struct live *live)
{
	const struct sniffing *sniffing = live->wire_state;

	return capture_dropped(sniffing->capture);
}

static void sniffing_close(struct live *live)
{
	struct sniffing *sniffing = live->wire_state;

	if (!sniffing)
		return;
	capture_close(sniffing->capture);
	inject_close(sniffing->inject);
	free(sniffing);
}

static bool sniffing_is_there(const struct live *live)
{
	const char *interface = live->config->interface;

	return strcmp(interface, "any") == 0 || if_nametoindex(interface) != 0;
}

const struct wire sniff_wire = {
	.open = sniffing_open,
	.start = sniffing_start,
	.descriptors = sniffing_descriptors,
	.receive = sniffing_receive,
	.send = sniffing_send,
	.flush = sniffing_flush,
	.inspect = sniffing_inspect,
	.dropped = sniffing_dropped,
	.close = sniffing_close,
	.is_there = sniffing_is_there,
	.longest_turn_us = 1000000,
};
