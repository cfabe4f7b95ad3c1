#include "reload.h"

#include "telling.h"
#include <natbox/state.h>

/* What is fixed once natbox runs: sockets, tables and files hang on it. */
static const struct {
	const char *key;
	size_t offset, size;
} fixed[] = {
#define FIXED(key, member)                                                                         \
	{                                                                                          \
		key, offsetof(struct config, member), sizeof(((struct config *)0)->member)         \
	}
	FIXED("natbox.mode", mode),
	FIXED("natbox.proxy", proxies),
	FIXED("natbox.interface", interface),
	FIXED("natbox.user", user),
	FIXED("state.path", state.path),
	FIXED("relay.in-port", relay.in_port),
	FIXED("relay.out-port", relay.out_port),
	FIXED("relay.mark", relay.mark),
	FIXED("relay.own-mark", relay.own_mark),
	FIXED("relay.table", relay.table),
	FIXED("relay.rules", relay.rules),
	FIXED("queue.number", queue.number),
	FIXED("control.socket", control.socket),
	FIXED("metrics.listen", metrics.listen),
	FIXED("metrics.group", metrics.group),
#undef FIXED
};

static void warn_of_fixed(const struct config *now, const struct config *wanted)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		const char *a = (const char *)now + fixed[i].offset;
		const char *b = (const char *)wanted + fixed[i].offset;

		if (memcmp(a, b, fixed[i].size) != 0)
			log_warning("%s changes only with a restart", fixed[i].key);
	}
}

/* Until new files are open the old ones are in force. False: they still are. */
static bool reopen_events(struct live *live, const struct config *wanted)
{
	struct events *events = NULL;
	struct fault fault;

	if (strcmp(live->config->log.events, wanted->log.events) == 0) {
		if (!live->events || events_reopen(live->events, &fault) == 0)
			return true;
		log_error("%s; until then events go where they went", fault.line);
		return false;
	}
	if (*wanted->log.events && !(events = events_open(wanted->log.events, NULL, &fault))) {
		log_error("%s; until then events go where they went", fault.line);
		return false;
	}
	if (events_close(live->events, &fault) != 0)
		log_error("%s", fault.line);
	live->events = events;
	tell_time(live);
	live->config->log = wanted->log;
	return true;
}

static bool reopen_files(struct live *live, const struct config *wanted)
{
	const bool is_log_open = log_reopen();

	return reopen_events(live, wanted) && is_log_open;
}

static void change_settings(struct live *live, const struct config *wanted)
{
	unsigned fixed_limits;

	if (live->events)
		events_choose(live->events, wanted->log.events_of);
	fixed_limits = engine_reconfigure(live->engine, &wanted->core);
	if (fixed_limits & FIXED_ENDPOINTS)
		log_warning("limits.endpoints changes only with a restart");
	if (fixed_limits & FIXED_TRANSACTIONS)
		log_warning("limits.transactions changes only with a restart");
	warn_of_fixed(live->config, wanted);
	live->config->core = wanted->core;
	tell_idle_keys(live->config);
	live->wire.kind->set_path(&live->wire, wanted->keepalive.path);
	state_set_sync(live->state, wanted->state.sync_us);
	log_configure(wanted->log.level);
	live->is_reviewing = engine_is_reviewing(live->engine);
	log_info("configuration read again");
}

static const char *read_again(struct live *live)
{
	static const char configuration[] = "the configuration stays as it was";
	static struct config wanted;
	static struct config_errors errors;
	bool are_open;

	if (config_read(live->source, &wanted, &errors) != 0) {
		for (unsigned i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
			log_error("%s", errors.list[i].line);
		if (errors.count > CONFIG_ERRORS_MAX)
			log_error("and %u more", errors.count - CONFIG_ERRORS_MAX);
		log_error("%s", configuration);
		reopen_files(live, live->config);
		return configuration;
	}
	are_open = reopen_files(live, &wanted);
	change_settings(live, &wanted);
	return are_open ? NULL : "not every file could be opened anew";
}

const char *reload(struct live *live)
{
	const char *kept;

	service_reloading();
	kept = read_again(live);
	service_ready();
	return kept;
}
