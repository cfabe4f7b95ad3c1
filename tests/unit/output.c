/* Where lines go: who does not read holds nobody up, and what is shared stays as it was. */
#include "ops/log/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char bytes[3000];

static struct output standard(int fd)
{
	return (struct output){.fd = fd, .is_standard = true, .waits = true};
}

TestSuite(output, .timeout = 120);

/* What nobody reads takes some, then nothing, and nobody waits. */
static void expect_no_waiting(int fd)
{
	struct output output = standard(fd);
	int flags = fcntl(fd, F_GETFL);
	ssize_t written;
	unsigned taken = 0;

	output_stop_waiting(&output);
	while ((written = output_write(&output, bytes, sizeof(bytes))) > 0)
		taken++;
	cr_expect_eq(written, -EAGAIN, "%s", strerror((int)-written));
	cr_expect_gt(taken, 0);
	cr_expect_eq(fcntl(fd, F_GETFL), flags, "those who share it see no change");
	output_close(&output);
	cr_expect_eq(fcntl(fd, F_GETFL), flags, "nor is it closed");
}

static struct output open_fifo(const char *path)
{
	struct output output;
	struct fault fault;

	cr_assert_eq(output_open("log", path, STDERR_FILENO, NULL, &output, &fault), 0);
	output_stop_waiting(&output);
	return output;
}

/* One reader goes, it is opened anew meanwhile, and the next reader has all. */
Test(output, fifo_keeps_what_it_has_room_for_while_nobody_reads)
{
	char path[] = "/tmp/natbox-output-XXXXXX", got[8] = {0};
	struct output first, second;
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && unlink(path) == 0 && mkfifo(path, 0600) == 0);
	signal(SIGPIPE, SIG_IGN);
	close(fd);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	first = open_fifo(path);
	close(fd);
	cr_expect_eq(output_write(&first, "one ", 4), 4);
	second = open_fifo(path);
	output_close(&first);
	cr_expect_eq(output_write(&second, "two", 3), 3);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	cr_expect_eq(read(fd, got, sizeof(got) - 1), 7);
	cr_expect_str_eq(got, "one two");
	output_close(&second);
	close(fd);
	unlink(path);
}

Test(output, pipe_that_nobody_reads_is_not_waited_for)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	expect_no_waiting(ends[1]);
}

Test(output, socket_that_nobody_reads_is_not_waited_for)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	expect_no_waiting(ends[1]);
}

Test(output, terminal_that_nobody_reads_is_not_waited_for)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;

	cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	cr_assert_geq(terminal, 0);
	expect_no_waiting(terminal);
}

Test(output, pipe_that_may_not_be_opened_again_is_asked_first)
{
	struct output output;
	int ends[2], written = 0;

	cr_assert_eq(pipe(ends), 0);
	if (geteuid() != 0 || fchown(ends[1], 0, 0) != 0 || fchmod(ends[1], 0) != 0)
		cr_skip("only root can take a pipe away from itself");
	cr_assert_eq(setuid(65534), 0);
	output = standard(ends[1]);
	output_stop_waiting(&output);
	cr_expect(output.asks_first);
	while ((written = (int)output_write(&output, bytes, sizeof(bytes))) > 0)
		;
	cr_expect_eq(written, -EAGAIN);
}

Test(output, one_that_waits_waits_also_where_others_do_not)
{
	struct output output;
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	output = standard(ends[1]);
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	if (fork() == 0) {
		usleep(50000);
		while (read(ends[0], bytes, sizeof(bytes)) > 0)
			;
		_exit(0);
	}
	cr_expect_gt(output_write(&output, bytes, sizeof(bytes)), 0);
}
