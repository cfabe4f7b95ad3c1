#include "control_filter.h"

#include "../config/config_parsers.h"

#include <natbox/ops.h>

#include <errno.h>

static struct text without_scheme(struct text aor)
{
	const char *colon = aor.length ? memchr(aor.at, ':', aor.length) : NULL;

	if (!colon)
		return aor;
	return (struct text){colon + 1, (size_t)(text_end(aor) - colon - 1)};
}

static struct text user_of(struct text aor)
{
	const struct text rest = without_scheme(aor);
	const char *end = rest.length ? memchr(rest.at, '@', rest.length) : NULL;

	return (struct text){rest.at, end ? (size_t)(end - rest.at) : 0};
}

/* As globs of a class are, and those that fit its user alone, too. */
static bool is_like(const void *wanted, struct text aor)
{
	const char *pattern = wanted;
	const struct text globs = text_from(pattern), user = user_of(aor);

	return globs_fit_aor(globs, aor) || (user.length && globs_fit(globs, user, user.length));
}

/* The case of the user, who stands in the address of record, counts; that of all else does not. */
static bool is_same(struct text wanted, struct text aor, struct text user)
{
	return text_equal_nocase(wanted, aor) &&
	       memcmp(wanted.at + (user.at - aor.at), user.at, user.length) == 0;
}

bool control_target_is_aor(const struct control_target *target, struct text aor)
{
	const struct text wanted = text_from(target->aor), user = user_of(aor);

	return is_same(wanted, aor, user) || is_same(wanted, without_scheme(aor), user) ||
	       text_equal(wanted, user);
}

/* Keeps a word as a string. False: it is empty, too long, or none. */
static bool keep(struct text word, char *out, size_t size)
{
	if (!word.length || word.length >= size || memchr(word.at, 0, word.length))
		return false;
	memcpy(out, word.at, word.length);
	out[word.length] = 0;
	return true;
}

/* With a port or, which is 0 then, without. */
static bool parse_address(struct text text, struct address *address)
{
	*address = (struct address){0};
	return address_parse(text, 0, address) == 0 || address_parse_host(text, address);
}

static bool add_network(struct control_filter *filter, struct text value)
{
	filter->has_network = true;
	return network_parse(value, &filter->network) == 0;
}

static bool add_proxy(struct control_filter *filter, struct text value)
{
	filter->has_proxy = true;
	return parse_address(value, &filter->proxy);
}

static bool add_aor(struct control_filter *filter, struct text value)
{
	return keep(value, filter->aor, sizeof(filter->aor));
}

static bool add_reason(struct control_filter *filter, struct text value)
{
	const unsigned kind = text_find(value, reason_kind_names, REASON_KINDS);

	filter->reasons |= 1U << kind;
	return kind < REASON_KINDS;
}

static bool add_class(struct control_filter *filter, struct text value)
{
	return keep(value, filter->class, sizeof(filter->class));
}

static bool add_quiet(struct control_filter *filter, struct text value)
{
	return config_duration(value, &filter->quiet_us);
}

/* What stands before the value, who adds it, what is wrong where that cannot be, and whether there
 * may be several. */
static const struct filter {
	const char *name;
	bool (*add)(struct control_filter *filter, struct text value);
	const char *wrong;
	bool may_repeat;
} filters[] = {
	{"network=", add_network, "not a network such as 10.0.0.0/8 or 2001:db8::/32", false},
	{"proxy=", add_proxy, "not an address such as 192.0.2.1:5060 or 192.0.2.1", false},
	{"aor=", add_aor, "needs a pattern of 1 to 510 bytes", false},
	{"reason=", add_reason, "none of registration, subscription, dialog", true},
	{"class=", add_class, "needs the name of a class", false},
	{"quiet>", add_quiet, "not a time such as 90s, 10m or 2h", false},
};
_Static_assert(CONTROL_PATTERN_MAX - 1 == 510, "what is said of aor=");

/* Which of two would count nobody could see. */
static int add(
	struct control_filter *filter, unsigned which, struct text value, struct fault *fault)
{
	const struct filter *kind = &filters[which];

