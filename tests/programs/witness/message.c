#include "message.h"

#include <stdio.h>
#include <string.h>

enum { USER_MAX = 32 };

/* Of the one who is called, or subscribed to. */
#define OTHER_TAG ";tag=other"

static const struct {
	const char *method, *fields;
} steps[] = {
	[REGISTER] = {"REGISTER", "Expires: 600\r\n"}, /* longer than any story */
	[MOVE] = {"REGISTER", "Expires: 600\r\n"},
	[UNREGISTER] = {"REGISTER", "Expires: 0\r\n"},
	[SUBSCRIBE] = {"SUBSCRIBE", "Event: presence\r\nExpires: 600\r\n"},
	[UNSUBSCRIBE] = {"SUBSCRIBE", "Event: presence\r\nExpires: 0\r\n"},
	[INVITE] = {"INVITE", ""},
	[BYE] = {"BYE", ""},
};

/* What stands between two texts; empty when they are not there. */
static void copy_between(
	const char *message, const char *before, const char *after, char copy[static FIELD_MAX])
{
	const char *start = strstr(message, before), *end;

	*copy = 0;
	if (!start)
		return;
	start += strlen(before);
	end = strstr(start, after);
	if (end && end - start < FIELD_MAX)
		snprintf(copy, FIELD_MAX, "%.*s", (int)(end - start), start);
}

/* Appends all lines of a header field, each with a tail. */
static void copy_lines(
	const char *message, const char *name, const char *tail, char copy[static MESSAGE_MAX])
{
	for (const char *at = message, *end; (end = strstr(at, "\r\n")); at = end + 2) {
		size_t length = strlen(copy);

		if (strncmp(at, name, strlen(name)) == 0)
			snprintf(copy + length, MESSAGE_MAX - length, "%.*s%s\r\n", (int)(end - at),
				at, tail);
	}
}

/* Where a phone thinks it is: what its Via says. */
static void format_home(const struct phone *phone, char home[static ADDRESS_TEXT_MAX])
{
	snprintf(home, ADDRESS_TEXT_MAX, "192.168.1.%u:5060", phone->home);
}

/* Its Contact says the same, but where nobody repairs it, it would not be reached there. */
static void format_contact(const struct stories *stories, const struct phone *phone,
	char contact[static ADDRESS_TEXT_MAX])
{
	struct address address = stories->phones.client;

	address.port = phone->port;
	if (stories->is_repaired)
		format_home(phone, contact);
	else
		address_format(&address, contact);
}

static void format_user(const struct story *story, bool is_callee, char user[static USER_MAX])
{
	const char *role = is_callee ? "callee" : "phone";

	snprintf(
		user, USER_MAX, "%s%u", story->plot == NOTIFIER ? "notifier" : role, story->number);
}

/* Who says where it is takes back where it was. */
static void format_removal(
	const struct stories *stories, const struct story *story, char removal[static FIELD_MAX])
{
	char user[USER_MAX], contact[ADDRESS_TEXT_MAX];

	*removal = 0;
	if (story->step != MOVE || stories->is_repaired)
		return;
	format_user(story, false, user);
	format_contact(stories, story->phone, contact);
	snprintf(removal, FIELD_MAX, ", <sip:%s@%s>;expires=0", user, contact);
}

/* Whom the dialog is with; in a registration, of whom it is. */
static void format_other(
	const struct stories *stories, const struct story *story, char user[static USER_MAX])
{
	if (story->plot == SUBSCRIPTION)
		format_user(stories_notifier(stories), false, user);
	else
		format_user(story, story->plot == CALL, user);
}

static bool is_in_dialog(enum step step)
{
	return step == BYE || step == UNSUBSCRIBE;
}

static void format_target(
	const struct stories *stories, const struct story *story, char target[static FIELD_MAX])
{
	char host[ADDRESS_TEXT_MAX], other[USER_MAX];

	address_format_host(&stories->phones.proxy, host);
	format_other(stories, story, other);
	if (story->step == INVITE || story->step == SUBSCRIBE)
		snprintf(target, FIELD_MAX, "sip:%s@%s", other, host);
	else
		snprintf(target, FIELD_MAX, "sip:%s", host);
}

static void write_request(const struct stories *stories, const struct story *story,
	const char *method, bool in_dialog, char request[static MESSAGE_MAX])
{
	const struct phone *phone = story->sender;
	char home[ADDRESS_TEXT_MAX], contact[ADDRESS_TEXT_MAX];
	char target[FIELD_MAX], user[USER_MAX], other[USER_MAX], removal[FIELD_MAX];

	format_home(phone, home);
	format_contact(stories, phone, contact);
	format_removal(stories, story, removal);
	format_target(stories, story, target);
	format_user(story, phone == story->callee, user);
	format_other(stories, story, other);
	snprintf(request, MESSAGE_MAX,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK%u-%u%s;rport\r\n"
		"%s"
		"Max-Forwards: 70\r\n"
		"From: <sip:%s@lab>;tag=own\r\n"
		"To: <sip:%s@lab>%s\r\n"
		"Call-ID: %u-%s\r\n"
		"CSeq: %u %s\r\n"
		"Contact: <sip:%s@%s>%s\r\n"
		"%s"
		"Content-Length: 0\r\n\r\n",
		method, in_dialog ? story->target : target, home, story->number, story->sequence,
		method, in_dialog ? story->route : "", user, other, in_dialog ? OTHER_TAG : "",
		story->number, strcmp(method, "REGISTER") == 0 ? "registration" : "dialog",
		story->sequence, method, user, contact, removal, steps[story->step].fields);
}

void request_write(const struct stories *stories, struct story *story)
{
	story->sequence++;
	write_request(stories, story, steps[story->step].method, is_in_dialog(story->step),
		story->request);
}

void ack_write(
	const struct stories *stories, const struct story *story, char ack[static MESSAGE_MAX])
{
	write_request(stories, story, "ACK", true, ack);
}

void answer_write(const struct stories *stories, const struct phone *phone, const char *request,
	char answer[static MESSAGE_MAX])
{
	char contact[ADDRESS_TEXT_MAX];
	size_t length;

	format_contact(stories, phone, contact);
	snprintf(answer, MESSAGE_MAX, "SIP/2.0 200 OK\r\n");
	copy_lines(request, "Via:", "", answer);
	copy_lines(request, "Record-Route:", "", answer);
	copy_lines(request, "From:", "", answer);
	copy_lines(request, "To:", strstr(request, OTHER_TAG) ? "" : OTHER_TAG, answer);
	copy_lines(request, "Call-ID:", "", answer);
	copy_lines(request, "CSeq:", "", answer);
	copy_lines(request, "Expires:", "", answer);
	length = strlen(answer);
	snprintf(answer + length, MESSAGE_MAX - length,
		"Contact: <sip:%s>\r\nContent-Length: 0\r\n\r\n", contact);
}

void dialog_read(struct story *story, const char *response)
{
	char route[FIELD_MAX];

	copy_between(response, "\r\nContact: <", ">", story->target);
	copy_between(response, "\r\nRecord-Route: ", "\r\n", route);
	snprintf(story->route, FIELD_MAX, *route ? "Route: %.480s\r\n" : "%s", route);
}
