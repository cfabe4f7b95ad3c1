/* What this natbox alone may do here: serve its proxies, and relay. */
#include "claim.h"
#include "host.h"
#include "tell.h"

#include <stdio.h>
#include <unistd.h>

static int take(struct wire *wire, const char *purpose, uid_t user, struct fault *fault)
{
	int claim = claim_take(purpose, user, fault);

	if (claim < 0)
		return claim;
	if (fault->line[0])
		tell(wire, WIRE_WARNING, "%s", fault->line);
	wire->claims[wire->claim_count++] = claim;
	return 0;
}

/* "serve 192.0.2.1:5060"; of every address of this host "serve *:5060". */
static void name_claim(const struct address *proxy, char name[static CLAIM_MAX])
{
	char text[ADDRESS_TEXT_MAX];

	address_format(proxy, text);
	if (address_is_unspecified(proxy))
		snprintf(name, CLAIM_MAX, "serve *:%u", proxy->port);
	else
		snprintf(name, CLAIM_MAX, "serve %s", text);
}

static int look_for(const struct wire *wire, const struct address *named, struct address other,
	uid_t user, struct fault *fault)
{
	char purpose[CLAIM_MAX], name[CLAIM_MAX];
	int result;

	other.port = named->port;
	name_claim(named, purpose);
	name_claim(&other, name);
	result = claim_look(purpose, name, user, fault);
	if (result == 0 && fault->line[0])
		tell(wire, WIRE_WARNING, "%s", fault->line);
	return result;
}

/* `*:PORT` includes whatever address of this host another natbox has claimed by itself. And an
 * address of this host is included in another's `*:PORT`. */
static int look_for_others(const struct wire *wire, const struct address *named,
	const struct host *host, uid_t user, struct fault *fault)
{
	int result = 0;

	if (address_is_unspecified(named)) {
		for (unsigned i = 0; result == 0 && i < host->count; i++)
			result = look_for(wire, named, host->list[i], user, fault);
	} else if (host_has(host, named)) {
		result = look_for(wire, named, (struct address){0}, user, fault);
	}
	return result;
}

/* First all are taken, then others are looked for: of two that start at once none overlooks the
 * other. */
int wire_claim(struct wire *wire, uid_t user, struct fault *fault)
{
	const struct wire_settings *settings = &wire->settings;
	static struct host host;
	char name[CLAIM_MAX];
	int result = 0;

	if (!settings->sends)
		return 0;
	if (wire->kind->claim)
		result = take(wire, wire->kind->claim, user, fault);
	for (unsigned i = 0; result == 0 && i < settings->named_count; i++) {
		name_claim(&settings->named[i], name);
		result = take(wire, name, user, fault);
	}
	host_read(&host); /* what fails here wire_find_proxies meets again, and tells */
	for (unsigned i = 0; result == 0 && i < settings->named_count; i++)
		result = look_for_others(wire, &settings->named[i], &host, user, fault);
	return result;
}

void wire_disclaim(struct wire *wire)
{
	while (wire->claim_count)
		close(wire->claims[--wire->claim_count]);
}
