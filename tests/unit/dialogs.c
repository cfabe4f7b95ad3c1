#include "dialogs.h"

const unsigned failures[FAILURES] = {300, 301, 302, 305, 380, 400, 402, 403, 404, 408, 415, 420,
	422, 480, 481, 482, 483, 484, 486, 487, 488, 500, 503, 504, 600, 603, 604, 606};

void dialog_setup(void)
{
	own_border_open();
	border->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
}

struct exchange tagged(const char *from_tag, const char *to_tag, unsigned cseq)
{
	return (struct exchange){.from_tag = from_tag, .to_tag = to_tag, .cseq = cseq};
}

struct exchange forked(const char *branch, const char *to_tag)
{
	return (struct exchange){.branch = branch, .to_tag = to_tag};
}

struct exchange timed(struct exchange exchange, const char *session_expires)
{
	exchange.lines = session_expires;
	return exchange;
}

void phone_calls(void)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
}

void phone_is_called(void)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
}

void phone_hangs_up(struct exchange exchange)
{
	phone_is_granted(border, PHONE, "BYE", exchange);
}

void far_end_hangs_up(struct exchange exchange)
{
	proxy_is_granted(border, PHONE, "BYE", exchange);
}

void phone_registers(const char *client, const char *call_id)
{
	struct registration registration = {.call_id = call_id, .expires = "3600"};

	border_bind(border, client, registration);
	border_forget(border);
}
