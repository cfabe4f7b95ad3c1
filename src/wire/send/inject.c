#include "inject.h"

#include <errno.h>

int inject_open(struct inject *inject, struct fault *fault)
{
	static const struct sender_settings own = {.label = INJECT_LABEL};
	const int error = sender_open(&own, &inject->sender);

	if (!error)
		return 0;
	return fault_set_kind(fault, error == -EPERM ? FAULT_LASTING : FAULT_PASSING, error,
		"cannot open a raw socket for keepalives: %s; %s", strerror(-error),
		error == -EPERM ? "run as root or with CAP_NET_RAW, or with -n to send none"
				: "-n sends none");
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

uint64_t inject_failed(const struct inject *inject)
{
	return inject->unfit + sender_counters(inject->sender).errors;
}
