/* Measures a relay at a pace: what it adds to a message's way, what the answer to a keepalive costs
 * it, and what becomes of it when more comes than it can take. Plays user agents and proxy at once,
 * with the relay's host between theirs.
 *
 *     pace [-c CLIENTS] [-r RATE] [-s SECONDS] WHAT PID CLIENT@PID PROXY:PORT@PID
 *
 * PID is the process that relays; behind an @, any in the network namespace of a host that has this
 * address. Each of CLIENTS has a port of CLIENT, from 10000 on, and registers first. Times are the
 * kernel's, of the moment at which a datagram reached its host, so that it counts for nothing how
 * late this program takes it; on the relay's own host that would be before a queue. WHAT is
 *
 *     latency   RATE messages a second, REGISTER requests and their answers, for SECONDS: the
 *               microseconds from sending one to its arrival, by percentile, and the rate, which
 *               is less where this program gets too little of its core
 *     answers   natbox is to send each client one keepalive soon, and no other: microseconds of CPU
 *               that each of the answers costs it
 *     overload  requests of strangers, as many as one core takes and twice as many, in turn, three
 *               times for a third of SECONDS each, while CLIENTS answer the keepalives that natbox
 *               sends each RATE seconds. What is relayed then of what was relayed before, the
 *               longest interval of all keepalives, and the memory, each as a ratio; and how long
 *               after it messages are late. One core can hardly send twice of what another takes:
 *               so the relay is stopped most of the time, as if its core were a quarter as fast
 *
 * Prints a name and a figure a line. */
#include "bench.d/traffic.h"

#include <natbox/base.h>

#include <errno.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FIRST_PORT = 10000,
	FLOOD_PORT = 62000,
	CLIENTS_MAX = 40000,
	FLOODERS = 32,
	FILES_MORE = 64,
	SEGMENTS = 32, /* requests that a flooder hands to the kernel at once */
	RATE_MAX = 1000000,
	SECONDS_MAX = 60,
	PID_MAX = 1 << 22,
	NUMBERS = 1 << 20, /* of messages that may be on their way */
	BURST = 1024,
	CONTROL_SIZE = 128,
	SLEEP_US = 50,
	LATE_STEPS = 4,
	SETTLE_US = 20000,
	KEEPALIVE_WAIT_S = 30,
	SLOWER = 4,
	SLICE_NS = 1000000,
};

struct slot {
	struct sockaddr_in source;
	uint64_t time_ns; /* when the kernel had it */
	size_t length;
	char bytes[TRAFFIC_MESSAGE_MAX];
};

struct client {
	int socket;
	uint64_t kept_ns, longest_ns; /* the last keepalive, and the longest time between two */
	size_t length;                /* of a keepalive that waits for its answer */
	struct sockaddr_in keeper;
	char keepalive[TRAFFIC_MESSAGE_MAX];
};

struct flooder {
	int socket;
	size_t length; /* of one request */
	char requests[SEGMENTS * TRAFFIC_MESSAGE_MAX];
};

