/* The null relay: natbox's relay and rules with nothing between in and out. Whatever comes is sent
 * on as it came. The benchmark holds natbox against it: both run the same input and output, so what
 * the ratio of the two shows is the price of SIP, which is what natbox adds. The tests of the
 * kernel side use it too, as they are about no message's content.
 *
 *     nullrelay [-mq] PROXY:PORT...    relay, with -m under rules that somebody else installed
 *     nullrelay -r [-q] PROXY:PORT...  print the rules
 *
 * -q: as in mode queue. PROXY is an address or "*": all addresses of this host. Ports, marks, table
 * and queue are natbox's own defaults. SIGUSR1 prints the counters; SIGTERM and SIGINT do, remove
 * the rules and end. SIGUSR2 has the event loop hang for HANG_S, while the other thread lives
 * on. */
#include "wire/claim.h"
#include "wire/host.h"
#include "wire/queue/queue.h"
#include "wire/relay/relay.h"
#include "wire/rules/pulse.h"
#include "wire/rules/rules.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Taken in a row before signals and the rules have their turn. */
enum { BATCHES = 64 };

/* Longer than the rules live without renewal, and than a phone's patience in the tests. */
enum { HANG_S = 5 };

static struct proxies proxies;

/* How datagrams come: one of both, the other is NULL. */
struct path {
	struct relay *relay;
	struct queue *queue;
};

static struct outcome pass(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context;
	(void)time_us;
	(void)flow;
	return (struct outcome){VERDICT_PASS, bytes};
}

static int add_this_host(struct text port)
{
	static struct host host;
	uint32_t number;

	if (!text_number(port, &number) || number > UINT16_MAX || host_read(&host) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < host.count; i++) {
		host.list[i].port = (uint16_t)number;
		proxies_add(&proxies, &host.list[i]);
	}
	return 0;
}

static int read_proxy(const char *argument)
{
	const struct text text = text_from(argument);
	struct address proxy;

	if (text_starts_with(text, TEXT("*:")))
		return add_this_host((struct text){text.at + 2, text.length - 2});
	if (address_parse(text, 5060, &proxy) < 0)
		return -EINVAL;
	proxies_add(&proxies, &proxy);
	return 0;
}

/* As far as a queue has the counters of a relay. */
static struct relay_counters counters_of(const struct path *path)
{
	struct queue_counters counters;

	if (path->relay)
		return relay_counters(path->relay);
	counters = queue_counters(path->queue);
	return (struct relay_counters){.sent = counters.passed - counters.unreadable,
		.send_errors = counters.send_errors,
		.last_send_error = counters.last_send_error,
		.overruns = counters.overruns};
}

static unsigned receive(const struct path *path)
{
	static const struct wire_handler handler = {.datagram = pass};

	return path->relay ? relay_receive(path->relay, 0, &handler)
			   : queue_receive(path->queue, 0, &handler);
}

static bool has_rest(const struct path *path)
{
	return path->relay ? relay_has_rest(path->relay) : queue_has_rest(path->queue);
}

static unsigned list_descriptors(const struct path *path, int list[static RELAY_DESCRIPTORS_MAX])
{
	if (path->relay)
		return relay_descriptors(path->relay, list);
	list[0] = queue_descriptor(path->queue);
	return 1;
}

static void print_counters(const struct path *path, const struct installed_rules *rules)
{
	const struct relay_counters counters = counters_of(path);

	printf("in %llu out %llu sent %llu misdirected %llu forged %llu expired %llu send_errors "
	       "%llu "
	       "overruns %llu\n",
		(unsigned long long)counters.received[RELAY_IN],
		(unsigned long long)counters.received[RELAY_OUT], (unsigned long long)counters.sent,
		(unsigned long long)counters.misdirected,
		(unsigned long long)rules_counter(rules, RULES_FORGED),
		(unsigned long long)counters.expired, (unsigned long long)counters.send_errors,
		(unsigned long long)counters.overruns);
	if (counters.last_send_error)
		printf("last send error: %s\n", strerror(-counters.last_send_error));
	fflush(stdout);
}

