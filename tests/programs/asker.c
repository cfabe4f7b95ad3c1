/* Asks several addresses again and again, and tells for how long one of them does not answer while
 * the first one does.
 *
 *     asker OWN:PORT CONTROL:PORT ADDRESS:PORT...
 *
 * Sends every 100 ms an OPTIONS request to each, until SIGTERM or for two minutes, and prints a
 * line for each answer, which is whatever comes from there: "MILLISECONDS ADDRESS:PORT". The way to
 * CONTROL is the same but for what is to be measured. Its answers are the clock: between two of
 * them no more than CLOCK_STEP_MS pass, however long the machine was busy with something else. The
 * last line is "MILLISECONDS end". */
#include <natbox/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PERIOD_MS = 100,
	CLOCK_STEP_MS = 3 * PERIOD_MS,
	ASKING_MAX_MS = 120000, /* where nobody ends it */
	LAST_WAIT_MS = 1000,    /* for the answers to the last questions */
	OTHERS_MAX = 8,
	MESSAGE_MAX = 1024,
};

struct asker {
	int socket;
	const char *own;
	unsigned count; /* of addresses; the first is the control */
	const char *names[OTHERS_MAX];
	struct sockaddr_in others[OTHERS_MAX];
	unsigned long asked, answered[OTHERS_MAX];
	double clock_ms, control_ms; /* control_ms: when the control answered last, 0: not yet */
};

static volatile sig_atomic_t is_over;

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "asker: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct sockaddr_in socket_address(const char *text)
{
	struct sockaddr_in result = {.sin_family = AF_INET};
	struct address address;

	if (address_parse(text_from(text), 5060, &address) < 0 || !address_is_ipv4(&address)) {
		errno = EINVAL;
		die(text);
	}
	result.sin_port = htons(address.port);
	memcpy(&result.sin_addr, address.ip + 12, sizeof(result.sin_addr));
	return result;
}

/* What the control's answers let pass since its last one. */
static double passed_ms(const struct asker *asker)
{
	double passed = now_ms() - asker->control_ms;

	if (asker->control_ms == 0)
		return 0;
	return passed < CLOCK_STEP_MS ? passed : CLOCK_STEP_MS;
}

static void tell(const struct asker *asker, const char *what)
{
	printf("%.0f %s\n", asker->clock_ms + passed_ms(asker), what);
}

static void ask(struct asker *asker)
{
	char message[MESSAGE_MAX], host[INET_ADDRSTRLEN];

	asker->asked++;
	for (unsigned i = 0; i < asker->count; i++) {
		const struct sockaddr_in *other = &asker->others[i];
		int length;

		inet_ntop(AF_INET, &other->sin_addr, host, sizeof(host));
		length = snprintf(message, sizeof(message),
			"OPTIONS sip:nobody@%s SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s;branch=z9hG4bK%d-%u-%lu;rport\r\n"
			"Max-Forwards: 70\r\n"
			"From: <sip:asker@%s>;tag=asker\r\n"
			"To: <sip:nobody@%s>\r\n"
			"Call-ID: %d-%u-%lu\r\n"
			"CSeq: 1 OPTIONS\r\n"
			"Content-Length: 0\r\n\r\n",
			host, asker->own, getpid(), i, asker->asked, host, host, getpid(), i,
			asker->asked);
		/* What cannot be sent is not answered either. */
		(void)!sendto(asker->socket, message, (size_t)length, 0,
			(const struct sockaddr *)other, sizeof(*other));
	}
}

static void take_answer(struct asker *asker, const struct sockaddr_in *source)
{
	for (unsigned i = 0; i < asker->count; i++) {
		const struct sockaddr_in *other = &asker->others[i];

		if (source->sin_addr.s_addr != other->sin_addr.s_addr ||
			source->sin_port != other->sin_port)
			continue;
		asker->answered[i]++;
		if (i == 0) {
			asker->clock_ms += passed_ms(asker);
			asker->control_ms = now_ms();
		}
		tell(asker, asker->names[i]);
	}
}

/* Takes the answers that come until then. */
static void listen_until(struct asker *asker, double until_ms)
{
	struct pollfd polled = {.fd = asker->socket, .events = POLLIN};
	struct sockaddr_in source = {0};
	char answer[MESSAGE_MAX];

	for (;;) {
		socklen_t length = sizeof(source);
		double left_ms = until_ms - now_ms();

		while (recvfrom(asker->socket, answer, sizeof(answer), MSG_DONTWAIT,
			       (struct sockaddr *)&source, &length) >= 0)
			take_answer(asker, &source);
		if (left_ms <= 0)
			return;
		poll(&polled, 1, (int)left_ms + 1);
	}
}

static bool is_answered(const struct asker *asker)
{
	for (unsigned i = 0; i < asker->count; i++)
		if (asker->answered[i] < asker->asked)
			return false;
	return true;
}

static void run(struct asker *asker)
{
	const double start_ms = now_ms();
	double next_ms = start_ms, last_ms;

	while (!is_over && now_ms() - start_ms < ASKING_MAX_MS) {
		ask(asker);
		next_ms += PERIOD_MS;
		/* After a standstill nothing is made up for. */
		if (next_ms < now_ms())
			next_ms = now_ms() + PERIOD_MS;
		listen_until(asker, next_ms);
	}
	last_ms = now_ms() + LAST_WAIT_MS;
	while (!is_answered(asker) && now_ms() < last_ms)
		listen_until(asker, now_ms() + 1);
	tell(asker, "end");
}

int main(int argc, char **argv)
{
	static struct asker asker;
	const struct sigaction action = {.sa_handler = end};
	struct sockaddr_in own;

	if (argc < 4 || argc - 2 > OTHERS_MAX) {
		fprintf(stderr, "usage: asker OWN:PORT CONTROL:PORT ADDRESS:PORT...\n");
		return 2;
	}
	asker.own = argv[1];
	own = socket_address(argv[1]);
	for (asker.count = 0; asker.count < (unsigned)argc - 2; asker.count++) {
		asker.names[asker.count] = argv[asker.count + 2];
		asker.others[asker.count] = socket_address(asker.names[asker.count]);
	}
	asker.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (asker.socket < 0 || bind(asker.socket, (struct sockaddr *)&own, sizeof(own)) < 0)
		die(argv[1]);
	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	run(&asker);
	return 0;
}
