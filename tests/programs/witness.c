/* Kills natbox at random moments, and sees from outside what the next one still knows.
 *
 *     witness [-r] [-k KILLS] [-s SEED] CLIENT PROXY:PORT COMMAND...
 *
 * Plays phones (witness/stories.h) at an address of this host around a real proxy that runs at
 * another. COMMAND starts natbox, in sniff mode or, with -r, in relay mode, with a keepalive
 * interval of 1 s. At a random moment it is killed (SIGKILL) and started again. By the keepalives
 * that reach the phones within some time from then on it shows what it knows: what had been
 * acknowledged more than 2 s before the kill has to be as it was. Some are killed again before that
 * time is over, but never the first, so that there is something to know; KILLS counts those that
 * are not. Meanwhile the phones go on. Just before a kill it asks natbox (SIGUSR1) how much that
 * would cost. Where natbox says 2 s or more, or its keepalives came late, processor or disk were
 * busy with something else: nothing is expected of the next one, and the kill does not count. Nor
 * does it where natbox says that it did not run for a while: what phones did meanwhile went past
 * it, so they all begin anew.
 *
 * The last line tells what was seen. Status 0: nothing was missing, and nothing had come back; 1:
 * something was; 2: it could not be tried. */
#include "witness/stories.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SETTLED_US = 2000000, /* what a kill may cost */
	ANSWER_MAX_US = 60000000,
	WINDOW_US = 2000000, /* twice the keepalive interval */
	/* What a busy machine may add to it, as long as somebody is not heard. */
	WINDOW_MORE_US = 10000000,
	/* The keepalive interval, and half of it: a natbox that is later than that had no
	 * processor, or no network, and may not have seen what phones said. */
	LATE_US = 1500000,
	/* Half of the time after which SIP flows past a natbox that does not run. */
	STALL_S = 1,
	VOID_MAX = 100,         /* of such lives, and the machine is of no use for this */
	LIFE_MORE_US = 2000000, /* of a natbox that is not killed before the window is over */
	EARLY_ONE_IN = 4,       /* the others are */
	START_MAX_US = 60000000,
	LINE_MAX = 4096,
	EVENTS = 64,
	TURN_MS = 10,
};

struct witness {
	char **command;
	unsigned seed;
	unsigned wanted, compared, early; /* kills */
	unsigned voided;                  /* lives in which natbox was late */
	unsigned failed;                  /* requests, before this life */
	double lag; /* what natbox says of its state, in seconds; < 0: nothing yet */
	double longest_lag;
	int poll;
	pid_t natbox; /* 0: none */
	int log;      /* its standard error */
	bool is_ready, has_stalled;
	bool has_killed, is_void; /* is_void: the life before */
	struct stories stories;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void natbox_start(struct witness *witness)
{
	int ends[2];
	struct epoll_event event = {.events = EPOLLIN};

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("cannot start natbox");
	witness->is_ready = witness->has_stalled = false;
	witness->failed = witness->stories.failed;
	witness->natbox = fork();
	if (witness->natbox < 0)
		die("cannot start natbox");
	if (witness->natbox == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		execvp(witness->command[0], witness->command);
		die(witness->command[0]);
	}
	close(ends[1]);
	witness->log = ends[0];
	if (epoll_ctl(witness->poll, EPOLL_CTL_ADD, witness->log, &event) < 0)
		die("cannot read natbox's log");
}

static void natbox_kill(struct witness *witness)
{
	kill(witness->natbox, SIGKILL);
	waitpid(witness->natbox, NULL, 0);
	witness->natbox = 0;
	close(witness->log);
}

static void on_stall(struct witness *witness)
{
	witness->has_stalled = true;
	stories_begin_anew(&witness->stories);
	witness->stories.failed = witness->failed;
}

/* The number that follows those words in a line; -1: they do not stand there. */
static double number_after(const char *line, const char *words)
{
	const char *at = strstr(line, words);

	return at ? strtod(at + strlen(words), NULL) : -1;
}

/* Warnings and errors are for whoever reads this. */
static void read_log(struct witness *witness)
{
	char lines[LINE_MAX], *rest = lines;
	ssize_t length = read(witness->log, lines, sizeof(lines) - 1);

	if (length <= 0) {
		fprintf(stderr, "witness: natbox has ended by itself\n");
		exit(2);
	}
	lines[length] = 0;
	for (char *line; (line = strtok_r(rest, "\n", &rest));) {
		if (strstr(line, "ready: "))
			witness->is_ready = true;
		if (strstr(line, "state lag "))
			witness->lag = number_after(line, "state lag ");
		if (number_after(line, "did not run for ") >= STALL_S)
			on_stall(witness);
		if (strstr(line, "error: ") || strstr(line, "warning: "))
			printf("# %s\n", line);
	}
}

/* What waits at the phones and at natbox's log. */
static void turn(struct witness *witness)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(witness->poll, events, EVENTS, TURN_MS);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			stories_receive(&witness->stories, events[i].data.ptr);
		else
			read_log(witness);
	}
}

