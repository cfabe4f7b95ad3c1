#include "reason_key.h"

uint64_t follow_key(const struct follow *follow, const char *purpose,
	const struct text texts[static KEY_TEXTS_MAX])
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add(&hash, purpose, 1);
	for (unsigned i = 0; i < KEY_TEXTS_MAX; i++)
		hash_add_text(&hash, texts[i]);
	return hash_end(&hash);
}

/* What follows the brackets, where nothing in quotes can be mistaken for them. */
static bool find_params(struct text value, struct text *params)
{
	const char *close = value.at ? memrchr(value.at, '>', value.length) : NULL;

	if (!close)
		return false;
	*params = text_trim(text_between(close + 1, text_end(value)));
	return !memchr(value.at, '"', value.length);
}

struct text follow_tag(struct text from_or_to)
{
	struct sip_name_addr name_addr;
	struct text params, tag = {0};

	if (find_params(from_or_to, &params))
		sip_param(params, TEXT("tag"), &tag);
	else if (sip_name_addr_parse(from_or_to, &name_addr) == 0)
		sip_param(name_addr.params, TEXT("tag"), &tag);
	return tag;
}

struct text follow_value(struct text field, struct text *params)
{
	const char *end = text_end(field);
	const char *semicolon = field.length ? memchr(field.at, ';', field.length) : NULL;

	*params = text_between(semicolon ? semicolon : end, end);
	return text_trim(text_between(field.at, params->at));
}

bool follow_seconds(struct text value, uint32_t *seconds)
{
	struct text params;

	return text_number(follow_value(value, &params), seconds);
}
