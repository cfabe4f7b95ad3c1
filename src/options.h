/* The command line, and what main.c runs with it. */
#ifndef NATBOX_OPTIONS_H
#define NATBOX_OPTIONS_H

#include <natbox/ops.h>

enum { OVERRIDES_MAX = 128 };

struct options {
	const char *config_path; /* NULL: the default */
	int config_wait_ms;      /* at most, for whoever writes it when it is a FIFO or a pipe */
	const char *overrides[OVERRIDES_MAX];
	unsigned override_count;
	char interface_override[INTERFACE_MAX + 32]; /* -i as an override */
	const char *log_path;
	const char *replay_path;
	const char *write_path;
	uint64_t run_on_us;
	bool test, rules, dry_run, debug;
	int verbosity; /* -v adds one, -q takes one */
};

/* What the process ends with. */
enum { EXIT_USAGE = 2 };

/* Reads the configuration that the options name, and what they set over it. As config_read. */
int options_read_config(
	const struct options *options, struct config *config, struct config_errors *errors);

/* How much to log: as configured, more with -v and -d, less with -q. */
enum log_level options_log_level(const struct options *options, const struct config *config);

/* Each runs to its end and returns the exit status; what went wrong has been logged. */
int replay_run(const struct options *options, const struct config *config);
int live_run(const struct options *options, struct config *config);
int rules_run(const struct config *config);

#endif
