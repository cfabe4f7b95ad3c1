#include "config_parsers.h"

#include <errno.h>

bool config_section_is_class(struct text section, struct text *name)
{
	const struct text word = TEXT("class");

	if (!text_starts_with(section, word))
		return false;
	*name = (struct text){section.at + word.length, section.length - word.length};
	if (name->length && *name->at != ' ' && *name->at != '\t')
		return false;
	*name = text_trim(*name);
	return true;
}

/* What may stand in a label of a metric, and before the dot of -o. */
static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.length; i++) {
		const char c = name.at[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_')
			return false;
	}
	return name.length && name.length < CLASS_NAME_MAX;
}

unsigned config_class_find(const struct settings *settings, struct text name)
{
	unsigned i = 0;

	while (i < settings->classes.count &&
		!text_equal(name, text_from(settings->classes.list[i].name)))
		i++;
	return i;
}

int config_class_add(struct settings *settings, struct text name, struct fault *fault)
{
	if (!name.length)
		return fault_set(fault, -EINVAL, "a class needs a name, as in [class office]");
	if (!is_name(name))
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is no name for a class: up to %d letters, digits, - and _",
			config_shown(name), name.at, CLASS_NAME_MAX - 1);
	if (settings->classes.count == CLASSES_MAX)
		return fault_set(fault, -EINVAL, "more than %d classes", CLASSES_MAX);
	memcpy(settings->classes.list[settings->classes.count].name, name.at, name.length);
	return (int)settings->classes.count++;
}

int config_parse_class_networks(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct phone_class *class = target;
	struct text list = config_list_start(value), item;

	(void)key;
	memset(class->networks, 0, sizeof(class->networks));
	class->network_count = 0;
	if (!value.length)
		return fault_set(fault, -EINVAL, "may not be empty");
	while (config_list_next(&list, &item)) {
		if (class->network_count == CLASS_NETWORKS_MAX)
			return fault_set(
				fault, -EINVAL, "more than %d networks", CLASS_NETWORKS_MAX);
		if (config_network(item, &class->networks[class->network_count], fault) != 0)
			return -EINVAL;
		class->network_count++;
	}
	return 0;
}

int config_parse_globs(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct text list = config_list_start(value), item;

	if (config_parse_string(key, value, target, fault) < 0)
		return -EINVAL;
	while (config_list_next(&list, &item)) {
		if (!item.length)
			return fault_set(fault, -EINVAL, "an item of the list is empty");
	}
	return 0;
}

int config_parse_aors(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct text list = config_list_start(value), item;

	if (config_parse_globs(key, value, target, fault) != 0)
		return -EINVAL;
	while (config_list_next(&list, &item)) {
		if (memchr(item.at, ' ', item.length) || memchr(item.at, '\t', item.length))
			return config_refuse(fault, item,
				"has a blank, as no address of record has: commas part globs");
	}
	return 0;
}
