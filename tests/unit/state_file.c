/* Files that are damaged, or somebody else's, before natbox starts and while it runs. */
#include "state_host.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

TestSuite(state_file, .init = state_setup, .fini = state_teardown);

/* In the place of libc's: a disk that does not take what stands in directories. */
static atomic_bool directories_fail;

int fsync(int fd)
{
	struct stat status;

	if (atomic_load(&directories_fail) && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* Starts on a bad file: it is set aside with its size as it was, what says why, and natbox works,
 * with as many reasons as could be read of it. */
static void expect_set_aside_with(const char *what, unsigned reasons)
{
	struct endpoints *endpoints;
	struct host *host;
	struct stat before, after;
	char name[256], line[700], then[64] = "starting empty";

	cr_assert_eq(stat(file_path("state.db"), &before), 0);
	host = host_open(path);
	endpoints = host_start(host);
	find_aside(name);
	cr_assert_neq(*name, 0);
	cr_assert_eq(stat(file_path(name), &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	cr_assert_eq(before.st_size, after.st_size);
	if (reasons)
		snprintf(then, sizeof(then), "going on with %u reasons", reasons);
	snprintf(line, sizeof(line), "fault: state %s/state.db %s: set aside as %s, %s\n", path,
		what, name, then);
	cr_assert_str_eq(host->notices, line);
	hold(endpoints, 1000, REASON_DIALOG);
	host_close(host);
	cr_assert_eq(count_restored(), reasons + 1);
}

static void expect_set_aside(const char *what)
{
	expect_set_aside_with(what, 0);
}

/* Something is done to the file under a running natbox: it is set aside, and all is written
 * anew. */
static void expect_written_anew(struct host *host, unsigned reasons)
{
	char name[256];

	cr_assert(host_sync(host));
	host_close(host);
	find_aside(name);
	cr_assert_neq(*name, 0);
	cr_assert_eq(count_restored(), reasons);
}

Test(state_file, an_empty_file_is_no_fault)
{
	struct host *host;

	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("", 0, 0);
	host = host_open(path);
	hold(host_start(host), 1, REASON_DIALOG);
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

Test(state_file, a_foreign_file_is_set_aside)
{
	static const char text[20000] = "This is somebody's diary.";

	cr_assert_eq(mkdir(path, 0700), 0);
	write_file(text, sizeof(text), 0);
	expect_set_aside("is not natbox's");
}

Test(state_file, a_directory_in_the_place_of_the_file_is_set_aside)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(mkdir(file_path("state.db"), 0700), 0);
	expect_set_aside("is not a file");
}

Test(state_file, a_truncated_file_is_set_aside)
{
	leave(300);
	cr_assert_eq(truncate(file_path("state.db"), 16384), 0);
	expect_set_aside("is corrupt: database disk image is malformed");
}

Test(state_file, a_file_cut_within_its_first_page_is_set_aside)
{
	leave(300);
	cr_assert_eq(truncate(file_path("state.db"), 100), 0);
	expect_set_aside("is corrupt: database disk image is malformed");
}

Test(state_file, a_file_with_one_wrong_byte_in_a_record_is_set_aside)
{
	static char bytes[1 << 20];
	size_t length;
	char *found = NULL;

	leave(300);
	length = read_file(bytes, sizeof(bytes));
	while ((found = memmem(found ? found + 1 : bytes,
			(size_t)(bytes + length - (found ? found + 1 : bytes)), "id-77", 5)))
		write_file("j", 1, found - bytes);
	expect_set_aside_with("is corrupt: the check of a record does not match", 299);
}

/* Where the free space of a leaf ends: nobody reads that, but the next write would go by it. */
Test(state_file, a_file_with_a_wrong_byte_in_the_head_of_a_page_is_set_aside_and_written_anew)
{
	enum { PAGE = 4096, LEAF = 13, CELLS = 5 };
	static char bytes[1 << 20];
	struct host *host;
	size_t length;

	leave(300);
	length = read_file(bytes, sizeof(bytes));
	for (size_t at = PAGE; at < length; at += PAGE) {
		bytes[at + CELLS] ^= 8;
		if (bytes[at] == LEAF)
			write_file(bytes + at + CELLS, 1, (off_t)(at + CELLS));
	}
	host = host_open(path);
	hold(host_start(host), 1000, REASON_DIALOG);
	expect_written_anew(host, 301);
}

/* Whatever is in the file: it is restored or set aside, and natbox lives. */
Test(state_file, random_damage_never_takes_natbox_down, .timeout = 60)
{
	srand(5);
	for (unsigned i = 0; i < 60; i++) {
		char noise[64];
		struct stat file;
		struct host *host;

		leave(300);
		cr_assert_eq(stat(file_path("state.db"), &file), 0);
		for (unsigned j = 0; j < 8; j++) {
			for (unsigned k = 0; k < sizeof(noise); k++)
				noise[k] = (char)rand();
			write_file(noise, 1 + (size_t)rand() % sizeof(noise),
				rand() % (file.st_size - (off_t)sizeof(noise)));
		}
		host = host_open(path);
		hold(host_start(host), 1000, REASON_DIALOG);
		host_sync(host);
		host_close(host);
		remove_state();
	}
}

/* Whatever page it is: what comes back was there, and what is wrong is told in one line. */
Test(state_file, a_page_of_noise_is_told_of_and_makes_nothing_up)
{
	enum { PAGE = 4096, REASONS = 300 };
	static char bytes[1 << 20];
	char noise[PAGE];
	size_t length;

	leave(REASONS);
	length = read_file(bytes, sizeof(bytes));
	srand(7);
	for (size_t at = 0; at < length; at += PAGE) {
		struct endpoints *endpoints;
		struct host *host;
		unsigned known = 0;

		for (unsigned i = 0; i < PAGE; i++)
			noise[i] = (char)rand();
		remove_state();
		cr_assert_eq(mkdir(path, 0700), 0);
		write_file(bytes, length, 0);
		write_file(noise, PAGE, (off_t)at);
		host = host_open(path);
		endpoints = host_start(host);
		for (unsigned i = 1; i <= REASONS; i++)
			known += reason_find(endpoints, i) != 0;
		cr_expect_eq(count_reasons(host), known, "page %zu", at / PAGE);
		cr_expect(known == REASONS || strstr(host->notices, ": set aside as state.db.bad-"),
			"page %zu: %u reasons, and: %s", at / PAGE, known, host->notices);
		cr_expect_eq(strchr(host->notices, '\n')[1], 0, "page %zu", at / PAGE);
		hold(endpoints, 1000, REASON_DIALOG);
		cr_assert(host_sync(host), "page %zu", at / PAGE);
		host_close(host);
		cr_expect_eq(count_restored(), known + 1, "page %zu", at / PAGE);
	}
}

/* Somebody who has the file changes something in it. */
static void change(const char *sql)
{
	sqlite3 *database;

	cr_assert_eq(sqlite3_open(file_path("state.db"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
}

static uint32_t number_at(const char *bytes, size_t at)
{
	uint32_t number;

	memcpy(&number, bytes + at, sizeof(number));
	return ntohl(number);
}

/* Nobody reads that either: the next write would put something else where records are. */
Test(state_file, a_page_of_records_that_is_said_to_be_free_is_not_written_over)
{
	enum { PAGE = 4096, LEAF = 13, FIRST_FREE = 32, FREE_COUNT = 4, FREE = 8 };
	static char bytes[1 << 20];
	struct endpoints *endpoints;
	struct host *host;
	size_t length, list;
	uint32_t full = 0;

	leave(300);
	change("CREATE TABLE more AS SELECT zeroblob(4000) FROM reasons LIMIT 20; DROP TABLE more");
	length = read_file(bytes, sizeof(bytes));
	for (size_t at = PAGE; at < length; at += PAGE)
		if (bytes[at] == LEAF && memmem(bytes + at, PAGE, "id-150", 6))
			full = htonl((uint32_t)(at / PAGE + 1));
	list = (number_at(bytes, FIRST_FREE) - 1) * (size_t)PAGE;
	cr_assert_neq(full, 0);
	cr_assert_gt(number_at(bytes, list + FREE_COUNT), 0);
	write_file((const char *)&full, sizeof(full), (off_t)(list + FREE));
	host = host_open(path);
	endpoints = host_start(host);
	for (unsigned i = 1001; i <= 1100; i++)
		hold(endpoints, i, REASON_DIALOG);
	expect_written_anew(host, 400);
}

/* As damage to a page may leave it: a sound record in another row, also far beyond all others. */
Test(state_file, a_record_in_a_row_that_is_not_its_own_is_not_believed)
{
	static const char *const moves[] = {"UPDATE reasons SET row = 1000 WHERE row = 5",
		"UPDATE reasons SET row = 4294967301 WHERE row = 5",
		"UPDATE reasons SET row = 9000000000000000000 WHERE row = 5"};

	for (unsigned i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		remove_state();
		leave(300);
		change(moves[i]);
		expect_set_aside_with("is corrupt: the check of a record does not match", 299);
	}
}

Test(state_file, a_wrong_record_costs_no_other_where_there_are_no_quiet_times)
{
	leave(300);
	change("DELETE FROM quiet; UPDATE reasons SET id = 'j' WHERE row = 5");
	expect_set_aside_with("is corrupt: the check of a record does not match", 299);
}

Test(state_file, what_is_there_for_others_to_read_natbox_does_not_read)
{
	char name[256];

	leave(300);
	change("UPDATE reasons SET kind = '', client = '203.0.113.9:9', proxy = '', expires = 0");
	cr_expect_eq(count_restored(), 300);
	find_aside(name);
	cr_expect_str_eq(name, "");
}

Test(state_file, quiet_times_that_cannot_be_read_cost_no_reason)
{
	leave(300);
	change("DROP TABLE quiet");
	expect_set_aside_with("is corrupt: the check of a record does not match", 300);
}

/* As a kill leaves it in the middle of a write: with pages of it in the file, and a journal. */
static void copy_in_the_midst_of(const char *statements)
{
	char command[900];
	sqlite3 *database;

	cr_assert_eq(sqlite3_open(file_path("state.db"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, statements, NULL, NULL, NULL), SQLITE_OK);
	snprintf(command, sizeof(command), "cp -r %s %s/copy", path, directory);
	cr_assert_eq(system(command), 0);
	sqlite3_close(database);
	snprintf(path, sizeof(path), "%s/copy", directory);
	cr_assert_eq(access(file_path("state.db-journal"), F_OK), 0);
}

Test(state_file, a_write_that_was_killed_is_taken_back)
{
	static const char begin[] =
		"PRAGMA cache_size = 1; BEGIN IMMEDIATE; DELETE FROM reasons WHERE row < 10;"
		"WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
		" INSERT INTO reasons (row, id) SELECT i, 'noise' FROM n";
	struct host *host;

	leave(300);
	copy_in_the_midst_of(begin);
	host = host_open(path);
	hold(host_start(host), 1000, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_expect_eq(strstr(host->notices, "fault:"), NULL, "%s", host->notices);
	host_close(host);
	cr_assert_eq(count_restored(), 301);
}

/* The first one that there was: then there is nothing in the file, and nothing to tell. */
Test(state_file, a_first_write_that_was_killed_leaves_no_file_and_no_fault)
{
	static const char begin[] =
		"PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE reasons (row, id);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
		" INSERT INTO reasons SELECT i, 'noise' FROM n";
	struct host *host;

	cr_assert_eq(mkdir(path, 0700), 0);
	copy_in_the_midst_of(begin);
	host = host_open(path);
	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_expect_str_eq(host->notices, "");
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

/* As on a disk that fills up in the midst of it. */
Test(state_file, a_first_write_that_fails_leaves_nothing_to_set_aside)
{
	const struct rlimit little = {16384, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	char name[256];

	for (unsigned i = 1; i <= 300; i++)
		hold(endpoints, i, REASON_DIALOG);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	cr_assert(host_hears(host, "fault: cannot write state "));
	cr_assert(host_lags(host));
	cr_assert_eq(strchr(host->notices, '\n')[1], 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	cr_assert(host_sync(host));
	cr_assert_not_null(strstr(host->notices, "is written again"));
	host_close(host);
	find_aside(name);
	cr_assert_str_eq(name, "");
	cr_assert_eq(count_restored(), 300);
}

Test(state_file, a_newer_format_version_is_set_aside)
{
	enum { USER_VERSION = 60 }; /* in SQLite's header, big end first */

	leave(3);
	write_file("\0\0\0\7", 4, USER_VERSION);
	expect_set_aside("has format version 7, this natbox knows version 3 only");
}

Test(state_file, a_new_file_whose_name_has_not_reached_the_disk_counts_as_not_written)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	atomic_store(&directories_fail, true);
	cr_assert(host_hears(host, "fault: cannot write state "));
	cr_assert(host_lags(host));
	cr_assert_not_null(strstr(host->notices, "Input/output error; nothing is kept until"));
	cr_assert_eq(strchr(host->notices, '\n')[1], 0);
	atomic_store(&directories_fail, false);
	cr_assert(host_sync(host));
	cr_assert_not_null(strstr(host->notices, "is written again"));
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

/* Whoever opens the file waits until this process gives its lease back, or the kernel takes it
 * after 45 s: as long as a disk that stalls. */
Test(state_file, a_start_does_not_wait_for_ever_for_a_disk_that_stalls, .timeout = 60)
{
	struct host *host;
	char name[256];
	time_t began = time(NULL);
	int fd;

	leave(1);
	fd = open(file_path("state.db"), O_RDONLY);
	signal(SIGIO, SIG_IGN);
	cr_assert_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	host = host_open(path);
	cr_assert_lt(time(NULL) - began, 30);
	cr_assert_not_null(strstr(host->notices, "fault: cannot read state "));
	cr_assert_not_null(strstr(host->notices, "the disk does not answer for 10 s"));
	cr_assert_eq(strchr(host->notices, '\n')[1], 0);
	hold(host_start(host), 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_close(host);
	find_aside(name);
	cr_assert_neq(*name, 0);
	close(fd);
	cr_assert_eq(count_restored(), 1);
}

/* A natbox that has written one reason. */
static struct host *host_with_one(void)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	return host;
}

static void hold_one_more(struct host *host)
{
	hold(engine_endpoints(host->border->engine), 2, REASON_DIALOG);
}

Test(state_file, a_file_that_is_removed_is_written_anew)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.db")), 0);
	hold_one_more(host);
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state_file, a_file_that_is_replaced_is_set_aside_and_written_anew)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_assert_eq(unlink(file_path("state.db")), 0);
	write_file("mine", 4, 0);
	hold(endpoints, 2, REASON_DIALOG);
	expect_written_anew(host, 2);
}

Test(state_file, a_file_that_is_cut_while_natbox_runs_is_set_aside_and_written_anew)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	for (unsigned i = 1; i <= 300; i++)
		hold(endpoints, i, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_assert_eq(truncate(file_path("state.db"), 8192), 0);
	hold(endpoints, 301, REASON_DIALOG);
	expect_written_anew(host, 301);
}

Test(state_file, a_stop_writes_all_anew_where_the_file_was_removed)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.db")), 0);
	hold_one_more(host);
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state_file, a_stop_writes_all_anew_where_the_file_was_replaced)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.db")), 0);
	write_file("mine", 4, 0);
	hold_one_more(host);
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state_file, a_file_that_is_written_over_is_set_aside_and_written_anew)
{
	static char noise[1 << 20];
	struct host *host = host_with_one();

	memset(noise, 'x', sizeof(noise));
	write_file(noise, sizeof(noise), 0);
	hold_one_more(host);
	expect_written_anew(host, 2);
}

static atomic_bool cutting;

static void *cut_again_and_again(void *file)
{
	while (atomic_load(&cutting)) {
		if (truncate(file, 8192) != 0 && errno != ENOENT)
			abort();
		usleep(100);
	}
	return NULL;
}

/* Sooner or later in the middle of a write, which then reads what is not there any more. */
Test(state_file, a_file_that_is_cut_while_it_is_written_takes_nothing_down, .timeout = 60)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	pthread_t cutter;

	atomic_store(&cutting, true);
	cr_assert_eq(pthread_create(&cutter, NULL, cut_again_and_again, file_path("state.db")), 0);
	for (unsigned i = 1; i <= 300; i++) {
		hold(endpoints, i, REASON_DIALOG);
		border_wait(host->border, 0.002);
		state_run(host->state, host->border->now_us);
		usleep(2000);
	}
	atomic_store(&cutting, false);
	pthread_join(cutter, NULL);
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 300);
}

Test(state_file, an_older_copy_in_the_place_of_the_file_is_set_aside_and_written_anew)
{
	static char bytes[1 << 20];
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	uint32_t ended = hold(endpoints, 1, REASON_DIALOG);
	size_t length;

	cr_assert(host_sync(host));
	length = read_file(bytes, sizeof(bytes));
	reason_end(endpoints, ended, "ended");
	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	write_file(bytes, length, 0);
	hold(endpoints, 3, REASON_DIALOG);
	expect_written_anew(host, 2);
}

Test(state_file, a_directory_that_is_moved_away_is_made_and_locked_anew)
{
	struct host *host = host_open(path), *second;
	struct endpoints *endpoints = host_start(host);
	char elsewhere[sizeof(path)];

	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	move_state(elsewhere);
	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("mine", 4, 0);
	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	second = host_open(path);
	cr_assert_not_null(strstr(second->notices, "another natbox uses it"));
	host_start(second);
	host_close(second);
	expect_written_anew(host, 2);
	snprintf(path, sizeof(path), "%s", elsewhere);
	cr_assert_eq(count_restored(), 1);
}
