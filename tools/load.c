/* Measures relays on one core: how many messages a second each relays when it never has to wait.
 * Plays user agents and proxy at once, on one host with the relay between: REGISTER requests with
 * private Contacts go to the proxy's address, and each that arrives is answered with a 200 that
 * bears its header fields.
 *
 *     load [-1] [-s] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] CLIENT PROXY:PORT RELAY...
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
 * relay: then its CPU time is what relaying takes together with what it does on the side.
 *
 * Prints a line for each run of each relay, after its PID: messages (requests and answers alike) a
 * second of CPU time, of all threads and of the first alone, the same by the clock, microseconds of
 * CPU a message, how many were lost, and how many requests came without the private Contact that
 * they were sent with. */
#include <natbox/address.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FIRST_PORT = 10000,
	MESSAGE_MAX = 2048,
	BURST_MAX = 8192,
	SOCKET_BUFFER = 64 << 20, /* holds a burst of any size */
	USERS_MAX = 50000,        /* as many ports */
	FILES_MORE = 64,
	MESSAGES_MAX = 50000000,
	RUNS_MAX = 100,
	RELAYS_MAX = 4,
	LOST_AFTER_MS = 5000, /* what has not come by then will not */
	SETTLE_US = 20000,    /* by then a relay is idle, and its CPU time in the kernel's books */
	LOOK_EVERY_US = 200,
};

struct options {
	bool one_way, saturates;
	long messages, users, burst, runs;
	struct address client, proxy;
};

struct message {
	size_t length, cseq_at, branch_at; /* where ten digits stand */
	char bytes[MESSAGE_MAX];
};

/* A datagram that came, with the address to answer to. */
struct slot {
	struct sockaddr_in source;
	size_t length;
	char bytes[MESSAGE_MAX];
};

/* CPU time of all threads of a process, and of the first. */
struct cpu {
	double all_s, first_s;
};

struct result {
	struct cpu cpu;
	double clock_s;
	long relayed, lost, repaired;
};

struct relay {
	long pid;
	struct address via; /* where requests go */
	int *clients;       /* a socket for each user */
	int poll;           /* of all clients */
	int proxy;
	long number;       /* of requests, ever */
	long waiting;      /* requests that it has been left with */
	struct cpu before; /* what it had spent when the run began */
	struct result result;
};

