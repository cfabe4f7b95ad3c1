/* What is written while natbox runs, and what comes back. tests/state shows the rest: full disks,
 * and kills at any moment. */
#include "sip_messages.h"
#include "state_host.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdatomic.h>

/* In the place of libc's, unless a sanitiser has its own: memory is short for anything large. */
static atomic_bool memory_is_short;

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !HAS(address_sanitizer) &&  \
	!HAS(thread_sanitizer) && !HAS(memory_sanitizer)
void *__libc_calloc(size_t count, size_t size); // NOLINT(bugprone-reserved-identifier)

void *calloc(size_t count, size_t size)
{
	enum { LARGE = 1 << 20 };

	return atomic_load(&memory_is_short) && count * size >= LARGE ? NULL
								      : __libc_calloc(count, size);
}
#endif

TestSuite(state, .init = state_setup, .fini = state_teardown);

static int ask(const char *sql)
{
	sqlite3_stmt *row;
	sqlite3 *database;
	int number;

	cr_assert_eq(sqlite3_open(file_path("state.db"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &row, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_step(row), SQLITE_ROW);
	number = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	sqlite3_close(database);
	return number;
}

static struct reason_claim alice(void)
{
	return (struct reason_claim){.client = at("192.0.2.1:5061"),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.key = 7,
		.id = TEXT("sip:alice@example.com"),
		.user = TEXT("line-7"),
		.binding = 1,
		.seconds = 3600};
}

Test(state, reasons_of_all_kinds_come_back_as_they_were)
{
	struct host *host;
	struct endpoints *endpoints;

	leave(300);
	host = host_open(path);
	endpoints = host_start(host);
	cr_assert_eq(count_reasons(host), 300);
	for (unsigned i = 1; i <= 300; i++) {
		struct record record;
		char id[32];

		snprintf(id, sizeof(id), "id-%u", i);
		cr_assert(record_read(endpoints, reason_find(endpoints, i), &record));
		cr_assert_eq(record.kind, i % 3);
		cr_assert_eq(record.client.ip[14] * 256 + record.client.ip[15], i);
		cr_assert_eq(record.nat, NAT_VIA_SOURCE);
		cr_assert_eq(record.proven, i % 64 != 0);
		cr_assert_eq(record.written, i);
		cr_assert(text_equal(record.id, text_from(id)));
		cr_assert_leq(record.left_us, 3600000000);
		cr_assert_geq(record.left_us, 3590000000);
	}
	border_expect(host->border, "");
	cr_assert_not_null(strstr(host->notices, "300 endpoints with 300 reasons restored from"));
	host_close(host);
}

/* A row has a user where that is not the AOR's, and says who is lost. */
Test(state, users_and_who_is_lost_come_back)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	const struct reason_claim claim = alice();
	struct record record;

	cr_assert_neq(reason_hold(endpoints, &claim), 0);
	hold(endpoints, 2, REASON_DIALOG);
	endpoint_set_lost(
		endpoints, reason_at(endpoints, reason_find(endpoints, 7))->endpoint, true);
	cr_assert(host_sync(host));
	endpoints = host_restart(&host);
	cr_assert(record_read(endpoints, reason_find(endpoints, 7), &record));
	cr_expect(text_equal(record.id, TEXT("sip:alice@example.com")));
	cr_expect(text_equal(record.user, TEXT("line-7")));
	cr_expect(record.lost);
	cr_assert(record_read(endpoints, reason_find(endpoints, 2), &record));
	cr_expect_eq(record.user.length, 0);
	cr_expect_not(record.lost);
	cr_expect_eq(engine_counters(host->border->engine).lost_now, 1);
	host_close(host);
}

static void add_class(struct border *border, const char *name, unsigned interval_s)
{
	struct phone_class *class =
		&border->settings.classes.list[border->settings.classes.count++];

	strcpy(class->name, name);
	strcpy(class->user_agents, "Acme*");
	class->effects = CLASS_INTERVAL;
	class->rules.interval_us = interval_s * 1000000ull;
}

/* By its name, whatever its number. */
Test(state, class_comes_back)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints;
	struct reason_claim claim = alice();
	struct record record;

	add_class(host->border, "slow", 3600);
	endpoints = host_start(host);
	claim.class = (uint8_t)classes_find(&endpoints->classes, TEXT("slow"));
	cr_assert_neq(claim.class, 0);
	cr_assert_neq(reason_hold(endpoints, &claim), 0);
	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_close(host);

	host = host_open(path);
	add_class(host->border, "other", 60);
	add_class(host->border, "slow", 3600);
	endpoints = host_start(host);
	cr_assert(record_read(endpoints, reason_find(endpoints, 7), &record));
	cr_expect(text_equal(record.class, TEXT("slow")));
	cr_expect(text_equal(record.user, TEXT("line-7")));
	cr_assert(record_read(endpoints, reason_find(endpoints, 2), &record));
	cr_expect_eq(record.class.length, 0);
	host_close(host);
}

