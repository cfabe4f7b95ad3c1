/* A capture file drives the core, its time stamps are the clock. */
#include "replay.h"

#include "wire/capture/capture.h"
#include "wire/capture/writer.h"
#include <natbox/ops.h>
#include <natbox/sip.h>

#include <errno.h>
#include <stdio.h>
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
	uint64_t cut; /* packets cut short, as the search for *:PORT has counted them */
	/* Proxies that no packet has gone to or come from so far, and with an unspecified host each
	 * *:PORT that no REGISTER goes to. */
	struct address unseen[CONFIG_PROXIES_MAX];
	unsigned unseen_count;
	struct address registrar; /* where a REGISTER goes to that none of these is; port 0: none */
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

/* What a hint shows for the address of the proxy. */
static const char *proxy_hint(const struct replay *replay)
{
	static char text[ADDRESS_TEXT_MAX + sizeof(", where a REGISTER goes to")];
	size_t length;

	if (!replay->registrar.port || engine_is_proxy(replay->engine, &replay->registrar))
		return "ADDRESS:PORT";
	length = address_format(&replay->registrar, text);
	snprintf(text + length, sizeof(text) - length, ", where a REGISTER goes to");
	return text;
}

static bool is_register(struct text datagram)
{
	static struct sip_message message;
	enum sip_defect defect;

	return sip_scan(datagram.at, datagram.length, &message, &defect) == 0 &&
	       message.is_request && message.method == SIP_REGISTER;
}

/* The destination of a REGISTER to this port is a proxy. True when this is one. */
static bool learn_from(struct replay *replay, const struct datagram *datagram, uint16_t port)
{
	const struct address *to = &datagram->flow.destination;
	char proxy[ADDRESS_TEXT_MAX];

	if (!address_is_one_host(to) || (to->port != port && replay->registrar.port) ||
		!is_register(datagram->bytes))
		return false;
	if (to->port != port) {
		replay->registrar = *to;
		return false;
	}
	if (engine_is_proxy(replay->engine, to))
		return true;
	address_format(to, proxy);
	if (engine_add_proxy(replay->engine, to) == 0)
		log_debug("a proxy's address: %s", proxy);
	else
		log_warning("%s: more proxies than natbox can tell apart",
			"natbox.proxy = *:PORT"); /* the rest passes untouched */
	return true;
}

/* A first pass over the file for the proxies that *:PORT stands for. Returns what capture_next
 * ended with, and how many REGISTERs go to the port. */
static int learn_proxies(
	struct replay *replay, uint16_t port, unsigned *registers, struct fault *fault)
{
	struct datagram datagram;
	int result;

	*registers = 0;
	while ((result = capture_next(replay->capture, &datagram, fault)) > 0)
		*registers += learn_from(replay, &datagram, port);
	return result;
}

static int no_proxy_fault(
	const struct replay *replay, const char *path, uint16_t port, struct fault *fault)
{
	if (replay->cut)
		return fault_set(fault, -ENOENT,
			"%s: no REGISTER to port %u can be read in it, and %llu packets are cut "
			"short (a snap length): capture with -s 0, or say where the proxy is, "
			"-o natbox.proxy=%s",
			path, port, (unsigned long long)replay->cut, proxy_hint(replay));
	return fault_set(fault, -ENOENT,
		"%s: no REGISTER goes to port %u in it: say where the proxy is, -o natbox.proxy=%s",
		path, port, proxy_hint(replay));
}

/* The proxies of one *:PORT. A file that is damaged is read as far as it goes, and the damage is
 * reported after that; unless nothing of use came before it. */
static int find_any(struct replay *replay, uint16_t port, struct fault *fault)
{
	unsigned registers;
	int result = learn_proxies(replay, port, &registers, fault);

	if (result != 0 && !engine_proxy_count(replay->engine))
		return result;
	if (registers == 0)
		replay->unseen[replay->unseen_count++] = (struct address){.port = port};
	replay->cut = capture_counters(replay->capture).cut;
	return capture_rewind(replay->capture, fault);
}

static int find_proxies(struct replay *replay, const char *path, struct fault *fault)
{
	const struct config *config = replay->config;

	for (unsigned i = 0; i < config->proxy_count; i++) {
		const struct address *address = &config->proxies[i].address;
		int result = 0;

		if (config->proxies[i].any)
			result = find_any(replay, address->port, fault);
		else if (engine_add_proxy(replay->engine, address) == 0)
			replay->unseen[replay->unseen_count++] = *address;
		else
			result = fault_set(fault, -ENOSPC, "natbox.proxy: too many proxies");
		if (result != 0)
			return result;
	}
	if (engine_proxy_count(replay->engine))
		return 0;
	return no_proxy_fault(replay, path, config->proxies[0].address.port, fault);
}

/* Notes whom this datagram is to and from. */
static void see(struct replay *replay, const struct datagram *datagram)
{
	const struct flow *flow = &datagram->flow;
	unsigned left = 0;

	for (unsigned i = 0; i < replay->unseen_count; i++) {
		if (!address_equal(&replay->unseen[i], &flow->source) &&
			!address_equal(&replay->unseen[i], &flow->destination))
			replay->unseen[left++] = replay->unseen[i];
	}
	replay->unseen_count = left;
	if (replay->unseen_count && !replay->registrar.port && is_register(datagram->bytes) &&
		!engine_is_proxy(replay->engine, &flow->destination))
		replay->registrar = flow->destination;
}

static void warn_of_unseen(const struct replay *replay, const char *path)
{
	const struct address *first = &replay->unseen[0];
	static const struct address any;
	char proxy[ADDRESS_TEXT_MAX], more[32] = "";

	if (!replay->unseen_count)
		return;
	if (address_same_host(first, &any))
		snprintf(proxy, sizeof(proxy), "*:%u", first->port);
	else
		address_format(first, proxy);
	if (replay->unseen_count > 1)
		snprintf(more, sizeof(more), " and %u more", replay->unseen_count - 1);
	log_warning("%s: no packet goes to or comes from %s%s: say where the proxy is, "
		    "-o natbox.proxy=%s",
		path, proxy, more, proxy_hint(replay));
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
	if (counters.unreadable)
		log_warning("%s: %llu packets are of an interface whose link type natbox does not "
			    "read, and left out",
			path, (unsigned long long)counters.unreadable);
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
		see(replay, &datagram);
		relay(replay, &datagram);
	}
	replay->now_us += options->run_on_us;
	engine_advance(replay->engine, replay->now_us);
	if (result == 0)
		result = check_read(replay, options->replay_path, fault);
	if (result == 0)
		warn_of_unseen(replay, options->replay_path);
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
