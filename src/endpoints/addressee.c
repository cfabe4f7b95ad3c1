#include "parts.h"

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* A user without password (RFC 3261 25.1). Many phones write # without the escape that it needs.
 * What else may not stand there is in no message of ours, whoever wrote it. */
static bool is_user(struct text user)
{
	if (!user.length || user.length > LABEL_USER_MAX)
		return false;
	for (size_t i = 0; i < user.length; i++) {
		const char c = user.at[i];

		if (c == '%' &&
			(user.length - i < 3 || !is_hex(user.at[i + 1]) || !is_hex(user.at[i + 2])))
			return false;
		if (!is_alphanumeric(c) && (c == 0 || !strchr("-_.!~*'()&=+$,;?/#%", c)))
			return false;
	}
	return true;
}

static struct text without_password(struct text user)
{
	const char *colon = user.length ? memchr(user.at, ':', user.length) : NULL;

	if (colon)
		user = text_between(user.at, colon);
	return user;
}

/* Nothing but a user is followed by an at sign, and a scheme has none (RFC 3261 19.1.1). */
static struct text user_of_aor(struct text aor)
{
	const char *scheme = aor.length ? memchr(aor.at, ':', aor.length) : NULL;
	const char *user = scheme ? scheme + 1 : NULL;
	const char *end = user ? memchr(user, '@', (size_t)(text_end(aor) - user)) : NULL;

	if (!end)
		return (struct text){0};
	return without_password(text_between(user, end));
}

struct text contact_user(struct text aor, struct text user)
{
	user = without_password(user);
	if (!is_user(user) || text_equal(user, user_of_aor(aor)))
		return (struct text){0};
	return user;
}

/* Anybody can have this asked for with every message, and an endpoint may have hundreds of
 * calls. */
enum { REASONS_SOUGHT = 16 };

struct text endpoint_find_aor(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	const uint32_t endpoint = endpoint_find(endpoints, client, proxy);
	uint32_t index = endpoint ? endpoint_at(endpoints, endpoint)->reasons : 0;

	for (unsigned looks = 0; index && looks < REASONS_SOUGHT; looks++) {
		const struct reason *reason = reason_at(endpoints, index);

		if (reason->kind == REASON_REGISTRATION)
			return label_text(&endpoints->labels, reason->label);
		index = reason->next;
	}
	return (struct text){0};
}

struct text endpoint_copy_aor(
	const struct endpoints *endpoints, uint32_t endpoint, char copy[static AOR_COPY_MAX])
{
	struct text aor;

	if (!(endpoints->report->events >> EVENT_ENDPOINT_REMOVE & 1))
		return (struct text){0};
	aor = endpoint_addressee(endpoints, endpoint).aor;
	if (!aor.at)
		return aor;
	memcpy(copy, aor.at, aor.length);
	return (struct text){copy, aor.length};
}

bool aor_is_plain(struct text aor)
{
	struct sip_uri uri;

	if (!aor.length || aor.length > ADDRESSEE_AOR_MAX)
		return false;
	for (size_t i = 0; i < aor.length; i++) {
		if (aor.at[i] <= ' ' || aor.at[i] > '~' || strchr("\"<>\\", aor.at[i]))
			return false;
	}
	return sip_uri_parse(aor, &uri) == 0;
}

static int compare(struct text a, struct text b)
{
	const size_t least = a.length < b.length ? a.length : b.length;
	const int order = least ? memcmp(a.at, b.at, least) : 0;

	return order ? order : (a.length > b.length) - (a.length < b.length);
}

struct addressee endpoint_addressee(const struct endpoints *endpoints, uint32_t endpoint)
{
	const struct labels *labels = &endpoints->labels;
	struct addressee addressee = {0};

	for (uint32_t index = endpoint_at(endpoints, endpoint)->reasons; index;
		index = reason_at(endpoints, index)->next) {
		const struct reason *reason = reason_at(endpoints, index);
		const struct text aor = label_text(labels, reason->label);
		const struct text user = label_user(labels, reason->label);
		int order;

		if (reason->kind != REASON_REGISTRATION)
			continue;
		order = addressee.aor.at ? compare(aor, addressee.aor) : -1;
		if (order < 0 || (order == 0 && compare(user, addressee.user) < 0))
			addressee = (struct addressee){.user = user, .aor = aor};
	}
	if (addressee.user.length)
		return addressee;
	addressee.user = user_of_aor(addressee.aor);
	if (!is_user(addressee.user))
		addressee.user.length = 0;
	return addressee;
}
