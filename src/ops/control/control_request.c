#include "control_request.h"

#include "../config/config_parsers.h"
#include "../log/log.h"

#include <errno.h>
#include <string.h>

const char *const control_command_names[CONTROL_COMMANDS] = {
	[COMMAND_STATUS] = "status",
	[COMMAND_ENDPOINTS] = "endpoints",
	[COMMAND_SHOW] = "show",
	[COMMAND_LOST] = "lost",
	[COMMAND_EVENTS] = "events",
	[COMMAND_TRACE] = "trace",
	[COMMAND_STATS] = "stats",
	[COMMAND_KEEPALIVE] = "keepalive",
	[COMMAND_FLUSH] = "flush",
	[COMMAND_SHARE] = "share",
	[COMMAND_RELOAD] = "reload",
	[COMMAND_LOG] = "log",
	[COMMAND_VERSION] = "version",
};

static const unsigned usual_events =
	~(1U << EVENT_KEEPALIVE | 1U << EVENT_REPLY | 1U << EVENT_REWRITE);

/* The next of the words that blanks part; length 0: there is none. */
static struct text take_word(struct text *rest)
{
	struct text word;

	while (rest->length && (*rest->at == ' ' || *rest->at == '\t')) {
		rest->at++;
		rest->length--;
	}
	word = (struct text){rest->at, 0};
	while (word.length < rest->length && word.at[word.length] != ' ' &&
		word.at[word.length] != '\t')
		word.length++;
	rest->at += word.length;
	rest->length -= word.length;
	return word;
}

static int parse_filters(struct control_request *request, struct text rest, struct fault *fault)
{
	struct text word;

	while ((word = take_word(&rest)).length) {
		const int result = control_filter_add(&request->filter, word, fault);

		if (result != 0)
			return result;
	}
	return 0;
}

static int parse_kinds(struct control_request *request, struct text list, struct fault *fault)
{
	struct text item;

	request->events = 0;
	while (config_list_next(&list, &item)) {
		unsigned type = 0;

		while (type < EVENT_TYPES && !text_equal(item, text_from(event_type_names[type])))
			type++;
		if (text_equal(item, TEXT("all")))
			request->events = ~0U;
		else if (type == EVENT_TYPES)
			return fault_set(fault, -EINVAL,
				"\"%.*s\" is no kind of event; natbox.8 has them under EVENTS, and "
				"there is \"all\"",
				config_shown(item), item.at);
		else
			request->events |= 1U << type;
	}
	return 0;
}

static int parse_events(struct control_request *request, struct text *rest, struct fault *fault)
{
	const struct text kinds = take_word(rest);

	request->events = usual_events;
	return kinds.length ? parse_kinds(request, kinds, fault) : 0;
}

static int parse_bound(struct control_request *request, struct text word, struct fault *fault)
{
	struct text value;

	if (text_starts_with(word, TEXT("time="))) {
		value = (struct text){word.at + 5, word.length - 5};
		if (config_duration(value, &request->time_us) && request->time_us &&
			request->time_us <= TRACE_TIME_MAX_S * 1000000ull)
			return 0;
		return fault_set(fault, -EINVAL, "a trace lasts 1s to %dh, not \"%.*s\"",
			TRACE_TIME_MAX_S / 3600, config_shown(value), value.at);
	}
	if (text_starts_with(word, TEXT("count="))) {
		value = (struct text){word.at + 6, word.length - 6};
		if (text_number(value, &request->count) && request->count &&
			request->count <= TRACE_COUNT_MAX)
			return 0;
		return fault_set(fault, -EINVAL, "a trace has 1 to %d messages, not \"%.*s\"",
			TRACE_COUNT_MAX, config_shown(value), value.at);
	}
	return fault_set(fault, -EINVAL, "what is this for: %.*s", config_shown(word), word.at);
}

static int parse_trace(struct control_request *request, struct text *rest, struct fault *fault)
{
	int result = control_target_parse(&request->target, take_word(rest), fault);
	struct text word;

	request->time_us = TRACE_TIME_DEFAULT_S * 1000000ull;
	request->count = TRACE_COUNT_DEFAULT;
	while (result == 0 && (word = take_word(rest)).length)
		result = parse_bound(request, word, fault);
	return result;
}

static int parse_flush(struct control_request *request, struct text *rest, struct fault *fault)
{
	const int result = control_target_parse(&request->target, take_word(rest), fault);

	request->target.is_all = result == 0 && strcmp(request->target.aor, "all") == 0;
	return result;
}

static int parse_switch(struct control_request *request, struct text *rest, struct fault *fault)
{
	const struct text word = take_word(rest);

	request->on = text_equal(word, TEXT("on"));
	if (request->on || text_equal(word, TEXT("off")))
		return 0;
	return fault_set(fault, -EINVAL, "keepalive takes on or off");
}

static int parse_level(struct control_request *request, struct text *rest, struct fault *fault)
{
	const struct text word = take_word(rest);

	for (unsigned i = 0; log_level_names[i]; i++) {
		if (text_equal(word, text_from(log_level_names[i]))) {
			request->level = (enum log_level)i;
			return 0;
		}
	}
	return fault_set(fault, -EINVAL, "log takes error, warning, info or debug");
}

static int parse_share(struct text *rest, struct fault *fault)
{
	const struct text word = take_word(rest);

	if (!word.length || text_equal(word, TEXT("yield")))
		return 0;
	return fault_set(fault, -EINVAL, "share takes yield, or nothing");
}

static int parse_arguments(struct control_request *request, struct text *rest, struct fault *fault)
{
	switch (request->command) {
	case COMMAND_SHOW:
		return control_target_parse(&request->target, take_word(rest), fault);
	case COMMAND_EVENTS:
		return parse_events(request, rest, fault);
	case COMMAND_TRACE:
		return parse_trace(request, rest, fault);
	case COMMAND_KEEPALIVE:
		return parse_switch(request, rest, fault);
	case COMMAND_FLUSH:
		return parse_flush(request, rest, fault);
	case COMMAND_LOG:
		return parse_level(request, rest, fault);
	case COMMAND_SHARE:
		return parse_share(rest, fault);
	default:
		return 0;
	}
}

int control_request_parse(struct text line, struct control_request *request, struct fault *fault)
{
	struct text rest = text_trim(line), word = take_word(&rest);
	unsigned command = 0;
	int result;

	*request = (struct control_request){0};
	while (command < CONTROL_COMMANDS &&
		!text_equal(word, text_from(control_command_names[command])))
		command++;
	if (command == CONTROL_COMMANDS)
		return fault_set(fault, -EINVAL,
			"\"%.*s\" is no command; natboxctl -h and natboxctl.8 have them",
			config_shown(word), word.at);
	request->command = (enum control_command)command;
	request->filter.is_lost = command == COMMAND_LOST;
	if (command == COMMAND_ENDPOINTS || command == COMMAND_LOST)
		return parse_filters(request, rest, fault);
	result = parse_arguments(request, &rest, fault);
	word = take_word(&rest);
	if (result == 0 && word.length)
		return fault_set(
			fault, -EINVAL, "what is this for: %.*s", config_shown(word), word.at);
	return result;
}
