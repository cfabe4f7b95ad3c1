#include <natbox/base.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>

static void *look_what_is_blocked(void *context)
{
	pthread_sigmask(SIG_SETMASK, NULL, context);
	return NULL;
}

Test(thread, has_signals_blocked_and_leaves_them_to_who_started_it)
{
	sigset_t of_thread, here;
	pthread_t thread;

	sigemptyset(&of_thread);
	cr_assert_eq(thread_start(&thread, look_what_is_blocked, &of_thread), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &here);
	for (int number = 1; number < NSIG; number++)
		cr_assert_eq(sigismember(&here, number), 0, "%d", number);
	cr_assert_eq(sigismember(&of_thread, SIGTERM), 1);
	cr_assert_eq(sigismember(&of_thread, SIGUSR1), 1);
}
