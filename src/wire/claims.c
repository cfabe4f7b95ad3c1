/* What this natbox alone may do here: serve its proxies, and relay. */
#include "claim.h"
#include "host.h"
#include "named.h"
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

static int look(const struct wire *wire, const char *purpose, const char *other, uid_t user,
	struct fault *fault)
{
	int result = claim_look(purpose, other, user, fault);

	if (result == 0 && fault->line[0])
		tell(wire, WIRE_WARNING, "%s", fault->line);
	return result;
}

static void name_address(const struct address *address, char name[static CLAIM_MAX])
{
	char text[ADDRESS_TEXT_MAX];

	address_format(address, text);
	snprintf(name, CLAIM_MAX, "serve %s", text);
}

static void name_any(uint16_t port, char name[static CLAIM_MAX])
{
	snprintf(name, CLAIM_MAX, "serve *:%u", port);
}

static void name_entry(const struct address *named, char name[static CLAIM_MAX])
{
	if (address_is_unspecified(named))
		name_any(named->port, name);
	else
		name_address(named, name);
}

/* `*:PORT` includes whatever address of this host another natbox has claimed by itself. */
static int look_for_named(const struct wire *wire, const struct address *any,
	const struct host *host, uid_t user, struct fault *fault)
{
	char purpose[CLAIM_MAX], other[CLAIM_MAX];
	int result = 0;

	name_entry(any, purpose);
	for (unsigned i = 0; result == 0 && i < host->count; i++) {
		struct address address = host->list[i];

		address.port = any->port;
		name_address(&address, other);
		result = look(wire, purpose, other, user, fault);
	}
	return result;
}

/* And an address of this host is included in another's `*:PORT`. */
static int look_for_any(
	const struct wire *wire, const struct address *named, uid_t user, struct fault *fault)
{
	char purpose[CLAIM_MAX], other[CLAIM_MAX];

	name_entry(named, purpose);
	name_any(named->port, other);
	return look(wire, purpose, other, user, fault);
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
		name_entry(&settings->named[i], name);
		result = take(wire, name, user, fault);
	}
	host_read(&host); /* what fails here wire_find_proxies meets again, and tells */
	for (unsigned i = 0; result == 0 && i < settings->named_count; i++) {
		const struct address *named = &settings->named[i];

		if (address_is_unspecified(named))
			result = look_for_named(wire, named, &host, user, fault);
		else if (host_has(&host, named))
			result = look_for_any(wire, named, user, fault);
	}
	return result;
}

void wire_disclaim(struct wire *wire)
{
	while (wire->claim_count)
		close(wire->claims[--wire->claim_count]);
}
