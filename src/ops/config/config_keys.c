#include "config_parsers.h"

#include "../log/log.h"
#include <natbox/ops.h>

/* Ranges of durations, in microseconds. */
#define MILLISECONDS(n) ((n)*1000ULL)
#define SECONDS(n)      MILLISECONDS((n)*1000ULL)
#define HOURS(n)        SECONDS((n)*3600ULL)

#define AT(member)       offsetof(struct config, member)
#define IN_CLASS(member) offsetof(struct phone_class, member)
#define WHOLE            0 /* the whole struct is the parser's */

/* A key's value: how it is read, where it goes, and what it may be. */
#define BOOLEAN(at)               config_parse_boolean, at, 0, 0, NULL
#define CHOICE(at, names)         config_parse_choice, at, 0, 0, names
#define NUMBER(at, least, most)   config_parse_number, at, least, most, NULL
#define DURATION(at, least, most) config_parse_duration, at, least, most, NULL
#define STRING(at, least, most)   config_parse_string, at, least, most, NULL
#define NAME(at, least, most)     config_parse_name, at, least, most, NULL
#define OTHER(parse, at)          parse, at, 0, 0, NULL

enum {
	/* The pools are indexed with 32 bits; with less than 16 million entries their memory stays
	 * below 2 GB. */
	TABLE_MOST = 16000000,
	LOST_MOST = 100,  /* endpoints count their misses up to MISSED_MAX */
	SPREAD_MOST = 90, /* what is left of an hour is still six minutes */
};

const char *const mode_names[] = {"sniff", "relay", "queue", NULL};
static const char *const vias[] = {"full", "rport", "no", NULL};
static const char *const scopes[] = {"natted", "all", "off", NULL};
static const char *const rules[] = {"auto", "manual", NULL};
static const char *const paths[] = {"auto", "link", "raw", NULL};
static const char *const lost_answers[] = {"off", "430", "480", NULL};

