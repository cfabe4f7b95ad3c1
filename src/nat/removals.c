#include "repair_parts.h"

/* Before the first header field with a Contact, of a message that has one. Its colon may stand on
 * another line than its name. */
static struct text front_of(const struct sip_message *message)
{
	const char *start = message->whole.at, *colon, *feed;
	struct sip_cursor cursor = {0};
	struct text value = {0}, before;

	sip_next_value(message, SIP_CONTACT, &cursor, &value);
	colon = memrchr(start, ':', (size_t)(value.at - start));
	before = text_trim(text_between(start, colon));
	feed = memrchr(before.at, '\n', before.length);
	return (struct text){feed + 1, 0};
}

/* The longest URI that is taken back, repaired: of the longest user and host names there are. */
enum { TAKEN_BACK_MAX = 1024 };

bool nat_take_back(const struct sip_message *message, const struct sip_contact *contact,
	struct text own, const struct address *source, struct edits *edits)
{
	const struct text open = TEXT("Contact: <"), close = TEXT(">;expires=0\r\n");
	const size_t bare = name_addr_is_bracketed(&contact->name_addr) ? 0 : 1;
	struct edits change;
	struct repair repair;
	char bytes[TAKEN_BACK_MAX];
	struct text text = {bytes, open.length - bare};
	long length;

	edits_reset(&change);
	repair_start(&repair, message, source, own, &change);
	if (!repair_contact(&repair, contact) && !uri_is_at(&contact->uri, source))
		return false;
	memcpy(bytes, open.at, text.length);
	length = edits_apply(&change, contact->uri.whole, bytes + text.length,
		sizeof(bytes) - open.length - close.length);
	if (length < 0)
		return false;
	text.length += (size_t)length;
	memcpy(bytes + text.length, close.at + bare, close.length - bare);
	text.length += close.length - bare;
	if (edits->count == EDITS_MAX || text.length > EDITS_BYTES_MAX - edits->used)
		return false;
	edits_replace(edits, front_of(message), text);
	return true;
}

/* A Contact with another host and port. False when it is too long. */
static bool put_host_port(const struct sip_contact *contact, struct text host_port,
	char bytes[static TAKEN_BACK_MAX], struct sip_contact *changed)
{
	const struct text value = contact->name_addr.value;
	struct edits edits;
	long length;

	edits_reset(&edits);
	edits_replace(&edits, contact->uri.host_port, host_port);
	length = edits_apply(&edits, value, bytes, TAKEN_BACK_MAX);
	return length > 0 && sip_contact_parse((struct text){bytes, (size_t)length}, changed) == 0;
}

/* What stood in it then was repaired, and so it was the user agent's own. */
bool nat_take_back_as(const struct sip_message *message, const struct sip_contact *contact,
	const struct address *as, const struct address *source, struct edits *edits)
{
	char text[ADDRESS_TEXT_MAX], bytes[TAKEN_BACK_MAX];
	struct text host_port = {text, address_format(as, text)};
	struct sip_contact changed;
	bool any = false;

	if (put_host_port(contact, host_port, bytes, &changed))
		any |= nat_take_back(message, &changed, changed.uri.host, source, edits);
	host_port.length = address_format_host(as, text);
	if (as->port == SIP_DEFAULT_PORT && put_host_port(contact, host_port, bytes, &changed))
		any |= nat_take_back(message, &changed, changed.uri.host, source, edits);
	return any;
}

static bool is_edited(const struct edits *edits, struct text span)
{
	for (unsigned i = 0; i < edits->count; i++) {
		if (edits->list[i].replaced.at == span.at)
			return true;
	}
	return false;
}

bool nat_repair_moved(const struct sip_message *message, const struct sip_contact *contact,
	const struct address *source, struct edits *edits)
{
	const struct additions additions = additions_find(message);
	struct repair repair;

	repair_start(&repair, message, source, contact->uri.host, edits);
	return !is_edited(edits, contact->uri.host_port) &&
	       !contact_is_of_domain(&repair.domains, contact) &&
	       !additions_may_clash(&additions, contact) && repair_contact(&repair, contact);
}

/* As it stands, before the additions that a repair makes equal to it. */
static bool move_to_front(
	const struct sip_message *message, const struct sip_contact *contact, struct edits *edits)
{
	const struct text name = TEXT("Contact: "), line_end = TEXT("\r\n");
	const struct text value = contact->name_addr.value;
	char bytes[TAKEN_BACK_MAX];
	struct text text = {bytes, name.length + value.length + line_end.length};

	if (text.length > sizeof(bytes) || edits->count + 2 > EDITS_MAX ||
		text.length > EDITS_BYTES_MAX - edits->used)
		return false;
	memcpy(bytes, name.at, name.length);
	memcpy(bytes + name.length, value.at, value.length);
	memcpy(bytes + name.length + value.length, line_end.at, line_end.length);
	edits_replace(edits, front_of(message), text);
	edits_cut_value(edits, message, value);
	return true;
}

unsigned nat_repair_removals(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits)
{
	const struct additions additions = additions_find(message);
	bool any = false, has_moved = false;

	if (!settings->nat.fix_contact || !additions.first)
		return 0;
	for (unsigned i = 0; i < message->contact_count && edits->count < EDITS_MAX; i++) {
		const struct sip_contact *contact = &message->contacts[i];

		if (!additions_may_clash(&additions, contact))
			continue;
		if (!uri_is_at(&contact->uri, source))
			any |= nat_take_back(
				message, contact, message->top_via.host, source, edits);
		else if (!has_moved && contact > additions.first)
			any |= has_moved = move_to_front(message, contact, edits);
	}
	return any ? REWRITTEN_CONTACT : 0;
}