struct load {
	struct options options;
	struct message *messages; /* one for each user */
	struct slot *slots;       /* a burst of them */
	unsigned relay_count;
	struct relay relays[RELAYS_MAX];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of one thread; false when it has just ended. */
static bool thread_seconds(const char *path, const char *thread, double *spent_s)
{
	char file[512];
	unsigned long long nanoseconds;
	FILE *stream;
	int read;

	snprintf(file, sizeof(file), "%s/%s/schedstat", path, thread);
	stream = fopen(file, "re");
	if (!stream)
		return false;
	read = fscanf(stream, "%llu", &nanoseconds);
	fclose(stream);
	*spent_s = (double)nanoseconds / 1e9;
	return read == 1;
}

static struct cpu cpu_of(long pid)
{
	struct cpu cpu = {0};
	char path[64];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	threads = opendir(path);
	if (!threads)
		die(path);
	for (struct dirent *thread; (thread = readdir(threads));) {
		double spent_s;

		if (thread->d_name[0] == '.' || !thread_seconds(path, thread->d_name, &spent_s))
			continue;
		cpu.all_s += spent_s;
		if (strtol(thread->d_name, NULL, 10) == pid)
			cpu.first_s = spent_s;
	}
	closedir(threads);
	return cpu;
}

static int open_at(const struct address *address)
{
	const int size = SOCKET_BUFFER;
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(&own.sin_addr, address->ip + 12, 4);
	if (descriptor < 0 ||
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
		setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
		bind(descriptor, (struct sockaddr *)&own, sizeof(own)) < 0)
		die("cannot open a socket");
	return descriptor;
}

/* A phone behind a NAT, as phones register: 192.168.x.y in Via and Contact. */
static void write_message(struct message *message, long user, const struct address *proxy)
{
	char host[ADDRESS_TEXT_MAX], own[32];

	address_format_host(proxy, host);
	snprintf(own, sizeof(own), "192.168.%ld.%ld:5060", user / 250 % 250 + 1, user % 250 + 1);
	message->length = (size_t)snprintf(message->bytes, sizeof(message->bytes),
		"REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK0000000000%07ld\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"User %ld\" <sip:user%07ld@%s>;tag=8f3a%07ld\r\n"
		"To: \"User %ld\" <sip:user%07ld@%s>\r\n"
		"Call-ID: 3c26700857a87f84%07ld@%s\r\n"
		"CSeq: 0000000000 REGISTER\r\n"
		"Contact: <sip:user%07ld@%s;line=ab12cd34>;q=1.0;expires=3600;"
		"+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-%012ld>\"\r\n"
		"User-Agent: load/1.0 (benchmark of a relay, phone of a common length)\r\n"
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, INFO, UPDATE\r\n"
		"Supported: path, gruu, outbound, timer, replaces\r\n"
		"Expires: 3600\r\n"
		"Content-Length: 0\r\n\r\n",
		host, own, user, user, user, host, user, user, user, host, user, host, user, own,
		user);
	if (message->length >= sizeof(message->bytes)) {
		errno = EMSGSIZE;
		die("cannot write a message");
	}
	message->branch_at =
		(size_t)(strstr(message->bytes, "z9hG4bK") + strlen("z9hG4bK") - message->bytes);
	message->cseq_at =
		(size_t)(strstr(message->bytes, "CSeq: ") + strlen("CSeq: ") - message->bytes);
}

static void put_number(char *digits, long number)
{
	for (int i = 9; i >= 0; i--, number /= 10)
		digits[i] = (char)('0' + number % 10);
}

static void signal_relay(const struct relay *relay, int signal)
{
	if (kill((pid_t)relay->pid, signal) < 0)
		die("cannot stop or continue the relay");
}

static void send_batch(int descriptor, struct mmsghdr *messages, unsigned count)
{
	for (unsigned sent = 0; sent < count;) {
		const int more = sendmmsg(descriptor, messages + sent, count - sent, 0);

		if (more < 0)
			die("cannot send");
		sent += (unsigned)more;
	}
}

static void send_requests(struct load *load, struct relay *relay)
{
	struct sockaddr_in via = {.sin_family = AF_INET, .sin_port = htons(relay->via.port)};

	memcpy(&via.sin_addr, relay->via.ip + 12, 4);
	for (; relay->waiting < load->options.burst; relay->waiting++) {
		const long user = relay->number++ % load->options.users;
		struct message *message = &load->messages[user];

		put_number(message->bytes + message->cseq_at, relay->number);
		put_number(message->bytes + message->branch_at, relay->number);
		if (sendto(relay->clients[user], message->bytes, message->length, 0,
			    (struct sockaddr *)&via, sizeof(via)) < 0)
			die("cannot send");
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
		spans[i] = (struct iovec){slots[i].bytes, MESSAGE_MAX};
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

/* The request with a status line in the place of its request line. */
static struct iovec make_answer(struct slot *slot)
{
	static const char status[] = "SIP/2.0 200 OK";
	const size_t status_length = sizeof(status) - 1;
	const char *end = memchr(slot->bytes, '\r', slot->length);
	const size_t line = end ? (size_t)(end - slot->bytes) : 0;
	const size_t start = line < status_length ? 0 : line - status_length;

	memcpy(slot->bytes + start, status, status_length);
	return (struct iovec){slot->bytes + start, slot->length - start};
}

static void send_answers(struct load *load, const struct relay *relay, long first, unsigned count)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec spans[BATCH];

	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &load->slots[first + i];

		spans[i] = make_answer(slot);
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
	const double start = seconds();
	double end = start;
	long count = 0;

	signal_relay(relay, SIGCONT);
	while (count < expected && seconds() - end < LOST_AFTER_MS / 1e3) {
		const long more = receive_any(load, relay, at_proxy, count);

		count += more;
		if (more)
			end = seconds();
		else
			usleep(LOOK_EVERY_US);
	}
	relay->result.clock_s += end - start;
	relay->result.relayed += count;
	relay->result.lost += expected - count;
	return count;
}

/* No other header field of a request has a private address behind an @. */
static long count_repaired(const struct load *load, long arrived)
{
	static const char private[] = "@192.168.";
	long repaired = 0;

	for (long i = 0; i < arrived; i++)
		repaired += !memmem(
			load->slots[i].bytes, load->slots[i].length, private, sizeof(private) - 1);
	return repaired;
}

static void exchange_burst(struct load *load, struct relay *relay)
{
	const long burst = load->options.burst,
		   expected = load->options.saturates ? burst / 2 : burst;
	long arrived;

	signal_relay(relay, SIGSTOP);
	send_requests(load, relay);
	arrived = let_through(load, relay, true, expected);
	if (load->options.saturates)
		signal_relay(relay, SIGSTOP);
	relay->waiting -= expected;
	relay->result.repaired += count_repaired(load, arrived);
	if (load->options.one_way)
		return;
	signal_relay(relay, SIGSTOP);
	for (long i = 0; i < arrived; i += BATCH)
		send_answers(load, relay, i, arrived - i < BATCH ? (unsigned)(arrived - i) : BATCH);
	let_through(load, relay, false, arrived);
}

/* What each has spent since the last time. */
static void take_cpu(struct load *load)
{
	for (unsigned i = 0; i < load->relay_count; i++) {
		struct relay *relay = &load->relays[i];
		const struct cpu now = cpu_of(relay->pid);

		relay->result.cpu = (struct cpu){
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
		die("cannot have so many sockets");
	for (long i = 0; i < load->options.users; i++) {
		struct address client = load->options.client;
		struct epoll_event event = {.events = EPOLLIN};

		client.port = (uint16_t)(FIRST_PORT + i);
		relay->clients[i] = open_at(&client);
		event.data.fd = relay->clients[i];
		if (epoll_ctl(relay->poll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			die("cannot watch a socket");
	}
}

/* Sockets belong to the network namespace that they were opened in. */
static void open_relay(const struct load *load, struct relay *relay)
{
	char path[64];
	int namespace;

	snprintf(path, sizeof(path), "/proc/%ld/ns/net", relay->pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		die(path);
	close(namespace);
	relay->proxy = open_at(&load->options.proxy);
	open_clients(load, relay);
	relay->before = cpu_of(relay->pid);
}

static void open_load(struct load *load)
{
	const struct options *options = &load->options;
	const rlim_t files = (rlim_t)(options->users * load->relay_count + FILES_MORE);

	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files}) < 0)
		die("cannot have so many sockets");
	load->messages = calloc((size_t)options->users, sizeof(*load->messages));
	load->slots = calloc((size_t)options->burst, sizeof(*load->slots));
	if (!load->messages || !load->slots)
		die("cannot prepare the messages");
	for (long i = 0; i < options->users; i++)
		write_message(&load->messages[i], i, &options->proxy);
	for (unsigned i = 0; i < load->relay_count; i++)
		open_relay(load, &load->relays[i]);
}

static bool read_number(const char *text, long least, long most, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return !errno && !*end && *number >= least && *number <= most;
}

static bool read_address(const char *text, struct address *address)
{
	return address_parse((struct text){text, strlen(text)}, 5060, address) == 0 &&
	       address_is_ipv4(address);
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
	return read_number(pid, 2, 1 << 22, &relay->pid) &&
	       (!text[length] || read_address(text + length + 1, &relay->via));
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
	case 'n':
		return read_number(optarg, BATCH, MESSAGES_MAX, &options->messages);
	case 'u':
		return read_number(optarg, 1, USERS_MAX, &options->users);
	case 'b':
		return read_number(optarg, BATCH, BURST_MAX, &options->burst);
	case 'r':
		return read_number(optarg, 1, RUNS_MAX, &options->runs);
	default:
		return false;
	}
}

static bool read_arguments(int argc, char **argv, struct load *load)
{
	struct options *options = &load->options;

	for (int option; (option = getopt(argc, argv, "1sn:u:b:r:")) != -1;)
		if (!read_option(option, options))
			return false;
	options->burst -= options->burst % BATCH;
	if (options->saturates && !options->one_way)
		return false;
	if (argc - optind < 3 || argc - optind > 2 + RELAYS_MAX ||
		!read_address(argv[optind], &options->client) ||
		!read_address(argv[optind + 1], &options->proxy))
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
			"usage: load [-1] [-s] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] "
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
		signal_relay(&load.relays[j], SIGCONT);
	return 0;
}
