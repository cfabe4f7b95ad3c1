#include "enquiries.h"

#include "../deputy.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct enquiries {
	struct deputy *deputy;

	/* The deputy's while it asks. */
	struct mnl_socket *socket;
	unsigned interface;
	uint8_t ip[16];
	struct device device;
	struct neighbour_state neighbour;
	struct segments *segments;
	struct routing_kinds *kinds;
	int result;
};

int enquiries_open(unsigned patience_ms, struct enquiries **out)
{
	struct enquiries *enquiries = calloc(1, sizeof(*enquiries));
	int error = -ENOMEM;

	if (enquiries)
		enquiries->deputy = deputy_new(patience_ms);
	if (enquiries && enquiries->deputy)
		error = netlink_open(NETLINK_ROUTE, &enquiries->socket);
	if (error)
		enquiries_close(enquiries);
	else
		*out = enquiries;
	return error;
}

void enquiries_close(struct enquiries *enquiries)
{
	if (!enquiries)
		return;
	deputy_free(enquiries->deputy);
	netlink_close(enquiries->socket);
	free(enquiries);
}

bool enquiries_are_free(const struct enquiries *enquiries)
{
	return deputy_is_free(enquiries->deputy);
}

/* Whether it has been done, and the kernel had an answer. */
static bool enquire(struct enquiries *enquiries, void (*ask)(void *enquiries))
{
	return deputy_do(enquiries->deputy, ask, enquiries) && enquiries->result == 0;
}

static void about_device(void *context)
{
	struct enquiries *own = context;

	own->result = ask_device(own->socket, own->interface, &own->device);
}

bool enquire_device(struct enquiries *enquiries, unsigned interface, struct device *device)
{
	enquiries->interface = interface;
	if (!enquire(enquiries, about_device))
		return false;
	*device = enquiries->device;
	return true;
}

static void about_neighbour(void *context)
{
	struct enquiries *own = context;

	own->result = ask_neighbour(own->socket, own->interface, own->ip, &own->neighbour);
}

bool enquire_neighbour(struct enquiries *enquiries, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state)
{
	enquiries->interface = interface;
	memcpy(enquiries->ip, ip, sizeof(enquiries->ip));
	if (!enquire(enquiries, about_neighbour))
		return false;
	*state = enquiries->neighbour;
	return true;
}

static void about_segments(void *context)
{
	struct enquiries *own = context;

	own->result = ask_segments(own->segments, own->kinds);
}

void enquire_segments(struct enquiries *enquiries, struct segments *segments,
	struct routing_kinds kinds[static 2])
{
	enquiries->segments = segments;
	enquiries->kinds = kinds;
	deputy_do(enquiries->deputy, about_segments, enquiries);
}

int enquiries_result(const struct enquiries *enquiries)
{
	return enquiries->result;
}