Test(state, what_ended_does_not_come_back)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	uint32_t first = hold(endpoints, 1, REASON_DIALOG);

	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	reason_end(endpoints, first, "ended");
	endpoints = host_restart(&host);
	cr_assert_eq(reason_find(endpoints, 1), 0);
	cr_assert_neq(reason_find(endpoints, 2), 0);
	host_close(host);
}

Test(state, what_ran_out_in_between_does_not_come_back)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	hold(endpoints, 1, REASON_DIALOG);
	reason_prolong(endpoints, hold(endpoints, 2, REASON_DIALOG), 1);
	host_close(host);
	usleep(1100000);
	cr_assert_eq(count_restored(), 1);
	cr_assert_eq(count_restored(), 1);
}

Test(state, what_has_gone_to_the_disk_needs_no_clean_stop)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_kill(host);
	cr_assert_eq(count_restored(), 1);
}

Test(state, the_seed_stays_the_same)
{
	struct host *host = host_open(path);
	uint8_t seed[16];

	memcpy(seed, state_seed(host->state), sizeof(seed));
	host_start(host);
	hold(engine_endpoints(host->border->engine), 1, REASON_DIALOG);
	host_close(host);
	host = host_open(path);
	cr_assert_arr_eq(state_seed(host->state), seed, sizeof(seed));
	host_start(host);
	host_close(host);
}

Test(state, nobody_else_may_read_it)
{
	struct stat file;

	leave(1);
	cr_assert_eq(stat(file_path("state.db"), &file), 0);
	cr_assert_eq(file.st_mode & 0777, 0600);
	cr_assert_eq(stat(path, &file), 0);
	cr_assert_eq(file.st_mode & 0777, 0700);
}

static void expect_owner(const char *what, uid_t owner)
{
	struct stat status;

	cr_assert_eq(lstat(what, &status), 0);
	cr_assert_eq(status.st_uid, owner);
}

/* Only root can give files away. */
Test(state, what_is_left_by_another_user_belongs_to_the_next)
{
	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	cr_assert_eq(state_prepare(path, 65534, 65534), 0);
	expect_owner(path, 65534);
	expect_owner(file_path("state.db"), 65534);
	expect_owner(file_path("state.db-journal"), 65534);
}

Test(state, a_directory_with_more_than_state_in_it_stays_whose_it_is)
{
	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	cr_assert_eq(mkdir(file_path("home"), 0700), 0);
	cr_assert_eq(state_prepare(path, 65534, 65534), 0);
	expect_owner(path, 0);
	expect_owner(file_path("state.db"), 65534);
}

Test(state, what_the_file_links_to_stays_whose_it_is)
{
	char outside[300];

	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	snprintf(outside, sizeof(outside), "%s/outside", directory);
	cr_assert_eq(link(file_path("state.db"), outside), 0);
	cr_assert_eq(state_prepare(path, 65534, 65534), 0);
	expect_owner(outside, 0);
}

