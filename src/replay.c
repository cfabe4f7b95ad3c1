/* A capture file drives the core, its time stamps are the clock. */
#include "replay.h"

#include "wire_settings.h"

#include <natbox/ops.h>
#include <natbox/sip.h>
#include <natbox/wire.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct replay {
	const struct config *config;
	struct wire wire;
	struct engine *engine;
	struct events *events;
	uint64_t now_us;
	struct wire_frames searched; /* what the search for *:PORT has read */
	/* Proxies that no packet has gone to or come from so far, and with an unspecified host each
	 * *:PORT that no REGISTER goes to. */
	struct address unseen[CONFIG_PROXIES_MAX];
	unsigned unseen_count;
	struct address registrar; /* where a REGISTER goes to that none of these is; port 0: none */
	/* The search for one *:PORT: the destination of a REGISTER to this port is a proxy. */
	uint16_t port;
	unsigned registers; /* to it */
};

/* What cannot be written is told when the wire is closed. */
static void on_send(void *context, uint64_t now_us, const struct flow *flow, struct text bytes)
{
	struct replay *replay = context;
	struct fault fault;

	replay->wire.kind->send(&replay->wire, now_us, flow, bytes, &fault);
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

/* True when this is a REGISTER to the port. */
static bool learn_from(struct replay *replay, const struct flow *flow, struct text bytes)
{
	const struct address *to = &flow->destination;
	char proxy[ADDRESS_TEXT_MAX];

	if (!address_is_one_host(to) || (to->port != replay->port && replay->registrar.port) ||
		!is_register(bytes))
		return false;
	if (to->port != replay->port) {
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

static struct outcome on_searched(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	struct replay *replay = context;

	(void)time_us;
	replay->registers += learn_from(replay, flow, bytes);
	return (struct outcome){VERDICT_CONSUME, bytes};
}

/* To the end of the file. Returns what ended it. */
static int read_all(struct replay *replay, struct fault *fault)
{
	int result;

	do
		result = replay->wire.kind->receive(&replay->wire, 0, fault);
	while (result > 0);
	return result;
}

static int nothing_fault(const char *path, struct fault *fault)
{
	return fault_set(fault, -ENODATA, "%s: holds no packets: is it the right file?", path);
}

static int no_proxy_fault(
	const struct replay *replay, const char *path, uint16_t port, struct fault *fault)
{
	if (replay->searched.frames == 0)
		return nothing_fault(path, fault);
	if (replay->searched.cut)
		return fault_set(fault, -ENOENT,
			"%s: no REGISTER to port %u can be read in it, and %llu packets are cut "
			"short (a snap length): capture with -s 0, or say where the proxy is, "
			"-o natbox.proxy=%s",
			path, port, (unsigned long long)replay->searched.cut, proxy_hint(replay));
	return fault_set(fault, -ENOENT,
		"%s: no REGISTER goes to port %u in it: say where the proxy is, -o natbox.proxy=%s",
		path, port, proxy_hint(replay));
}

/* The proxies of one *:PORT. A file that is damaged is read as far as it goes, and the damage is
 * reported after that; unless nothing of use came before it. */
static int find_any(struct replay *replay, uint16_t port, struct fault *fault)
{
	int result;

	replay->port = port;
	replay->registers = 0;
	replay->wire.handler = (struct wire_handler){.context = replay, .datagram = on_searched};
	result = read_all(replay, fault);
	if (result != 0 && !engine_proxies(replay->engine)->count)
		return result;
	if (replay->registers == 0)
		replay->unseen[replay->unseen_count++] = (struct address){.port = port};
	replay->searched = replay->wire.kind->frames(&replay->wire);
	return replay->wire.kind->rewind(&replay->wire, fault);
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
	if (engine_proxies(replay->engine)->count)
		return 0;
	return no_proxy_fault(replay, path, config->proxies[0].address.port, fault);
}

/* Notes whom this datagram is to and from. */
static void see(struct replay *replay, const struct flow *flow, struct text bytes)
{
	unsigned left = 0;

	for (unsigned i = 0; i < replay->unseen_count; i++) {
		if (!address_equal(&replay->unseen[i], &flow->source) &&
			!address_equal(&replay->unseen[i], &flow->destination))
			replay->unseen[left++] = replay->unseen[i];
	}
	replay->unseen_count = left;
	if (replay->unseen_count && !replay->registrar.port && is_register(bytes) &&
		!engine_is_proxy(replay->engine, &flow->destination))
		replay->registrar = flow->destination;
}

static void warn_of_unseen(const struct replay *replay, const char *path)
{
	const struct address *first = &replay->unseen[0];
	char proxy[ADDRESS_TEXT_MAX], more[32] = "";

	if (!replay->unseen_count)
		return;
	if (address_is_unspecified(first))
		snprintf(proxy, sizeof(proxy), "*:%u", first->port);
	else
		address_format(first, proxy);
	if (replay->unseen_count > 1)
		snprintf(more, sizeof(more), " and %u more", replay->unseen_count - 1);
	log_warning("%s: no packet goes to or comes from %s%s: say where the proxy is, "
		    "-o natbox.proxy=%s",
		path, proxy, more, proxy_hint(replay));
}

static struct outcome on_datagram(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	struct replay *replay = context;

	if (time_us > replay->now_us)
		replay->now_us = time_us;
	see(replay, flow, bytes);
	return engine_packet(replay->engine, time_us, flow, bytes);
}

/* The end of the file: what in it could not be read? 0 or a negative errno with *fault set. */
static int check_read(struct replay *replay, const char *path, struct fault *fault)
{
	const struct wire_frames counters = replay->wire.kind->frames(&replay->wire);

	if (counters.frames == 0)
		return nothing_fault(path, fault);
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
	struct engine_counters counters;
	int result;

	replay->wire.handler = (struct wire_handler){.context = replay, .datagram = on_datagram};
	result = read_all(replay, fault);
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
	struct fault unheard;
	int closed = replay->wire.kind->close(&replay->wire, result == 0 ? fault : &unheard);

	if (result == 0)
		result = closed;
	closed = events_close(replay->events, result == 0 ? fault : &unheard);
	if (result == 0)
		result = closed;
	engine_free(replay->engine);
	return result;
}

/* Whoever is root writes nothing where natbox's user leads it to. */
static int start_writing(struct replay *replay, const char *path, struct fault *fault)
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
	result = replay->wire.kind->start(&replay->wire, fault);
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
	int result;

	wire_settings_read(config, &replay->wire.settings);
	replay->wire.settings.read_path = options->replay_path;
	replay->wire.settings.write_path = options->write_path;
	replay->wire.settings.replays_relay = config->mode != MODE_SNIFF;
	result = replay->wire.kind->open(&replay->wire, fault);
	if (result != 0)
		return result;
	replay->engine = engine_new(&config->core, config->mode != MODE_SNIFF, seed, &sink);
	if (!replay->engine)
		return fault_set(fault, -ENOMEM,
			"no memory for the tables: lower limits.endpoints or limits.transactions");
	replay->wire.proxies = engine_proxies(replay->engine);
	result = find_proxies(replay, options->replay_path, fault);
	if (result != 0)
		return result;
	if (options->write_path)
		result = start_writing(replay, options->write_path, fault);
	if (result != 0)
		return result;
	replay->events = events_open_whole(fault);
	if (!replay->events)
		return -EIO;
	events_choose(replay->events, config->log.events_of);
	if (log_get_level() != LOG_LEVEL_DEBUG)
		engine_want_events(replay->engine, events_chosen(replay->events));
	return 0;
}

int replay_run(const struct options *options, const struct config *config)
{
	struct replay replay = {.config = config, .wire.kind = &replay_wire};
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
