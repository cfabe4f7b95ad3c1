/* Work in a process of its own: what comes back of it, and what does not. */
#include "wire/apart.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct fault fault;

static int add_one(void *context, struct fault *unused)
{
	(void)unused;
	++*(int *)context;
	return 7;
}

static int refuse(void *context, struct fault *why)
{
	(void)context;
	return fault_set_kind(why, FAULT_LASTING, -EEXIST, "no");
}

static int leave(void *context, struct fault *unused)
{
	(void)context;
	(void)unused;
	exit(2);
}

static int crash(void *context, struct fault *unused)
{
	(void)context;
	(void)unused;
	raise(SIGKILL);
	return 0;
}

static int seconds_left(void *context, struct fault *unused)
{
	(void)context;
	(void)unused;
	return (int)alarm(0);
}

static int take_too_long(void *context, struct fault *unused)
{
	(void)context;
	(void)unused;
	alarm(1); /* a shorter time */
	for (;;)
		pause();
	return 0;
}

static int count_descriptors(void *context, struct fault *unused)
{
	int count = 0;

	(void)context;
	(void)unused;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int run(int (*work)(void *context, struct fault *fault))
{
	return apart_run("work", work, NULL, 0, &fault);
}

Test(apart, what_the_work_changes_and_returns_comes_back)
{
	int number = 41;

	cr_assert_eq(apart_run("work", add_one, &number, sizeof(number), &fault), 7);
	cr_assert_eq(number, 42);
}

Test(apart, its_fault_comes_back)
{
	cr_assert_eq(run(refuse), -EEXIST);
	cr_assert_str_eq(fault.line, "no");
	cr_assert_eq(fault.kind, FAULT_LASTING);
}

Test(apart, work_that_ends_its_process_is_a_fault)
{
	cr_assert_eq(run(leave), -ECHILD);
	cr_assert_str_eq(
		fault.line, "cannot work: what was to do it gave up (status 2); is memory short?");
	cr_assert_eq(fault.kind, FAULT_PASSING);
}

Test(apart, work_that_crashes_is_a_fault)
{
	cr_assert_eq(run(crash), -ECHILD);
	cr_assert_str_eq(fault.line, "cannot work: what was to do it crashed (Killed)");
}

Test(apart, work_has_so_many_seconds)
{
	int left = run(seconds_left);

	cr_assert(left > APART_MAX_S - 10 && left <= APART_MAX_S, "%d", left);
}

Test(apart, work_that_hangs_is_ended_also_where_the_signal_is_blocked_and_ignored)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGALRM, SIG_IGN);
	cr_assert_eq(run(take_too_long), -ETIMEDOUT);
	cr_assert_str_eq(fault.line, "cannot work: it takes longer than 30 s");
}

Test(apart, it_keeps_no_descriptor_open_and_needs_none)
{
	int full = open("/dev/null", O_RDONLY);
	struct rlimit none;

	cr_assert_geq(full, 3);
	cr_assert_eq(run(count_descriptors), 3);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &none), 0);
	none.rlim_cur = 3;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_assert_lt(dup(0), 0);
	cr_assert_eq(run(refuse), -EEXIST);
}