struct pace {
	long pid, clients_pid, proxy_pid; /* of the relay, and on the other hosts */
	long clients, rate, seconds;
	int (*measure)(struct pace *pace);
	struct address client_address, proxy;
	int proxy_socket, poll;
	struct client *client;
	struct traffic_message *messages; /* one for each client */
	struct flooder *flooders;
	struct slot slots[BATCH];
	long number;                  /* of requests, ever */
	uint64_t sent_ns[2][NUMBERS]; /* of requests, and of answers */
	bool answers_at_once;         /* keepalives, as phones do */
	double *samples;              /* microseconds */
	long sample_count, samples_max;
	long arrived, repaired, kept; /* requests at the proxy; keepalives at clients */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_socket(const struct address *address)
{
	const int descriptor = traffic_socket(address), on = 1;

	if (setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		traffic_die("cannot have times of arrival");
	return descriptor;
}

static uint64_t time_of(struct msghdr *header)
{
	struct timespec time = {0};

	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
		control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&time, CMSG_DATA(control), sizeof(time));
	}
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What has come, at most a batch. */
static unsigned take(struct pace *pace, int descriptor)
{
	static char controls[BATCH][CONTROL_SIZE] __attribute__((aligned(16)));
	struct mmsghdr messages[BATCH] = {0};
	struct iovec spans[BATCH];
	int count;

	for (unsigned i = 0; i < BATCH; i++) {
		spans[i] = (struct iovec){pace->slots[i].bytes, TRAFFIC_MESSAGE_MAX};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &pace->slots[i].source,
			.msg_namelen = sizeof(pace->slots[i].source),
			.msg_iov = &spans[i],
			.msg_iovlen = 1,
			.msg_control = controls[i],
			.msg_controllen = CONTROL_SIZE};
	}
	count = recvmmsg(descriptor, messages, BATCH, 0, NULL);
	for (int i = 0; i < count; i++) {
		pace->slots[i].length = messages[i].msg_len;
		pace->slots[i].time_ns = time_of(&messages[i].msg_hdr);
	}
	return count > 0 ? (unsigned)count : 0;
}

static void send_to(int descriptor, struct iovec bytes, const struct sockaddr_in *to)
{
	if (sendto(descriptor, bytes.iov_base, bytes.iov_len, 0, (const struct sockaddr *)to,
		    sizeof(*to)) < 0)
		traffic_die("cannot send");
}

static void send_request(struct pace *pace)
{
	const struct sockaddr_in proxy = traffic_sockaddr(&pace->proxy);
	const long i = pace->number++ % pace->clients;
	struct traffic_message *message = &pace->messages[i];

	traffic_number(message, pace->number);
	pace->sent_ns[0][pace->number % NUMBERS] = now_ns();
	send_to(pace->client[i].socket, (struct iovec){message->bytes, message->length}, &proxy);
}

static void note_way(struct pace *pace, const struct slot *slot, bool is_answer)
{
	const long number = traffic_number_of(slot->bytes, slot->length);
	uint64_t sent_ns;

	if (number < 0 || !pace->samples || pace->sample_count == pace->samples_max)
		return;
	sent_ns = pace->sent_ns[is_answer][number % NUMBERS];
	if (slot->time_ns > sent_ns)
		pace->samples[pace->sample_count++] = (double)(slot->time_ns - sent_ns) / 1e3;
}

/* Requests from clients are answered; those of strangers are only counted. */
static void take_at_proxy(struct pace *pace)
{
	const unsigned count = take(pace, pace->proxy_socket);

	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &pace->slots[i];
		const long number = traffic_number_of(slot->bytes, slot->length);

		pace->arrived++;
		pace->repaired += traffic_is_repaired(slot->bytes, slot->length);
		if (ntohs(slot->source.sin_port) >= FLOOD_PORT || number < 0)
			continue;
		note_way(pace, slot, false);
		pace->sent_ns[1][number % NUMBERS] = now_ns();
		send_to(pace->proxy_socket, traffic_answer(slot->bytes, slot->length),
			&slot->source);
	}
}

static void answer_keepalive(struct client *client)
{
	if (client->length)
		send_to(client->socket, traffic_answer(client->keepalive, client->length),
			&client->keeper);
	client->length = 0;
}

static void take_keepalive(struct pace *pace, struct client *client, const struct slot *slot)
{
	const uint64_t since_ns = slot->time_ns - client->kept_ns;

	pace->kept++;
	if (client->kept_ns && since_ns > client->longest_ns)
		client->longest_ns = since_ns;
	client->kept_ns = slot->time_ns;
	client->keeper = slot->source;
	client->length = slot->length;
	memcpy(client->keepalive, slot->bytes, slot->length);
	if (pace->answers_at_once)
		answer_keepalive(client);
}

