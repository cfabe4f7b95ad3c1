/* What this natbox alone may do here: serve its proxies, and relay. */
#include "live.h"

#include "wire/claim.h"
#include "wire/host.h"
#include <natbox/ops.h>

#include <stdio.h>
#include <unistd.h>

static int take(struct live *live, const char *purpose, uid_t user, struct fault *fault)
{
	int claim = claim_take(purpose, user, fault);

	if (claim < 0)
		return claim;
	if (fault->line[0])
		log_warning("%s", fault->line);
	live->claims[live->claim_count++] = claim;
	return 0;
}

static int look(const char *purpose, const char *other, uid_t user, struct fault *fault)
{
	int result = claim_look(purpose, other, user, fault);

	if (result == 0 && fault->line[0])
		log_warning("%s", fault->line);
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

static void name_entry(const struct proxy_entry *entry, char name[static CLAIM_MAX])
{
	if (entry->any)
		name_any(entry->address.port, name);
	else
		name_address(&entry->address, name);
}

/* `*:PORT` includes whatever address of this host another natbox has claimed by itself. */
static int look_for_named(
	const struct proxy_entry *any, const struct host *host, uid_t user, struct fault *fault)
{
	char purpose[CLAIM_MAX], other[CLAIM_MAX];
	int result = 0;

	name_entry(any, purpose);
	for (unsigned i = 0; result == 0 && i < host->count; i++) {
		struct address address = host->list[i];

		address.port = any->address.port;
		name_address(&address, other);
		result = look(purpose, other, user, fault);
	}
	return result;
}

/* And an address of this host is included in another's `*:PORT`. */
static int look_for_any(const struct proxy_entry *named, uid_t user, struct fault *fault)
{
	char purpose[CLAIM_MAX], other[CLAIM_MAX];

	name_entry(named, purpose);
	name_any(named->address.port, other);
	return look(purpose, other, user, fault);
}

/* First all are taken, then others are looked for: of two that start at once none overlooks the
 * other. */
int live_claim(struct live *live, uid_t user, struct fault *fault)
{
	const struct config *config = live->config;
	static struct host host;
	char name[CLAIM_MAX];
	int result = 0;

	if (live->dry_run)
		return 0;
	if (live->wire->claim)
		result = take(live, live->wire->claim, user, fault);
	for (unsigned i = 0; result == 0 && i < config->proxy_count; i++) {
		name_entry(&config->proxies[i], name);
		result = take(live, name, user, fault);
	}
	host_read(&host); /* what fails here live_find_proxies meets again, and tells */
	for (unsigned i = 0; result == 0 && i < config->proxy_count; i++) {
		const struct proxy_entry *entry = &config->proxies[i];

		if (entry->any)
			result = look_for_named(entry, &host, user, fault);
		else if (host_has(&host, &entry->address))
			result = look_for_any(entry, user, fault);
	}
	return result;
}

void live_disclaim(struct live *live)
{
	while (live->claim_count)
		close(live->claims[--live->claim_count]);
}
