#include "inquiry.h"

#include "../deputy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct inquiry {
	struct deputy *deputy;
	bool reads; /* segments, and their caller does not know yet that it has ended */

	/* The deputy's while it is at work. */
	struct mnl_socket *socket;
	unsigned interface;
	uint8_t ip[16];
	struct segments *segments;
	struct routing_kinds *kinds;
	int result;
	struct neighbour_state neighbour;
	struct device device;
};

int inquiry_open(unsigned patience_ms, struct inquiry **out)
{
	struct inquiry *inquiry = calloc(1, sizeof(*inquiry));
	int error = -ENOMEM;

	if (!inquiry)
		return error;
	inquiry->deputy = deputy_new(patience_ms);
	if (inquiry->deputy)
		error = netlink_open(NETLINK_ROUTE, &inquiry->socket);
	if (error) {
		inquiry_close(inquiry);
		return error;
	}
	*out = inquiry;
	return 0;
}

void inquiry_close(struct inquiry *inquiry)
{
	if (!inquiry)
		return;
	deputy_free(inquiry->deputy);
	netlink_close(inquiry->socket);
	free(inquiry);
}

static bool has_socket(struct inquiry *inquiry)
{
	if (!inquiry->socket)
		inquiry->result = netlink_open(NETLINK_ROUTE, &inquiry->socket);
	return inquiry->socket != NULL;
}

static void ask_of_neighbour(void *context)
{
	struct inquiry *inquiry = context;

	if (has_socket(inquiry))
		inquiry->result = ask_neighbour(
			inquiry->socket, inquiry->interface, inquiry->ip, &inquiry->neighbour);
}

static void ask_of_device(void *context)
{
	struct inquiry *inquiry = context;

	if (has_socket(inquiry))
		inquiry->result = ask_device(inquiry->socket, inquiry->interface, &inquiry->device);
}

/* What is left of a dump that was cut short would be taken for the next answer. */
static void ask_of_segments(void *context)
{
	struct inquiry *inquiry = context;

	if (!has_socket(inquiry))
		return;
	inquiry->result = ask_segments(inquiry->socket, inquiry->segments, inquiry->kinds);
	if (inquiry->result == 0)
		return;
	netlink_close(inquiry->socket);
	inquiry->socket = NULL;
}

static int await(struct inquiry *inquiry, void (*ask)(void *context))
{
	return deputy_do(inquiry->deputy, ask, inquiry) ? inquiry->result : -EAGAIN;
}

static bool is_free(struct inquiry *inquiry)
{
	return !inquiry->reads && deputy_is_free(inquiry->deputy);
}

int inquiry_neighbour(struct inquiry *inquiry, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state)
{
	int result;

	if (!is_free(inquiry))
		return -EAGAIN;
	inquiry->interface = interface;
	memcpy(inquiry->ip, ip, sizeof(inquiry->ip));
	result = await(inquiry, ask_of_neighbour);
	if (result != -EAGAIN)
		*state = inquiry->neighbour;
	return result;
}

int inquiry_device(struct inquiry *inquiry, unsigned interface, struct device *device)
{
	int result;

	if (!is_free(inquiry))
		return -EAGAIN;
	inquiry->interface = interface;
	result = await(inquiry, ask_of_device);
	if (result != -EAGAIN)
		*device = inquiry->device;
	return result;
}

int inquiry_segments(
	struct inquiry *inquiry, struct segments *segments, struct routing_kinds kinds[static 2])
{
	int result;

	if (!deputy_is_free(inquiry->deputy))
		return -EAGAIN;
	if (inquiry->reads) {
		inquiry->reads = false;
		return inquiry->result;
	}
	inquiry->segments = segments;
	inquiry->kinds = kinds;
	result = await(inquiry, ask_of_segments);
	inquiry->reads = result == -EAGAIN;
	return result;
}
