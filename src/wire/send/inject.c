#include "inject.h"

#include "outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct inject {
	struct outgoing *ipv4;
	struct outgoing *ipv6; /* NULL: this host has none */
	uint64_t unfit;        /* never queued */
	uint64_t reported_ipv4, reported_ipv6;
};

int inject_open(struct inject **inject, struct fault *fault)
{
	static const struct outgoing_settings own = {.label = INJECT_LABEL};
	struct inject *opened = calloc(1, sizeof(*opened));
	int error = opened ? outgoing_open(AF_INET, &own, &opened->ipv4) : -ENOMEM;

	if (!error)
		error = outgoing_open(AF_INET6, &own, &opened->ipv6);
	if (error == -EAFNOSUPPORT && opened->ipv4)
		error = 0;
	if (error) {
		inject_close(opened);
		return fault_set_kind(fault, error == -EPERM ? FAULT_LASTING : FAULT_PASSING, error,
			"cannot open a raw socket for keepalives: %s; %s", strerror(-error),
			error == -EPERM ? "run as root or with CAP_NET_RAW, or with -n to send none"
					: "-n sends none");
	}
	*inject = opened;
	return 0;
}

void inject_close(struct inject *inject)
{
	if (!inject)
		return;
	outgoing_close(inject->ipv4);
	outgoing_close(inject->ipv6);
	free(inject);
}

int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault)
{
	const bool ipv4 = address_is_ipv4(&flow->source);
	struct outgoing *outgoing = ipv4 ? inject->ipv4 : inject->ipv6;
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	int error = -EAFNOSUPPORT;

	if (outgoing && ipv4 == address_is_ipv4(&flow->destination))
		error = outgoing_add(outgoing, flow, (struct hop){-1, -1}, bytes);
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
	outgoing_flush(inject->ipv4);
	if (inject->ipv6)
		outgoing_flush(inject->ipv6);
}

static const char *advice(int error)
{
	switch (error) {
	case -EAGAIN:
	case -ENOBUFS:
		return "the interface does not keep up";
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		return "`ip route get` tells why there is no way there";
	case -EPERM:
		return "see which firewall rule forbids it";
	default:
		return "they are lost";
	}
}

static int count_refused(const struct outgoing *outgoing, uint64_t *reported, struct fault *fault)
{
	const struct outgoing_counters counters = outgoing_counters(outgoing);
	const uint64_t refused = counters.errors - *reported;
	char destination[ADDRESS_TEXT_MAX];

	*reported = counters.errors;
	if (!refused)
		return 0;
	address_format(&counters.last_refused, destination);
	return fault_set(fault, counters.last_error,
		"%llu keepalives were not sent, the last to %s: %s; %s",
		(unsigned long long)refused, destination, strerror(-counters.last_error),
		advice(counters.last_error));
}

/* IPv6 has its turn once IPv4 has nothing new. */
int inject_trouble(struct inject *inject, struct fault *fault)
{
	int error = count_refused(inject->ipv4, &inject->reported_ipv4, fault);

	if (!error && inject->ipv6)
		error = count_refused(inject->ipv6, &inject->reported_ipv6, fault);
	return error;
}

static void count(const struct outgoing *outgoing, struct inject_counters *counters)
{
	const struct outgoing_counters more = outgoing_counters(outgoing);

	counters->sent += more.sent;
	counters->failed += more.errors;
}

struct inject_counters inject_counters(const struct inject *inject)
{
	struct inject_counters counters = {.failed = inject->unfit};

	count(inject->ipv4, &counters);
	if (inject->ipv6)
		count(inject->ipv6, &counters);
	return counters;
}
