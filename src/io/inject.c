#include <natbox/inject.h>

#include <errno.h>
#include <fcntl.h>
#include <libnet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <natbox/datagram.h>

/* Room for keepalives on their way to the network card: a second of 4 000, as the kernel counts
 * them. */
enum { SEND_BUFFER = 4 << 20 };

struct inject {
	libnet_t *ipv4;
	libnet_t *ipv6; /* NULL: this host has none */
	struct inject_counters counters;
	uint8_t packet[DATAGRAM_HEADERS_MAX + DATAGRAM_PAYLOAD_IPV6_MAX];
};

static int prepare(libnet_t *libnet)
{
	int fd = libnet_getfd(libnet), size = SEND_BUFFER, flags = fcntl(fd, F_GETFL);

	/* Without CAP_NET_ADMIN there is as much as the system allows (net.core.wmem_max). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	return 0;
}

/* libnet loses errno on its way out: ask again. */
static int refusal(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	close(fd);
	return -EIO;
}

static int open_raw(int family, libnet_t **libnet)
{
	char why[LIBNET_ERRBUF_SIZE];
	int error;

	*libnet = libnet_init(family == AF_INET ? LIBNET_RAW4_ADV : LIBNET_RAW6_ADV, NULL, why);
	if (!*libnet)
		return refusal(family);
	error = prepare(*libnet);
	if (error) {
		libnet_destroy(*libnet);
		*libnet = NULL;
	}
	return error;
}

int inject_open(struct inject **inject, struct fault *fault)
{
	struct inject *opened = calloc(1, sizeof(*opened));
	int error = opened ? open_raw(AF_INET, &opened->ipv4) : -ENOMEM;

	if (!error)
		error = open_raw(AF_INET6, &opened->ipv6);
	if (error == -EAFNOSUPPORT && opened->ipv4)
		error = 0;
	if (error) {
		inject_close(opened);
		return fault_set(fault, error, "cannot open a raw socket for keepalives: %s; %s",
			strerror(-error),
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
	if (inject->ipv4)
		libnet_destroy(inject->ipv4);
	if (inject->ipv6)
		libnet_destroy(inject->ipv6);
	free(inject);
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
	case -EAFNOSUPPORT:
		return "this host has no IPv6";
	case -EMSGSIZE:
		return "it is longer than the interface's MTU";
	default:
		return "this one is lost";
	}
}

static int send_fault(
	struct inject *inject, int error, const struct flow *flow, struct fault *fault)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];

	inject->counters.failed++;
	address_format(&flow->source, source);
	address_format(&flow->destination, destination);
	return fault_set(fault, error, "cannot send from %s to %s: %s; %s", source, destination,
		strerror(-error), advice(error));
}

/* The packet is built here: libnet's builders allocate one for each, and cost 1.14 of a bare sendto
 * where this costs 1.03. For IPv6 libnet has no advanced writer: its libnet_write ends in this
 * function. */
static int write_raw(struct inject *inject, const struct flow *flow, size_t length)
{
	int written;

	if (address_is_ipv4(&flow->source))
		written = libnet_adv_write_raw_ipv4(inject->ipv4, inject->packet, (uint32_t)length);
	else if (inject->ipv6)
		written = libnet_write_raw_ipv6(inject->ipv6, inject->packet, (uint32_t)length);
	else
		return -EAFNOSUPPORT;
	return written < 0 ? -errno : 0;
}

int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault)
{
	int error, length = datagram_headers(flow, bytes, inject->packet);

	if (length < 0)
		return send_fault(inject, length, flow, fault);
	if (bytes.length)
		memcpy(inject->packet + length, bytes.at, bytes.length);
	error = write_raw(inject, flow, (size_t)length + bytes.length);
	if (error)
		return send_fault(inject, error, flow, fault);
	inject->counters.sent++;
	return 0;
}

struct inject_counters inject_counters(const struct inject *inject)
{
	return inject->counters;
}
