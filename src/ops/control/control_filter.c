#include "control_filter.h"

#include <natbox/ops.h>

#include <errno.h>
#include <string.h>

/* Of a wrong word shown in an error. */
enum { SHOWN_MAX = 80 };

static int shown(struct text text)
{
	return text.length < SHOWN_MAX ? (int)text.length : SHOWN_MAX;
}

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

bool control_target_is_aor(const struct control_target *target, struct text aor)
{
	const struct text wanted = text_from(target->aor);

	return text_equal(wanted, aor) || text_equal(wanted, without_scheme(aor)) ||
	       text_equal(wanted, user_of(aor));
}

/* What follows a name in a word; at is NULL where that is another name. */
static struct text value_of(struct text word, struct text name)
{
	if (!text_starts_with(word, name))
		return (struct text){0};
	return (struct text){word.at + name.length, word.length - name.length};
}

/* With a port or, which is 0 then, without. */
static bool parse_address(struct text text, struct address *address)
{
	*address = (struct address){0};
	return address_parse(text, 0, address) == 0 || address_parse_host(text, address);
}

/* Which of the two would count nobody could see. */
static int refuse_second(const char *name, struct fault *fault)
{
	return fault_set(fault, -EINVAL, "%s stands there twice, as only reason= may", name);
}

static int add_network(struct control_filter *filter, struct text value, struct fault *fault)
{
	if (filter->has_network)
		return refuse_second("network=", fault);
	filter->has_network = true;
	if (network_parse(value, &filter->network) == 0)
		return 0;
	return fault_set(fault, -EINVAL,
		"network=%.*s: not a network such as 10.0.0.0/8 or 2001:db8::/32", shown(value),
		value.at);
}

static int add_proxy(struct control_filter *filter, struct text value, struct fault *fault)
{
	if (filter->has_proxy)
		return refuse_second("proxy=", fault);
	filter->has_proxy = true;
	if (parse_address(value, &filter->proxy))
		return 0;
	return fault_set(fault, -EINVAL,
		"proxy=%.*s: not an address such as 192.0.2.1:5060 or 192.0.2.1", shown(value),
		value.at);
}

static int add_aor(struct control_filter *filter, struct text value, struct fault *fault)
{
	if (*filter->aor)
		return refuse_second("aor=", fault);
	if (!value.length || value.length >= CONTROL_PATTERN_MAX ||
		memchr(value.at, 0, value.length))
		return fault_set(fault, -EINVAL, "aor=%.*s: needs a pattern of 1 to %d bytes",
			shown(value), value.at, CONTROL_PATTERN_MAX - 1);
	memcpy(filter->aor, value.at, value.length);
	filter->aor[value.length] = 0;
	return 0;
}

static int add_reason(struct control_filter *filter, struct text value, struct fault *fault)
{
	for (unsigned i = 0; i < REASON_KINDS; i++) {
		const char *name = reason_kind_names[i];

		if (text_equal(value, text_from(name))) {
			filter->reasons |= 1U << i;
			return 0;
		}
	}
	return fault_set(fault, -EINVAL, "reason=%.*s: none of registration, subscription, dialog",
		shown(value), value.at);
}

/* Which there are changes with the settings: no endpoint is in one that there is not. */
static int add_class(struct control_filter *filter, struct text value, struct fault *fault)
{
	if (*filter->class)
		return refuse_second("class=", fault);
	if (!value.length || value.length >= sizeof(filter->class) ||
		memchr(value.at, 0, value.length))
		return fault_set(fault, -EINVAL, "class=%.*s: needs the name of a class",
			shown(value), value.at);
	memcpy(filter->class, value.at, value.length);
	filter->class[value.length] = 0;
	return 0;
}

static int add_quiet(struct control_filter *filter, struct text value, struct fault *fault)
{
	if (filter->quiet_us)
		return refuse_second("quiet>", fault);
	if (config_duration(value, &filter->quiet_us))
		return 0;
	return fault_set(fault, -EINVAL, "quiet>%.*s: not a time such as 90s, 10m or 2h",
		shown(value), value.at);
}

int control_filter_add(struct control_filter *filter, struct text word, struct fault *fault)
{
	struct text value;

	if (text_equal(word, TEXT("lost"))) {
		filter->is_lost = true;
		return 0;
	}
	if ((value = value_of(word, TEXT("network="))).at)
		return add_network(filter, value, fault);
	if ((value = value_of(word, TEXT("proxy="))).at)
		return add_proxy(filter, value, fault);
	if ((value = value_of(word, TEXT("aor="))).at)
		return add_aor(filter, value, fault);
	if ((value = value_of(word, TEXT("reason="))).at)
		return add_reason(filter, value, fault);
	if ((value = value_of(word, TEXT("class="))).at)
		return add_class(filter, value, fault);
	if ((value = value_of(word, TEXT("quiet>"))).at)
		return add_quiet(filter, value, fault);
	return fault_set(fault, -EINVAL,
		"%.*s: no filter; there are network=CIDR, proxy=ADDRESS, aor=GLOB, reason=KIND, "
		"class=NAME, lost and quiet>TIME",
		shown(word), word.at);
}

/* Port 0 stands for every port. */
static bool is_at(const struct address *wanted, const struct address *address)
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

static bool is_of_class(const struct endpoints *endpoints, unsigned class, const char *name)
{
	return text_equal(classes_name(&endpoints->classes, class), text_from(name));
}

bool control_filter_matches(
	const struct control_filter *filter, const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (filter->is_lost && !endpoint->lost)
		return false;
	if (filter->has_network && !network_contains(&filter->network, &endpoint->client))
		return false;
	if (filter->has_proxy && !is_at(&filter->proxy, &endpoints->proxies->list[endpoint->proxy]))
		return false;
	if (filter->quiet_us && endpoint_silent_us(endpoints, index) <= filter->quiet_us)
		return false;
	if (*filter->class && !is_of_class(endpoints, endpoint->class, filter->class))
		return false;
	if (filter->reasons && !has_reason(endpoints, index, filter->reasons))
		return false;
	return !*filter->aor || has_aor(endpoints, index, is_like, filter->aor);
}

int control_target_parse(struct control_target *target, struct text word, struct fault *fault)
{
	*target = (struct control_target){0};
	if (!word.length || word.length >= sizeof(target->aor) || memchr(word.at, 0, word.length))
		return fault_set(fault, -EINVAL,
			"an address such as 203.0.113.2:41000, or an address of record of 1 to %zu "
			"bytes, is needed",
			sizeof(target->aor) - 1);
	memcpy(target->aor, word.at, word.length);
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
		return is_at(&target->address, &endpoint_at(endpoints, endpoint)->client);
	return has_aor(endpoints, endpoint, is_the_aor, target);
}
