/* Configuration: natbox.ini and the -o options, checked wholly before anything is used. One table
 * (src/ops/config_keys.c) has every key with its section, default, range and parser. */
#ifndef NATBOX_CONFIG_H
#define NATBOX_CONFIG_H

#include <natbox/address.h>
#include <natbox/fault.h>
#include <natbox/log.h>
#include <natbox/settings.h>

#define CONFIG_PATH_DEFAULT "/etc/natbox/natbox.ini"

enum {
	CONFIG_PROXIES_MAX = 256, /* entries of natbox.proxy */
	CONFIG_PATH_MAX = 1024,   /* bytes of a path, with its zero */
	CONFIG_NAME_MAX = 32,     /* of a user name (useradd's limit), with its zero */
	INTERFACE_MAX = 16,       /* IFNAMSIZ */
	SOCKET_PATH_MAX = 108,    /* sun_path */
	CONFIG_ERRORS_MAX = 64,   /* shown at once; a file with more is not a natbox.ini */
};

enum mode { MODE_SNIFF, MODE_RELAY };

/* Who installs and removes the kernel rules of relay mode. */
enum rules { RULES_AUTO, RULES_MANUAL };

/* One entry of natbox.proxy. any: every address of this host; of address only the port counts. */
struct proxy_entry {
	bool any;
	struct address address;
};

struct config {
	struct settings core;
	enum mode mode;
	struct proxy_entry proxies[CONFIG_PROXIES_MAX];
	unsigned proxy_count; /* at least 1 */
	char interface[INTERFACE_MAX];
	char user[CONFIG_NAME_MAX]; /* empty: stay who started it */
	struct {
		char path[CONFIG_PATH_MAX]; /* empty: keep nothing */
		uint64_t sync_us;
	} state;
	struct {
		uint32_t in_port, out_port;
		uint32_t mark, own_mark, table;
		enum rules rules;
	} relay;
	struct {
		char socket[SOCKET_PATH_MAX]; /* empty: none */
	} control;
	struct {
		struct address listen; /* port 0: off */
	} metrics;
	struct {
		enum log_level level;
		char events[CONFIG_PATH_MAX]; /* "-": standard output; empty: none */
	} log;
};

/* Where a configuration is read from. */
struct config_source {
	const char *path;   /* NULL: CONFIG_PATH_DEFAULT */
	int wait_ms;        /* at most, for whoever writes it when it is a FIFO or a pipe */
	bool may_lack_file; /* with path NULL: the defaults serve where there is no such file */
	bool opens_nothing; /* a replay: ports, marks and table of the relay may collide */
	const char *const *overrides; /* SECTION.KEY=VALUE, the later over the earlier */
	unsigned override_count;
};

/* What is wrong with one, each a whole line: "FILE:LINE: what" or "-o OPTION: what". */
struct config_errors {
	unsigned count; /* all of them; the list holds the first CONFIG_ERRORS_MAX */
	struct fault list[CONFIG_ERRORS_MAX];
};

/* Reads and checks everything. 0, or -EINVAL with every error in *errors: *config is then not to
 * be used. Touches nothing but the file and *config. Not for several threads at once (inih). */
int config_read(
	const struct config_source *source, struct config *config, struct config_errors *errors);

/* A time such as 500ms, 25s, 10m or 12h; a bare number is seconds. False when it is none. */
bool config_duration(struct text value, uint64_t *us);

#endif
