/* Measures relays on one core: how many messages a second each relays when it never has to wait.
 * Plays user agents and proxy at once, on one host with the relay between: REGISTER requests with
 * private Contacts go to the proxy's address, and each that arrives is answered with a 200 that
 * bears its header fields.
 *
 *     load [-1] [-s | -g] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] CLIENT PROXY:PORT RELAY...
 *
 * A RELAY is the process that relays, PID, or PID@VIA:PORT for one that is a proxy itself, gets the
 * requests there and sends them on to PROXY:PORT. Each has a network namespace of its own, where
 * CLIENT and PROXY are addresses of the host; each user agent has a port of CLIENT, from 10000 on.
 *
 * A relay is stopped while a burst is put before it, and then has all of a core: so it works in
 * full batches as under the highest load, but what is measured is the relay and not this program,
 * which costs as much. With several, each gets a burst in turn, so that what else the machine does
 * meets all. A relay's CPU time is read from the kernel, to the nanosecond, softirqs that run on
 * its behalf included, and all that it spends counts, also what it has put off until the others
 * have their turn. -1: the proxy does not answer. -s, with -1: a relay is stopped again when it has
 * relayed half of a burst, and the next one is half a burst, so that it never runs with nothing to
 * relay: then its CPU time is what relaying takes together with what it does on the side. -g: no
 * relay is stopped, for tests that measure nothing: one that is stopped for long, as this program
 * gets no processor, is passed by.
 *
 * Prints a line for each run of each relay, after its PID: messages (requests and answers alike) a
 * second of CPU time, of all threads and of the first alone, the same by the clock, microseconds of
 * CPU a message, how many were lost, and how many requests came without the private Contact that
 * they were sent with. */
#include "bench.d/traffic.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FIRST_PORT = 10000,
	BURST_MAX = 8192,
	USERS_MAX = 50000, /* as many ports */
	FILES_MORE = 64,
	MESSAGES_MAX = 50000000,
	RUNS_MAX = 100,
	RELAYS_MAX = 4,
	LOST_AFTER_MS = 5000, /* what has not come by then will not */
	SETTLE_US = 20000,    /* by then a relay is idle, and its CPU time in the kernel's books */
	LOOK_EVERY_US = 200,
};

struct options {
	bool one_way, saturates, goes_on;
	long messages, users, burst, runs;
	struct address client, proxy;
};

/* A datagram that came, with the address to answer to. */
struct slot {
	struct sockaddr_in source;
	size_t length;
	char bytes[TRAFFIC_MESSAGE_MAX];
};

struct result {
	struct traffic_cpu cpu;
	double clock_s;
	long relayed, lost, repaired;
};

struct relay {
	long pid;
	struct address via; /* where requests go */
	int *clients;       /* a socket for each user */
	int poll;           /* of all clients */
	int proxy;
	long number;               /* of requests, ever */
	long waiting;              /* requests that it has been left with */
	struct traffic_cpu before; /* what it had spent when the run began */
	struct result result;
};

struct load {
	struct options options;
	struct traffic_message *messages; /* one for each user */
	struct slot *slots;               /* a burst of them */
	unsigned relay_count;
	struct relay relays[RELAYS_MAX];
};

static void signal_relay(const struct load *load, const struct relay *relay, int signal)
{
	if (!load->options.goes_on && kill((pid_t)relay->pid, signal) < 0)
		traffic_die("cannot stop or continue the relay");
}

static void send_batch(int descriptor, struct mmsghdr *messages, unsigned count)
{
	for (unsigned sent = 0; sent < count;) {
		const int more = sendmmsg(descriptor, messages + sent, count - sent, 0);

		if (more < 0)
			traffic_die("cannot send");
		sent += (unsigned)more;
	}
}

static void send_requests(struct load *load, struct relay *relay)
{
	const struct sockaddr_in via = traffic_sockaddr(&relay->via);

	for (; relay->waiting < load->options.burst; relay->waiting++) {
		const long user = relay->number++ % load->options.users;
		struct traffic_message *message = &load->messages[user];

		traffic_number(message, relay->number);
		if (sendto(relay->clients[user], message->bytes, message->length, 0,
			    (const struct sockaddr *)&via, sizeof(via)) < 0)
			traffic_die("cannot send");
	}
}

