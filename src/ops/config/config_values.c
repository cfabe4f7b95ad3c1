#include "config_parsers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int config_refuse(struct fault *fault, struct text value, const char *what)
{
	return fault_set(fault, -EINVAL, "\"%.*s\" %s", config_shown(value), value.at, what);
}

int config_parse_boolean(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	bool *boolean = target;

	(void)key;
	*boolean = text_equal_nocase(value, TEXT("yes"));
	if (*boolean || text_equal_nocase(value, TEXT("no")))
		return 0;
	return config_refuse(fault, value, "is neither yes nor no");
}

/* No value may be negative, but one that is has the right form. */
static struct text without_sign(struct text value)
{
	bool negative = value.length && *value.at == '-';

	return (struct text){value.at + negative, value.length - negative};
}

int config_parse_number(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct text digits = without_sign(value);
	bool hexadecimal = digits.length > 2 && digits.at[0] == '0' && (digits.at[1] | 0x20) == 'x';
	unsigned long long number;
	char *end;

	if (digits.length == 0 || digits.at[0] < '0' || digits.at[0] > '9')
		return config_refuse(fault, value, "is not a number");
	errno = 0;
	number = strtoull(digits.at, &end, hexadecimal ? 16 : 10);
	if (end != text_end(value))
		return config_refuse(fault, value, "is not a number");
	if (errno || digits.at != value.at || number < key->least || number > key->most)
		return fault_set(fault, -EINVAL, "%.*s is out of range, %" PRIu64 " to %" PRIu64,
			config_shown(value), value.at, key->least, key->most);
	*(uint32_t *)target = (uint32_t)number;
	return 0;
}

static const struct unit {
	struct text name;
	uint64_t us;
} units[] = {
	{{"h", 1}, 3600000000},
	{{"m", 1}, 60000000},
	{{"s", 1}, 1000000},
	{{"ms", 2}, 1000},
	{{"", 0}, 1000000},
};

enum { UNITS = sizeof(units) / sizeof(*units), DURATION_TEXT_MAX = 32 };

/* In the largest unit that divides it. */
static const char *duration_format(uint64_t us, char text[static DURATION_TEXT_MAX])
{
	unsigned unit = 0;

	while (unit < UNITS - 2 && us % units[unit].us)
		unit++;
	snprintf(
		text, DURATION_TEXT_MAX, "%" PRIu64 "%s", us / units[unit].us, units[unit].name.at);
	return text;
}

/* A number with the unit after it. NULL: there is none. */
static const struct unit *split_duration(struct text value, struct text *digits)
{
	struct text name;

	*digits = (struct text){value.at, 0};
	while (digits->length < value.length && value.at[digits->length] >= '0' &&
		value.at[digits->length] <= '9')
		digits->length++;
	name = (struct text){text_end(*digits), value.length - digits->length};
	for (unsigned i = 0; digits->length && i < UNITS; i++) {
		if (text_equal(name, units[i].name))
			return &units[i];
	}
	return NULL;
}

bool config_duration(struct text value, uint64_t *us)
{
	struct text digits;
	const struct unit *unit = split_duration(value, &digits);
	uint32_t number;

	if (!unit || !text_number(digits, &number))
		return false;
	*us = number * unit->us;
	return true;
}

int config_parse_duration(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	struct text digits;
	uint64_t us;

	if (!split_duration(without_sign(value), &digits))
		return config_refuse(
			fault, value, "is not a duration such as 500ms, 25s, 10m or 12h");
	if (!config_duration(value, &us) || us < key->least || us > key->most)
		return fault_set(fault, -EINVAL, "%.*s is out of range, %s to %s",
			config_shown(value), value.at, duration_format(key->least, least),
			duration_format(key->most, most));
	*(uint64_t *)target = us;
	return 0;
}

int config_parse_duration_or_off(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct text digits;

	if (text_equal_nocase(value, TEXT("off"))) {
		*(uint64_t *)target = 0;
		return 0;
	}
	if (!split_duration(without_sign(value), &digits))
		return config_refuse(
			fault, value, "is neither off nor a duration such as 10m or 12h");
	return config_parse_duration(key, value, target, fault);
}

int config_parse_string(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	char *string = target;

	if (value.length < key->least)
		return fault_set(fault, -EINVAL, "may not be empty");
	if (value.length >= key->most)
		return fault_set(fault, -EINVAL, "longer than %" PRIu64 " bytes", key->most - 1);
	memcpy(string, value.at, value.length);
	memset(string + value.length, 0, key->most - value.length);
	return 0;
}

int config_parse_name(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	if (config_parse_string(key, value, target, fault) != 0)
		return -EINVAL;
	return strpbrk(target, " \t,") ? config_refuse(fault, value, "is not one name") : 0;
}

bool config_list_next(struct text *list, struct text *item)
{
	const char *comma;

	if (!list->at)
		return false;
	comma = list->length ? memchr(list->at, ',', list->length) : NULL;
	item->at = list->at;
	item->length = comma ? (size_t)(comma - list->at) : list->length;
	*item = text_trim(*item);
	if (comma)
		*list = (struct text){comma + 1, (size_t)(text_end(*list) - comma - 1)};
	else
		list->at = NULL;
	return true;
}

/* The number of a name; as many as there are where it is none of them. */
static unsigned find_name(struct text item, const char *const *names, unsigned count)
{
	unsigned at = 0;

	while (at < count && !text_equal_nocase(item, text_from(names[at])))
		at++;
	return at;
}

static int refuse_name(
	struct text item, const char *const *names, unsigned count, struct fault *fault)
{
	char list[256];
	size_t used = 0;

	for (unsigned i = 0; i < count && used < sizeof(list); i++)
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
	return fault_set(
		fault, -EINVAL, "\"%.*s\" is none of %s", config_shown(item), item.at, list);
}

int config_parse_choice(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	unsigned count = 0, choice;

	while (key->choices[count])
		count++;
	choice = find_name(value, key->choices, count);
	if (choice == count)
		return refuse_name(value, key->choices, count, fault);
	*(unsigned *)target = choice; /* gcc and clang: an enum without negatives */
	return 0;
}

/* A list of names as the set of their bits. */
static int parse_set(struct text value, const char *const *names, unsigned count, unsigned *set,
	struct fault *fault)
{
	struct text list = config_list_start(value), item;

	*set = 0;
	while (config_list_next(&list, &item)) {
		const unsigned bit = find_name(item, names, count);

		if (bit == count)
			return refuse_name(item, names, count, fault);
		*set |= 1U << bit;
	}
	return 0;
}

int config_parse_detect(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	(void)key;
	return parse_set(value, nat_test_names, NAT_TESTS, target, fault);
}

int config_parse_events(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	enum { AUTO = EVENT_TYPES, ALL, NAMES }; /* a set has EVENTS_AUTO in AUTO's place */
	const char *names[NAMES];
	unsigned *kinds = target;
	int result;

	(void)key;
	memcpy(names, event_type_names, sizeof(event_type_names));
	names[AUTO] = "auto";
	names[ALL] = "all";
	result = parse_set(value, names, NAMES, kinds, fault);
	if (*kinds & 1U << ALL)
		*kinds = (*kinds & ~(1U << ALL)) | EVENTS_ALL;
	return result;
}
