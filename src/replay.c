/* A capture file drives the core, its time stamps are the clock. */
#include "options.h"

#include <natbox/capture.h>
#include <natbox/event_line.h>
#include <natbox/events.h>
#include <natbox/log.h>
#include <natbox/rights.h>
#include <natbox/sip.h>
#include <natbox/writer.h>

#include <errno.h>
#include <stdlib.h>

struct replay {
	const struct config *config;
	struct capture *capture;
	struct engine *engine;
	struct events *events;
	struct writer *writer; /* NULL: nothing is written */
	struct fault write_fault;
	int write_error; /* the first; nothing is written after it */
	uint64_t now_us;
};

static void write_datagram(
	struct replay *replay, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	if (replay->writer && !replay->write_error)
		replay->write_error =
			writer_add(replay->writer, time_us, flow, bytes, &replay->write_fault);
}

static void on_send(void *context, uint64_t now_us, const struct flow *flow, struct text bytes)
{
	write_datagram(context, now_us, flow, bytes);
}

static void on_event(void *context, const struct event *event)
{
	struct replay *replay = context;

	if (log_get_level() == LOG_LEVEL_DEBUG)
		event_log(event);
	events_write(replay->events, event);
}

/* The destination of a REGISTER to this port is a proxy. */
static void learn_from(struct replay *replay, const struct datagram *datagram, uint16_t port)
{
	static struct sip_message message;
	char proxy[ADDRESS_TEXT_MAX];
	enum sip_defect defect;

	if (datagram->flow.destination.port != port ||
		sip_scan(datagram->bytes.at, datagram->bytes.length, &message, &defect) != 0)
		return;
	if (!message.is_request || message.method != SIP_REGISTER ||
		engine_is_proxy(replay->engine, &datagram->flow.destination))
		return;
	address_format(&datagram->flow.destination, proxy);
	if (engine_add_proxy(replay->engine, &datagram->flow.destination) == 0)
		log_debug("a proxy's address: %s", proxy);
	else
		log_warning("%s: more proxies than natbox can tell apart",
			"natbox.proxy = *:PORT"); /* the rest passes untouched */
}

/* A first pass over the file for the proxies that *:PORT stands for. Returns what capture_next
 * ended with. */
static int learn_proxies(struct replay *replay, uint16_t port, struct fault *fault)
{
	struct datagram datagram;
	int result;

	while ((result = capture_next(replay->capture, &datagram, fault)) > 0)
		learn_from(replay, &datagram, port);
	return result;
}

/* cut: how many packets were captured in part, and could not be read. */
static int no_proxy_fault(const char *path, uint16_t port, uint64_t cut, struct fault *fault)
{
	if (cut)
		return fault_set(fault, -ENOENT,
			"%s: no REGISTER to port %u can be read in it, and %llu packets are cut "
			"short (a snap length): capture with -s 0, or say where the proxy is, "
			"-o natbox.proxy=ADDRESS:PORT",
			path, port, (unsigned long long)cut);
	return fault_set(fault, -ENOENT,
		"%s: no REGISTER goes to port %u in it: say where the proxy is, "
		"-o natbox.proxy=ADDRESS:PORT",
		path, port);
}

/* A file that is damaged is read as far as it goes, and the damage is reported after that; unless
 * nothing of use came before it. */
static int find_proxies(struct replay *replay, const char *path, struct fault *fault)
{
	const struct config *config = replay->config;
	uint16_t port = config->proxies[0].address.port;
	uint64_t cut = 0;

	for (unsigned i = 0; i < config->proxy_count; i++) {
		struct fault damage;
		int damaged, result;

		if (!config->proxies[i].any) {
			if (engine_add_proxy(replay->engine, &config->proxies[i].address) != 0)
				return fault_set(fault, -ENOSPC, "natbox.proxy: too many proxies");
			continue;
		}
		damaged = learn_proxies(replay, config->proxies[i].address.port, &damage);
		cut = capture_counters(replay->capture).cut;
		if (damaged && !engine_proxy_count(replay->engine)) {
			*fault = damage;
			return damaged;
		}
		result = capture_rewind(replay->capture, fault);
		if (result != 0)
			return result;
	}
	return engine_proxy_count(replay->engine) ? 0 : no_proxy_fault(path, port, cut, fault);
}

