#include "repair_parts.h"

static void format_source(struct repair *repair)
{
	size_t length = address_format(repair->source, repair->text);
	const char *colon = memrchr(repair->text, ':', length);

	repair->host_port = (struct text){repair->text, length};
	repair->port = text_between(colon + 1, text_end(repair->host_port));
}

void repair_start(struct repair *repair, const struct sip_message *message,
	const struct address *source, struct text sent_by_host, struct edits *edits)
{
	repair->message = message;
	repair->source = source;
	repair->edits = edits;
	repair->sent_by_host = sent_by_host;
	repair->sent_by_is = UNREAD;
	domains_start(&repair->domains, message);
	format_source(repair);
}

static bool repair_contacts(struct repair *repair)
{
	const struct additions additions = additions_find(repair->message);
	const struct sip_message *message = repair->message;
	bool repaired = false;

	for (unsigned i = 0; i < message->contact_count && !repair->edits->overflow; i++) {
		if (!additions_may_clash(&additions, &message->contacts[i]))
			repaired |= repair_contact(repair, &message->contacts[i]);
	}
	repair->edits->overflow |= repair->edits->count > REPAIR_EDITS_MAX;
	return repaired;
}

unsigned nat_repair(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits)
{
	struct repair repair;
	unsigned fields = 0;

	repair_start(&repair, message, source,
		message->is_request ? message->top_via.host : (struct text){0}, edits);
	if (message->is_request) {
		if (message->via_count != 1)
			return 0;
		if (repair_via(&repair, &message->top_via, settings->nat.fix_via))
			fields |= REWRITTEN_VIA;
	} else if (message->status >= 300) {
		return 0;
	}
	if (settings->nat.fix_contact && repair_contacts(&repair))
		fields |= REWRITTEN_CONTACT;
	return fields;
}
