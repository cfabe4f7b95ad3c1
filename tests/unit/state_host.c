#include "state_host.h"

#include "sip_messages.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char directory[] = "/tmp/natbox-state-XXXXXX", path[256];

/* In the place of libc's: all has to go where the file system knows none of its flags. */
int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	if (!flags)
		return renameat(from, old, to, new);
	errno = EINVAL;
	return -1;
}

static void on_notice(void *context, enum state_notice notice, const char *line)
{
	struct host *host = context;
	size_t length = strlen(host->notices);

	snprintf(host->notices + length, NOTICES_MAX - length, "%s%s\n",
		notice != STATE_INFO ? "fault: " : "", line);
}

struct host *host_open_with(
	const char *where, void (*add_proxy)(void *context, const struct address *proxy))
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

struct host *host_open(const char *where)
{
	return host_open_with(where, NULL);
}

struct endpoints *host_start(struct host *host)
{
	border_wait(host->border, 0);
	cr_assert_eq(state_start(host->state, host->border->engine, host->border->now_us), 0);
	return engine_endpoints(host->border->engine);
}

void host_close(struct host *host)
{
	state_close(host->state, host->border->now_us);
	border_free(host->border);
	free(host);
}

void host_kill(struct host *host)
{
	char copy[600];

	snprintf(copy, sizeof(copy), "mkdir %s/copy && cp %s/state.db %s/copy", directory, path,
		directory);
	cr_assert_eq(system(copy), 0);
	host_close(host);
	snprintf(path, sizeof(path), "%s/copy", directory);
}

struct endpoints *host_restart(struct host **host)
{
	host_close(*host);
	*host = host_open(path);
	return host_start(*host);
}

enum { PAUSE_US = 500, PATIENCE_US = 30000000, WHILE_US = 1000000 };

static void turn(struct host *host)
{
	border_wait(host->border, 0.001);
	state_run(host->state, host->border->now_us);
	usleep(PAUSE_US);
}

static bool syncs_within(struct host *host, unsigned pauses_us)
{
	for (unsigned i = 0; i < pauses_us / PAUSE_US; i++) {
		turn(host);
		if (i > 10 && state_lag(host->state, host->border->now_us) == 0)
			return true;
	}
	return false;
}

bool host_sync(struct host *host)
{
	return syncs_within(host, PATIENCE_US);
}

bool host_lags(struct host *host)
{
	return !syncs_within(host, WHILE_US);
}

bool host_hears(struct host *host, const char *notice)
{
	for (unsigned i = 0; i < PATIENCE_US / PAUSE_US && !strstr(host->notices, notice); i++)
		turn(host);
	return strstr(host->notices, notice) != NULL;
}

void host_add_proxy(void *context, const struct address *proxy)
{
	struct host *host = context;

	cr_assert_eq(engine_add_proxy(host->border->engine, proxy), 0);
}

void state_setup(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/natbox", directory);
}

static void remove_all(const char *what)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", what);
	cr_assert_eq(system(command), 0);
}

void state_teardown(void)
{
	remove_all(directory);
}

void remove_state(void)
{
	remove_all(path);
}

void move_state(char elsewhere[static 256])
{
	snprintf(elsewhere, 256, "%s/elsewhere", directory);
	cr_assert_eq(rename(path, elsewhere), 0);
}

uint32_t hold(struct endpoints *endpoints, unsigned number, enum reason_kind kind)
{
	char id[32];
	struct reason_claim claim = {
		.client = at("203.0.113.1:1"),
		.nat = NAT_VIA_SOURCE,
		.proven = number % 64 != 0,
		.kind = kind,
		.key = number,
		.written = number,
		.seconds = 3600,
	};
	uint32_t slot;

	snprintf(id, sizeof(id), "id-%u", number);
	claim.id = text_from(id);
	claim.client.ip[15] = (uint8_t)number;
	claim.client.ip[14] = (uint8_t)(number >> 8);
	slot = reason_hold(endpoints, &claim);
	cr_assert_neq(slot, 0);
	return slot;
}

void leave(unsigned reasons)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	for (unsigned i = 1; i <= reasons; i++)
		hold(endpoints, i, i % 3);
	host_close(host);
}

unsigned count_reasons(struct host *host)
{
	return engine_counters(host->border->engine).reasons;
}

unsigned count_restored(void)
{
	struct host *host = host_open(path);
	unsigned count;

	host_start(host);
	count = count_reasons(host);
	host_close(host);
	return count;
}

void find_aside(char name[static 256])
{
	DIR *entries = opendir(path);
	const struct dirent *entry;

	*name = 0;
	cr_assert_not_null(entries);
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, "state.db.bad-", 13) == 0) {
			cr_assert_eq(*name, 0);
			snprintf(name, 256, "%s", entry->d_name);
		}
	}
	closedir(entries);
}

char *file_path(const char *name)
{
	static char file[600];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	return file;
}

void write_file(const char *bytes, size_t length, off_t where)
{
	int fd = open(file_path("state.db"), O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, length, where), (ssize_t)length);
	close(fd);
}

size_t read_file(char *bytes, size_t size)
{
	int fd = open(file_path("state.db"), O_RDONLY);
	ssize_t length = read(fd, bytes, size);

	cr_assert_gt(length, 0);
	close(fd);
	return (size_t)length;
}
