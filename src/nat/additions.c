#include "repair_parts.h"

/* RFC 3261 10.2.2. */
static bool is_removal(const struct additions *additions, const struct sip_contact *contact)
{
	const struct text expires = contact->name_addr.expires;
	uint32_t seconds;

	return text_number(expires, &seconds) ? seconds == 0 : additions->removes;
}

struct additions additions_find(const struct sip_message *message)
{
	struct additions additions = {0};
	uint32_t seconds;

	if (message->method != SIP_REGISTER || message->contact_count < 2)
		return additions;
	additions.removes = text_number(message->expires, &seconds) && seconds == 0;
	for (unsigned i = 0; i < message->contact_count && !additions.any_more; i++) {
		const struct sip_contact *contact = &message->contacts[i];

		if (contact->name_addr.is_star || is_removal(&additions, contact))
			continue;
		additions.any_more = additions.first != NULL;
		if (!additions.first)
			additions.first = contact;
	}
	return additions;
}

bool additions_may_clash(const struct additions *additions, const struct sip_contact *contact)
{
	return additions->first && !contact->name_addr.is_star && is_removal(additions, contact) &&
	       (additions->any_more ||
		       !text_equal_nocase(additions->first->uri.host_port, contact->uri.host_port));
}