/* Before the rules live, and before there is another thread: a signal then waits to be read. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* True when it is time to end. */
static bool handle_signal(int signals, const struct path *path, const struct installed_rules *rules)
{
	struct signalfd_siginfo information;

	if (read(signals, &information, sizeof(information)) != sizeof(information))
		return false;
	if (information.ssi_signo == SIGUSR2) {
		sleep(HANG_S);
		return false;
	}
	print_counters(path, rules);
	return information.ssi_signo != SIGUSR1;
}

static void run(const struct path *path, struct installed_rules *rules, int signals)
{
	int descriptors[RELAY_DESCRIPTORS_MAX];
	const unsigned count = list_descriptors(path, descriptors);
	struct pollfd polled[RELAY_DESCRIPTORS_MAX + 1];
	struct fault fault;

	for (unsigned i = 0; i < count; i++)
		polled[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
	polled[count] = (struct pollfd){.fd = signals, .events = POLLIN};
	for (;;) {
		rules_tick(rules);
		if (rules_trouble(rules, &fault))
			fprintf(stderr, "nullrelay: %s\n", fault.line);
		for (unsigned batch = 0; batch < BATCHES && receive(path); batch++)
			;
		if (poll(polled, count + 1, has_rest(path) ? 0 : PULSE_TICK_MS) > 0 &&
			polled[count].revents && handle_signal(signals, path, rules))
			break;
	}
}

static int open_path(const struct rules_settings *settings, struct path *path, struct fault *fault)
{
	const struct relay_settings ports = {
		settings->in_port, settings->out_port, settings->own_mark, &proxies};
	const struct queue_settings queue = {settings->queue, settings->own_mark};

	return settings->queues ? queue_open(&queue, &path->queue, fault)
				: relay_open(&ports, &path->relay, fault);
}

/* As natbox does: what is still in the queue goes on. */
static void close_path(struct path *path, struct installed_rules *rules)
{
	struct fault fault;

	rules_withdraw(rules);
	if (path->queue)
		queue_release(path->queue);
	if (rules_remove(rules, &fault) != 0)
		fprintf(stderr, "nullrelay: %s\n", fault.line);
	queue_close(path->queue);
	relay_close(path->relay);
}

static int serve(const struct rules_settings *settings)
{
	struct path path = {0};
	struct installed_rules *rules = NULL;
	struct fault fault;
	const int signals = open_signals();
	int claim = claim_take("relay", geteuid(), &fault), error = claim < 0 ? claim : 0;

	if (!error)
		error = open_path(settings, &path, &fault);
	if (!error)
		error = rules_install(settings, &rules, &fault);
	if (!error)
		error = rules_start(rules, &fault);
	if (error)
		fprintf(stderr, "nullrelay: %s\n", fault.line);
	else
		run(&path, rules, signals);
	close_path(&path, rules);
	close(signals);
	if (claim >= 0)
		close(claim);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct rules_settings settings = {.queue = 5060,
		.in_port = 5062,
		.out_port = 5063,
		.mark = 0x6e62,
		.own_mark = 0x6e63,
		.table = 5060};
	bool print = false;

	for (int option; (option = getopt(argc, argv, "mqr")) != -1;) {
		settings.manual |= option == 'm';
		settings.queues |= option == 'q';
		print |= option == 'r';
		if (option == '?')
			return 2;
	}
	for (int i = optind; i < argc; i++) {
		if (read_proxy(argv[i]) == 0)
			continue;
		fprintf(stderr, "nullrelay: %s: not a PROXY:PORT\n", argv[i]);
		return 2;
	}
	if (!proxies.count) {
		fprintf(stderr, "usage: nullrelay [-mq | -r [-q]] PROXY:PORT...\n");
		return 2;
	}
	settings.proxies = proxies.list;
	settings.proxy_count = proxies.count;
	if (!print)
		return serve(&settings);
	rules_print(&settings, stdout);
	return 0;
}
