#include "registrar.h"

#include "sip_messages.h"

#include <criterion/criterion.h>
#include <string.h>

struct border *phones_border;
struct bindings registrar;

void registrar_open(void)
{
	phones_border = border_new();
	phones_border->repairs = true;
	registrar = (struct bindings){0};
}

void registrar_close(void)
{
	border_free(phones_border);
}

void for_both(void (*story)(void))
{
	for (int bytes = 0; bytes < 2; bytes++) {
		registrar_close();
		registrar_open();
		registrar.compares_bytes = bytes;
		story();
	}
}

struct sip_message passed_on(void)
{
	static char bytes[4096];
	struct text sent = phones_border->outcome.bytes;

	cr_assert_eq(phones_border->outcome.verdict, VERDICT_REWRITE);
	cr_assert_lt(sent.length, sizeof(bytes));
	memcpy(bytes, sent.at, sent.length);
	return scanned(bytes, sent.length);
}

static struct registration complete(struct registration request)
{
	request.contact = request.contact ? request.contact : OWN;
	request.expires = request.expires ? request.expires : "60";
	return request;
}

struct sip_message sends(const char *client, struct registration request)
{
	border_register(phones_border, client, complete(request));
	return passed_on();
}

void is_answered(const char *client, struct registration request)
{
	char list[BINDINGS_MAX * (BINDING_URI_MAX + 32)];

	bindings_list(&registrar, list, sizeof(list));
	request = complete(request);
	request.contact = list;
	request.expires = NULL;
	border_answer(phones_border, client, 200, request);
}

void exchange(const char *client, struct registration request)
{
	struct sip_message message = sends(client, request);

	cr_assert(bindings_take(&registrar, &message));
	is_answered(client, request);
}

unsigned contact_count(const struct sip_message *message)
{
	return sip_count_values(message, SIP_CONTACT);
}

void bound_are_at(int line, const char *const *uris)
{
	unsigned count = 0;

	for (; uris[count]; count++) {
		cr_assert_lt(count, registrar.count, "line %d: no %s", line, uris[count]);
		cr_expect_str_eq(registrar.list[count].uri, uris[count], "line %d: %s", line,
			registrar.list[count].uri);
	}
	cr_expect_eq(registrar.count, count, "line %d: and %s", line, registrar.list[count].uri);
}