/* Takes what there is, at most up to a burst in all; count have come before. */
static long receive(struct load *load, int descriptor, long count)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec spans[BATCH];
	const long room = load->options.burst - count;
	const unsigned most = room < BATCH ? (unsigned)room : BATCH;
	struct slot *slots = load->slots + count;
	int more;

	for (unsigned i = 0; i < most; i++) {
		spans[i] = (struct iovec){slots[i].bytes, TRAFFIC_MESSAGE_MAX};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &slots[i].source,
			.msg_namelen = sizeof(slots[i].source),
			.msg_iov = &spans[i],
			.msg_iovlen = 1};
	}
	more = recvmmsg(descriptor, messages, most, 0, NULL);
	for (int i = 0; i < more; i++)
		slots[i].length = messages[i].msg_len;
	return more > 0 ? more : 0;
}

static void send_answers(struct load *load, const struct relay *relay, long first, unsigned count)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec spans[BATCH];

	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &load->slots[first + i];

		spans[i] = traffic_answer(slot->bytes, slot->length);
		messages[i].msg_hdr = (struct msghdr){.msg_name = &slot->source,
			.msg_namelen = sizeof(slot->source),
			.msg_iov = &spans[i],
			.msg_iovlen = 1};
	}
	send_batch(relay->proxy, messages, count);
}

static long receive_any(struct load *load, const struct relay *relay, bool at_proxy, long count)
{
	struct epoll_event events[BATCH];
	long more = 0;
	int ready;

	if (at_proxy)
		return receive(load, relay->proxy, count);
	ready = epoll_wait(relay->poll, events, BATCH, 0);
	for (int i = 0; i < ready; i++)
		more += receive(load, events[i].data.fd, count + more);
	return more;
}

/* Lets the relay have the burst that waits before it, and takes what comes out. */
static long let_through(struct load *load, struct relay *relay, bool at_proxy, long expected)
{
	const double start = traffic_seconds();
	double end = start;
	long count = 0;

	signal_relay(load, relay, SIGCONT);
	while (count < expected && traffic_seconds() - end < LOST_AFTER_MS / 1e3) {
		const long more = receive_any(load, relay, at_proxy, count);

		count += more;
		if (more)
			end = traffic_seconds();
		else
			usleep(LOOK_EVERY_US);
	}
	relay->result.clock_s += end - start;
	relay->result.relayed += count;
	relay->result.lost += expected - count;
	return count;
}

static long count_repaired(const struct load *load, long arrived)
{
	long repaired = 0;

	for (long i = 0; i < arrived; i++)
		repaired += traffic_is_repaired(load->slots[i].bytes, load->slots[i].length);
	return repaired;
}

static void exchange_burst(struct load *load, struct relay *relay)
{
	const long burst = load->options.burst,
		   expected = load->options.saturates ? burst / 2 : burst;
	long arrived;

	signal_relay(load, relay, SIGSTOP);
	send_requests(load, relay);
	arrived = let_through(load, relay, true, expected);
	if (load->options.saturates)
		signal_relay(load, relay, SIGSTOP);
	relay->waiting -= expected;
	relay->result.repaired += count_repaired(load, arrived);
	if (load->options.one_way)
		return;
	signal_relay(load, relay, SIGSTOP);
	for (long i = 0; i < arrived; i += BATCH)
		send_answers(load, relay, i, arrived - i < BATCH ? (unsigned)(arrived - i) : BATCH);
	let_through(load, relay, false, arrived);
}

/* What each has spent since the last time. */
static void take_cpu(struct load *load)
{
	for (unsigned i = 0; i < load->relay_count; i++) {
		struct relay *relay = &load->relays[i];
		const struct traffic_cpu now = traffic_cpu(relay->pid);

		relay->result.cpu = (struct traffic_cpu){
			now.all_s - relay->before.all_s, now.first_s - relay->before.first_s};
		relay->before = now;
	}
}

static void run(struct load *load)
{
	const long burst = load->options.burst * (load->options.one_way ? 2 : 4) /
			   (load->options.saturates ? 4 : 2);

	for (unsigned i = 0; i < load->relay_count; i++)
		load->relays[i].result = (struct result){0};
	for (long sent = 0; sent < load->options.messages; sent += burst)
		for (unsigned i = 0; i < load->relay_count; i++)
			exchange_burst(load, &load->relays[i]);
	usleep(SETTLE_US);
	take_cpu(load);
}

static void print(const struct relay *relay)
{
	const struct result *result = &relay->result;
	const double relayed = (double)result->relayed;

	printf("%ld: %.0f messages/s of CPU, %.0f of its first thread's, %.0f by the clock, "
	       "%.2f us of CPU a message, %ld lost, %ld requests repaired\n",
		relay->pid, relayed / result->cpu.all_s, relayed / result->cpu.first_s,
		relayed / result->clock_s, result->cpu.all_s / relayed * 1e6, result->lost,
		result->repaired);
	fflush(stdout);
}