const struct config_key config_keys[CONFIG_KEYS] = {
	{"natbox", "mode", "sniff", CHOICE(AT(mode), mode_names)},
	{"natbox", "proxy", "*:5060", OTHER(config_parse_proxies, WHOLE)},
	{"natbox", "interface", "any", NAME(AT(interface), 1, INTERFACE_MAX)},
	{"natbox", "user", "natbox", NAME(AT(user), 0, CONFIG_NAME_MAX)},

	{"nat", "detect", "via-source, contact-private",
		OTHER(config_parse_detect, AT(core.nat.detect))},
	{"nat", "exempt", "", OTHER(config_parse_exempt, AT(core))},
	{"nat", "max-expires", "off", config_parse_duration_or_off, AT(core.nat.max_expires_us),
		SECONDS(EXPIRES_FLOOR_S), HOURS(168), NULL},
	{"nat", "spread-expires", "0", NUMBER(AT(core.nat.spread_expires), 0, SPREAD_MOST)},
	{"nat", "fix-via", "full", CHOICE(AT(core.nat.fix_via), vias)},
	{"nat", "fix-contact", "yes", BOOLEAN(AT(core.nat.fix_contact))},
	{"nat", "restore", "yes", BOOLEAN(AT(core.nat.restore))},

	{"keepalive", "scope", "natted", CHOICE(AT(core.keepalive.rules.scope), scopes)},
	{"keepalive", "interval", "25s",
		DURATION(
			AT(core.keepalive.rules.interval_us), SECONDS(1), SECONDS(INTERVAL_MAX_S))},
	{"keepalive", "method", "NOTIFY",
		CHOICE(AT(core.keepalive.rules.method), keepalive_method_names)},
	{"keepalive", "from", "sip:keepalive@PROXY", config_parse_from, AT(core.keepalive.from), 0,
		FROM_MAX, NULL},
	{"keepalive", "alive", "any", OTHER(config_parse_statuses, AT(core.keepalive.not_alive))},
	{"keepalive", "path", "auto", CHOICE(AT(keepalive.path), paths)},
	{"keepalive", "extra-headers", "",
		OTHER(config_parse_headers, AT(core.keepalive.extra_headers))},
	{"keepalive", "registrations", "yes", BOOLEAN(AT(core.keepalive.registrations))},
	{"keepalive", "subscriptions", "yes", BOOLEAN(AT(core.keepalive.subscriptions))},
	{"keepalive", "dialogs", "yes", BOOLEAN(AT(core.keepalive.dialogs))},
	{"keepalive", "max-lost", "3", NUMBER(AT(core.keepalive.rules.max_lost), 0, LOST_MOST)},
	{"keepalive", "drop-lost", "no", BOOLEAN(AT(core.keepalive.rules.drop_lost))},
	{"keepalive", "reply-timeout", "5s",
		DURATION(AT(core.keepalive.reply_timeout_us), MILLISECONDS(100), SECONDS(60))},

	{"timers", "transaction", "32s",
		DURATION(AT(core.timers.transaction_us), SECONDS(1), SECONDS(600))},
	{"timers", "invite", "180s", DURATION(AT(core.timers.invite_us), SECONDS(1), HOURS(1))},
	{"timers", "dialog", "12h", DURATION(AT(core.timers.dialog_us), SECONDS(1), HOURS(168))},

	{"state", "path", "/var/lib/natbox", STRING(AT(state.path), 0, CONFIG_PATH_MAX)},
	{"state", "sync", "1s", DURATION(AT(state.sync_us), MILLISECONDS(10), SECONDS(60))},

	{"limits", "endpoints", "1000000", NUMBER(AT(core.limits.endpoints), 1, TABLE_MOST)},
	{"limits", "endpoints-per-address", "4096",
		NUMBER(AT(core.limits.endpoints_per_address), 1, TABLE_MOST)},
	{"limits", "unproven", "100000", NUMBER(AT(core.limits.unproven), 1, TABLE_MOST)},
	{"limits", "unproven-per-address", "1024",
		NUMBER(AT(core.limits.unproven_per_address), 1, TABLE_MOST)},
	{"limits", "transactions", "200000", NUMBER(AT(core.limits.transactions), 1, TABLE_MOST)},
	{"limits", "datagram", "65535", NUMBER(AT(core.limits.datagram), 1, UINT16_MAX)},

	{"relay", "in-port", "5062", NUMBER(AT(relay.in_port), 1, UINT16_MAX)},
	{"relay", "out-port", "5063", NUMBER(AT(relay.out_port), 1, UINT16_MAX)},
	{"relay", "mark", "0x6e62", NUMBER(AT(relay.mark), 1, UINT32_MAX)},
	{"relay", "own-mark", "0x6e63", NUMBER(AT(relay.own_mark), 1, UINT32_MAX)},
	{"relay", "table", "5060", NUMBER(AT(relay.table), 1, UINT32_MAX)},
	{"relay", "rules", "auto", CHOICE(AT(relay.rules), rules)},
	{"relay", "lost-answer", "off", CHOICE(AT(core.relay.lost_answer), lost_answers)},

	{"queue", "number", "5060", NUMBER(AT(queue.number), 0, UINT16_MAX)},

	{"control", "socket", CONTROL_SOCKET_DEFAULT,
		STRING(AT(control.socket), 0, SOCKET_PATH_MAX)},
	{"metrics", "listen", "", OTHER(config_parse_listen, AT(metrics.listen))},
	{"metrics", "group", "", NAME(AT(metrics.group), 0, CONFIG_NAME_MAX)},
	{"log", "level", "info", CHOICE(AT(log.level), log_level_names)},
	{"log", "events", "", STRING(AT(log.events), 0, CONFIG_PATH_MAX)},
	{"log", "events-of", "auto", OTHER(config_parse_events, AT(log.events_of))},
};

const struct config_key class_keys[CLASS_KEYS] = {
	{"class", "network", "", OTHER(config_parse_class_networks, WHOLE)},
	{"class", "user-agent", "", config_parse_globs, IN_CLASS(user_agents), 1, CLASS_GLOBS_MAX,
		NULL},
	{"class", "aor", "", config_parse_aors, IN_CLASS(aors), 1, CLASS_GLOBS_MAX, NULL},

	{"class", "scope", "", CHOICE(IN_CLASS(rules.scope), scopes)},
	{"class", "interval", "",
		DURATION(IN_CLASS(rules.interval_us), SECONDS(1), SECONDS(INTERVAL_MAX_S))},
	{"class", "method", "", CHOICE(IN_CLASS(rules.method), keepalive_method_names)},
	{"class", "max-lost", "", NUMBER(IN_CLASS(rules.max_lost), 0, LOST_MOST)},
	{"class", "drop-lost", "", BOOLEAN(IN_CLASS(rules.drop_lost))},
};