static void take_at_clients(struct pace *pace)
{
	struct epoll_event events[BATCH];
	const int ready = epoll_wait(pace->poll, events, BATCH, 0);

	for (int i = 0; i < ready; i++) {
		struct client *client = events[i].data.ptr;
		const unsigned count = take(pace, client->socket);

		for (unsigned j = 0; j < count; j++) {
			const struct slot *slot = &pace->slots[j];

			if (text_starts_with(
				    (struct text){slot->bytes, slot->length}, TEXT("SIP/2.0")))
				note_way(pace, slot, true);
			else
				take_keepalive(pace, client, slot);
		}
	}
}

/* Sends nothing for so long, and takes what comes. */
static void wait_for(struct pace *pace, double seconds)
{
	for (const double end = traffic_seconds() + seconds; traffic_seconds() < end;) {
		take_at_proxy(pace);
		take_at_clients(pace);
		usleep(SLEEP_US);
	}
}

/* One at a time, evenly, so that none waits for another: without a sleep, from which nobody wakes
 * to the microsecond. What could not be sent in its time, as something else had this core, is not
 * made up for in a burst. Returns how many were sent. */
static long send_requests(struct pace *pace, double rate, double seconds)
{
	const double start = traffic_seconds(), step = 1 / rate, late = LATE_STEPS * step;
	double due = start;
	long sent = 0;

	for (double now; (now = traffic_seconds()) < start + seconds;) {
		if (now >= due) {
			send_request(pace);
			sent++;
			due = due + late < now ? now : due + step;
		}
		take_at_proxy(pace);
		take_at_clients(pace);
	}
	wait_for(pace, 0.2);
	return sent;
}

static void open_clients(struct pace *pace)
{
	pace->client = calloc((size_t)pace->clients, sizeof(*pace->client));
	pace->messages = calloc((size_t)pace->clients, sizeof(*pace->messages));
	pace->poll = epoll_create1(EPOLL_CLOEXEC);
	if (!pace->client || !pace->messages || pace->poll < 0)
		traffic_die("cannot have so many clients");
	for (long i = 0; i < pace->clients; i++) {
		struct address address = pace->client_address;
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &pace->client[i]};

		address.port = (uint16_t)(FIRST_PORT + i);
		pace->client[i].socket = open_socket(&address);
		traffic_write(&pace->messages[i], i, &pace->proxy);
		if (epoll_ctl(pace->poll, EPOLL_CTL_ADD, pace->client[i].socket, &event) < 0)
			traffic_die("cannot watch a socket");
	}
}

/* Slowly, so that none is lost. */
static void register_clients(struct pace *pace)
{
	enum { AT_ONCE = 32 };

	for (long i = 0; i < pace->clients; i++) {
		send_request(pace);
		if (i % AT_ONCE == 0)
			wait_for(pace, 0.005);
	}
	wait_for(pace, 0.2);
}

