#include "config_keys.h"

#include "../log/log.h"
#include <natbox/ops.h>

#include <stddef.h>

/* Ranges of durations, in microseconds. */
#define MILLISECONDS(n) ((n)*1000ULL)
#define SECONDS(n)      MILLISECONDS((n)*1000ULL)
#define HOURS(n)        SECONDS((n)*3600ULL)

#define AT(member)       offsetof(struct config, member)
#define IN_CLASS(member) offsetof(struct phone_class, member)

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
	{"natbox", "mode", "sniff", config_parse_choice, AT(mode), 0, 0, mode_names},
	{"natbox", "proxy", "*:5060", config_parse_proxies, 0, 0, 0, NULL},
	{"natbox", "interface", "any", config_parse_string, AT(interface), 1, INTERFACE_MAX, NULL},
	{"natbox", "user", "natbox", config_parse_string, AT(user), 0, CONFIG_NAME_MAX, NULL},

	{"nat", "detect", "via-source, contact-private", config_parse_detect, AT(core.nat.detect),
		0, 0, NULL},
	{"nat", "exempt", "", config_parse_exempt, AT(core), 0, 0, NULL},
	{"nat", "max-expires", "off", config_parse_duration_or_off, AT(core.nat.max_expires_us),
		SECONDS(EXPIRES_FLOOR_S), HOURS(168), NULL},
	{"nat", "spread-expires", "0", config_parse_number, AT(core.nat.spread_expires), 0,
		SPREAD_MOST, NULL},
	{"nat", "fix-via", "full", config_parse_choice, AT(core.nat.fix_via), 0, 0, vias},
	{"nat", "fix-contact", "yes", config_parse_boolean, AT(core.nat.fix_contact), 0, 0, NULL},
	{"nat", "restore", "yes", config_parse_boolean, AT(core.nat.restore), 0, 0, NULL},

	{"keepalive", "scope", "natted", config_parse_choice, AT(core.keepalive.scope), 0, 0,
		scopes},
	{"keepalive", "interval", "25s", config_parse_duration, AT(core.keepalive.interval_us),
		SECONDS(1), SECONDS(INTERVAL_MAX_S), NULL},
	{"keepalive", "method", "NOTIFY", config_parse_choice, AT(core.keepalive.method), 0, 0,
		keepalive_method_names},
	{"keepalive", "from", "sip:keepalive@PROXY", config_parse_from, AT(core.keepalive.from), 0,
		FROM_MAX, NULL},
	{"keepalive", "alive", "any", config_parse_statuses, AT(core.keepalive.not_alive), 0, 0,
		NULL},
	{"keepalive", "path", "auto", config_parse_choice, AT(keepalive.path), 0, 0, paths},
	{"keepalive", "extra-headers", "", config_parse_headers, AT(core.keepalive.extra_headers),
		0, 0, NULL},
	{"keepalive", "registrations", "yes", config_parse_boolean,
		AT(core.keepalive.registrations), 0, 0, NULL},
	{"keepalive", "subscriptions", "yes", config_parse_boolean,
		AT(core.keepalive.subscriptions), 0, 0, NULL},
	{"keepalive", "dialogs", "yes", config_parse_boolean, AT(core.keepalive.dialogs), 0, 0,
		NULL},
	{"keepalive", "max-lost", "3", config_parse_number, AT(core.keepalive.max_lost), 0,
		LOST_MOST, NULL},
	{"keepalive", "drop-lost", "no", config_parse_boolean, AT(core.keepalive.drop_lost), 0, 0,
		NULL},
	{"keepalive", "reply-timeout", "5s", config_parse_duration,
		AT(core.keepalive.reply_timeout_us), MILLISECONDS(100), SECONDS(60), NULL},

	{"timers", "transaction", "32s", config_parse_duration, AT(core.timers.transaction_us),
		SECONDS(1), SECONDS(600), NULL},
	{"timers", "invite", "180s", config_parse_duration, AT(core.timers.invite_us), SECONDS(1),
		HOURS(1), NULL},
	{"timers", "dialog", "12h", config_parse_duration, AT(core.timers.dialog_us), SECONDS(1),
		HOURS(168), NULL},

	{"state", "path", "/var/lib/natbox", config_parse_string, AT(state.path), 0,
		CONFIG_PATH_MAX, NULL},
	{"state", "sync", "1s", config_parse_duration, AT(state.sync_us), MILLISECONDS(10),
		SECONDS(60), NULL},

	{"limits", "endpoints", "1000000", config_parse_number, AT(core.limits.endpoints), 1,
		TABLE_MOST, NULL},
	{"limits", "endpoints-per-address", "4096", config_parse_number,
		AT(core.limits.endpoints_per_address), 1, TABLE_MOST, NULL},
	{"limits", "unproven", "100000", config_parse_number, AT(core.limits.unproven), 1,
		TABLE_MOST, NULL},
	{"limits", "unproven-per-address", "1024", config_parse_number,
		AT(core.limits.unproven_per_address), 1, TABLE_MOST, NULL},
	{"limits", "transactions", "200000", config_parse_number, AT(core.limits.transactions), 1,
		TABLE_MOST, NULL},
	{"limits", "datagram", "65535", config_parse_number, AT(core.limits.datagram), 1,
		UINT16_MAX, NULL},

	{"relay", "in-port", "5062", config_parse_number, AT(relay.in_port), 1, UINT16_MAX, NULL},
	{"relay", "out-port", "5063", config_parse_number, AT(relay.out_port), 1, UINT16_MAX, NULL},
	{"relay", "mark", "0x6e62", config_parse_number, AT(relay.mark), 1, UINT32_MAX, NULL},
	{"relay", "own-mark", "0x6e63", config_parse_number, AT(relay.own_mark), 1, UINT32_MAX,
		NULL},
	{"relay", "table", "5060", config_parse_number, AT(relay.table), 1, UINT32_MAX, NULL},
	{"relay", "rules", "auto", config_parse_choice, AT(relay.rules), 0, 0, rules},
	{"relay", "lost-answer", "off", config_parse_choice, AT(core.relay.lost_answer), 0, 0,
		lost_answers},

	{"queue", "number", "5060", config_parse_number, AT(queue.number), 0, UINT16_MAX, NULL},

	{"control", "socket", CONTROL_SOCKET_DEFAULT, config_parse_string, AT(control.socket), 0,
		SOCKET_PATH_MAX, NULL},
	{"metrics", "listen", "", config_parse_listen, AT(metrics.listen), 0, 0, NULL},
	{"metrics", "group", "", config_parse_string, AT(metrics.group), 0, CONFIG_NAME_MAX, NULL},
	{"log", "level", "info", config_parse_choice, AT(log.level), 0, 0, log_level_names},
	{"log", "events", "", config_parse_string, AT(log.events), 0, CONFIG_PATH_MAX, NULL},
	{"log", "events-of", "auto", config_parse_events, AT(log.events_of), 0, 0, NULL},
};

const struct config_key class_keys[CLASS_KEYS] = {
	{"class", "network", "", config_parse_class_networks, 0, 0, 0, NULL},
	{"class", "user-agent", "", config_parse_globs, IN_CLASS(user_agents), 1, CLASS_GLOBS_MAX,
		NULL},
	{"class", "aor", "", config_parse_globs, IN_CLASS(aors), 1, CLASS_GLOBS_MAX, NULL},

	{"class", "scope", "", config_parse_choice, IN_CLASS(scope), 0, 0, scopes},
	{"class", "interval", "", config_parse_duration, IN_CLASS(interval_us), SECONDS(1),
		SECONDS(INTERVAL_MAX_S), NULL},
	{"class", "method", "", config_parse_choice, IN_CLASS(method), 0, 0,
		keepalive_method_names},
	{"class", "max-lost", "", config_parse_number, IN_CLASS(max_lost), 0, LOST_MOST, NULL},
	{"class", "drop-lost", "", config_parse_boolean, IN_CLASS(drop_lost), 0, 0, NULL},
};