static void open_clients(const struct load *load, struct relay *relay)
{
	relay->clients = calloc((size_t)load->options.users, sizeof(*relay->clients));
	relay->poll = epoll_create1(EPOLL_CLOEXEC);
	if (!relay->clients || relay->poll < 0)
		traffic_die("cannot have so many sockets");
	for (long i = 0; i < load->options.users; i++) {
		struct address client = load->options.client;
		struct epoll_event event = {.events = EPOLLIN};

		client.port = (uint16_t)(FIRST_PORT + i);
		relay->clients[i] = traffic_socket(&client);
		event.data.fd = relay->clients[i];
		if (epoll_ctl(relay->poll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			traffic_die("cannot watch a socket");
	}
}

static void open_relay(const struct load *load, struct relay *relay)
{
	traffic_enter(relay->pid);
	relay->proxy = traffic_socket(&load->options.proxy);
	open_clients(load, relay);
	relay->before = traffic_cpu(relay->pid);
}

static void open_load(struct load *load)
{
	const struct options *options = &load->options;
	const rlim_t files = (rlim_t)(options->users * load->relay_count + FILES_MORE);

	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files}) < 0)
		traffic_die("cannot have so many sockets");
	load->messages = calloc((size_t)options->users, sizeof(*load->messages));
	load->slots = calloc((size_t)options->burst, sizeof(*load->slots));
	if (!load->messages || !load->slots)
		traffic_die("cannot prepare the messages");
	for (long i = 0; i < options->users; i++)
		traffic_write(&load->messages[i], i, &options->proxy);
	for (unsigned i = 0; i < load->relay_count; i++)
		open_relay(load, &load->relays[i]);
}

/* PID or PID@VIA:PORT */
static bool read_relay(const char *text, const struct address *proxy, struct relay *relay)
{
	char pid[16];
	const size_t length = strcspn(text, "@");

	if (length >= sizeof(pid))
		return false;
	memcpy(pid, text, length);
	pid[length] = 0;
	relay->via = *proxy;
	return traffic_read_number(pid, 2, 1 << 22, &relay->pid) &&
	       (!text[length] || traffic_read_address(text + length + 1, &relay->via));
}

static bool read_option(int option, struct options *options)
{
	switch (option) {
	case '1':
		options->one_way = true;
		return true;
	case 's':
		options->saturates = true;
		return true;
	case 'g':
		options->goes_on = true;
		return true;
	case 'n':
		return traffic_read_number(optarg, BATCH, MESSAGES_MAX, &options->messages);
	case 'u':
		return traffic_read_number(optarg, 1, USERS_MAX, &options->users);
	case 'b':
		return traffic_read_number(optarg, BATCH, BURST_MAX, &options->burst);
	case 'r':
		return traffic_read_number(optarg, 1, RUNS_MAX, &options->runs);
	default:
		return false;
	}
}

static bool read_arguments(int argc, char **argv, struct load *load)
{
	struct options *options = &load->options;

	for (int option; (option = getopt(argc, argv, "1sgn:u:b:r:")) != -1;)
		if (!read_option(option, options))
			return false;
	options->burst -= options->burst % BATCH;
	if (options->saturates && (!options->one_way || options->goes_on))
		return false;
	if (argc - optind < 3 || argc - optind > 2 + RELAYS_MAX ||
		!traffic_read_address(argv[optind], &options->client) ||
		!traffic_read_address(argv[optind + 1], &options->proxy))
		return false;
	for (int i = optind + 2; i < argc; i++)
		if (!read_relay(argv[i], &options->proxy, &load->relays[load->relay_count++]))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct load load = {
		.options = {.messages = 200000, .users = 4000, .burst = 1024, .runs = 5}};

	if (!read_arguments(argc, argv, &load)) {
		fprintf(stderr,
			"usage: load [-1] [-s | -g] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] "
			"CLIENT PROXY:PORT PID[@VIA:PORT]...\n");
		return 2;
	}
	open_load(&load);
	for (long i = 0; i < load.options.runs; i++) {
		run(&load);
		for (unsigned j = 0; j < load.relay_count; j++)
			print(&load.relays[j]);
	}
	for (unsigned j = 0; j < load.relay_count; j++)
		signal_relay(&load, &load.relays[j], SIGCONT);
	return 0;
}