static void await_ready(struct witness *witness)
{
	uint64_t start_us = now_us();

	while (!witness->is_ready) {
		turn(witness);
		if (now_us() - start_us > START_MAX_US) {
			errno = ETIMEDOUT;
			die("natbox does not start");
		}
	}
}

static void live_until(struct witness *witness, uint64_t end_us)
{
	while (now_us() < end_us) {
		turn(witness);
		stories_go_on(&witness->stories);
	}
}

/* Until natbox has shown what it knows. Where that takes longer the stories wait: who speaks
 * meanwhile is not expected to be heard any more. */
static void live_until_heard(struct witness *witness, uint64_t start_us)
{
	live_until(witness, start_us + WINDOW_US);
	while (!phones_are_heard(&witness->stories.phones) &&
		now_us() < start_us + WINDOW_US + WINDOW_MORE_US)
		turn(witness);
}

/* natbox says how much a kill would cost. What reaches phones meanwhile waits for them. */
static void ask_lag(struct witness *witness)
{
	uint64_t start_us = now_us();

	witness->lag = -1;
	kill(witness->natbox, SIGUSR1);
	while (witness->lag < 0) {
		turn(witness);
		if (now_us() - start_us > ANSWER_MAX_US) {
			errno = ETIMEDOUT;
			die("natbox does not tell of its state");
		}
	}
	if (witness->lag > witness->longest_lag)
		witness->longest_lag = witness->lag;
}

/* What has been so for how long the next natbox has to know; nothing, if this one was late. */
static uint64_t settled_us(struct witness *witness, uint64_t asked_us)
{
	witness->is_void = witness->has_stalled ||
			   phones_latest_us(&witness->stories.phones) > LATE_US ||
			   witness->lag >= SETTLED_US / 1e6;
	witness->voided += witness->is_void;
	return witness->is_void ? now_us() : SETTLED_US + now_us() - asked_us;
}

/* From one start of natbox to its death. */
static void live(struct witness *witness)
{
	bool dies_early = witness->has_killed && rand() % EARLY_ONE_IN == 0;
	uint64_t start_us, asked_us;

	natbox_start(witness);
	await_ready(witness);
	phones_begin(&witness->stories.phones);
	start_us = now_us();
	if (dies_early) {
		live_until(witness, start_us + (uint64_t)rand() % WINDOW_US);
		witness->early++;
	} else {
		live_until_heard(witness, start_us);
		phones_compare(&witness->stories.phones);
		if (!witness->has_killed) /* until there is something to know */
			live_until(witness, now_us() + SETTLED_US);
		live_until(witness, now_us() + (uint64_t)rand() % LIFE_MORE_US);
		witness->compared +=
			witness->has_killed && !witness->is_void && !witness->has_stalled;
	}
	asked_us = now_us();
	ask_lag(witness);
	natbox_kill(witness);
	witness->has_killed = true;
	stories_expect(&witness->stories, settled_us(witness, asked_us));
}

static int tell(const struct witness *witness)
{
	const struct phones *phones = &witness->stories.phones;

	printf("seed %u: killed %u times, and %u times soon after a start: %u kept, %u gone; %u "
	       "missing, "
	       "%u came back; longest silence of a phone that was kept %.2f s; state %.1f s behind "
	       "at most; %u times natbox was late, which shows nothing; %u stories, %u requests "
	       "failed\n",
		witness->seed, witness->compared, witness->early, phones->kept, phones->left,
		phones->missing, phones->returned, (double)phones->longest_silence_us / 1e6,
		witness->longest_lag, witness->voided, witness->stories.begun,
		witness->stories.failed);
	return phones->missing || phones->returned || !phones->kept || !phones->left ||
	       witness->voided == VOID_MAX;
}

static bool read_options(int argc, char **argv, struct witness *witness)
{
	struct address client, proxy;
	bool is_repaired = false;

	witness->wanted = 25;
	for (int option; (option = getopt(argc, argv, "+rk:s:")) != -1;) {
		if (option == 'r')
			is_repaired = true;
		else if (option == 'k')
			witness->wanted = (unsigned)atoi(optarg);
		else if (option == 's')
			witness->seed = (unsigned)atoi(optarg);
		else
			return false;
	}
	if (argc - optind < 3 || !witness->wanted ||
		address_parse(text_from(argv[optind]), 5060, &client) != 0 ||
		address_parse(text_from(argv[optind + 1]), 5060, &proxy) != 0)
		return false;
	srand(witness->seed);
	witness->command = argv + optind + 2;
	witness->poll = epoll_create1(EPOLL_CLOEXEC);
	witness->stories.is_repaired = is_repaired;
	phones_open(&witness->stories.phones, &client, &proxy, witness->poll);
	return true;
}

int main(int argc, char **argv)
{
	static struct witness witness;
	const struct rlimit files = {PHONES_MAX + EVENTS, PHONES_MAX + EVENTS};

	if (!read_options(argc, argv, &witness)) {
		fprintf(stderr,
			"usage: witness [-r] [-k KILLS] [-s SEED] CLIENT PROXY:PORT COMMAND...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("cannot have so many sockets");
	while (witness.compared < witness.wanted && witness.voided < VOID_MAX)
		live(&witness);
	return tell(&witness);
}
