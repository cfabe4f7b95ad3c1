/* Sniff mode: copies come in by libpcap, keepalives go out with the proxy's address. */
#include "capture/capture.h"
#include "named.h"
#include "send/inject.h"
#include "tell.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <time.h>

struct sniffing {
	struct capture *capture;
	struct inject inject; /* without a sender: a dry run */
	struct growth refused, dropped;
};

static int sniffing_open(struct wire *wire, struct fault *fault)
{
	const struct wire_settings *settings = &wire->settings;
	struct sniffing *sniffing = calloc(1, sizeof(*sniffing));
	int result;

	if (!sniffing)
		return fault_set(fault, -ENOMEM, "no memory to sniff");
	wire->own = sniffing;
	/* By a name for every address of this host the filter sees one that comes later. */
	result = capture_open_live(settings->interface, settings->named, settings->named_count,
		&sniffing->capture, fault);
	if (result == 0 && settings->sends)
		result = inject_open(&sniffing->inject, fault);
	if (sniffing->inject.sender)
		sender_set_path(sniffing->inject.sender, settings->path);
	return result;
}

static void sniffing_set_path(struct wire *wire, enum keepalive_path path)
{
	struct sniffing *sniffing = wire->own;

	if (sniffing->inject.sender)
		sender_set_path(sniffing->inject.sender, path);
}

/* Without the privilege to capture there is none to send either: that is one fault. */
static void sniffing_examine(struct wire *wire)
{
	const struct wire_settings *settings = &wire->settings;
	struct capture *capture = NULL;
	struct inject inject = {0};
	struct fault fault;
	int result = capture_open_live(
		settings->interface, settings->named, settings->named_count, &capture, &fault);

	if (result != 0)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	if (result != -EPERM && settings->sends && inject_open(&inject, &fault) != 0)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	sender_close(inject.sender);
	capture_close(capture);
}

static int sniffing_start(struct wire *wire, struct fault *fault)
{
	const struct sniffing *sniffing = wire->own;

	(void)fault;
	tell(wire, WIRE_DETAIL, "the kernel hands over: %s", capture_filter(sniffing->capture));
	named_examine(wire, WIRE_WARNING);
	tell(wire, WIRE_INFORMATION, "ready: sniffing on %s for %s%s", wire->settings.interface,
		named_line(&wire->settings, wire->proxies->list, wire->proxies->count),
		wire->settings.sends ? "" : ", a dry run: nothing is sent");
	return 0;
}

static unsigned sniffing_descriptors(const struct wire *wire, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct sniffing *sniffing = wire->own;

	list[0] = capture_descriptor(sniffing->capture);
	return 1;
}

/* The kernel hands packets out in batches, some milliseconds after they came. A clock that was set
 * meanwhile makes no difference: a packet is not older than a turn. */
static uint64_t age_of(const struct datagram *datagram)
{
	const uint64_t now_us = clock_us(CLOCK_REALTIME);

	if (now_us < datagram->time_us || now_us - datagram->time_us > sniff_wire.longest_turn_us)
		return 0;
	return now_us - datagram->time_us;
}

static int sniffing_receive(struct wire *wire, uint64_t now_us, struct fault *fault)
{
	struct sniffing *sniffing = wire->own;
	struct datagram datagram;
	size_t bytes = 0;
	int result = 1;

	for (unsigned i = 1; i <= WIRE_TURN_DATAGRAMS_MAX && bytes < WIRE_TURN_BYTES_MAX; i++) {
		result = capture_next(sniffing->capture, &datagram, fault);
		if (result <= 0)
			break;
		bytes += datagram.bytes.length;
		wire->handler.datagram(wire->handler.context, now_us - age_of(&datagram),
			&datagram.flow, datagram.bytes);
		if (wire_is_to_ask(i, datagram.bytes.length) && !wire_has_time(&wire->handler))
			break;
	}
	return result < 0 ? result : 0;
}

static int sniffing_send(struct wire *wire, uint64_t now_us, const struct flow *flow,
	struct text bytes, struct fault *fault)
{
	struct sniffing *sniffing = wire->own;

	(void)now_us;
	return inject_send(&sniffing->inject, flow, bytes, fault);
}

static void sniffing_flush(struct wire *wire)
{
	struct sniffing *sniffing = wire->own;

	if (sniffing->inject.sender)
		sender_flush(sniffing->inject.sender);
}

static void sniffing_inspect(struct wire *wire)
{
	struct sniffing *sniffing = wire->own;
	struct inject *inject = &sniffing->inject;
	const uint64_t dropped =
		growth_to_tell(&sniffing->dropped, capture_dropped(sniffing->capture));
	struct fault fault;

	if (inject->sender && sender_path_news(inject->sender, &fault))
		tell(wire, WIRE_INFORMATION, "%s", fault.line);
	if (inject->sender && growth_to_tell(&sniffing->refused, inject_failed(inject)) &&
		inject_trouble(inject, &fault) != 0)
		tell(wire, WIRE_WARNING, "%s", fault.line);
	if (dropped)
		tell(wire, WIRE_WARNING,
			"the kernel dropped %llu captured packets that natbox did not take in "
			"time",
			(unsigned long long)dropped);
}

static struct wire_counters sniffing_counters(const struct wire *wire)
{
	const struct sniffing *sniffing = wire->own;
	const struct sender *sender = sniffing->inject.sender;

	return (struct wire_counters){
		.dropped = capture_dropped(sniffing->capture),
		.linked = sender ? sender_counters(sender).linked : 0,
	};
}

static int sniffing_close(struct wire *wire, struct fault *fault)
{
	struct sniffing *sniffing = wire->own;

	(void)fault;
	if (!sniffing)
		return 0;
	capture_close(sniffing->capture);
	sender_close(sniffing->inject.sender);
	free(sniffing);
	return 0;
}

static bool sniffing_is_there(const struct wire *wire)
{
	const char *interface = wire->settings.interface;

	return strcmp(interface, "any") == 0 || if_nametoindex(interface) != 0;
}

const struct wire_kind sniff_wire = {
	.examine = sniffing_examine,
	.open = sniffing_open,
	.start = sniffing_start,
	.descriptors = sniffing_descriptors,
	.receive = sniffing_receive,
	.send = sniffing_send,
	.flush = sniffing_flush,
	.inspect = sniffing_inspect,
	.counters = sniffing_counters,
	.set_path = sniffing_set_path,
	.close = sniffing_close,
	.is_there = sniffing_is_there,
	.longest_turn_us = 1000000,
};
