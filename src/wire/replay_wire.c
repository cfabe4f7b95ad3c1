/* Replay: a capture file is what comes in, and another what goes out. The clock is the packets'. */
#include "capture/capture.h"

#include <natbox/wire.h>

#include <errno.h>
#include <stdlib.h>

struct replaying {
	struct capture *capture;
	struct writer *writer; /* NULL: nothing is written */
	struct fault write_fault;
	int write_error; /* the first; nothing is written after it */
	uint64_t now_us;
};

static int replaying_open(struct wire *wire, struct fault *fault)
{
	struct replaying *replaying = calloc(1, sizeof(*replaying));

	if (!replaying)
		return fault_set(fault, -ENOMEM, "no memory to replay");
	wire->own = replaying;
	return capture_open_file(wire->settings.read_path, &replaying->capture, fault);
}

static int replaying_start(struct wire *wire, struct fault *fault)
{
	struct replaying *replaying = wire->own;

	if (!wire->settings.write_path)
		return 0;
	return writer_open(wire->settings.write_path, &replaying->writer, fault);
}

static int replaying_send(struct wire *wire, uint64_t now_us, const struct flow *flow,
	struct text bytes, struct fault *fault)
{
	struct replaying *replaying = wire->own;

	if (!replaying->writer || replaying->write_error)
		return 0;
	replaying->write_error =
		writer_add(replaying->writer, now_us, flow, bytes, &replaying->write_fault);
	if (replaying->write_error)
		*fault = replaying->write_fault;
	return replaying->write_error;
}

/* A relay has one end, and only one, that is a proxy. */
static bool is_relayed(const struct wire *wire, const struct flow *flow)
{
	const bool from = proxies_find(wire->proxies, &flow->source) != PROXY_NONE;
	const bool to = proxies_find(wire->proxies, &flow->destination) != PROXY_NONE;

	return wire->settings.replays_relay && from != to;
}

static void hand_over(struct wire *wire, const struct datagram *datagram)
{
	struct replaying *replaying = wire->own;
	struct outcome outcome;
	struct fault fault; /* is told in the end */

	if (datagram->time_us > replaying->now_us)
		replaying->now_us = datagram->time_us;
	outcome = wire->handler.datagram(
		wire->handler.context, datagram->time_us, &datagram->flow, datagram->bytes);
	if (outcome.verdict != VERDICT_CONSUME && is_relayed(wire, &datagram->flow))
		replaying_send(wire, replaying->now_us, &datagram->flow,
			outcome.verdict == VERDICT_REWRITE ? outcome.bytes : datagram->bytes,
			&fault);
}

static int replaying_receive(struct wire *wire, uint64_t now_us, struct fault *fault)
{
	struct replaying *replaying = wire->own;
	struct datagram datagram;
	int result = capture_next(replaying->capture, &datagram, fault);

	(void)now_us;
	if (result > 0)
		hand_over(wire, &datagram);
	return result;
}

static int replaying_rewind(struct wire *wire, struct fault *fault)
{
	struct replaying *replaying = wire->own;

	replaying->now_us = 0;
	return capture_rewind(replaying->capture, fault);
}

static struct wire_frames replaying_frames(const struct wire *wire)
{
	const struct replaying *replaying = wire->own;
	const struct decoder_counters counters = capture_counters(replaying->capture);

	return (struct wire_frames){
		.frames = counters.frames,
		.datagrams = counters.datagrams,
		.unreadable = counters.unreadable,
		.cut = counters.cut,
	};
}

static int replaying_close(struct wire *wire, struct fault *fault)
{
	struct replaying *replaying = wire->own;
	int result;

	if (!replaying)
		return 0;
	result = writer_close(replaying->writer, fault);
	if (replaying->write_error) {
		result = replaying->write_error;
		*fault = replaying->write_fault;
	}
	capture_close(replaying->capture);
	free(replaying);
	return result;
}

const struct wire_kind replay_wire = {
	.open = replaying_open,
	.start = replaying_start,
	.receive = replaying_receive,
	.send = replaying_send,
	.close = replaying_close,
	.rewind = replaying_rewind,
	.frames = replaying_frames,
};
