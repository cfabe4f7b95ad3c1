/* A state file that another program has locked, as a shell does or a copy that is made of it. */
#include "state_host.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(state_locked, .init = state_setup, .fini = state_teardown, .timeout = 60);

/* Another program, which has the file to itself for so many seconds, or until it is killed. */
static pid_t lock_for(unsigned seconds)
{
	int pipes[2];
	char byte;
	pid_t program;

	cr_assert_eq(pipe(pipes), 0);
	program = fork();
	if (program == 0) {
		sqlite3 *database;

		if (sqlite3_open(file_path("state.db"), &database) != SQLITE_OK ||
			sqlite3_exec(database, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		if (write(pipes[1], "!", 1) != 1)
			_exit(1);
		sleep(seconds);
		_exit(0);
	}
	cr_assert_gt(program, 0);
	close(pipes[1]);
	cr_assert_eq(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	return program;
}

Test(state_locked, a_start_waits_for_who_has_the_file_locked)
{
	struct host *host;
	char name[256];

	leave(5);
	cr_assert_gt(lock_for(3), 0);
	host = host_open(path);
	hold(host_start(host), 1000, REASON_DIALOG);
	cr_expect_eq(strstr(host->notices, "fault:"), NULL, "%s", host->notices);
	host_close(host);
	find_aside(name);
	cr_expect_str_eq(name, "");
	cr_expect_eq(count_restored(), 6);
}

/* Another program's journal has the name of the file: the two would part. */
Test(state_locked, a_file_is_not_renamed_while_another_program_has_it_locked)
{
	struct host *host;
	char name[256], command[1100];
	pid_t program;

	leave(5);
	program = lock_for(1000);
	host = host_open(path);
	cr_expect_not_null(strstr(host->notices, "fault: cannot read state "));
	cr_expect_not_null(strstr(host->notices, "database is locked; starting empty"));
	hold(host_start(host), 1000, REASON_DIALOG);
	cr_expect(host_hears(host, "fault: cannot write state "));
	cr_expect(host_lags(host));
	cr_expect_not_null(
		strstr(host->notices, "database is locked; nothing is kept until it can be"));
	find_aside(name);
	cr_expect_str_eq(name, "");

	cr_assert_eq(kill(program, SIGKILL), 0);
	cr_assert_eq(waitpid(program, NULL, 0), program);
	cr_assert(host_sync(host));
	host_close(host);
	find_aside(name);
	cr_assert_str_neq(name, "");
	cr_expect_eq(count_restored(), 1);
	snprintf(command, sizeof(command), "mv %s/%s %s/state.db", path, name, path);
	cr_assert_eq(system(command), 0);
	cr_expect_eq(count_restored(), 5);
}
