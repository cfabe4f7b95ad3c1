#include "verdicts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

/* A message of the queue with its verdict. Returns it; its length is not in verdicts yet. */
static struct nlmsghdr *put_verdict(
	struct verdicts *verdicts, uint8_t type, uint32_t verdict, uint32_t id)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(verdicts->bytes + verdicts->length);
	const struct nfqnl_msg_verdict_hdr header = {htonl(verdict), htonl(id)};
	struct nfgenmsg *general;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST;
	general = mnl_nlmsg_put_extra_header(message, sizeof(*general));
	general->nfgen_family = AF_UNSPEC;
	general->version = NFNETLINK_V0;
	general->res_id = htons(verdicts->number);
	mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(header), &header);
	return message;
}

static void add(struct verdicts *verdicts, const struct nlmsghdr *message)
{
	verdicts->length += MNL_ALIGN(message->nlmsg_len);
}

static void close_row(struct verdicts *verdicts)
{
	if (!verdicts->is_open)
		return;
	verdicts->is_open = false;
	add(verdicts, put_verdict(verdicts, NFQNL_MSG_VERDICT_BATCH, verdicts->verdict,
			      verdicts->last_id));
}

static void add_to_row(struct verdicts *verdicts, uint32_t verdict, uint32_t id)
{
	if (verdicts->verdict != verdict)
		close_row(verdicts);
	verdicts->is_open = true;
	verdicts->verdict = verdict;
	verdicts->last_id = id;
}

void verdict_pass(struct verdicts *verdicts, uint32_t id)
{
	add_to_row(verdicts, NF_ACCEPT, id);
}

void verdict_drop(struct verdicts *verdicts, uint32_t id)
{
	add_to_row(verdicts, NF_DROP, id);
}

void verdict_rewrite(struct verdicts *verdicts, uint32_t id, const struct ip_packet *packet,
	struct text payload, uint16_t identification)
{
	const size_t length = ip_packet_length(packet, payload);
	struct nlmsghdr *message;
	struct nlattr *attribute;

	close_row(verdicts);
	message = put_verdict(verdicts, NFQNL_MSG_VERDICT, NF_ACCEPT, id);
	attribute = mnl_nlmsg_get_payload_tail(message);
	attribute->nla_type = NFQA_PAYLOAD;
	attribute->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + length);
	ip_packet_write(packet, payload, identification, mnl_attr_get_payload(attribute));
	message->nlmsg_len += (uint32_t)MNL_ALIGN(attribute->nla_len);
	add(verdicts, message);
}

/* The kernel acts on them before this returns. */
int verdicts_flush(struct verdicts *verdicts)
{
	ssize_t sent = 0;

	close_row(verdicts);
	if (verdicts->length)
		sent = mnl_socket_sendto(verdicts->socket, verdicts->bytes, verdicts->length);
	verdicts->length = 0;
	return sent < 0 ? -errno : 0;
}
