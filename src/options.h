/* The command line. */
#ifndef NATBOX_OPTIONS_H
#define NATBOX_OPTIONS_H

#include <natbox/ops.h>

struct options {
	struct config_source source; /* the configuration that is named, and what is set over it */
	const char **overrides;      /* room for as many as there are arguments */
	char interface_override[INTERFACE_MAX + 32]; /* -i as an override */
	const char *log_path;
	const char *replay_path;
	const char *write_path;
	uint64_t run_on_us;
	unsigned test; /* how often -t stands there: the file, and from 2 on this host, too */
	bool rules, dry_run, debug;
	int verbosity;      /* -v adds one, -q takes one */
	const char *answer; /* to -h or -V: is printed, and all else is left */
};

/* Reads the command line. Opens nothing. 0, or the exit status where it is wrong or memory is
 * short: that has been said. */
int options_parse(int argc, char **argv, struct options *options);

#endif
