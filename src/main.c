#include "options.h"

#include <natbox/ops.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTION_RUN_ON = 256, OPTION_RULES };

/* How long the clock of a replay can run on: a year, where nothing is kept longer than 90
 * days. */
static const uint64_t run_on_max_us = 366ull * 24 * 3600 * 1000000;

enum {
	/* Time enough for a program that makes a configuration up. */
	START_WAIT_MS = 10 * 1000,
	/* Packets wait as long; what is written at once comes in far less. */
	RELOAD_WAIT_MS = 100,
};

/* Where a standard descriptor is closed, the next file to be opened would take its number, and get
 * what is meant for people. So one that cannot be written takes it. */
static int fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return EXIT_FAILURE;
	}
	return 0;
}

/* The exit status, which depends on standard output having taken everything. */
static int flush_output(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s; what is there is not all",
		strerror(errno ? errno : EIO));
	return status ? status : EXIT_FAILURE;
}

static void print_usage(void)
{
	fputs("usage: natbox [-c file] [-i interface] [-o key=value]... [-dnqv] [-l logfile]\n"
	      "       natbox -t [-c file] [-o key=value]...\n"
	      "       natbox -r capture [-w capture] [--run-on time] [-c file] [-o key=value]...\n"
	      "       natbox --rules [-c file] [-o key=value]...\n"
	      "       natbox -h | -V\n",
		stdout);
}

static int fail_usage(const char *what, const char *argument)
{
	log_refusal("natbox: %s%s: see natbox -h", what, argument);
	return EXIT_USAGE;
}

static int add_override(struct options *options, const char *override)
{
	if (options->override_count == OVERRIDES_MAX)
		return fail_usage("too many -o options at ", override);
	options->overrides[options->override_count++] = override;
	return 0;
}

static int set_interface(struct options *options, const char *name)
{
	if (!*name || strlen(name) >= INTERFACE_MAX)
		return fail_usage("-i takes the name of an interface, 1 to 15 bytes, not ", name);
	snprintf(options->interface_override, sizeof(options->interface_override),
		"natbox.interface=%s", name);
	return add_override(options, options->interface_override);
}

static int set_run_on(struct options *options, const char *value)
{
	if (!config_duration((struct text){value, strlen(value)}, &options->run_on_us))
		return fail_usage("--run-on takes a time such as 90s, 10m or 2h, not ", value);
	if (options->run_on_us > run_on_max_us)
		return fail_usage("--run-on takes 8784h at most, not ", value);
	return 0;
}

/* path: of the option's argument. */
static int set_path(const char **path, const char *value, const char *option)
{
	*path = value;
	return *value ? 0 : fail_usage("the name of a file is empty after ", option);
}

static int apply_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'c':
		return set_path(&options->config_path, value, "-c");
	case 'd':
		options->debug = true;
		return 0;
	case 'i':
		return set_interface(options, value);
	case 'l':
		return set_path(&options->log_path, value, "-l");
	case 'n':
		options->dry_run = true;
		return 0;
	case 'o':
		return add_override(options, value);
	case 'q':
		options->verbosity--;
		return 0;
	case 'r':
		return set_path(&options->replay_path, value, "-r");
	case 't':
		options->test = true;
		return 0;
	case 'v':
		options->verbosity++;
		return 0;
	case 'w':
		return set_path(&options->write_path, value, "-w");
	case OPTION_RUN_ON:
		return set_run_on(options, value);
	case OPTION_RULES:
		options->rules = true;
		return 0;
	case 'h':
		print_usage();
		exit(flush_output(EXIT_SUCCESS));
	case 'V':
		puts("natbox " NATBOX_VERSION);
		exit(flush_output(EXIT_SUCCESS));
	default:
		return EXIT_USAGE; /* not reached */
	}
}

/* What getopt_long stopped at: a word that is no option, or lacks its argument. */
static int fail_option(int option, const char *word)
{
	const char letter[] = {'-', (char)optopt, 0};
	const char *shown = word[0] == '-' && word[1] != '-' ? letter : word;

	if (option == ':')
		return fail_usage("an argument is missing after ", shown);
	return fail_usage("what is this for: ", shown);
}

static int stat_input(const char *path, struct stat *status)
{
	return strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, status) : stat(path, status);
}

/* Whether both are one file, by whatever names. */
static bool is_same_file(const char *input, const char *output)
{
	struct stat in, out;

	return stat_input(input, &in) == 0 && stat(output, &out) == 0 && in.st_dev == out.st_dev &&
	       in.st_ino == out.st_ino;
}

/* Such as /dev/null, which may take two outputs. */
static bool is_device(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISCHR(status.st_mode);
}

