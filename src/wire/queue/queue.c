#include "queue.h"

#include "../deputy.h"
#include "../host_watch.h"
#include "../netlink.h"
#include "../send/batch.h"
#include "../send/identification.h"
#include "../send/ipv6_fragments.h"
#include "../send/sender.h"
#include "queue_socket.h"
#include "verdicts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A packet as the kernel hands it over. */
struct handed {
	uint32_t id;
	bool has_id, is_cut, is_verified;
	bool is_readable;
	struct text bytes;
	struct ip_packet packet; /* where it is readable */
};

struct queue {
	struct mnl_socket *socket;
	struct sender *sender;
	int fragments; /* ipv6_fragments.h; negative: this host has no IPv6 */
	struct identifications identifications;
	struct queue_counters counters;
	struct host_watch *host;
	uint32_t last_id;    /* 0: none so far */
	uint32_t flushed_id; /* the last one that was handed over, or was to be */

	/* The batch that is being handled. */
	unsigned handled, received;
	struct mmsghdr messages[BATCH_MAX];
	struct iovec spans[BATCH_MAX];
	struct handed packets[BATCH_MAX];
	char *room;
	struct verdicts verdicts;
};

static int open_all(struct queue *queue, const struct queue_settings *settings)
{
	const struct sender_settings own = {.mark = settings->own_mark};
	int error;

	queue->room = batch_new();
	if (!queue->room)
		return -ENOMEM;
	error = identifications_prepare(&queue->identifications);
	if (!error)
		error = host_watch_open(DEPUTY_PATIENCE_MS, &queue->host);
	if (!error)
		error = sender_open(&own, &queue->sender);
	if (!error && sender_has_ipv6(queue->sender))
		error = queue->fragments = ipv6_fragments_open(settings->own_mark);
	return error < 0 ? error : queue_socket_open(settings->number, &queue->socket);
}

int queue_open(const struct queue_settings *settings, struct queue **out, struct fault *fault)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int error = -ENOMEM;

	if (queue) {
		queue->fragments = -1;
		error = open_all(queue, settings);
	}
	if (error) {
		queue_close(queue);
		return queue_socket_explain(error, settings->number, fault);
	}
	queue->verdicts.socket = queue->socket;
	queue->verdicts.number = settings->number;
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		queue->spans[i] = (struct iovec){batch_at(queue->room, i), BATCH_ROOM};
		queue->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &queue->spans[i], .msg_iovlen = 1};
	}
	*out = queue;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	netlink_close(queue->socket);
	if (queue->fragments >= 0)
		close(queue->fragments);
	sender_close(queue->sender);
	host_watch_close(queue->host);
	batch_free(queue->room);
	free(queue);
}

int queue_descriptor(const struct queue *queue)
{
	return mnl_socket_get_fd(queue->socket);
}

static uint32_t read_u32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static void read_attributes(const struct nlmsghdr *message, struct handed *handed)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		const char *payload = mnl_attr_get_payload(attribute);

		switch (mnl_attr_get_type(attribute)) {
		case NFQA_PACKET_HDR:
			handed->id = read_u32(payload);
			handed->has_id = true;
			break;
		case NFQA_PAYLOAD:
			handed->bytes = (struct text){payload, mnl_attr_get_payload_len(attribute)};
			break;
		case NFQA_CAP_LEN:
			handed->is_cut = true;
			break;
		case NFQA_SKB_INFO:
			handed->is_verified = !(read_u32(payload) & NFQA_SKB_CSUM_NOTVERIFIED);
			break;
		default:
			break;
		}
	}
}

