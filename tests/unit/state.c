/* What is written while natbox runs, and what comes back. tests/state shows the rest: full disks,
 * and kills at any moment. */
#include "border.h"
#include "sip_messages.h"

#include "state/moment.h"
#include <natbox/endpoints.h>
#include <natbox/state.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

enum { NOTICES_MAX = 16384, SYNC_US = 1000 };

/* A natbox: a border with a state. */
struct host {
	struct border *border;
	struct state *state;
	char notices[NOTICES_MAX];
};

static char directory[] = "/tmp/natbox-state-XXXXXX", path[256];

static void on_notice(void *context, enum state_notice notice, const char *line)
{
	struct host *host = context;
	size_t length = strlen(host->notices);

	snprintf(host->notices + length, NOTICES_MAX - length, "%s%s\n",
		notice == STATE_FAULT ? "fault: " : "", line);
}

static struct host *host_open_with(
	const char *where, bool (*add_proxy)(void *context, const struct address *proxy))
{
	struct host *host = calloc(1, sizeof(*host));
	struct state_options options = {.path = where,
		.sync_us = SYNC_US,
		.context = host,
		.notice = on_notice,
		.add_proxy = add_proxy};

	host->border = border_new();
	host->state = state_open(&options);
	cr_assert_not_null(host->state);
	return host;
}

static struct host *host_open(const char *where)
{
	return host_open_with(where, NULL);
}

static struct endpoints *host_start(struct host *host)
{
	border_wait(host->border, 0);
	cr_assert_eq(state_start(host->state, host->border->engine, host->border->now_us), 0);
	return engine_endpoints(host->border->engine);
}

static void host_close(struct host *host)
{
	state_close(host->state, host->border->now_us);
	border_free(host->border);
	free(host);
}

/* Runs the loop until nothing waits any more, or for a while. */
static bool host_sync(struct host *host)
{
	for (unsigned i = 0; i < 2000; i++) {
		border_wait(host->border, 0.001);
		state_run(host->state, host->border->now_us);
		if (i > 10 && state_lag(host->state, host->border->now_us) == 0)
			return true;
		usleep(500);
	}
	return false;
}

static bool add_proxy(void *context, const struct address *proxy)
{
	struct host *host = context;

	return engine_add_proxy(host->border->engine, proxy) == 0;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/natbox", directory);
}

static void teardown(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(state, .init = setup, .fini = teardown);

static uint32_t hold(struct endpoints *endpoints, unsigned number, enum reason_kind kind)
{
	char id[32];
	struct reason_claim claim = {
		.client = at("203.0.113.1:1"),
		.nat = NAT_VIA_SOURCE,
		.kind = kind,
		.key = number,
		.seconds = 3600,
	};
	uint32_t slot;

	snprintf(id, sizeof(id), "id-%u", number);
	claim.id = (struct text){id, strlen(id)};
	claim.client.ip[15] = (uint8_t)number;
	claim.client.ip[14] = (uint8_t)(number >> 8);
	slot = reason_hold(endpoints, &claim);
	cr_assert_neq(slot, 0);
	return slot;
}

/* Leaves a state file with so many reasons behind. */
static void leave(unsigned reasons)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	for (unsigned i = 1; i <= reasons; i++)
		hold(endpoints, i, i % 3);
	host_close(host);
}

static unsigned count_reasons(struct host *host)
{
	return engine_counters(host->border->engine).reasons;
}

static unsigned count_restored(void)
{
	struct host *host = host_open(path);
	unsigned count;

	host_start(host);
	count = count_reasons(host);
	host_close(host);
	return count;
}

/* The name of the one file that was set aside; empty when there is none. */
static void find_aside(char name[static 256])
{
	DIR *entries = opendir(path);
	const struct dirent *entry;

	*name = 0;
	cr_assert_not_null(entries);
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, "state.mdb.bad-", 14) == 0) {
			cr_assert_eq(*name, 0);
			snprintf(name, 256, "%s", entry->d_name);
		}
	}
	closedir(entries);
}

static char *file_path(const char *name)
{
	static char file[600];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	return file;
}

static void write_file(const char *bytes, size_t length, off_t where)
{
	int fd = open(file_path("state.mdb"), O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, length, where), (ssize_t)length);
	close(fd);
}

static size_t read_file(char *bytes, size_t size)
{
	int fd = open(file_path("state.mdb"), O_RDONLY);
	ssize_t length = read(fd, bytes, size);

	cr_assert_gt(length, 0);
	close(fd);
	return (size_t)length;
}

/* Starts on a bad file: it is set aside with its size as it was, what says why, and natbox
 * works. */