static void relay(struct replay *replay, const struct datagram *datagram)
{
	struct outcome outcome =
		engine_packet(replay->engine, datagram->time_us, &datagram->flow, datagram->bytes);

	if (replay->config->mode != MODE_RELAY || outcome.verdict == VERDICT_CONSUME ||
		!engine_is_ours(replay->engine, &datagram->flow))
		return;
	write_datagram(replay, replay->now_us, &datagram->flow,
		outcome.verdict == VERDICT_REWRITE ? outcome.bytes : datagram->bytes);
}

/* The end of the file: what in it could not be read? 0 or a negative errno with *fault set. */
static int check_read(struct replay *replay, const char *path, struct fault *fault)
{
	const struct decoder_counters counters = capture_counters(replay->capture);

	if (counters.frames == 0)
		return fault_set(
			fault, -ENODATA, "%s: holds no packets: is it the right file?", path);
	if (counters.cut && !counters.datagrams)
		return fault_set(fault, -ENODATA,
			"%s: nothing of use in it, %llu packets are cut short (a snap length): "
			"capture with -s 0",
			path, (unsigned long long)counters.cut);
	if (counters.cut)
		log_warning("%s: %llu packets are cut short (a snap length) and left out: capture "
			    "with -s 0",
			path, (unsigned long long)counters.cut);
	return 0;
}

static int run(struct replay *replay, const struct options *options, struct fault *fault)
{
	struct datagram datagram;
	struct engine_counters counters;
	int result;

	while ((result = capture_next(replay->capture, &datagram, fault)) > 0) {
		if (datagram.time_us > replay->now_us)
			replay->now_us = datagram.time_us;
		relay(replay, &datagram);
	}
	replay->now_us += options->run_on_us;
	engine_advance(replay->engine, replay->now_us);
	if (result == 0)
		result = check_read(replay, options->replay_path, fault);
	counters = engine_counters(replay->engine);
	events_write_summary(replay->events, replay->now_us, &counters);
	return result;
}

/* Closes all that is open. What could not be written is a fault too, unless there was one
 * before. */
static int finish(struct replay *replay, int result, struct fault *fault)
{
	struct fault other;
	int closed;

	if (result == 0 && replay->write_error) {
		*fault = replay->write_fault;
		result = replay->write_error;
	}
	closed = writer_close(replay->writer, &other);
	if (result == 0 && closed != 0) {
		*fault = other;
		result = closed;
	}
	closed = events_close(replay->events, &other);
	if (result == 0 && closed != 0) {
		*fault = other;
		result = closed;
	}
	capture_close(replay->capture);
	engine_free(replay->engine);
	return result;
}

/* Whoever is root writes nothing where natbox's user leads it to. */
static int open_writer(struct replay *replay, const char *path, struct fault *fault)
{
	struct identity user;
	bool is_led;
	int result = 0;

	is_led =
		identity_find(replay->config->user, &user, fault) == 0 && rights_leads(&user, path);
	if (is_led)
		result = rights_take(&user);
	if (result != 0)
		return fault_set(
			fault, result, "cannot create %s: cannot become user %s", path, user.name);
	result = writer_open(path, &replay->writer, fault);
	if (is_led)
		rights_return();
	return result;
}

static int open_all(struct replay *replay, const struct options *options, struct fault *fault)
{
	/* Constant: the same capture gives the same bytes every time. */
	static const uint8_t seed[16] = "natbox's replay";
	const struct engine_sink sink = {.context = replay, .event = on_event, .send = on_send};
	const struct config *config = replay->config;
	int result = capture_open_file(options->replay_path, &replay->capture, fault);

	if (result != 0)
		return result;
	replay->engine = engine_new(&config->core, config->mode == MODE_RELAY, seed, &sink);
	if (!replay->engine)
		return fault_set(fault, -ENOMEM,
			"no memory for the tables: lower limits.endpoints or limits.transactions");
	result = find_proxies(replay, options->replay_path, fault);
	if (result != 0)
		return result;
	if (options->write_path)
		result = open_writer(replay, options->write_path, fault);
	if (result != 0)
		return result;
	replay->events = events_open_whole(fault);
	return replay->events ? 0 : -EIO;
}

int replay_run(const struct options *options, const struct config *config)
{
	struct replay replay = {.config = config};
	struct fault fault;
	int result = open_all(&replay, options, &fault);

	if (result == 0)
		result = run(&replay, options, &fault);
	result = finish(&replay, result, &fault);
	if (result == 0)
		return EXIT_SUCCESS;
	log_error("%s", fault.line);
	return EXIT_FAILURE;
}
