/* Measures a relay on one core: how many messages a second it relays when it never has to wait.
 * Plays user agents and proxy at once, on one host with the relay between: REGISTER requests with
 * private Contacts go to the proxy's address, and each that arrives is answered with a 200 that
 * bears its header fields.
 *
 *     load [-1] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] CLIENT PROXY:PORT PID
 *
 * CLIENT is an address of this host; each user agent has a port of it, from 10000 on. PID is the
 * process that relays. It is stopped while a burst is put before it, and then has all of a core: so
 * it works in full batches as under the highest load, but what is measured is the relay and not this
 * program, which costs as much. Its CPU time is read from the kernel, to the nanosecond, softirqs
 * that run on its behalf included. -1: the proxy does not answer.
 *
 * Prints a line a run and the median: messages (requests and answers alike) a second of CPU time,
 * the same by the clock, microseconds of CPU a message, and how many were lost. */
#include <natbox/address.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
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
	LOST_AFTER_MS = 300, /* what has not come by then will not */
	LOOK_EVERY_US = 200,
};

struct options {
	bool one_way;
	long messages, users, burst, runs, pid;
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

struct load {
	struct options options;
	struct message *messages; /* one for each user, and his socket */
	int *clients;
	int poll; /* of all clients */
	int proxy;
	struct slot *slots; /* a burst of them */
	long number;        /* of requests, ever */
};

struct result {
	double cpu_s, clock_s;
	long relayed, lost;
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

/* Of all threads of a process. */
static double cpu_seconds(long pid)
{
	char path[64];
	double sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	tasks = opendir(path);
	if (!tasks)
		die(path);
	for (struct dirent *task; (task = readdir(tasks));) {
		char file[512];
		unsigned long long nanoseconds;
		FILE *stream;

		snprintf(file, sizeof(file), "%s/%s/schedstat", path, task->d_name);
		stream = task->d_name[0] == '.' ? NULL : fopen(file, "re");
		if (!stream)
			continue;
		if (fscanf(stream, "%llu", &nanoseconds) == 1)
			sum += (double)nanoseconds / 1e9;
		fclose(stream);
	}
	closedir(tasks);
	return sum;
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

static void signal_relay(const struct load *load, int signal)
{
	if (kill((pid_t)load->options.pid, signal) < 0)
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

static void send_requests(struct load *load)
{
	struct sockaddr_in proxy = {
		.sin_family = AF_INET, .sin_port = htons(load->options.proxy.port)};

	memcpy(&proxy.sin_addr, load->options.proxy.ip + 12, 4);
	for (long i = 0; i < load->options.burst; i++) {
		const long user = load->number++ % load->options.users;
		struct message *message = &load->messages[user];

		put_number(message->bytes + message->cseq_at, load->number);
		put_number(message->bytes + message->branch_at, load->number);
		if (sendto(load->clients[user], message->bytes, message->length, 0,
			    (struct sockaddr *)&proxy, sizeof(proxy)) < 0)
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

static void send_answers(struct load *load, long first, unsigned count)
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
	send_batch(load->proxy, messages, count);
}

static long receive_any(struct load *load, bool at_proxy, long count)
{
	struct epoll_event events[BATCH];
	long more = 0;
	int ready;

	if (at_proxy)
		return receive(load, load->proxy, count);
	ready = epoll_wait(load->poll, events, BATCH, 0);
	for (int i = 0; i < ready; i++)
		more += receive(load, events[i].data.fd, count + more);
	return more;
}

/* Lets the relay have the burst that waits before it, and takes what comes out. */
static long let_through(struct load *load, bool at_proxy, long expected, struct result *result)
{
	const double cpu = cpu_seconds(load->options.pid), start = seconds();
	double end = start;
	long count = 0;

	signal_relay(load, SIGCONT);
	while (count < expected && seconds() - end < LOST_AFTER_MS / 1e3) {
		const long more = receive_any(load, at_proxy, count);

		count += more;
		if (more)
			end = seconds();
		else
			usleep(LOOK_EVERY_US);
	}
	result->cpu_s += cpu_seconds(load->options.pid) - cpu;
	result->clock_s += end - start;
	result->relayed += count;
	result->lost += expected - count;
	return count;
}

static void exchange_burst(struct load *load, struct result *result)
{
	long arrived;

	signal_relay(load, SIGSTOP);
	send_requests(load);
	arrived = let_through(load, true, load->options.burst, result);
	if (load->options.one_way)
		return;
	signal_relay(load, SIGSTOP);
	for (long i = 0; i < arrived; i += BATCH)
		send_answers(load, i, arrived - i < BATCH ? (unsigned)(arrived - i) : BATCH);
	let_through(load, false, arrived, result);
}

static struct result run(struct load *load)
{
	struct result result = {0};

	while (result.relayed + result.lost < load->options.messages)
		exchange_burst(load, &result);
	return result;
}

static void print(const char *name, const struct result *result)
{
	const double relayed = (double)result->relayed;

	printf("%s %.0f messages/s of CPU, %.0f by the clock, %.2f us of CPU a message, %ld lost\n",
		name, relayed / result->cpu_s, relayed / result->clock_s,
		result->cpu_s / relayed * 1e6, result->lost);
	fflush(stdout);
}

static int by_speed(const void *a, const void *b)
{
	const struct result *left = a, *right = b;
	const double x = (double)left->relayed / left->cpu_s;
	const double y = (double)right->relayed / right->cpu_s;

	return (x > y) - (x < y);
}

static void open_clients(struct load *load)
{
	const struct options *options = &load->options;
	const struct rlimit files = {
		(rlim_t)options->users + FILES_MORE, (rlim_t)options->users + FILES_MORE};

	load->poll = epoll_create1(EPOLL_CLOEXEC);
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || load->poll < 0)
		die("cannot have so many sockets");
	for (long i = 0; i < options->users; i++) {
		struct address client = options->client;
		struct epoll_event event = {.events = EPOLLIN};

		client.port = (uint16_t)(FIRST_PORT + i);
		load->clients[i] = open_at(&client);
		event.data.fd = load->clients[i];
		if (epoll_ctl(load->poll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			die("cannot watch a socket");
	}
}

static void open_load(struct load *load)
{
	const struct options *options = &load->options;

	load->messages = calloc((size_t)options->users, sizeof(*load->messages));
	load->clients = calloc((size_t)options->users, sizeof(*load->clients));
	load->slots = calloc((size_t)options->burst, sizeof(*load->slots));
	if (!load->messages || !load->clients || !load->slots)
		die("cannot prepare the messages");
	for (long i = 0; i < options->users; i++)
		write_message(&load->messages[i], i, &options->proxy);
	load->proxy = open_at(&options->proxy);
	open_clients(load);
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

static bool read_option(int option, struct options *options)
{
	switch (option) {
	case '1':
		options->one_way = true;
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

static bool read_options(int argc, char **argv, struct options *options)
{
	for (int option; (option = getopt(argc, argv, "1n:u:b:r:")) != -1;)
		if (!read_option(option, options))
			return false;
	options->burst -= options->burst % BATCH;
	return argc - optind == 3 && read_address(argv[optind], &options->client) &&
	       read_address(argv[optind + 1], &options->proxy) &&
	       read_number(argv[optind + 2], 2, 1 << 22, &options->pid);
}

int main(int argc, char **argv)
{
	static struct load load = {
		.options = {.messages = 200000, .users = 4000, .burst = 1024, .runs = 5}};
	static struct result results[RUNS_MAX];
	const struct options *options = &load.options;

	if (!read_options(argc, argv, &load.options)) {
		fprintf(stderr, "usage: load [-1] [-n MESSAGES] [-u USERS] [-b BURST] [-r RUNS] "
				"CLIENT PROXY:PORT PID\n");
		return 2;
	}
	open_load(&load);
	for (long i = 0; i < options->runs; i++) {
		results[i] = run(&load);
		print("run", &results[i]);
	}
	qsort(results, (size_t)options->runs, sizeof(results[0]), by_speed);
	print("median", &results[options->runs / 2]);
	return 0;
}
