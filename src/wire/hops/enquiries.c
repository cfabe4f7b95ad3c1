#include "enquiries.h"

#include "../deputy.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

enum subject { DEVICE, NEIGHBOUR, SEGMENTS };

struct enquiries {
	struct deputy *deputy;

	/* The deputy's while it asks. */
	struct mnl_socket *socket;
	enum subject subject;
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

static void ask(void *context)
{
	struct enquiries *own = context;

	if (own->subject == DEVICE)
		own->result = ask_device(own->socket, own->interface, &own->device);
	else if (own->subject == NEIGHBOUR)
		own->result = ask_neighbour(own->socket, own->interface, own->ip, &own->neighbour);
	else
		own->result = ask_segments(own->segments, own->kinds);
}

/* Whether it has been done, and the kernel had an answer. */
static bool enquire(struct enquiries *enquiries, enum subject subject)
{
	enquiries->subject = subject;
	return deputy_do(enquiries->deputy, ask, enquiries) && enquiries->result == 0;
}

bool enquire_device(struct enquiries *enquiries, unsigned interface, struct device *device)
{
	enquiries->interface = interface;
	if (!enquire(enquiries, DEVICE))
		return false;
	*device = enquiries->device;
	return true;
}

bool enquire_neighbour(struct enquiries *enquiries, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state)
{
	enquiries->interface = interface;
	memcpy(enquiries->ip, ip, sizeof(enquiries->ip));
	if (!enquire(enquiries, NEIGHBOUR))
		return false;
	*state = enquiries->neighbour;
	return true;
}

void enquire_segments(struct enquiries *enquiries, struct segments *segments,
	struct routing_kinds kinds[static 2])
{
	enquiries->segments = segments;
	enquiries->kinds = kinds;
	enquire(enquiries, SEGMENTS);
}

int enquiries_result(const struct enquiries *enquiries)
{
	return enquiries->result;
}