Test(state, whatever_the_umask_the_user_reaches_a_directory_made_for_him)
{
	struct stat status;
	mode_t before = umask(0277);
	char deep[300];

	snprintf(deep, sizeof(deep), "%s/deep", path);
	cr_assert_eq(state_prepare(deep, geteuid(), getegid()), 0);
	umask(before);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0755);
	cr_assert_eq(stat(deep, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
}

Test(state, the_cause_is_named_however_long_the_path)
{
	char deep[900];
	struct host *host;

	snprintf(deep, sizeof(deep), "%s/%0700d", directory, 0);
	host = host_open(deep);
	cr_assert_not_null(strstr(host->notices, "File name too long; nothing is kept"));
	host_start(host);
	host_close(host);
}

Test(state, without_a_path_nothing_is_kept)
{
	struct host *host = host_open("");

	hold(host_start(host), 1, REASON_DIALOG);
	state_run(host->state, host->border->now_us);
	cr_assert_eq(state_next(host->state), UINT64_MAX);
	cr_assert_eq(state_lag(host->state, host->border->now_us + 9000000), 0);
	cr_assert_str_eq(host->notices, "");
	host_close(host);
}

Test(state, the_keepalive_comes_one_interval_after_the_last_packet_before_the_restart)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	border_wait(host->border, 20);
	host_restart(&host);
	border_wait(host->border, 4);
	cr_assert_eq(host->border->sent_count, 0);
	border_wait(host->border, 1.1);
	cr_assert_eq(host->border->sent_count, 1);
	host_close(host);
}

Test(state, a_keepalive_that_was_just_about_to_be_sent_is_not_taken_for_sent)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	border_wait(host->border, 24.97);
	cr_assert_eq(host->border->sent_count, 0);
	host_restart(&host);
	border_wait(host->border, 0.1);
	cr_assert_eq(host->border->sent_count, 1);
	host_close(host);
}

/* It was not due while natbox still ran, though others would have been. */
Test(state, keepalive_of_a_slower_class_comes_one_interval_of_its_own_after_the_last_packet)
{
	struct host *host = host_open(path);
	struct reason_claim claim = alice();

	claim.class = 1;
	add_class(host->border, "slow", 60);
	cr_assert_neq(reason_hold(host_start(host), &claim), 0);
	border_wait(host->border, 40);
	host_close(host);
	host = host_open(path);
	add_class(host->border, "slow", 60);
	host_start(host);
	border_wait(host->border, 19);
	cr_assert_eq(host->border->sent_count, 0);
	border_wait(host->border, 1.1);
	cr_assert_eq(host->border->sent_count, 1);
	host_close(host);
}

static struct host *open_for_many(void)
{
	struct host *host = host_open(path);

	host->border->settings.limits.endpoints = 20000;
	host->border->settings.limits.endpoints_per_address = 20000;
	return host;
}

static void leave_many(unsigned reasons)
{
	struct host *host = open_for_many();
	struct endpoints *endpoints = host_start(host);

	for (unsigned i = 1; i <= reasons; i++) {
		hold(endpoints, i, i % 3);
		host->border->log_length = 0;
	}
	cr_assert(host_sync(host));
	host_close(host);
}

static void expect_many(struct host *host, unsigned reasons)
{
	host_start(host);
	cr_assert_eq(count_reasons(host), reasons);
	host_close(host);
}

Test(state, more_changes_than_one_batch_holds_are_all_kept)
{
	leave_many(15000);
	expect_many(open_for_many(), 15000);
}

Test(state, they_come_back_where_memory_is_short_once_the_file_is_open)
{
	struct host *host;

	leave_many(9000);
	host = open_for_many();
	border_wait(host->border, 0);
	atomic_store(&memory_is_short, true);
	expect_many(host, 9000);
}

Test(state, a_lower_limit_drops_what_is_beyond_for_good)
{
	struct host *host;

	leave(300);
	host = host_open(path);
	host->border->settings.limits.endpoints = 50;
	host_start(host);
	cr_assert_eq(count_reasons(host), 50);
	cr_assert_not_null(strstr(host->notices, "250 beyond the limits"));
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 50);
}