static int compare(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

static double percentile(const struct pace *pace, double share)
{
	return pace->samples[(long)((double)(pace->sample_count - 1) * share)];
}

static int measure_latency(struct pace *pace)
{
	const double rate = (double)pace->rate / 2;
	long sent;

	register_clients(pace);
	pace->samples_max = 2 * pace->rate * pace->seconds;
	pace->samples = calloc((size_t)pace->samples_max, sizeof(*pace->samples));
	if (!pace->samples)
		traffic_die("cannot keep so many times");
	sent = send_requests(pace, rate, (double)pace->seconds);
	if (sent < (long)(rate * (double)pace->seconds / 4) || !pace->sample_count) {
		fprintf(stderr, "pace: only %ld requests were sent in %ld s\n", sent,
			pace->seconds);
		return 1;
	}
	qsort(pace->samples, (size_t)pace->sample_count, sizeof(*pace->samples), compare);
	printf("p50_us %.1f\np99_us %.1f\np999_us %.1f\n", percentile(pace, 0.5),
		percentile(pace, 0.99), percentile(pace, 0.999));
	printf("lost %.5f\nrate %.0f\n", 1 - (double)pace->sample_count / (2 * (double)sent),
		2 * (double)sent / (double)pace->seconds);
	return 0;
}

/* Lets the relay have what waits before it, and says what that has cost it. */
static double spend(const struct pace *pace, double idle)
{
	const double before_s = traffic_cpu(pace->pid).all_s, start = traffic_seconds();
	double spent_s = before_s, last_s;

	kill((pid_t)pace->pid, SIGCONT);
	do {
		last_s = spent_s;
		usleep(SETTLE_US);
		spent_s = traffic_cpu(pace->pid).all_s;
	} while (spent_s - last_s > 2 * idle * SETTLE_US / 1e6 + 1e-4);
	return spent_s - before_s - idle * (traffic_seconds() - start);
}

static double idle_share(const struct pace *pace)
{
	const double before_s = traffic_cpu(pace->pid).all_s, start = traffic_seconds();

	usleep(500000);
	return (traffic_cpu(pace->pid).all_s - before_s) / (traffic_seconds() - start);
}

static bool have_kept(struct pace *pace, long wanted)
{
	const double end = traffic_seconds() + KEEPALIVE_WAIT_S;

	while (pace->kept < wanted && traffic_seconds() < end)
		wait_for(pace, 0.1);
	if (pace->kept < wanted)
		fprintf(stderr, "pace: only %ld of %ld keepalives came\n", pace->kept, wanted);
	return pace->kept >= wanted;
}

static int measure_answers(struct pace *pace)
{
	double idle, spent_s = 0;

	register_clients(pace);
	if (!have_kept(pace, pace->clients))
		return 1;
	wait_for(pace, 0.5);
	idle = idle_share(pace);
	for (long first = 0; first < pace->clients; first += BURST) {
		kill((pid_t)pace->pid, SIGSTOP);
		for (long i = first; i < first + BURST && i < pace->clients; i++)
			answer_keepalive(&pace->client[i]);
		spent_s += spend(pace, idle);
	}
	pace->arrived = 0;
	wait_for(pace, 0.1);
	printf("answer_us %.2f\narrived %ld\n", spent_s * 1e6 / (double)pace->clients,
		pace->arrived);
	return 0;
}

static void open_flooders(struct pace *pace)
{
	pace->flooders = calloc(FLOODERS, sizeof(*pace->flooders));
	if (!pace->flooders)
		traffic_die("cannot flood");
	for (long i = 0; i < FLOODERS; i++) {
		struct flooder *flooder = &pace->flooders[i];
		struct address address = pace->client_address;
		struct traffic_message message;
		int length;

		address.port = (uint16_t)(FLOOD_PORT + i);
		traffic_write(&message, CLIENTS_MAX + i, &pace->proxy);
		flooder->length = message.length;
		length = (int)message.length;
		flooder->socket = traffic_socket(&address);
		if (setsockopt(flooder->socket, SOL_UDP, UDP_SEGMENT, &length, sizeof(length)) < 0)
			traffic_die("cannot send many datagrams at once");
		for (long j = 0; j < SEGMENTS; j++)
			memcpy(flooder->requests + (size_t)j * message.length, message.bytes,
				message.length);
	}
}

static void flood_once(struct pace *pace, long turn)
{
	const struct sockaddr_in proxy = traffic_sockaddr(&pace->proxy);
	struct flooder *flooder = &pace->flooders[turn % FLOODERS];
	struct traffic_message message;

	traffic_write(&message, CLIENTS_MAX + turn % FLOODERS, &pace->proxy);
	for (long i = 0; i < SEGMENTS; i++) {
		char *at = flooder->requests + (size_t)i * flooder->length;

		traffic_number(&message, ++pace->number);
		memcpy(at + message.branch_at, message.bytes + message.branch_at, TRAFFIC_DIGITS);
		memcpy(at + message.cseq_at, message.bytes + message.cseq_at, TRAFFIC_DIGITS);
	}
	send_to(flooder->socket, (struct iovec){flooder->requests, SEGMENTS * flooder->length},
		&proxy);
}

struct flood {
	double offered, relayed, spent_us; /* a second; CPU of a message */
};

static struct flood flood(struct pace *pace, double rate, double seconds)
{
	const double start = traffic_seconds(), before_s = traffic_cpu(pace->pid).all_s;
	const long repaired = pace->repaired;
	double now;
	long sent = 0, turn = 0;
	struct flood flood;

	while ((now = traffic_seconds()) < start + seconds) {
		if (sent + SEGMENTS <= (long)((now - start) * rate)) {
			flood_once(pace, turn++);
			sent += SEGMENTS;
		}
		take_at_proxy(pace);
		if (turn % 16 == 0)
			take_at_clients(pace);
	}
	flood.offered = (double)sent / (now - start);
	flood.relayed = (double)(pace->repaired - repaired) / (now - start);
	flood.spent_us = (traffic_cpu(pace->pid).all_s - before_s) * 1e6 /
			 (double)(pace->repaired - repaired + 1);
	return flood;
}

static long resident_kb(long pid)
{
	char path[64], line[128];
	long kb = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream))
		sscanf(line, "VmRSS: %ld", &kb);
	if (stream)
		fclose(stream);
	return kb;
}

