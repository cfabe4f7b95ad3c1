#include "hops.h"

#include "../socket_buffers.h"
#include "enquiries.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Of 4096: neighbours, and pairs of a segment and a source. More take each other's place,
	 * and some keepalives the kernel's way. */
	SETS = 1024,
	WAYS = 4,
	DEVICES = 64,
	/* How long an answer holds, as not all that changes it is told of: a router's preference, a
	 * redirect of IPv6, a device's hop limit. */
	ANSWER_MS = 1000,
	/* How often a neighbour that waits to be confirmed is used by way of the kernel. */
	CONFIRM_MS = 1000,
	/* Between two times that all prefixes are read, some milliseconds each: when routes change,
	 * they often change again at once. And where there were too many. */
	READ_MS = 100,
	READ_TOO_MANY_MS = 30000,
	/* Questions after one look, some microseconds each. */
	QUESTIONS_MAX = 64,
	/* Of notifications, what the socket holds. */
	NOTICES_BUFFER = 1 << 20,
};

struct neighbour {
	unsigned interface; /* 0: none is here */
	uint8_t ip[16];
	struct neighbour_state state;
	uint64_t used_ms;      /* when it was last looked for */
	uint64_t confirmed_ms; /* when it was last used by way of the kernel */
};

/* For destinations of a segment, from one source. */
struct answer {
	uint64_t until_ms; /* 0: none is here */
	int segment;
	uint8_t source[16];
	struct route route;
	struct neighbour *gateway; /* where it stood last; NULL: nowhere yet */
};

struct known_device {
	unsigned interface; /* 0: none is here */
	uint64_t until_ms;
	struct device device;
};

struct hops {
	struct mnl_socket *questions, *notices;
	struct asker asker;
	struct enquiries *enquiries;
	struct hash_key key;
	uint64_t now_ms, read_next_ms;
	unsigned questions_left;
	bool is_read;                    /* the prefixes, and none has changed since */
	bool is_being_read, has_changed; /* while they are */
	bool is_too_many;
	struct routing_kinds kinds[2]; /* of IPv4, IPv6 */
	struct segments segments;
	struct answer *last; /* the one that served last */
	struct answer answers[SETS][WAYS];
	struct neighbour neighbours[SETS][WAYS];
	struct known_device devices[DEVICES];
};

/* What is asked afterwards is newer than what the notifications tell of. */
static int subscribe(struct mnl_socket **out)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};
	const int error =
		netlink_listen(NETLINK_ROUTE, groups, sizeof(groups) / sizeof(*groups), out);

	if (!error)
		socket_buffer_in(mnl_socket_get_fd(*out), NOTICES_BUFFER);
	return error;
}

int hops_open(uint32_t mark, unsigned patience_ms, struct hops **out)
{
	struct hops *hops = calloc(1, sizeof(*hops));
	int error;

	if (!hops)
		return -ENOMEM;
	hops->asker = (struct asker){.mark = mark, .user = geteuid()};
	error = subscribe(&hops->notices);
	if (!error)
		error = enquiries_open(patience_ms, &hops->enquiries);
	if (!error)
		error = netlink_open(NETLINK_ROUTE, &hops->questions);
	if (!error && getrandom(&hops->key, sizeof(hops->key), 0) != sizeof(hops->key))
		error = -EIO;
	if (error) {
		hops_close(hops);
		return error;
	}
	hops->last = &hops->answers[0][0];
	*out = hops;
	return 0;
}

void hops_close(struct hops *hops)
{
	if (!hops)
		return;
	enquiries_close(hops->enquiries);
	netlink_close(hops->questions);
	netlink_close(hops->notices);
	free(hops);
}

bool hops_are_too_many(const struct hops *hops)
{
	return hops->is_too_many;
}

static void forget_answers(struct hops *hops)
{
	memset(hops->answers, 0, sizeof(hops->answers));
}

static void forget_ways(struct hops *hops)
{
	hops->is_read = false;
	hops->has_changed = true;
	forget_answers(hops);
	memset(hops->neighbours, 0, sizeof(hops->neighbours));
}

void hops_forget(struct hops *hops)
{
	forget_ways(hops);
	memset(hops->devices, 0, sizeof(hops->devices));
}

/* Where it has come, that of what may have changed meanwhile does not count. */
static void take_routing(struct hops *hops)
{
	int result;

	if (!enquiries_are_free(hops->enquiries))
		return;
	result = enquiries_result(hops->enquiries);
	hops->is_being_read = false;
	hops->is_read = result == 0 && !hops->has_changed;
	hops->is_too_many = result == -E2BIG;
	hops->read_next_ms = hops->now_ms + (hops->is_too_many ? READ_TOO_MANY_MS : READ_MS);
}