static void expect_set_aside(const char *what)
{
	struct host *host;
	struct stat before, after;
	char name[256], line[600];

	cr_assert_eq(stat(file_path("state.mdb"), &before), 0);
	host = host_open(path);
	find_aside(name);
	cr_assert_neq(*name, 0);
	cr_assert_eq(stat(file_path(name), &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	cr_assert_eq(before.st_size, after.st_size);
	snprintf(line, sizeof(line),
		"fault: state %s/state.mdb %s: set aside as %s, starting empty\n", path, what,
		name);
	cr_assert_str_eq(host->notices, line);
	hold(host_start(host), 1, REASON_DIALOG);
	host_close(host);
	cr_assert_eq(count_restored(), 1);
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
		cr_assert(text_equal(record.id, (struct text){id, strlen(id)}));
		cr_assert_leq(record.left_us, 3600000000);
		cr_assert_geq(record.left_us, 3590000000);
	}
	border_expect(host->border, "");
	cr_assert_not_null(strstr(host->notices, "300 endpoints with 300 reasons restored from"));
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
	host_close(host);
	host = host_open(path);
	endpoints = host_start(host);
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
	char copy[600];

	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	snprintf(copy, sizeof(copy), "mkdir %s/copy && cp %s/state.mdb %s/copy", directory, path,
		directory);
	cr_assert_eq(system(copy), 0);
	host_close(host);
	snprintf(path, sizeof(path), "%s/copy", directory);
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
	cr_assert_eq(stat(file_path("state.mdb"), &file), 0);
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
	struct fault fault;

	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	cr_assert_eq(state_prepare(path, 65534, 65534, &fault), 0);
	expect_owner(path, 65534);
	expect_owner(file_path("state.mdb"), 65534);
}

Test(state, a_directory_with_more_than_state_in_it_stays_whose_it_is)
{
	struct fault fault;

	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	cr_assert_eq(mkdir(file_path("home"), 0700), 0);
	cr_assert_eq(state_prepare(path, 65534, 65534, &fault), 0);
	expect_owner(path, 0);
	expect_owner(file_path("state.mdb"), 65534);
}

Test(state, what_the_file_links_to_stays_whose_it_is)
{
	struct fault fault;
	char outside[300];

	if (geteuid() != 0)
		cr_skip_test();
	leave(1);
	snprintf(outside, sizeof(outside), "%s/outside", directory);
	cr_assert_eq(link(file_path("state.mdb"), outside), 0);
	cr_assert_eq(state_prepare(path, 65534, 65534, &fault), 0);
	expect_owner(outside, 0);
}

Test(state, whatever_the_umask_the_user_reaches_a_directory_made_for_him)
{
	struct fault fault;
	struct stat status;
	mode_t before = umask(0277);
	char deep[300];

	snprintf(deep, sizeof(deep), "%s/deep", path);
	cr_assert_eq(state_prepare(deep, geteuid(), getegid(), &fault), 0);
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
	host_close(host);
	host = host_open(path);
	host_start(host);
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
	host_close(host);
	host = host_open(path);
	host_start(host);
	border_wait(host->border, 0.1);
	cr_assert_eq(host->border->sent_count, 1);
	host_close(host);
}

Test(state, more_changes_than_one_batch_holds_are_all_kept)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints;

	host->border->settings.limits.endpoints = 20000;
	host->border->settings.limits.endpoints_per_address = 20000;
	endpoints = host_start(host);
	for (unsigned i = 1; i <= 15000; i++) {
		hold(endpoints, i, i % 3);
		host->border->log_length = 0;
	}
	cr_assert(host_sync(host));
	host_close(host);
	host = host_open(path);
	host->border->settings.limits.endpoints = 20000;
	host->border->settings.limits.endpoints_per_address = 20000;
	host_start(host);
	cr_assert_eq(count_reasons(host), 15000);
	host_close(host);
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

Test(state, what_is_not_wanted_by_one_start_is_there_for_the_next)
{
	struct host *host;

	leave(300);
	host = host_open(path);
	host->border->settings.keepalive.dialogs = false;
	hold(host_start(host), 1000, REASON_REGISTRATION);
	cr_assert_eq(count_reasons(host), 201);
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 301);
}

/* Leaves reasons at a proxy that a border does not have of itself. */
static void leave_at_another_proxy(unsigned reasons)
{
	struct host *host = host_open(path);
	const struct address proxy = at("198.51.100.77:5060");
	struct reason_claim claim = {.client = at("203.0.113.1:1"),
		.nat = NAT_VIA_SOURCE,
		.kind = REASON_DIALOG,
		.id = TEXT("id"),
		.seconds = 3600};

	host_start(host);
	cr_assert_eq(engine_add_proxy(host->border->engine, &proxy), 0);
	claim.proxy = (uint16_t)(engine_proxy_count(host->border->engine) - 1);
	for (claim.key = 1; claim.key <= reasons; claim.key++)
		cr_assert_neq(reason_hold(engine_endpoints(host->border->engine), &claim), 0);
	host_close(host);
}

