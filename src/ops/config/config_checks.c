#include "config_reading.h"

static bool is_set(const struct reading *reading, unsigned key)
{
	return reading->set[key].line || reading->set[key].override;
}

/* An error of two keys that do not go together, at one of them that was set. */
static void add_pair_error(struct reading *reading, unsigned a, unsigned b, const char *what)
{
	config_key_error(reading, is_set(reading, a) ? a : b, what);
}

static bool is_proxy_port(const struct config *config, uint32_t port)
{
	for (unsigned i = 0; i < config->proxy_count; i++) {
		if (config->proxies[i].address.port == port)
			return true;
	}
	return false;
}

static void check_relay(struct reading *reading)
{
	const struct config *config = reading->config;
	const unsigned in = config_key_named(TEXT("relay"), TEXT("in-port"));
	const unsigned out = config_key_named(TEXT("relay"), TEXT("out-port"));
	const unsigned proxy = config_key_named(TEXT("natbox"), TEXT("proxy"));
	const unsigned mark = config_key_named(TEXT("relay"), TEXT("mark"));
	const unsigned own = config_key_named(TEXT("relay"), TEXT("own-mark"));

	if (config->relay.in_port == config->relay.out_port)
		add_pair_error(reading, in, out, "in-port and out-port must differ");
	if (config->relay.mark == config->relay.own_mark)
		add_pair_error(reading, mark, own, "mark and own-mark must differ");
	if (config->mode != MODE_RELAY)
		return;
	if (is_proxy_port(config, config->relay.in_port))
		add_pair_error(
			reading, in, proxy, "in-port is the port of a proxy: choose another");
	if (is_proxy_port(config, config->relay.out_port))
		add_pair_error(
			reading, out, proxy, "out-port is the port of a proxy: choose another");
}

/* A class needs a key of either kind, also one whose value is wrong. */
static void check_classes(struct reading *reading)
{
	const struct settings *settings = &reading->config->core;

	for (unsigned i = 0; i < settings->classes.count; i++) {
		const unsigned first = CONFIG_KEYS + i * CLASS_KEYS;
		const char *name = settings->classes.list[i].name;
		unsigned criteria = 0, effects = 0;

		for (unsigned key = 0; key < CLASS_KEYS; key++)
			*(key < CLASS_CRITERIA ? &criteria : &effects) +=
				is_set(reading, first + key);
		if (reading->has_unknown[i])
			continue;
		if (!criteria)
			config_error_at(reading, &reading->classes[i], "class ", name,
				"is for nobody: give it network, user-agent or aor");
		if (!effects)
			config_error_at(reading, &reading->classes[i], "class ", name,
				"changes nothing: give it scope, interval, method, max-lost or "
				"drop-lost");
	}
}

static void check_table(struct reading *reading)
{
	const uint32_t table = reading->config->relay.table;

	if (table >= 253 && table <= 255)
		config_key_error(reading, config_key_named(TEXT("relay"), TEXT("table")),
			"tables 253 to 255 are the kernel's own");
}

void config_check(struct reading *reading)
{
	check_classes(reading);
	if (reading->source->opens_nothing)
		return;
	if (reading->errors->count == 0)
		check_relay(reading);
	check_table(reading);
}