static void read_routing(struct hops *hops)
{
	hops->has_changed = false;
	hops->is_being_read = true;
	enquire_segments(hops->enquiries, &hops->segments, hops->kinds);
	take_routing(hops);
}

static struct neighbour *neighbour_set(
	struct hops *hops, unsigned interface, const uint8_t ip[static 16])
{
	struct hash hash;

	hash_start(&hash, &hops->key);
	hash_add(&hash, ip, 16);
	hash_add_number(&hash, interface);
	return hops->neighbours[hash_end(&hash) % SETS];
}

static bool is_neighbour(
	const struct neighbour *neighbour, unsigned interface, const uint8_t ip[static 16])
{
	return neighbour->interface == interface && memcmp(neighbour->ip, ip, 16) == 0;
}

/* Only of those that are in use here. */
static void note_neighbour(struct hops *hops, const struct nlmsghdr *message)
{
	struct neighbour_state state;
	struct neighbour *set;
	unsigned interface;
	uint8_t ip[16];

	read_neighbour(message, &interface, ip, &state);
	if (!interface)
		return;
	set = neighbour_set(hops, interface, ip);
	for (unsigned way = 0; way < WAYS; way++) {
		if (is_neighbour(&set[way], interface, ip))
			set[way].state = state;
	}
}

/* With a device its neighbours, and the routes over it, may have changed as well. What the
 * notification tells of it need not be asked for; that of a bridge's port tells less. */
static void note_device(struct hops *hops, const struct nlmsghdr *message)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct known_device *known = hops->devices;
	unsigned i = 0;

	while (i < DEVICES && known[i].interface != (unsigned)header->ifi_index)
		i++;
	if (i == DEVICES)
		return;
	if (message->nlmsg_type != RTM_NEWLINK || header->ifi_family != AF_UNSPEC) {
		hops_forget(hops);
		return;
	}
	forget_ways(hops);
	read_device(message, &known[i].device);
	known[i].until_ms = hops->now_ms + ANSWER_MS;
}

/* Many may change at once. */
static void note_routing(struct hops *hops)
{
	if (hops->is_read)
		forget_answers(hops);
	hops->is_read = false;
	hops->has_changed = true;
}

static int note(const struct nlmsghdr *message, void *context)
{
	struct hops *hops = context;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		note_neighbour(hops, message);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		note_device(hops, message);
		break;
	default: /* a route or a rule */
		if (!is_route_of_link(message))
			note_routing(hops);
		break;
	}
	return MNL_CB_OK;
}

void hops_look(struct hops *hops, uint64_t now_ms)
{
	hops->now_ms = now_ms;
	hops->questions_left = QUESTIONS_MAX;
	if (!netlink_take(hops->notices, note, hops)) {
		hops_forget(hops);
		return;
	}
	if (hops->is_being_read)
		take_routing(hops);
	else if (!hops->is_read && now_ms >= hops->read_next_ms &&
		 enquiries_are_free(hops->enquiries))
		read_routing(hops);
}

/* False: no more may be asked now. */
static bool may_ask(struct hops *hops)
{
	if (!hops->questions_left)
		return false;
	hops->questions_left--;
	return true;
}

static bool may_enquire(struct hops *hops)
{
	return enquiries_are_free(hops->enquiries) && may_ask(hops);
}

/* A source that is not this host's, as a proxy's behind it, the kernel refuses in IPv4; as far as
 * no rule looks at sources, that one goes where all others go. */
static void ask_answer(struct hops *hops, const struct flow *flow, struct answer *answer)
{
	const struct routing_kinds *kinds = &hops->kinds[!address_is_ipv4(&flow->destination)];
	const uint8_t *destination = flow->destination.ip;
	int result;

	answer->route = (struct route){0};
	if (kinds->is_strange)
		return;
	result = ask_route(
		hops->questions, &hops->asker, flow->source.ip, destination, &answer->route);
	if (result != 0 && !kinds->looks_at_source)
		result =
			ask_route(hops->questions, &hops->asker, NULL, destination, &answer->route);
	if (result != 0)
		answer->route.interface = 0;
}

static bool is_answer(const struct answer *answer, int segment, const struct flow *flow)
{
	return answer->segment == segment &&
	       memcmp(answer->source, flow->source.ip, sizeof(answer->source)) == 0;
}

static struct answer *find_place(struct hops *hops, int segment, const struct flow *flow)
{
	struct answer *set, *oldest;
	struct hash hash;