Test(state, what_stood_at_a_proxy_that_is_none_any_more_is_left_out)
{
	leave_at_another_proxy(20);
	cr_assert_eq(count_restored(), 0);
}

Test(state, what_stood_at_a_proxy_that_will_be_one_again_comes_back)
{
	struct host *host;

	leave_at_another_proxy(20);
	host = host_open_with(path, add_proxy);
	host_start(host);
	cr_assert_eq(count_reasons(host), 20);
	host_close(host);
}

Test(state, an_empty_file_is_no_fault)
{
	struct host *host;

	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("", 0, 0);
	host = host_open(path);
	hold(host_start(host), 1, REASON_DIALOG);
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

Test(state, a_foreign_file_is_set_aside)
{
	static const char text[20000] = "This is somebody's diary.";

	cr_assert_eq(mkdir(path, 0700), 0);
	write_file(text, sizeof(text), 0);
	expect_set_aside("is not natbox's");
}

Test(state, a_directory_in_the_place_of_the_file_is_set_aside)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(mkdir(file_path("state.mdb"), 0700), 0);
	expect_set_aside("is not a file");
}

Test(state, a_truncated_file_is_set_aside)
{
	leave(300);
	cr_assert_eq(truncate(file_path("state.mdb"), 16384), 0);
	expect_set_aside("is corrupt: it is shorter than it says");
}

Test(state, a_file_cut_within_its_first_page_is_set_aside)
{
	leave(300);
	cr_assert_eq(truncate(file_path("state.mdb"), 100), 0);
	expect_set_aside("is not natbox's");
}

Test(state, a_file_with_one_wrong_byte_in_a_record_is_set_aside)
{
	static char bytes[1 << 20];
	size_t length;
	char *found = NULL;

	leave(300);
	length = read_file(bytes, sizeof(bytes));
	while ((found = memmem(found ? found + 1 : bytes,
			(size_t)(bytes + length - (found ? found + 1 : bytes)), "id-77", 5)))
		write_file("j", 1, found - bytes);
	expect_set_aside("is corrupt: the check of a record does not match");
}

/* The free space of a leaf of LMDB's: nobody reads it, but the next write would have moved what
 * stands behind it. */
Test(state, a_file_with_a_wrong_byte_in_the_head_of_a_page_is_set_aside)
{
	enum { PAGE = 4096, FLAGS = 10, LEAF = 2, UPPER = 14 };
	static char bytes[1 << 20];
	size_t length;

	leave(300);
	length = read_file(bytes, sizeof(bytes));
	for (size_t at = 2 * PAGE; at < length; at += PAGE) {
		bytes[at + UPPER] ^= 8;
		if (bytes[at + FLAGS] == LEAF)
			write_file(bytes + at + UPPER, 1, (off_t)(at + UPPER));
	}
	expect_set_aside("is corrupt: its pages make no sense");
}

/* Whatever is in the file: it is restored or set aside, and natbox lives. */
Test(state, random_damage_never_takes_natbox_down, .timeout = 60)
{
	srand(5);
	for (unsigned i = 0; i < 60; i++) {
		char command[300], noise[64];
		struct stat file;
		struct host *host;

		leave(300);
		cr_assert_eq(stat(file_path("state.mdb"), &file), 0);
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
		snprintf(command, sizeof(command), "rm -rf %s", path);
		cr_assert_eq(system(command), 0);
	}
}

Test(state, a_newer_format_version_is_set_aside)
{
	static char bytes[1 << 20];
	size_t length;
	char *found = NULL;

	leave(3);
	length = read_file(bytes, sizeof(bytes));
	while ((found = memmem(found ? found + 1 : bytes,
			(size_t)(bytes + length - (found ? found + 1 : bytes)), "natbox\0\0\1", 9)))
		write_file("\7", 1, found - bytes + 8);
	expect_set_aside("has format version 7, this natbox knows version 1 only");
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
	cr_assert_not_null(strstr(host->notices, "Not a directory"));
	hold(host_start(host), 1, REASON_DIALOG);
	cr_assert_not(host_sync(host));
	cr_assert_gt(state_lag(host->state, host->border->now_us), 1000000);
	cr_assert_eq(strchr(host->notices, '\n')[1], 0);
	cr_assert_eq(unlink(blocked), 0);
	cr_assert(host_sync(host));
	cr_assert_not_null(strstr(host->notices, "is written again"));
	host_close(host);
	cr_assert_eq(count_restored(), 1);
}

