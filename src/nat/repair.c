#include "repair_parts.h"

#include "additions.h"

static bool repair_contacts(struct repair *repair)
{
	const struct additions additions = additions_find(repair->message);
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	bool repaired = false;

	while (!repair->edits->overflow && (contact = sip_next_contact(repair->message, &cursor))) {
		if (!additions_may_clash(&additions, contact))
			repaired |= repair_contact(repair, contact);
	}
	repair->edits->overflow |= repair->edits->count > REPAIR_EDITS_MAX;
	return repaired;
}

unsigned nat_repair(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits)
{
	struct domains domains;
	struct repair repair;
	unsigned fields = 0;

	repair_start(&repair, message, source, &domains, edits);
	if (message->is_request) {
		if (message->via_count != 1)
			return 0;
		repair.sent_by_host = message->top_via.host;
		if (repair_via(&repair, &message->top_via, settings->nat.fix_via))
			fields |= REWRITTEN_VIA;
	} else if (message->status >= 300) {
		return 0;
	}
	if (settings->nat.fix_contact && repair_contacts(&repair))
		fields |= REWRITTEN_CONTACT;
	return fields;
}
