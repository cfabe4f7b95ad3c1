#include "inject.h"

#include "sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct inject {
	struct sender *sender;
	uint64_t unfit; /* never queued */
	uint64_t reported;
};

int inject_open(struct inject **inject, struct fault *fault)
{
	static const struct sender_settings own = {.label = INJECT_LABEL};
	struct inject *opened = calloc(1, sizeof(*opened));
	int error = opened ? sender_open(&own, &opened->sender) : -ENOMEM;

	if (error) {
		free(opened);
		return fault_set_kind(fault, error == -EPERM ? FAULT_LASTING : FAULT_PASSING, error,
			"cannot open a raw socket for keepalives: %s; %s", strerror(-error),
			error == -EPERM ? "run as root or with CAP_NET_RAW, or with -n to send none"
					: "-n sends none");
	}
	*inject = opened;
	return 0;
}

void inject_set_path(struct inject *inject, enum keepalive_path path)
{
	sender_set_path(inject->sender, path);
}

bool inject_path_news(struct inject *inject, struct fault *line)
{
	return sender_path_news(inject->sender, line);
}

void inject_close(struct inject *inject)
{
	if (!inject)
		return;
	sender_close(inject->sender);
	free(inject);
}

int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	int error = sender_add_keepalive(inject->sender, flow, bytes);

	if (!error)
		return 0;
	inject->unfit++;
	address_format(&flow->source, source);
	address_format(&flow->destination, destination);
	return fault_set(fault, error, "cannot send from %s to %s: %s", source, destination,
		strerror(-error));
}

void inject_flush(struct inject *inject)
{
	sender_flush(inject->sender);
}

int inject_trouble(struct inject *inject, struct fault *fault)
{
	const struct sent_counters counters = sender_counters(inject->sender);
	const uint64_t refused = counters.errors - inject->reported;
	char destination[ADDRESS_TEXT_MAX];

	inject->reported = counters.errors;
	if (!refused)
		return 0;
	address_format(&counters.last_refused, destination);
	return fault_set(fault, counters.last_error,
		"%llu keepalives were not sent, the last to %s: %s; %s",
		(unsigned long long)refused, destination, strerror(-counters.last_error),
		sender_advice(counters.last_error));
}

struct inject_counters inject_counters(const struct inject *inject)
{
	const struct sent_counters counters = sender_counters(inject->sender);

	return (struct inject_counters){.sent = counters.sent,
		.failed = inject->unfit + counters.errors,
		.linked = counters.linked};
}
