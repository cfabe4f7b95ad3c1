#include "wire_settings.h"

_Static_assert((int)CONFIG_PROXIES_MAX <= (int)WIRE_NAMED_MAX, "room for all");

const struct wire_kind *wire_kind_of(const struct config *config)
{
	return config->mode == MODE_SNIFF ? &sniff_wire : &inline_wire;
}

/* An entry's address is unspecified where it is every address of this host. */
void wire_settings_read(const struct config *config, struct wire_settings *settings)
{
	*settings = (struct wire_settings){
		.named_count = config->proxy_count,
		.interface = config->interface,
		.sends = true,
		.path = config->keepalive.path,
		.queues = config->mode == MODE_QUEUE,
		.queue_number = (uint16_t)config->queue.number,
		.relay = {.in_port = (uint16_t)config->relay.in_port,
			.out_port = (uint16_t)config->relay.out_port,
			.mark = config->relay.mark,
			.own_mark = config->relay.own_mark,
			.table = config->relay.table,
			.manual = config->relay.rules == RULES_MANUAL},
	};
	for (unsigned i = 0; i < config->proxy_count; i++)
		settings->named[i] = config->proxies[i].address;
}
