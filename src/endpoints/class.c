#include <natbox/endpoints.h>

static bool same_rules(const struct keepalive_rules *a, const struct keepalive_rules *b)
{
	return a->interval_us == b->interval_us && a->scope == b->scope;
}

static struct keepalive_rules rules_of(
	const struct settings *settings, const struct phone_class *class)
{
	struct keepalive_rules rules = settings->keepalive.rules;

	if (class->effects & CLASS_SCOPE)
		rules.scope = class->rules.scope;
	if (class->effects & CLASS_INTERVAL)
		rules.interval_us = class->rules.interval_us;
	if (class->effects & CLASS_METHOD)
		rules.method = class->rules.method;
	if (class->effects & CLASS_MAX_LOST)
		rules.max_lost = class->rules.max_lost;
	if (class->effects & CLASS_DROP_LOST)
		rules.drop_lost = class->rules.drop_lost;
	return rules;
}

unsigned classes_find(const struct classes *classes, struct text name)
{
	for (unsigned number = 1; number < CLASS_NUMBERS && name.length; number++) {
		if (text_equal(name, text_from(classes->names[number])))
			return number;
	}
	return 0;
}

static bool is_named(const struct settings *settings, const char *name)
{
	for (unsigned i = 0; i < settings->classes.count; i++) {
		if (strcmp(settings->classes.list[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The free number that was given longest ago: there are more than twice as many as classes. */
static unsigned give_number(struct classes *classes)
{
	do
		classes->last = classes->last % (CLASS_NUMBERS - 1) + 1;
	while (*classes->names[classes->last]);
	return classes->last;
}

bool classes_set(struct classes *classes, const struct settings *settings)
{
	const struct keepalive_rules rules = settings->keepalive.rules;
	bool changes = !same_rules(&classes->rules[0], &rules);

	classes->settings = settings;
	classes->rules[0] = rules;
	classes->ask_user_agent = classes->ask_aor = false;
	for (unsigned number = 1; number < CLASS_NUMBERS; number++) {
		if (!is_named(settings, classes->names[number])) {
			*classes->names[number] = 0;
			classes->rules[number] = rules;
		}
	}
	for (unsigned i = 0; i < settings->classes.count; i++) {
		const struct phone_class *class = &settings->classes.list[i];
		const struct keepalive_rules own = rules_of(settings, class);
		unsigned number = classes_find(classes, text_from(class->name));

		if (!number)
			number = give_number(classes);
		else if (!same_rules(&classes->rules[number], &own))
			changes = true;
		memcpy(classes->names[number], class->name, sizeof(class->name));
		classes->rules[number] = own;
		classes->numbers[i] = (uint8_t)number;
		classes->ask_user_agent |= *class->user_agents != 0;
		classes->ask_aor |= *class->aors != 0;
	}
	return changes;
}

bool classes_keep_alive(const struct classes *classes)
{
	for (unsigned number = 0; number < CLASS_NUMBERS; number++) {
		if (classes->rules[number].scope != KEEPALIVE_OFF)
			return true;
	}
	return false;
}

static bool network_fits(const struct phone_class *class, const struct address *client)
{
	for (unsigned i = 0; i < class->network_count; i++) {
		if (network_contains(&class->networks[i], client))
			return true;
	}
	return !class->network_count;
}

static bool fits(const struct phone_class *class, const struct class_facts *facts, bool was_so)
{
	const struct text user_agents = text_from(class->user_agents),
			  aors = text_from(class->aors);

	if (!network_fits(class, facts->client))
		return false;
	if (aors.length && !(facts->aor.at ? globs_fit_aor(aors, facts->aor) : was_so))
		return false;
	return !user_agents.length ||
	       (facts->user_agent.at ? globs_fit(user_agents, facts->user_agent, 0) : was_so);
}

unsigned classes_match(const struct classes *classes, const struct class_facts *facts)
{
	const struct settings *settings = classes->settings;

	for (unsigned i = 0; i < settings->classes.count; i++) {
		const unsigned number = classes->numbers[i];

		if (fits(&settings->classes.list[i], facts, number == facts->before))
			return number;
	}
	return 0;
}

/* A URI without its parameters and headers, of a value of From or To. */
static struct text aor_in(struct text value)
{
	struct sip_contact contact;

	if (sip_contact_parse(value, &contact) != 0 || contact.name_addr.is_star)
		return TEXT("");
	if (contact.uri.host_port.at)
		contact.uri.whole.length =
			(size_t)(text_end(contact.uri.host_port) - contact.uri.whole.at);
	return contact.uri.whole;
}

unsigned classes_match_message(const struct classes *classes, const struct sip_message *message,
	const struct address *client)
{
	const bool is_to = !message->is_request || message->method == SIP_REGISTER;
	struct class_facts facts = {.client = client, .aor = TEXT(""), .user_agent = TEXT("")};
	struct text user_agent = {0};

	if (classes->ask_aor)
		facts.aor = aor_in(is_to ? message->to : message->from);
	if (classes->ask_user_agent)
		user_agent = sip_user_agent(message);
	if (user_agent.at)
		facts.user_agent = user_agent;
	return classes_match(classes, &facts);
}
