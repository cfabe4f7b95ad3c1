#include "host_test.h"
#include "loop.h"
#include "options.h"
#include "replay.h"
#include "wire_settings.h"

#include <natbox/ops.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* 0 or the exit status. */
static int read_config(const struct options *options, struct config *config)
{
	static struct config_errors errors;

	if (config_read(&options->source, config, &errors) == 0)
		return 0;
	for (unsigned i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
		log_refusal("%s", errors.list[i].line);
	if (errors.count > CONFIG_ERRORS_MAX)
		log_refusal("and %u more", errors.count - CONFIG_ERRORS_MAX);
	return errors.may_pass ? EXIT_FAILURE : EXIT_USAGE;
}

/* 0 or the exit status. */
static int open_log(const struct options *options, const struct config *config)
{
	struct identity owner = {.name = ""};
	struct fault fault;

	/* A user that there is not owns nothing; loop_run says so where one is needed. */
	if (options->log_path)
		identity_find(config->user, &owner, &fault);
	log_set_verbosity(options->debug ? LOG_LEVEL_DEBUG : options->verbosity);
	log_configure(config->log.level);
	if (log_open(options->log_path, &owner, &fault) != 0) {
		log_error("%s", fault.line);
		return fault.kind == FAULT_LASTING ? EXIT_USAGE : EXIT_FAILURE;
	}
	return 0;
}

static void log_configuration(const struct options *options)
{
	const char *path = config_path(&options->source);
	const bool is_there = options->source.path || access(path, F_OK) == 0;

	log_debug("configuration: %s%s", path, is_there ? "" : " is not there, the defaults");
	for (unsigned i = 0; i < options->source.override_count; i++)
		log_debug("configuration: over it, %s", options->source.overrides[i]);
}

/* What an operator runs who installs the kernel rules by himself. */
static int print_rules(const struct config *config)
{
	static struct wire_settings settings;
	struct fault fault;

	wire_settings_read(config, &settings);
	if (wire_print_rules(&settings, stdout, &fault) == 0)
		return EXIT_SUCCESS;
	log_error("%s", fault.line);
	return EXIT_FAILURE;
}

/* The file has been found good by now. */
static int test(const struct options *options, const struct config *config)
{
	int status = options->test > 1 ? host_test(options, config) : 0;

	if (status)
		return status;
	printf("%s: ok\n", config_path(&options->source));
	if (options->test > 1)
		printf("this host: ok\n");
	return EXIT_SUCCESS;
}

/* Whether natbox is to do its work, and not just to show something. */
static bool is_live(const struct options *options)
{
	return !options->replay_path && !options->rules && !options->test;
}

static int run(const struct options *options, struct config *config)
{
	if (options->rules)
		return print_rules(config);
	if (options->replay_path)
		return replay_run(options, config);
	if (options->dry_run && config->mode != MODE_SNIFF) {
		log_refusal("natbox: -n goes with natbox.mode = sniff: see natbox -h");
		return EXIT_USAGE;
	}
	return loop_run(&options->source, options->dry_run, config);
}

int main(int argc, char **argv)
{
	static struct options options = {.source.wait_ms = START_WAIT_MS};
	static struct config config;
	int status = fill_standard_descriptors();

	signal(SIGXFSZ, SIG_IGN); /* what grows too large is an error of the write */
	privileges_freeze();
	if (status == 0)
		status = options_parse(argc, argv, &options);
	if (status == 0 && options.answer) {
		fputs(options.answer, stdout);
		return flush_output(EXIT_SUCCESS);
	}
	if (status == 0 && is_live(&options))
		loop_keep_signals();
	if (status == 0)
		status = read_config(&options, &config);
	if (status)
		return status;
	options.source.wait_ms = RELOAD_WAIT_MS;
	if (options.test)
		return flush_output(test(&options, &config));
	status = open_log(&options, &config);
	if (is_live(&options))
		log_never_wait();
	if (status == 0) {
		log_configuration(&options);
		status = run(&options, &config);
	}
	status = flush_output(status);
	log_close();
	return status;
}