	hash_start(&hash, &hops->key);
	hash_add(&hash, flow->source.ip, sizeof(flow->source.ip));
	hash_add_number(&hash, (uint64_t)segment);
	set = oldest = hops->answers[hash_end(&hash) % SETS];
	for (unsigned way = 0; way < WAYS; way++) {
		if (is_answer(&set[way], segment, flow))
			return &set[way];
		if (set[way].until_ms < oldest->until_ms)
			oldest = &set[way];
	}
	return oldest;
}

/* NULL: not now. */
static struct answer *find_answer(struct hops *hops, const struct flow *flow)
{
	const int segment = segments_find(&hops->segments, flow->destination.ip);
	struct answer *answer = hops->last;

	if (segment == SEGMENT_NONE)
		return NULL;
	if (!is_answer(answer, segment, flow))
		answer = find_place(hops, segment, flow);
	if (!is_answer(answer, segment, flow) || answer->until_ms <= hops->now_ms) {
		if (!may_ask(hops))
			return NULL;
		answer->segment = segment;
		memcpy(answer->source, flow->source.ip, sizeof(answer->source));
		ask_answer(hops, flow, answer);
		answer->until_ms = hops->now_ms + ANSWER_MS;
	}
	hops->last = answer;
	return answer;
}

/* NULL: not now. */
static struct neighbour *find_neighbour(
	struct hops *hops, unsigned interface, const uint8_t ip[static 16])
{
	struct neighbour *set = neighbour_set(hops, interface, ip), *oldest = set;

	for (unsigned way = 0; way < WAYS; way++) {
		if (is_neighbour(&set[way], interface, ip)) {
			set[way].used_ms = hops->now_ms;
			return &set[way];
		}
		if (set[way].used_ms < oldest->used_ms)
			oldest = &set[way];
	}
	if (!may_enquire(hops))
		return NULL;
	*oldest = (struct neighbour){.used_ms = hops->now_ms};
	if (!enquire_neighbour(hops->enquiries, interface, ip, &oldest->state))
		return NULL;
	oldest->interface = interface;
	memcpy(oldest->ip, ip, 16);
	return oldest;
}

/* Whom what leaves by a route goes to first. NULL: not now. */
static struct neighbour *find_next(
	struct hops *hops, struct answer *answer, const uint8_t destination[static 16])
{
	const struct route *route = &answer->route;
	struct neighbour *gateway = answer->gateway;

	if (!route->has_gateway)
		return find_neighbour(hops, route->interface, destination);
	if (!gateway || !is_neighbour(gateway, route->interface, route->gateway))
		answer->gateway = find_neighbour(hops, route->interface, route->gateway);
	else
		gateway->used_ms = hops->now_ms;
	return answer->gateway;
}

/* NULL: not now. */
static const struct device *find_device(struct hops *hops, unsigned interface)
{
	struct known_device *known = hops->devices;
	unsigned i = 0;

	while (i < DEVICES && known[i].interface && known[i].interface != interface)
		i++;
	if (i == DEVICES)
		return NULL;
	if (known[i].until_ms > hops->now_ms || !may_enquire(hops))
		return known[i].interface ? &known[i].device : NULL;
	if (enquire_device(hops->enquiries, interface, &known[i].device))
		known[i].interface = interface;
	if (!known[i].interface)
		return NULL;
	known[i].until_ms = hops->now_ms + ANSWER_MS;
	return &known[i].device;
}

static bool fits(const struct device *device, const struct route *route, size_t length)
{
	return device->takes_frames && length <= device->mtu &&
	       (!route->mtu || length <= route->mtu);
}

/* Whether this one is to go by way of the kernel. */
static bool is_to_be_confirmed(struct neighbour *neighbour, uint64_t now_ms)
{
	if (!neighbour->state.is_stale || now_ms < neighbour->confirmed_ms + CONFIRM_MS)
		return false;
	neighbour->confirmed_ms = now_ms;
	return true;
}

bool hops_find(struct hops *hops, const struct flow *flow, size_t length, struct next_hop *next_hop)
{
	const bool is_known = hops->is_read && !ip_is_of_link(flow->destination.ip);
	struct answer *answer = is_known ? find_answer(hops, flow) : NULL;
	const struct route *route = answer ? &answer->route : NULL;
	const struct device *device;
	struct neighbour *neighbour;

	if (!route || !route->interface)
		return false;
	device = find_device(hops, route->interface);
	if (!device || !fits(device, route, length))
		return false;
	neighbour = find_next(hops, answer, flow->destination.ip);
	if (!neighbour || !neighbour->state.is_known || is_to_be_confirmed(neighbour, hops->now_ms))
		return false;
	next_hop->interface = route->interface;
	next_hop->hop_limit = route->hop_limit ? route->hop_limit : device->hop_limit;
	memcpy(next_hop->mac, neighbour->state.mac, sizeof(next_hop->mac));
	return true;
}