	if (filter->given >> which & 1 && !kind->may_repeat)
		return fault_set(
			fault, -EINVAL, "%s stands there twice, as only reason= may", kind->name);
	filter->given |= 1U << which;
	if (kind->add(filter, value))
		return 0;
	return fault_set(fault, -EINVAL, "%s%.*s: %s", kind->name, config_shown(value), value.at,
		kind->wrong);
}

int control_filter_add(struct control_filter *filter, struct text word, struct fault *fault)
{
	if (text_equal(word, TEXT("lost"))) {
		filter->is_lost = true;
		return 0;
	}
	for (unsigned i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		const size_t length = strlen(filters[i].name);

		if (text_starts_with(word, (struct text){filters[i].name, length}))
			return add(filter, i, (struct text){word.at + length, word.length - length},
				fault);
	}
	return fault_set(fault, -EINVAL,
		"%.*s: no filter; there are network=CIDR, proxy=ADDRESS, aor=GLOB, reason=KIND, "
		"class=NAME, lost and quiet>TIME",
		config_shown(word), word.at);
}

bool control_is_at(const struct address *wanted, const struct address *address)
{
	return address_same_host(wanted, address) &&
	       (!wanted->port || wanted->port == address->port);
}

/* Whether one of its registrations is of an address of record that is as wanted. */
static bool has_aor(const struct endpoints *endpoints, uint32_t endpoint,
	bool (*is_wanted)(const void *wanted, struct text aor), const void *wanted)
{
	for (uint32_t i = endpoint_at(endpoints, endpoint)->reasons; i;
		i = reason_at(endpoints, i)->next) {
		const struct reason *reason = reason_at(endpoints, i);

		if (reason->kind == REASON_REGISTRATION &&
			is_wanted(wanted, label_text(&endpoints->labels, reason->label)))
			return true;
	}
	return false;
}

static bool has_reason(const struct endpoints *endpoints, uint32_t endpoint, unsigned kinds)
{
	for (uint32_t i = endpoint_at(endpoints, endpoint)->reasons; i;
		i = reason_at(endpoints, i)->next) {
		if (kinds >> reason_at(endpoints, i)->kind & 1)
			return true;
	}
	return false;
}

bool control_filter_matches(
	const struct control_filter *filter, const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct text class = text_from(filter->class);

	if (filter->is_lost && !endpoint->lost)
		return false;
	if (filter->has_network && !network_contains(&filter->network, &endpoint->client))
		return false;
	if (filter->has_proxy &&
		!control_is_at(&filter->proxy, &endpoints->proxies->list[endpoint->proxy]))
		return false;
	if (filter->quiet_us && endpoint_silent_us(endpoints, index) <= filter->quiet_us)
		return false;
	if (class.length && !text_equal(classes_name(&endpoints->classes, endpoint->class), class))
		return false;
	if (filter->reasons && !has_reason(endpoints, index, filter->reasons))
		return false;
	return !*filter->aor || has_aor(endpoints, index, is_like, filter->aor);
}

const char *control_filter_lacks(
	const struct control_filter *filter, const struct endpoints *endpoints)
{
	const struct settings *settings = endpoints->settings;
	const struct proxies *proxies = endpoints->proxies;
	unsigned i = 0;

	if (*filter->class &&
		config_class_find(settings, text_from(filter->class)) == settings->classes.count)
		return "class";
	while (i < proxies->count && !control_is_at(&filter->proxy, &proxies->list[i]))
		i++;
	return filter->has_proxy && i == proxies->count ? "proxy" : NULL;
}

int control_target_parse(struct control_target *target, struct text word, struct fault *fault)
{
	*target = (struct control_target){0};
	if (!keep(word, target->aor, sizeof(target->aor)))
		return fault_set(fault, -EINVAL,
			"an address such as 203.0.113.2:41000, or an address of record of 1 to %zu "
			"bytes, is needed",
			sizeof(target->aor) - 1);
	target->is_address = parse_address(word, &target->address);
	return 0;
}

static bool is_the_aor(const void *wanted, struct text aor)
{
	return control_target_is_aor(wanted, aor);
}

bool control_target_matches(
	const struct control_target *target, const struct endpoints *endpoints, uint32_t endpoint)
{
	if (target->is_all)
		return true;
	if (target->is_address)
		return control_is_at(&target->address, &endpoint_at(endpoints, endpoint)->client);
	return has_aor(endpoints, endpoint, is_the_aor, target);
}