/* One message: whether it and its answer come in time. */
static bool probe(struct pace *pace)
{
	enum { LATE_US = 10000 };
	const double end = traffic_seconds() + 2 * LATE_US / 1e6;

	pace->sample_count = 0;
	send_request(pace);
	while (pace->sample_count < 2 && traffic_seconds() < end)
		wait_for(pace, 1e-4);
	return pace->sample_count == 2 && pace->samples[0] < LATE_US && pace->samples[1] < LATE_US;
}

/* How long after a flood messages are late or lost, in milliseconds, until many in a row are
 * not. */
static double recover(struct pace *pace)
{
	enum { IN_A_ROW = 20, LONGEST_S = 10 };
	static double samples[2];
	const double start = traffic_seconds();
	double since = start;

	pace->samples = samples;
	pace->samples_max = 2;
	for (int row = 0; row < IN_A_ROW && since < start + LONGEST_S;) {
		row = probe(pace) ? row + 1 : 0;
		if (!row)
			since = traffic_seconds();
	}
	return (since - start) * 1e3;
}

static double longest_interval_s(struct pace *pace)
{
	uint64_t longest_ns = 0;

	for (long i = 0; i < pace->clients; i++) {
		if (pace->client[i].longest_ns > longest_ns)
			longest_ns = pace->client[i].longest_ns;
		pace->client[i].longest_ns = 0;
	}
	return (double)longest_ns / 1e9;
}

/* Lets the relay run for a part of the time only, until the process that sees to that is ended. */
static pid_t slow_down(long pid)
{
	const struct timespec run = {.tv_nsec = SLICE_NS},
			      halt = {.tv_nsec = (SLOWER - 1L) * SLICE_NS};
	const pid_t child = fork();

	if (child < 0)
		traffic_die("cannot slow the relay down");
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		kill((pid_t)pid, SIGSTOP);
		nanosleep(&halt, NULL);
		kill((pid_t)pid, SIGCONT);
		nanosleep(&run, NULL);
	}
}

static void let_run(const struct pace *pace, pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	kill((pid_t)pace->pid, SIGCONT);
}

