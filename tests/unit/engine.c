/* What the engine sends on when there is nothing to repair, or no room for a repair. */
#include "border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { DATAGRAM_MAX = 65507 };

/* A natted phone's OPTIONS of that many bytes. */
static void send_options(struct border *border, size_t length)
{
	static char bytes[DATAGRAM_MAX];
	const struct flow flow = {at("203.0.113.1:5061"), border->proxy};
	int head = snprintf(bytes, sizeof(bytes),
		"OPTIONS sip:example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n"
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
		"Call-ID: call\r\nCSeq: 1 OPTIONS\r\n\r\n");

	memset(bytes + head, 'x', sizeof(bytes) - (size_t)head);
	border->repairs = true;
	border_packet(border, &flow, (struct text){bytes, length});
}

Test(engine, a_message_that_would_grow_too_long_goes_on_as_it_came_and_is_counted)
{
	struct border *border = border_new();

	send_options(border, DATAGRAM_MAX);
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	cr_assert_eq(engine_counters(border->engine).refused, 1);
	border_expect(border, "refused 203.0.113.1:5061 datagram\n");
	send_options(border, DATAGRAM_MAX - 100);
	cr_assert_eq(border->outcome.verdict, VERDICT_REWRITE);
	border_free(border);
}

Test(engine, a_datagram_that_needs_no_repair_goes_on_as_it_came)
{
	struct border *border = border_new();

	border->repairs = true;
	border_in(border, "203.0.113.77:5060", "\r\n\r\n");
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	border_register(border, "203.0.113.77:5060",
		(struct registration){
			.via = "203.0.113.77:5060", .contact = "<sip:alice@203.0.113.77:5060>"});
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	border_free(border);
}
