#include "domain.h"

#include "origin.h"

void domains_start(struct domains *domains, const struct sip_message *message)
{
	domains->message = message;
	domains->are_read = false;
}

static void read_domains(struct domains *domains)
{
	const struct sip_message *message = domains->message;
	struct sip_contact party;

	domains->count = 0;
	if (sip_contact_parse(message->from, &party) == 0)
		domains->uris[domains->count++] = party.uri;
	if (sip_contact_parse(message->to, &party) == 0)
		domains->uris[domains->count++] = party.uri;
	if (sip_uri_parse(message->request_uri, &domains->uris[domains->count]) == 0)
		domains->count++;
	domains->are_read = true;
}

/* A name may end in the dot of the root. */
static struct text without_root(struct text name)
{
	if (name.length > 1 && text_end(name)[-1] == '.')
		name.length--;
	return name;
}

static bool is_same_host(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->is_address && b->is_address)
		return address_same_host(&a->address, &b->address);
	return text_equal_nocase(without_root(a->host), without_root(b->host));
}

static bool names_domain(struct domains *domains, const struct sip_uri *uri)
{
	if (!domains->are_read)
		read_domains(domains);
	for (unsigned i = 0; i < domains->count; i++) {
		if (is_same_host(uri, &domains->uris[i]))
			return true;
	}
	return false;
}

static bool has_gr(const struct sip_contact *contact)
{
	struct text value;

	return sip_param(contact_uri_params(contact), TEXT("gr"), &value);
}

bool contact_is_of_domain(struct domains *domains, const struct sip_contact *contact)
{
	if (contact->uri.is_address)
		return has_gr(contact) && names_domain(domains, &contact->uri);
	return has_gr(contact) || names_domain(domains, &contact->uri);
}
