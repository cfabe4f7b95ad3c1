/* Says to natbox's control socket what natboxctl would not, and to natboxctl what natbox would not.
 *
 *     controller SOCKET say             sends standard input, and prints what is answered
 *     controller SOCKET hold COUNT      opens as many connections, prints "held", and keeps them
 *     controller SOCKET stall COUNT     asks for all endpoints so often, reads nothing, and prints
 *                                       "dropped" once natbox has had enough of it
 *     controller SOCKET play            in natbox's place answers each who asks with what it was
 *                                       given on standard input
 *     controller SOCKET fuzz SECONDS    random bytes and commands with mistakes in them, also cut
 *                                       off and without reading what is answered; then how many
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	HELD_MAX = 64,
	REQUEST_MAX = 16384,
	/* So that the machine has time for others: a thousand a second at most. */
	PAUSE_US = 1000,
	/* A natbox that is busy elsewhere answers later; one that does not at all has hung. */
	ANSWER_MAX_MS = 10000,
};

/* None of them ends what the test is about. */
static const char *const commands[] = {
	"status",
	"endpoints",
	"endpoints network=198.51.100.0/24 proxy=203.0.113.1 aor=*1* reason=registration lost",
	"endpoints quiet>10s",
	"lost aor=?*?*",
	"show 198.51.100.7:10001",
	"show sip:1@203.0.113.1",
	"events all",
	"events lost,found,refused",
	"trace 198.51.100.7 time=1s count=3",
	"trace nobody time=500ms",
	"stats",
	"keepalive on",
	"flush nobody@example.com",
	"share yield",
	"log info",
	"version",
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static const char *path;
static uint64_t state = 0x9e3779b97f4a7c15;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "controller: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* xorshift64*, the same each time. */
static unsigned draw(unsigned below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545f4914f6cdd1d) >> 33) % below;
}

static int dial(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0)
		die(path);
	return fd;
}

/* Whoever is told that natbox takes no more listens nevertheless. */
static void send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0)
			return;
		bytes += sent;
		length -= (size_t)sent;
	}
}

static void print_answers(int fd)
{
	char bytes[65536];
	ssize_t length;

	while ((length = read(fd, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)length, stdout);
}

static void say(void)
{
	char bytes[65536];
	const int fd = dial();
	ssize_t length;

	while ((length = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		send_all(fd, bytes, (size_t)length);
	shutdown(fd, SHUT_WR);
	print_answers(fd);
}

static void hold(int count)
{
	for (int i = 0; i < count && i < HELD_MAX; i++) {
		const int fd = dial();
		char byte;

		/* Once this is answered natbox has taken it for a client. */
		send_all(fd, "version\n", strlen("version\n"));
		if (read(fd, &byte, 1) != 1)
			die("no answer");
	}
	puts("held");
	fflush(stdout);
	pause();
}

static void stall(int count)
{
	const int fd = dial();
	struct pollfd polled = {.fd = fd};

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < count; i++)
		send_all(fd, "endpoints\n", strlen("endpoints\n"));
	poll(&polled, 1, -1);
	puts(polled.revents & (POLLHUP | POLLERR) ? "dropped" : "odd");
}

static void play(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char answer[65536], request[4096];
	const size_t length = fread(answer, 1, sizeof(answer), stdin);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0 ||
		listen(fd, 1) != 0)
		die(path);
	for (;;) {
		const int client = accept(fd, NULL, NULL);

		if (client < 0 || read(client, request, sizeof(request)) < 0)
			die("nobody asks");
		send_all(client, answer, length);
		close(client);
	}
}

static size_t add_command(char *out)
{
	return (size_t)sprintf(out, "%s\n", commands[draw(COMMANDS)]);
}

/* A byte that is another, is missing, or stands there twice. */
static size_t mutate(char *bytes, size_t length)
{
	const size_t at = draw((unsigned)length);

	switch (draw(4)) {
	case 0:
		bytes[at] = (char)draw(256);
		return length;
	case 1:
		memmove(bytes + at, bytes + at + 1, length - at - 1);
		return length - 1;
	case 2:
		memmove(bytes + at + 1, bytes + at, length - at);
		return length + 1;
	default:
		bytes[at] = " \n\t=:*?>,@[]/"[draw(13)];
		return length;
	}
}

static size_t compose(char *out)
{
	size_t length = 0;

	if (draw(8) == 0) {
		length = draw(REQUEST_MAX);
		for (size_t i = 0; i < length; i++)
			out[i] = (char)(draw(4) ? ' ' + draw(95) : draw(256));
		return length;
	}
	for (unsigned i = 1 + draw(4); i; i--)
		length += add_command(out + length);
	for (unsigned i = draw(6); i && length; i--)
		length = mutate(out, length);
	if (draw(4) == 0 && length)
		length = draw((unsigned)length);
	return length;
}

/* "keepalive on" and "log info" may become what keeps the others from being tested. */
static int is_harmful(const char *bytes, size_t length)
{
	return memmem(bytes, length, "off", 3) || memmem(bytes, length, "debug", 5) ||
	       memmem(bytes, length, "flush all", 9);
}

static void one_case(void)
{
	static char request[2 * REQUEST_MAX], answer[65536];
	const size_t length = compose(request);
	const int fd = dial();

	if (!is_harmful(request, length))
		send_all(fd, request, length);
	if (draw(2))
		shutdown(fd, SHUT_WR);
	for (unsigned i = draw(4); i; i--)
		recv(fd, answer, 1 + draw(sizeof(answer)), MSG_DONTWAIT);
	close(fd);
}

/* natbox answers still, on a connection of its own. */
static void expect_answer(void)
{
	const int fd = dial();
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char bytes[256] = "";

	send_all(fd, "version\n", strlen("version\n"));
	if (poll(&polled, 1, ANSWER_MAX_MS) != 1 || read(fd, bytes, sizeof(bytes) - 1) <= 0)
		die("no answer");
	if (!strstr(bytes, "\"version\"") && !strstr(bytes, "as many clients")) {
		fprintf(stderr, "controller: %s\n", bytes);
		exit(1);
	}
	close(fd);
}

static void fuzz(int seconds)
{
	const time_t end = time(NULL) + seconds;
	unsigned cases = 0;

	while (time(NULL) < end) {
		one_case();
		if (++cases % 100 == 0)
			expect_answer();
		usleep(PAUSE_US);
	}
	printf("%u cases\n", cases);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	const int number = argc > 3 ? atoi(argv[3]) : 0;

	path = argc > 1 ? argv[1] : "";
	if (strcmp(what, "say") == 0)
		say();
	else if (strcmp(what, "hold") == 0)
		hold(number);
	else if (strcmp(what, "stall") == 0)
		stall(number);
	else if (strcmp(what, "play") == 0)
		play();
	else if (strcmp(what, "fuzz") == 0)
		fuzz(number);
	else
		return 2;
	return 0;
}