/* Options that do not go together: 0 or the exit status. Opens nothing. */
static int check_options(const struct options *options)
{
	if (options->test + options->rules + (options->replay_path != NULL) > 1)
		return fail_usage("-t, -r and --rules do not go together", "");
	if (!options->replay_path && (options->write_path || options->run_on_us))
		return fail_usage("-w and --run-on go with -r", "");
	if (options->write_path && strcmp(options->write_path, "-") == 0)
		return fail_usage("standard output has the events, -w takes a file, not ", "-");
	if (options->write_path && is_same_file("/dev/stdout", options->write_path) &&
		!is_device(options->write_path))
		return fail_usage("standard output has the events, -w takes another file than ",
			options->write_path);
	if (options->write_path && is_same_file(options->replay_path, options->write_path))
		return fail_usage("-w would overwrite what -r reads, name another file than ",
			options->write_path);
	return 0;
}

/* 0 or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"option", required_argument, NULL, 'o'},
		{"interface", required_argument, NULL, 'i'},
		{"test", no_argument, NULL, 't'},
		{"replay", required_argument, NULL, 'r'},
		{"write", required_argument, NULL, 'w'},
		{"run-on", required_argument, NULL, OPTION_RUN_ON},
		{"rules", no_argument, NULL, OPTION_RULES},
		{"dry-run", no_argument, NULL, 'n'},
		{"debug", no_argument, NULL, 'd'},
		{"verbose", no_argument, NULL, 'v'},
		{"quiet", no_argument, NULL, 'q'},
		{"log", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	static const char short_options[] = "+:c:di:l:no:qr:tvw:hV";
	const char *word = argv[optind];
	int option, status;

	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return fail_option(option, word);
		status = apply_option(options, option, optarg);
		if (status)
			return status;
		word = argv[optind];
	}
	if (optind < argc)
		return fail_usage("what is this for: ", argv[optind]);
	return check_options(options);
}

int options_read_config(
	const struct options *options, struct config *config, struct config_errors *errors)
{
	const struct config_source source = {
		.path = options->config_path,
		.wait_ms = options->config_wait_ms,
		.may_lack_file = options->replay_path != NULL,
		.opens_nothing = options->replay_path != NULL,
		.overrides = options->overrides,
		.override_count = options->override_count,
	};

	return config_read(&source, config, errors);
}

enum log_level options_log_level(const struct options *options, const struct config *config)
{
	int level = (int)config->log.level + options->verbosity;

	if (options->debug || level > LOG_LEVEL_DEBUG)
		return LOG_LEVEL_DEBUG;
	return level < LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR : (enum log_level)level;
}

/* 0 or the exit status. */
static int read_config(const struct options *options, struct config *config)
{
	static struct config_errors errors;

	if (options_read_config(options, config, &errors) == 0)
		return 0;
	for (unsigned i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
		log_refusal("%s", errors.list[i].line);
	if (errors.count > CONFIG_ERRORS_MAX)
		log_refusal("and %u more", errors.count - CONFIG_ERRORS_MAX);
	return EXIT_USAGE;
}

/* 0 or the exit status. */
static int open_log(const struct options *options, const struct config *config)
{
	struct identity owner = {.name = ""};
	struct fault fault;

	/* A user that there is not owns nothing; live_run says so where one is needed. */
	if (options->log_path)
		identity_find(config->user, &owner, &fault);
	log_set_level(options_log_level(options, config));
	if (log_open(options->log_path, &owner, &fault) != 0) {
		log_error("%s", fault.line);
		return fault.kind == FAULT_LASTING ? EXIT_USAGE : EXIT_FAILURE;
	}
	return 0;
}

static void log_configuration(const struct options *options)
{
	const char *path = options->config_path ? options->config_path : CONFIG_PATH_DEFAULT;
	const bool is_there = options->config_path || access(path, F_OK) == 0;

	log_debug("configuration: %s%s", path, is_there ? "" : " is not there, the defaults");
	for (unsigned i = 0; i < options->override_count; i++)
		log_debug("configuration: over it, %s", options->overrides[i]);
}

static int run(const struct options *options, struct config *config)
{
	if (options->rules)
		return rules_run(config);
	if (options->replay_path)
		return replay_run(options, config);
	if (options->dry_run && config->mode == MODE_RELAY)
		return fail_usage("-n goes with natbox.mode = sniff", "");
	return live_run(options, config);
}

int main(int argc, char **argv)
{
	static struct options options = {.config_wait_ms = START_WAIT_MS};
	static struct config config;
	int status = fill_standard_descriptors();

	privileges_freeze();
	if (status == 0)
		status = parse_options(argc, argv, &options);
	if (status == 0)
		status = read_config(&options, &config);
	if (status)
		return status;
	options.config_wait_ms = RELOAD_WAIT_MS;
	if (options.test) {
		printf("%s: ok\n", options.config_path ? options.config_path : CONFIG_PATH_DEFAULT);
		return flush_output(EXIT_SUCCESS);
	}
	status = open_log(&options, &config);
	if (status == 0) {
		log_configuration(&options);
		status = run(&options, &config);
	}
	status = flush_output(status);
	log_close();
	return status;
}
