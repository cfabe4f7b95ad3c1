#include "ctl.h"

#include <natbox/ops.h>
#include <natbox/wire.h>

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { FILTERS_MAX = 32 };

/* Each command, with what it takes and what shows its answer. */
static const struct command {
	const char *name, *arguments, *help;
	int least, most;     /* arguments, without options */
	const char *options; /* of its own; NULL: none */
	bool is_live, is_counted;
	void (*show)(struct ctl *ctl, const json_t *line);
} commands[] = {
	{"status", "", "what runs, since when, and how many are lost", .show = tell_status},
	{"endpoints", "[FILTER...]", "who is kept reachable", .most = FILTERS_MAX,
		.is_counted = true, .show = show_endpoint},
	{"show", "ADDRESS:PORT|AOR", "all there is to know of one phone", 1, 1, .show = show_one},
	{"lost", "[FILTER...]", "who does not answer", .most = FILTERS_MAX, .is_counted = true,
		.show = show_lost},
	{"events", "[-k KINDS]", "what happens, from now on", .options = "k:", .is_live = true,
		.show = tell_event},
	{"trace", "[-t TIME] [-c COUNT] [-w FILE] ADDRESS:PORT|AOR", "one phone's messages", 1, 1,
		.options = "t:c:w:", .is_live = true, .show = trace_message},
	{"stats", "", "figures, as the metrics have them", .show = tell_stats},
	{"top", "", "all of that at a glance, as it is now, until q", .show = NULL},
	{"keepalive", "on|off", "send keepalives again, or none for now", 1, 1, .show = NULL},
	{"flush", "ADDRESS:PORT|AOR|all", "forget endpoints", 1, 1, .is_counted = true,
		.show = show_flushed},
	{"share", "[yield]", "nothing: this version shares nothing with others", .most = 1},
	{"reload", "", "read the configuration again, as SIGHUP", .show = tell_logged},
	{"log", "LEVEL", "log error, warning, info or debug", 1, 1, .show = NULL},
	{"version", "", "of natboxctl, and of the natbox that runs", .show = tell_version},
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

#define SEE ": see natboxctl -h"

static int print_help(void)
{
	puts("usage: natboxctl [-s SOCKET] [-j] COMMAND\n\n"
	     "  -s, --socket SOCKET  control.socket of the natbox, default " CONTROL_SOCKET_DEFAULT
	     "\n"
	     "  -j, --json           JSON, a line for each thing, instead of a table\n"
	     "  -h, --help           show this\n"
	     "  -V, --version        show the version\n\n"
	     "commands:");
	for (unsigned i = 0; i < COMMANDS; i++)
		printf("  %s%s%s\n      %s\n", commands[i].name, *commands[i].arguments ? " " : "",
			commands[i].arguments, commands[i].help);
	puts("\nfilters: network=CIDR proxy=ADDRESS aor=GLOB reason=KIND class=NAME lost "
	     "'quiet>TIME'\n\nnatboxctl(8) has all of it.");
	return CTL_DONE;
}

static const struct command *find(const char *name)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* A word of a request stands on its line, between blanks. False where it cannot. */
static bool add_word(char line[static CTL_REQUEST_MAX], const char *prefix, const char *word)
{
	const size_t used = strlen(line);
	const int length = snprintf(
		line + used, CTL_REQUEST_MAX - used, "%s%s%s", used ? " " : "", prefix, word);

	return *word && !strpbrk(word, " \t\r\n") && length > 0 &&
	       (size_t)length < CTL_REQUEST_MAX - used - 1;
}

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* What getopt_long stopped at: a letter; or, as optopt is 0, a long word that no option has. */
static int fail_option(int option, char **argv)
{
	const char letter[] = {'-', (char)optopt, 0};
	const char *shown = optopt ? letter : argv[optind - 1];

	if (option == ':')
		return ctl_fail(CTL_USAGE, "an argument is missing after %.80s" SEE, shown);
	return ctl_fail(CTL_USAGE, "unknown option %.80s" SEE, shown);
}

/* -1: all is well so far. */
static int take_option(struct ctl *ctl, int option, char **argv)
{
	static const char *const prefixes[] = {['t'] = "time=", ['c'] = "count=", ['k'] = ""};

	switch (option) {
	case 's':
		ctl->socket = optarg;
		return -1;
	case 'j':
		ctl->is_json = true;
		return -1;
	case 'w':
		ctl->file = optarg;
		return -1;
	case 'h':
		return print_help();
	case 'V':
		puts("natboxctl " NATBOX_VERSION);
		return CTL_DONE;
	case '?':
	case ':':
		return fail_option(option, argv);
	default:
		if (!add_word(ctl->options, prefixes[option], optarg))
			return ctl_fail(CTL_USAGE, "-%c takes one word" SEE, option);
		return -1;
	}
}

/* Words of the request in order: the command, its target, its options. -1: it may be asked. */
static int compose(struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	char options[16];
	size_t used;
	int option, status = -1;

	snprintf(options, sizeof(options), ":s:jhV%s", command->options ? command->options : "");
	optind = 0;
	while (status < 0 &&
		(option = getopt_long(argc, argv, options, long_options, NULL)) != -1) {
		status = take_option(ctl, option, argv);
	}
	if (status >= 0)
		return status;
	if (command->most == FILTERS_MAX && argc - optind > FILTERS_MAX)
		return ctl_fail(
			CTL_USAGE, "%s takes %d filters at most" SEE, command->name, FILTERS_MAX);
	if (argc - optind < command->least || argc - optind > command->most)
		return ctl_fail(CTL_USAGE, "%s takes %s" SEE, command->name,
			*command->arguments ? command->arguments : "no argument");
	add_word(ctl->request, "", command->name);
	for (; optind < argc; optind++) {
		if (!add_word(ctl->request, "", argv[optind]))
			return ctl_fail(CTL_USAGE,
				"\"%.80s\": a word has no blanks, a request at most %d bytes" SEE,
				argv[optind], CTL_REQUEST_MAX);
	}
	used = strlen(ctl->request);
	snprintf(ctl->request + used, sizeof(ctl->request) - used, "%s%s\n",
		*ctl->options ? " " : "", ctl->options);
	return -1;
}

/* Of a command that lists nothing the last line is the answer. */
static void tell_end(const struct ctl *ctl, const struct command *command)
{
	if (!ctl->last || (ctl->is_json && command->show))
		return;
	if (ctl->is_json) {
		json_dumpf(ctl->last, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (command->is_counted) {
		show_count(ctl);
	} else if (strcmp(command->name, "keepalive") == 0) {
		printf("keepalives: %s\n", text_of(ctl->last, "keepalives"));
	} else if (strcmp(command->name, "log") == 0) {
		printf("log level: %s\n", text_of(ctl->last, "level"));
	} else if (strcmp(command->name, "trace") == 0) {
		fprintf(stderr, "natboxctl: %" PRIu64 " messages, %" PRIu64 " lines lost\n",
			number_of(ctl->last, "messages"), number_of(ctl->last, "lost_lines"));
	}
}

static int run(struct ctl *ctl, const struct command *command)
{
	struct fault fault;
	int status;

	ctl->is_live = command->is_live;
	ctl->command = command->name;
	if (strcmp(command->name, "top") == 0)
		return top_run(ctl);
	status = link_ask(ctl, command->show);
	if (ctl->writer && writer_close(ctl->writer, &fault) != 0 && !ctl->failure)
		status = ctl_fail(CTL_REFUSED, "%s", fault.line);
	ctl->writer = NULL;
	fflush(stdout); /* what is told at the end is of what is there already */
	tell_end(ctl, command);
	json_decref(ctl->last);
	return status;
}

static int ask(int argc, char **argv)
{
	static struct ctl ctl = {.socket = CONTROL_SOCKET_DEFAULT};
	const struct command *command;
	int option, status = -1;

	opterr = 0;
	while (status < 0 &&
		(option = getopt_long(argc, argv, "+:s:jhV", long_options, NULL)) != -1)
		status = take_option(&ctl, option, argv);
	if (status >= 0)
		return status;
	if (optind == argc)
		return ctl_fail(CTL_USAGE, "a command is missing" SEE);
	command = find(argv[optind]);
	if (!command)
		return ctl_fail(CTL_USAGE, "there is no command %.80s" SEE, argv[optind]);
	status = compose(&ctl, command, argc - optind, argv + optind);
	return status < 0 ? run(&ctl, command) : status;
}

/* Who reads only the beginning has what he wanted; a disk that is full has not. */
static int end_output(int status)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (poll(&reader, 1, 0) == 1 && reader.revents & (POLLERR | POLLHUP))
		return status;
	return ctl_fail(status ? status : CTL_REFUSED,
		"cannot write to standard output; what is there is not all, make room and run "
		"again");
}

/* What is not open would become the connection to natbox, and what is shown be said to it. */
static void fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return;
	}
}

int main(int argc, char **argv)
{
	fill_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return end_output(ask(argc, argv));
}