Test(state, a_new_file_whose_name_has_not_reached_the_disk_counts_as_not_written)
{
	struct host *host = host_open(path);

	hold(host_start(host), 1, REASON_DIALOG);
	atomic_store(&directories_fail, true);
	cr_assert_not(host_sync(host));
	cr_assert_not_null(strstr(host->notices, "fault: cannot write state "));
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
Test(state, a_start_does_not_wait_for_ever_for_a_disk_that_stalls, .timeout = 60)
{
	struct host *host;
	char name[256];
	time_t began = time(NULL);
	int fd;

	leave(1);
	fd = open(file_path("state.mdb"), O_RDONLY);
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

Test(state, a_file_that_is_removed_is_written_anew)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.mdb")), 0);
	hold_one_more(host);
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state, a_file_that_is_replaced_is_set_aside_and_written_anew)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	char name[256];

	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_assert_eq(unlink(file_path("state.mdb")), 0);
	write_file("mine", 4, 0);
	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_close(host);
	find_aside(name);
	cr_assert_neq(*name, 0);
	cr_assert_eq(count_restored(), 2);
}

Test(state, a_file_that_is_cut_while_natbox_runs_is_set_aside_and_written_anew)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	char name[256];

	for (unsigned i = 1; i <= 300; i++)
		hold(endpoints, i, REASON_DIALOG);
	cr_assert(host_sync(host));
	cr_assert_eq(truncate(file_path("state.mdb"), 8192), 0);
	hold(endpoints, 301, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_close(host);
	find_aside(name);
	cr_assert_neq(*name, 0);
	cr_assert_eq(count_restored(), 301);
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

Test(state, a_shorter_sync_counts_at_once)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints;

	state_set_sync(host->state, 60000000);
	endpoints = host_start(host);
	cr_assert(host_sync(host));
	hold(endpoints, 1, REASON_DIALOG);
	cr_assert_not(host_sync(host));
	state_set_sync(host->state, SYNC_US);
	cr_assert(host_sync(host));
	host_close(host);
}

Test(state, a_stop_writes_all_anew_where_the_file_was_removed)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.mdb")), 0);
	hold_one_more(host);
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state, a_stop_writes_all_anew_where_the_file_was_replaced)
{
	struct host *host = host_with_one();

	cr_assert_eq(unlink(file_path("state.mdb")), 0);
	write_file("mine", 4, 0);
	hold_one_more(host);
	host_close(host);
	cr_assert_eq(count_restored(), 2);
}

Test(state, a_file_that_is_written_over_is_set_aside_and_written_anew)
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
Test(state, a_file_that_is_cut_while_it_is_written_takes_nothing_down, .timeout = 60)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	pthread_t cutter;

	atomic_store(&cutting, true);
	cr_assert_eq(pthread_create(&cutter, NULL, cut_again_and_again, file_path("state.mdb")), 0);
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

Test(state, an_older_copy_in_the_place_of_the_file_is_set_aside_and_written_anew)
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

Test(state, a_directory_that_is_moved_away_is_made_and_locked_anew)
{
	struct host *host = host_open(path), *second;
	struct endpoints *endpoints = host_start(host);
	char elsewhere[sizeof(path)];

	hold(endpoints, 1, REASON_DIALOG);
	cr_assert(host_sync(host));
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", directory);
	cr_assert_eq(rename(path, elsewhere), 0);
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

static struct moment moment(int64_t wall_us, int64_t boot_us, const char *boot_id)
{
	struct moment result = {.wall_us = wall_us, .boot_us = boot_us};

	snprintf(result.boot_id, sizeof(result.boot_id), "%s", boot_id);
	return result;
}

Test(moment, within_one_boot_the_wall_clock_does_not_matter)
{
	struct moment from = moment(1000, 500, "a"), back = moment(10, 700, "a"),
		      forth = moment(1000000000000, 700, "a");

	cr_assert_eq(moment_elapsed(&from, &back), 200);
	cr_assert_eq(moment_elapsed(&from, &forth), 200);
}

Test(moment, across_boots_the_wall_clock_tells)
{
	struct moment from = moment(1000, 500, "a"), to = moment(5000, 3, "b");

	cr_assert_eq(moment_elapsed(&from, &to), 4000);
}

Test(moment, across_boots_a_wall_clock_that_cannot_be_right_tells_nothing)
{
	struct moment from = moment(1000, 500, "a"), back = moment(10, 700, "b"),
		      forth = moment(91ll * 24 * 3600 * 1000000, 700, "b");

	cr_assert_eq(moment_elapsed(&from, &back), 0);
	cr_assert_eq(moment_elapsed(&from, &forth), 0);
}

Test(moment, without_a_boot_id_the_wall_clock_tells)
{
	struct moment from = moment(1000, 500, ""), to = moment(5000, 3, "");

	cr_assert_eq(moment_elapsed(&from, &to), 4000);
}
