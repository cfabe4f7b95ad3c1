/* What natbox says of queued packets, as messages for the kernel. */
#include "wire/queue/verdicts.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"

static struct verdicts verdicts;
static struct frame frame;
static struct ip_packet packet;

static void setup(void)
{
	const struct flow flow = flow_of("192.0.2.7:40000", "198.51.100.1:5060");

	verdicts = (struct verdicts){.number = 5061};
	frame = (struct frame){0};
	frame_add_datagram(&frame, &flow, TEXT("before"));
	cr_assert(ip_packet_read(frame_text(&frame), &packet));
}

TestSuite(verdicts, .init = setup);

static void write_verdict(
	const struct nlmsghdr *message, const struct nfqnl_msg_verdict_hdr *header, char *line)
{
	const bool is_batch = (message->nlmsg_type & 0xff) == NFQNL_MSG_VERDICT_BATCH;

	sprintf(line + strlen(line), "%s%s %u", is_batch ? "up to " : "",
		ntohl(header->verdict) == NF_ACCEPT ? "accept" : "drop", ntohl(header->id));
}

/* "accept 3 (34 bytes), drop 4". */
static const char *story(void)
{
	static char line[512];
	int left = (int)verdicts.length;

	line[0] = 0;
	for (const struct nlmsghdr *message = (const void *)verdicts.bytes;
		mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
		const struct nlattr *attribute;

		cr_expect_eq(ntohs(general->res_id), 5061);
		if (line[0])
			strcat(line, ", ");
		mnl_attr_for_each(attribute, message, sizeof(*general))
		{
			if (mnl_attr_get_type(attribute) == NFQA_VERDICT_HDR)
				write_verdict(message, mnl_attr_get_payload(attribute), line);
			else
				sprintf(line + strlen(line), " (%u bytes)",
					mnl_attr_get_payload_len(attribute));
		}
	}
	cr_expect_eq(left, 0);
	return line;
}

Test(verdicts, packets_that_pass_are_one_message_and_keep_their_place_before_what_is_rewritten)
{
	verdict_pass(&verdicts, 1);
	verdict_pass(&verdicts, 2);
	verdict_rewrite(&verdicts, 3, &packet, TEXT("afterwards"), 0);
	verdict_rewrite(&verdicts, 4, &packet, TEXT("after"), 0);
	cr_expect_str_eq(story(), "up to accept 2, accept 3 (38 bytes), accept 4 (33 bytes)");
	cr_expect_not(verdicts.is_open);
}

Test(verdicts, so_are_those_in_a_row_that_are_dropped)
{
	verdict_pass(&verdicts, 1);
	verdict_drop(&verdicts, 2);
	verdict_drop(&verdicts, 3);
	verdict_pass(&verdicts, 4);
	verdict_rewrite(&verdicts, 5, &packet, TEXT("after"), 0);
	cr_expect_str_eq(
		story(), "up to accept 1, up to drop 3, up to accept 4, accept 5 (33 bytes)");
}

Test(verdicts, what_cannot_be_handed_over_is_an_error_and_is_not_kept)
{
	int ends[2];
	struct mnl_socket *socket;

	cr_assert_eq(pipe(ends), 0);
	socket = mnl_socket_open(NETLINK_NETFILTER);
	cr_assert(socket);
	cr_assert(dup2(ends[1], mnl_socket_get_fd(socket)) >= 0);
	verdicts.socket = socket;
	verdict_pass(&verdicts, 1);
	cr_expect_eq(verdicts_flush(&verdicts), -ENOTSOCK);
	cr_expect_eq(verdicts.length, 0);
	cr_expect_eq(verdicts_flush(&verdicts), 0, "there is nothing left to say");
}