/* The highest is no more than there were reasons at a time, of those that ended before the start
 * and of those that had run out by then. */
Test(state, rows_of_what_is_gone_are_taken_again)
{
	enum { REASONS = 100 };
	struct host *host;
	struct endpoints *endpoints;

	leave(REASONS);
	host = host_open(path);
	endpoints = host_start(host);
	for (unsigned i = 1; i < REASONS; i++) {
		if (i % 2)
			reason_end(endpoints, reason_find(endpoints, i), "ended");
		else
			reason_prolong(endpoints, reason_find(endpoints, i), 1);
	}
	do
		endpoints = host_restart(&host);
	while (count_reasons(host) > 1);
	cr_assert(host_sync(host));
	for (unsigned i = 1; i < REASONS; i++)
		hold(endpoints, i, REASON_DIALOG);
	host_close(host);
	cr_expect_eq(ask("SELECT max(row) FROM reasons"), REASONS);
	cr_expect_eq(count_restored(), REASONS);
}

Test(state, a_second_natbox_on_the_same_file_keeps_nothing)
{
	struct host *first = host_open(path), *second;

	hold(host_start(first), 1, REASON_DIALOG);
	second = host_open(path);
	cr_assert_not_null(strstr(second->notices, "another natbox uses it"));
	hold(host_start(second), 2, REASON_DIALOG);
	cr_assert_eq(state_next(second->state), UINT64_MAX);
	host_close(second);
	host_close(first);
	cr_assert_eq(count_restored(), 1);
}

Test(state, a_natbox_that_is_just_going_is_waited_for)
{
	struct host *host;
	int fd;

	leave(1);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	if (fork() == 0) {
		usleep(300000);
		_exit(0);
	}
	close(fd); /* the child still has it */
	host = host_open(path);
	cr_assert_str_eq(host->notices, "");
	host_start(host);
	cr_assert_eq(count_reasons(host), 1);
	host_close(host);
}

Test(state, a_directory_that_cannot_be_made_is_told_once_and_used_when_it_can)
{
	struct host *host;
	char blocked[300];
	int fd;

	snprintf(blocked, sizeof(blocked), "%s/file", directory);
	fd = open(blocked, O_WRONLY | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/file/deep", directory);
	host = host_open(path);
	cr_assert_not_null(
		strstr(host->notices, "Not a directory; nothing is kept until state.path is"));
	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert(host_lags(host));
	cr_assert_gt(state_lag(host->state, host->border->now_us), 1000000);
	cr_assert_eq(strchr(host->notices, '\n')[1], 0);
	cr_assert_eq(unlink(blocked), 0);
	cr_assert(host_sync(host));
	cr_assert_not_null(strstr(host->notices, "is written again"));
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

/* Every write after the first has nothing new to say, and the stop says it again. */
Test(state, a_stop_says_why_nothing_was_kept_where_another_natbox_has_taken_the_place)
{
	struct host *host = host_open(path), *second;
	struct endpoints *endpoints = host_start(host);
	char elsewhere[sizeof(path)];

	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	move_state(elsewhere);
	second = host_open(path);
	hold(host_start(second), 2, REASON_DIALOG);
	cr_assert(host_sync(second));
	hold(endpoints, 3, REASON_DIALOG);
	cr_assert(host_hears(host, "another natbox uses it"));
	cr_assert(host_lags(host));
	state_close(host->state, host->border->now_us);
	cr_assert_not_null(strstr(host->notices, "are lost: cannot lock state directory "));
	border_free(host->border);
	free(host);
	host_close(second);
	cr_assert_eq(count_restored(), 1);
}

Test(state, a_shorter_sync_counts_at_once)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints;

	state_set_sync(host->state, 60000000);
	endpoints = host_start(host);
	cr_assert(host_sync(host));
	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_lags(host));
	state_set_sync(host->state, SYNC_US);
	cr_assert(host_sync(host));
	host_close(host);
}
