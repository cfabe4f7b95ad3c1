/* What is expected is fetched ahead, and nothing else comes of it: whoever comes, in whatever
 * order, is found as if nobody had been expected. */
#include "border.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>

enum { PHONES = 3 * EXPECTED_MAX };

static const char *name_of(unsigned phone)
{
	static char name[32];

	snprintf(name, sizeof(name), "203.0.113.%u:5061", phone % 250 + 1);
	return name;
}

static struct flow flow_of(struct border *border, unsigned phone, bool in)
{
	struct flow flow = {border->proxy, border->proxy};
	struct text name = {name_of(phone), 0};

	while (name.at[name.length])
		name.length++;
	cr_assert_eq(address_parse(name, 5060, in ? &flow.source : &flow.destination), 0);
	return flow;
}

static struct registration registration_of(unsigned phone)
{
	static char aor[64], call_id[32];

	snprintf(aor, sizeof(aor), "sip:%u@example.com", phone);
	snprintf(call_id, sizeof(call_id), "call-%u", phone);
	return (struct registration){.aor = aor,
		.call_id = call_id,
		.contact = "<sip:phone@192.168.1.10:5060>",
		.expires = "3600"};
}

/* Each third one, three times. */
static void register_all(struct border *border, unsigned cseq)
{
	for (unsigned i = 0; i < PHONES; i++) {
		const unsigned phone = i * 3 % PHONES + i * 3 / PHONES;
		struct registration registration = registration_of(phone);

		registration.cseq = cseq;
		border_bind(border, name_of(phone), registration);
	}
}

static void expect(struct border *border, unsigned first, unsigned step, unsigned count, bool in)
{
	struct flow flows[PHONES];

	for (unsigned i = 0; i < count; i++)
		flows[i] = flow_of(border, (first + i * step) % PHONES, in);
	engine_expect(border->engine, flows, count);
}

static void expect_same(struct border *border, struct border *other)
{
	border_expect(border, other->log);
	border_forget(other);
	cr_expect_eq(engine_counters(border->engine).rewritten,
		engine_counters(other->engine).rewritten);
}

Test(expected, nobody_is_handled_otherwise_for_it)
{
	struct border *border = border_new(), *other = border_new();

	border_wait(other, 1); /* so that there is an engine */
	border_wait(border, 1);
	register_all(border, 1); /* who is not known yet */
	expect(other, 0, 3, PHONES, true);
	register_all(other, 1);
	expect_same(border, other);
	register_all(border, 2); /* in another order, from the other side, and less than come */
	expect(other, 7, 1, EXPECTED_MAX / 2, false);
	register_all(other, 2);
	expect_same(border, other);
	border_wait(border, 30);
	expect(other, 0, 0, PHONES, true); /* one again and again, who does not come */
	border_wait(other, 30);
	expect_same(border, other);
	border_free(border);
	border_free(other);
}

Test(expected, who_is_none_of_natboxs_is_passed_over)
{
	struct border *border = border_new();
	struct flow flows[3];

	border_exempt(&border->settings, "203.0.113.2/32");
	border_register(border, name_of(0), registration_of(0));
	flows[0] = (struct flow){border->proxy, border->proxy};
	flows[1] = flow_of(border, 1, true); /* exempt */
	flows[2] = flow_of(border, 0, true);
	engine_expect(border->engine, flows, 3);
	cr_expect_eq(engine_endpoints(border->engine)->expected.count, 1);
	engine_expect(border->engine, flows, 0);
	cr_expect_eq(engine_endpoints(border->engine)->expected.count, 0);
	border_free(border);
}
