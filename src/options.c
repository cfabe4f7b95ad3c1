#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTION_RUN_ON = 256, OPTION_RULES };

/* How long the clock of a replay can run on: a year, where nothing is kept longer than 90
 * days. */
static const uint64_t run_on_max_us = 366ull * 24 * 3600 * 1000000;

static const char usage[] =
	"usage: natbox [-dnqv] [-c file] [-i interface] [-l logfile]\n"
	"              [-o section.key=value]...\n"
	"       natbox -t [-t] [-c file] [-o section.key=value]...\n"
	"       natbox -r capture [-w capture] [--run-on time] [-c file]\n"
	"              [-o section.key=value]...\n"
	"       natbox --rules [-c file] [-o section.key=value]...\n"
	"       natbox -h | -V\n"
	"\n"
	"  -c, --config FILE           configuration file, default " CONFIG_PATH_DEFAULT "\n"
	"  -d, --debug                 log everything, each packet and each event\n"
	"  -h, --help                  show this\n"
	"  -i, --interface NAME        sniff on this interface\n"
	"  -l, --log FILE              log to this file instead of standard error\n"
	"  -n, --dry-run               sniff, and send nothing\n"
	"  -o, --option SECTION.KEY=VALUE\n"
	"                              set this key over the file's\n"
	"  -q, --quiet                 log one level less\n"
	"  -r, --replay FILE           read packets from a capture, - is standard input\n"
	"      --rules                 print the kernel rules of queue or relay mode\n"
	"      --run-on TIME           with -r: let the clock run on, as in 90s, 10m, 2h\n"
	"  -t, --test                  check the configuration; twice: this host, too\n"
	"  -v, --verbose               log one level more\n"
	"  -V, --version               show the version\n"
	"  -w, --write FILE            with -r: write what natbox would have sent\n"
	"\n"
	"natbox(8) has all of it.\n";

static int fail_usage(const char *what, const char *argument)
{
	log_refusal("natbox: %s%s: see natbox -h", what, argument);
	return EXIT_USAGE;
}

static void add_override(struct options *options, const char *override)
{
	options->overrides[options->source.override_count++] = override;
}

static int set_interface(struct options *options, const char *name)
{
	if (!*name || strlen(name) >= INTERFACE_MAX)
		return fail_usage("-i takes the name of an interface, 1 to 15 bytes, not ", name);
	snprintf(options->interface_override, sizeof(options->interface_override),
		"natbox.interface=%s", name);
	add_override(options, options->interface_override);
	return 0;
}

static int set_run_on(struct options *options, const char *value)
{
	if (!config_duration(text_from(value), &options->run_on_us))
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
		return set_path(&options->source.path, value, "-c");
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
		add_override(options, value);
		return 0;
	case 'q':
		options->verbosity--;
		return 0;
	case 'r':
		return set_path(&options->replay_path, value, "-r");
	case 't':
		options->test++;
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
		options->answer = usage;
		return 0;
	case 'V':
		options->answer = "natbox " NATBOX_VERSION "\n";
		return 0;
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
	return fail_usage("unknown option ", shown);
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
	if ((options->test != 0) + options->rules + (options->replay_path != NULL) > 1)
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

int options_parse(int argc, char **argv, struct options *options)
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

	options->overrides = calloc((size_t)argc, sizeof(*options->overrides));
	if (!options->overrides) {
		log_refusal("natbox: no memory for the options");
		return EXIT_FAILURE;
	}
	options->source.overrides = options->overrides;
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return fail_option(option, word);
		status = apply_option(options, option, optarg);
		if (status || options->answer)
			return status;
		word = argv[optind];
	}
	if (optind < argc)
		return fail_usage("unexpected argument ", argv[optind]);
	options->source.may_lack_file = options->source.opens_nothing =
		options->replay_path != NULL;
	return check_options(options);
}
