#include "control_request.h"

#include "../config/config_parsers.h"
#include "../log/log.h"

#include <errno.h>

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

static int parse_filters(struct control_request *request, struct text *rest, struct fault *fault)
{
	struct text word;
	int result = 0;

	while (result == 0 && (word = take_word(rest)).length)
		result = control_filter_add(&request->filter, word, fault);
	return result;
}

static int parse_target(struct control_request *request, struct text *rest, struct fault *fault)
{
	return control_target_parse(&request->target, take_word(rest), fault);
}

static int parse_kinds(struct control_request *request, struct text list, struct fault *fault)
{
	struct text item;

	request->events = 0;
	while (config_list_next(&list, &item)) {
		const unsigned type = text_find(item, event_type_names, EVENT_TYPES);

		if (text_equal(item, TEXT("all")))
			request->events = EVENTS_ALL;
		else if (type == EVENT_TYPES)
			return config_refuse(fault, item,
				"is no kind of event; natbox.8 has them under EVENTS, and there is "
				"\"all\"");
		else
			request->events |= 1U << type;
	}
	return 0;
}

static int parse_events(struct control_request *request, struct text *rest, struct fault *fault)
{
	const struct text kinds = take_word(rest);

	request->events = EVENTS_ALL & ~EVENTS_FREQUENT;
	return kinds.length ? parse_kinds(request, kinds, fault) : 0;
}

static int parse_bound(struct control_request *request, struct text word, struct fault *fault)
{
	struct text value;

	if (text_starts_with(word, TEXT("time="))) {
		value = (struct text){word.at + 5, word.length - 5};
		if (config_duration(value, &request->time_us) && request->time_us >= 1000000 &&
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
	return fault_set(fault, -EINVAL, "unexpected argument %.*s", config_shown(word), word.at);
}

static int parse_trace(struct control_request *request, struct text *rest, struct fault *fault)
{
	int result = parse_target(request, rest, fault);
	struct text word;

	request->time_us = TRACE_TIME_DEFAULT_S * 1000000ull;
	request->count = TRACE_COUNT_DEFAULT;
	while (result == 0 && (word = take_word(rest)).length)
		result = parse_bound(request, word, fault);
	return result;
}

static int parse_flush(struct control_request *request, struct text *rest, struct fault *fault)
{
	const int result = parse_target(request, rest, fault);

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
	enum { LEVELS = LOG_LEVEL_DEBUG + 1 };
	const unsigned level = text_find(take_word(rest), log_level_names, LEVELS);

	if (level == LEVELS)
		return fault_set(fault, -EINVAL, "log takes error, warning, info or debug");
	request->level = (enum log_level)level;
	return 0;
}

static int parse_share(struct control_request *request, struct text *rest, struct fault *fault)
{
	const struct text word = take_word(rest);

	(void)request;
	if (!word.length || text_equal(word, TEXT("yield")))
		return 0;
	return fault_set(fault, -EINVAL, "share takes yield, or nothing");
}

/* Of those that take something. */
static int (*const parsers[CONTROL_COMMANDS])(
	struct control_request *, struct text *, struct fault *) = {
	[COMMAND_ENDPOINTS] = parse_filters,
	[COMMAND_SHOW] = parse_target,
	[COMMAND_LOST] = parse_filters,
	[COMMAND_EVENTS] = parse_events,
	[COMMAND_TRACE] = parse_trace,
	[COMMAND_KEEPALIVE] = parse_switch,
	[COMMAND_FLUSH] = parse_flush,
	[COMMAND_SHARE] = parse_share,
	[COMMAND_LOG] = parse_level,
};

int control_request_parse(struct text line, struct control_request *request, struct fault *fault)
{
	struct text rest = text_trim(line), word = take_word(&rest);
	const unsigned command = text_find(word, control_command_names, CONTROL_COMMANDS);
	int result = 0;

	*request = (struct control_request){0};
	if (command == CONTROL_COMMANDS)
		return config_refuse(
			fault, word, "is no command; natboxctl -h and natboxctl.8 have them");
	request->command = (enum control_command)command;
	request->filter.is_lost = command == COMMAND_LOST;
	if (parsers[command])
		result = parsers[command](request, &rest, fault);
	word = take_word(&rest);
	if (result == 0 && word.length)
		return fault_set(
			fault, -EINVAL, "unexpected argument %.*s", config_shown(word), word.at);
	return result;
}
