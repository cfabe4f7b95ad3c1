#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared by both processes. */
struct report {
	bool is_done;
	int result;
	struct fault fault;
	char bytes[];
};

/* The child ends itself when it takes too long, so that to wait for it needs no clock; and with its
 * parent, whose descriptors it must not keep open either: locks and claims hang on them. */
static void prepare_child(void)
{
	sigset_t none;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(APART_MAX_S);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	close_range(STDERR_FILENO, ~0U, 0);
	(void)!open("/dev/null", O_WRONLY); /* takes the number of standard error */
}

static int explain(const char *what, int status, struct fault *fault)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return fault_set(fault, -ETIMEDOUT, "cannot %s: it takes longer than %d s", what,
			APART_MAX_S);
	if (WIFSIGNALED(status))
		return fault_set(fault, -ECHILD, "cannot %s: what was to do it crashed (%s)", what,
			strsignal(WTERMSIG(status)));
	return fault_set(fault, -ECHILD,
		"cannot %s: what was to do it gave up (status %d); is memory short?", what,
		WEXITSTATUS(status));
}

static int wait_for(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int conclude(const char *what, const struct report *report, int status, void *context,
	size_t size, struct fault *fault)
{
	if (!report->is_done)
		return explain(what, status, fault);
	*fault = report->fault;
	if (size)
		memcpy(context, report->bytes, size);
	return report->result;
}

int apart_run(const char *what, int (*work)(void *context, struct fault *fault), void *context,
	size_t size, struct fault *fault)
{
	struct report *report = mmap(NULL, sizeof(*report) + size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int result;

	if (report == MAP_FAILED)
		return fault_set(fault, -ENOMEM, "cannot %s: out of memory", what);
	child = fork();
	if (child == 0) {
		prepare_child();
		report->result = work(context, &report->fault);
		if (size)
			memcpy(report->bytes, context, size);
		report->is_done = true;
		_exit(EXIT_SUCCESS);
	}
	if (child < 0)
		result = fault_set(fault, -errno, "cannot %s: %s", what, strerror(errno));
	else
		result = conclude(what, report, wait_for(child), context, size, fault);
	munmap(report, sizeof(*report) + size);
	return result;
}