static double middle(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* As much as it takes and twice as much, in turn. The memory is looked at once all that a flood can
 * fill is full. */
static void overload(struct pace *pace, double capacity)
{
	enum { ROUNDS = 3 };
	const double seconds = (double)pace->seconds / ROUNDS;
	double offered[ROUNDS], kept[ROUNDS], recovery_ms[ROUNDS];
	long kb = 0;

	longest_interval_s(pace);
	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct flood best = flood(pace, capacity, seconds);
		struct flood twice;

		wait_for(pace, 0.5);
		twice = flood(pace, 2 * capacity, seconds);
		recovery_ms[i] = recover(pace);
		offered[i] = twice.offered / capacity;
		kept[i] = twice.relayed / best.relayed;
		kb = i ? kb : resident_kb(pace->pid);
	}
	printf("capacity %.0f\noffered %.2f\nrate_kept %.3f\nrecovery_ms %.0f\n", capacity,
		middle(offered, ROUNDS), middle(kept, ROUNDS), middle(recovery_ms, ROUNDS));
	printf("memory %.3f\nkeepalive_interval %.3f\n",
		(double)resident_kb(pace->pid) / (double)kb,
		longest_interval_s(pace) / (double)pace->rate);
}

static int measure_overload(struct pace *pace)
{
	struct flood some;
	pid_t child;

	pace->answers_at_once = true;
	open_flooders(pace);
	register_clients(pace);
	if (!have_kept(pace, 2 * pace->clients))
		return 1;
	flood(pace, 20000, 0.5);
	some = flood(pace, 20000, 1);
	child = slow_down(pace->pid);
	overload(pace, 1e6 / some.spent_us / SLOWER);
	let_run(pace, child);
	return 0;
}

static const struct {
	const char *name;
	int (*measure)(struct pace *pace);
} kinds[] = {
	{"latency", measure_latency},
	{"answers", measure_answers},
	{"overload", measure_overload},
};

static bool read_option(int option, struct pace *pace)
{
	switch (option) {
	case 'c':
		return traffic_read_number(optarg, 1, CLIENTS_MAX, &pace->clients);
	case 'r':
		return traffic_read_number(optarg, 1, RATE_MAX, &pace->rate);
	case 's':
		return traffic_read_number(optarg, 1, SECONDS_MAX, &pace->seconds);
	default:
		return false;
	}
}

/* ADDRESS@PID; cuts the text in two. */
static bool read_host(char *text, struct address *address, long *pid)
{
	char *at = strchr(text, '@');

	if (!at)
		return false;
	*at = '\0';
	return traffic_read_address(text, address) && traffic_read_number(at + 1, 2, PID_MAX, pid);
}

static bool read_arguments(int argc, char **argv, struct pace *pace)
{
	size_t kind = 0;

	for (int option; (option = getopt(argc, argv, "c:r:s:")) != -1;)
		if (!read_option(option, pace))
			return false;
	if (argc - optind != 4)
		return false;
	while (kind < sizeof(kinds) / sizeof(*kinds) && strcmp(argv[optind], kinds[kind].name) != 0)
		kind++;
	if (kind == sizeof(kinds) / sizeof(*kinds))
		return false;
	pace->measure = kinds[kind].measure;
	return traffic_read_number(argv[optind + 1], 2, PID_MAX, &pace->pid) &&
	       read_host(argv[optind + 2], &pace->client_address, &pace->clients_pid) &&
	       read_host(argv[optind + 3], &pace->proxy, &pace->proxy_pid);
}

int main(int argc, char **argv)
{
	static struct pace pace = {
		.measure = measure_latency, .clients = 256, .rate = 20000, .seconds = 5};
	rlim_t files;

	if (!read_arguments(argc, argv, &pace)) {
		fprintf(stderr, "usage: pace [-c CLIENTS] [-r RATE] [-s SECONDS] "
				"latency|answers|overload PID CLIENT@PID PROXY:PORT@PID\n");
		return 2;
	}
	files = (rlim_t)(pace.clients + FLOODERS + FILES_MORE);
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files}) < 0)
		traffic_die("cannot have so many sockets");
	prctl(PR_SET_TIMERSLACK, 1);
	traffic_enter(pace.proxy_pid);
	pace.proxy_socket = open_socket(&pace.proxy);
	traffic_enter(pace.clients_pid);
	open_clients(&pace);
	return pace.measure(&pace);
}