/* Errors are of verdicts on packets that are no longer in the queue: they have no id. */
static void read_handed(const struct nlmsghdr *message, int length, struct handed *handed)
{
	handed->has_id = handed->is_cut = handed->is_readable = false;
	handed->is_verified = true;
	handed->bytes = (struct text){0};
	if (!mnl_nlmsg_ok(message, length) ||
		message->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return;
	read_attributes(message, handed);
	handed->is_readable = !handed->is_cut && ip_packet_read(handed->bytes, &handed->packet);
}

static bool is_this_host(const struct queue *queue, const struct address *address)
{
	return host_has(host_watch_now(queue->host), address);
}

/* Whether a grown packet has to leave through the sender: no attribute would hold it, or no router
 * would fragment it. */
static bool outgrows(struct queue *queue, const struct ip_packet *packet, struct text payload)
{
	const size_t length = ip_packet_length(packet, payload);

	if (length > VERDICT_PACKET_MAX)
		return true;
	return !address_is_ipv4(&packet->flow.destination) && length > IPV6_MTU_MIN &&
	       !is_this_host(queue, &packet->flow.destination);
}

static int send_grown(
	struct queue *queue, const struct flow *flow, struct hop hop, struct text payload)
{
	if (address_is_ipv4(&flow->destination) || queue->fragments < 0)
		return sender_add(queue->sender, flow, hop, payload);
	return ipv6_fragments_send(queue->fragments, flow, hop,
		identification_next(&queue->identifications, flow), payload);
}

/* From or to another host, this one counts as a hop. One that has none left the kernel ends. */
static void send_instead(
	struct queue *queue, uint32_t id, const struct ip_packet *packet, struct text payload)
{
	const struct flow *flow = &packet->flow;
	struct hop hop = ip_packet_hop(packet);
	int error;

	if (!is_this_host(queue, &flow->source) && !is_this_host(queue, &flow->destination))
		hop.ttl--;
	if (hop.ttl <= 0) {
		verdict_pass(&queue->verdicts, id);
		return;
	}
	error = send_grown(queue, flow, hop, payload);
	if (error) {
		queue->counters.send_errors++;
		queue->counters.last_send_error = error;
	}
	verdict_drop(&queue->verdicts, id);
}

static void rewrite(
	struct queue *queue, uint32_t id, const struct ip_packet *packet, struct text payload)
{
	const bool grows = payload.length > packet->payload.length;
	uint16_t identification = 0;

	if (grows && outgrows(queue, packet, payload)) {
		send_instead(queue, id, packet, payload);
		return;
	}
	if (grows && ip_packet_dont_fragment(packet))
		identification = identification_next(&queue->identifications, &packet->flow);
	verdict_rewrite(&queue->verdicts, id, packet, payload, identification);
}

static void judge(struct queue *queue, uint32_t id, const struct ip_packet *packet,
	const struct outcome *outcome)
{
	if (outcome->verdict == VERDICT_PASS) {
		queue->counters.passed++;
		verdict_pass(&queue->verdicts, id);
	} else if (outcome->verdict == VERDICT_REWRITE) {
		rewrite(queue, id, packet, outcome->bytes);
	} else {
		verdict_drop(&queue->verdicts, id);
	}
}

/* Ids are given one after the other, also to what there is no room for then. */
static void note_id(struct queue *queue, uint32_t id)
{
	queue->counters.overruns += id - queue->last_id - 1;
	queue->last_id = id;
}

static void handle_packet(struct queue *queue, uint64_t now_us, const struct wire_handler *handler,
	const struct handed *handed)
{
	const struct ip_packet *packet = &handed->packet;
	struct outcome outcome;

	note_id(queue, handed->id);
	if (!handed->is_readable || (!handed->is_verified && !ip_packet_is_sound(packet))) {
		queue->counters.passed++;
		queue->counters.unreadable++;
		verdict_pass(&queue->verdicts, handed->id);
		return;
	}
	outcome = handler->datagram(handler->context, now_us, &packet->flow, packet->payload);
	judge(queue, handed->id, packet, &outcome);
}

/* What was refused is tried again with each turn, and counts once. */
static void flush_verdicts(struct queue *queue)
{
	int error = verdicts_flush(&queue->verdicts);

	if (error) {
		queue->counters.refused += queue->last_id - queue->flushed_id;
		queue->counters.last_refusal = error;
		verdict_pass(&queue->verdicts, queue->last_id);
	}
	queue->flushed_id = queue->last_id;
}

bool queue_has_rest(const struct queue *queue)
{
	return queue->handled < queue->received;
}

/* To its end, or until as many bytes have been handled, or its time is up, when none are left to
 * be. Returns how many packets. What stayed in the queue before goes on even if there are none. */
static unsigned handle_batch(struct queue *queue, uint64_t now_us,
	const struct wire_handler *handler, size_t *bytes_left)
{
	unsigned count = 0;

	while (queue_has_rest(queue) && *bytes_left) {
		const unsigned i = queue->handled++;
		const size_t length = queue->messages[i].msg_len;

		if (queue->packets[i].has_id)
			handle_packet(queue, now_us, handler, &queue->packets[i]);
		if (queue->verdicts.length >= VERDICTS_FULL)
			flush_verdicts(queue);
		*bytes_left -= length < *bytes_left ? length : *bytes_left;
		if (wire_is_to_ask(++count, length) && !wire_has_time(handler))
			*bytes_left = 0;
	}
	flush_verdicts(queue);
	return count;
}

static void take_batch(struct queue *queue, const struct wire_handler *handler)
{
	struct flow flows[BATCH_MAX];
	unsigned readable = 0;
	int received =
		recvmmsg(queue_descriptor(queue), queue->messages, BATCH_MAX, MSG_DONTWAIT, NULL);

	queue->handled = 0;
	queue->received = received > 0 ? (unsigned)received : 0;
	for (unsigned i = 0; i < queue->received; i++) {
		struct handed *handed = &queue->packets[i];

		read_handed(queue->spans[i].iov_base, (int)queue->messages[i].msg_len, handed);
		if (handed->is_readable)
			flows[readable++] = handed->packet.flow;
	}
	wire_expect(handler, flows, readable);
}

unsigned queue_receive(struct queue *queue, uint64_t now_us, const struct wire_handler *handler)
{
	size_t bytes_left = WIRE_TURN_BYTES_MAX;
	unsigned count = handle_batch(queue, now_us, handler, &bytes_left);

	if (!queue_has_rest(queue)) {
		take_batch(queue, handler);
		count += handle_batch(queue, now_us, handler, &bytes_left);
	}
	sender_flush(queue->sender);
	return count;
}

struct sender *queue_sender(const struct queue *queue)
{
	return queue->sender;
}

/* An id that comes after all. */
void queue_release(struct queue *queue)
{
	verdict_pass(&queue->verdicts, queue->last_id + (UINT32_MAX >> 2));
	flush_verdicts(queue);
}

struct queue_counters queue_counters(const struct queue *queue)
{
	struct queue_counters counters = queue->counters;
	const struct sent_counters sent = sender_counters(queue->sender);

	counters.send_errors += sent.errors;
	if (sent.last_error)
		counters.last_send_error = sent.last_error;
	return counters;
}
