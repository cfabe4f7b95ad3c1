#include "host_test.h"

#include "hosting.h"
#include "telling.h"
#include "wire_settings.h"
#include <natbox/state.h>
#include <natbox/wire.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a test of the host has found so far. */
struct host_test {
	const struct options *options;
	const struct config *config;
	struct identity identity;
	unsigned faults;
};

static void add_fault(struct host_test *test, const char *line)
{
	log_refusal("natbox: %s", line);
	test->faults++;
}

static void on_notice(void *context, enum wire_notice notice, const char *line)
{
	struct host_test *test = context;

	if (notice == WIRE_ERROR)
		add_fault(test, line);
	else if (notice == WIRE_WARNING)
		log_warning("%s", line);
}

/* Whether natbox.user may, once natbox is that user. 0 or a negative errno. */
static int user_may(const struct host_test *test, const char *path, int access_mode)
{
	const bool differs = rights_differ(&test->identity);
	int result = differs ? rights_take(&test->identity) : 0;

	if (result != 0)
		return result;
	result = faccessat(AT_FDCWD, path, access_mode, AT_EACCESS) == 0 ? 0 : -errno;
	if (differs)
		rights_return();
	return result;
}

/* The directory that holds path, which need not be there. */
static void name_parent(const char *path, char parent[static PATH_MAX])
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(parent, PATH_MAX, "%s", dirname(copy));
}

/* Who natbox will be, in words. */
static const char *name_user(const struct host_test *test)
{
	static char words[CONFIG_NAME_MAX + sizeof("user ")];

	snprintf(words, sizeof(words), "%s%s", *test->identity.name ? "user " : "natbox",
		test->identity.name);
	return words;
}

/* A log or an event stream. What root has opened its user owns; the rest that user has to be
 * allowed already. */
static void test_file(struct host_test *test, const char *what, const char *path)
{
	char parent[PATH_MAX];
	struct stat status;
	const bool is_there = stat(path, &status) == 0;
	const bool is_given = is_there && rights_differ(&test->identity) && status.st_uid == 0;
	struct fault fault;
	int result = is_there && !is_given ? user_may(test, path, W_OK) : 0;

	name_parent(path, parent);
	if (result == 0 && (!is_there || S_ISREG(status.st_mode)))
		result = user_may(test, parent, W_OK | X_OK);
	if (result == 0 && is_there && S_ISDIR(status.st_mode))
		result = -EISDIR;
	if (result == 0)
		return;
	fault_set(&fault, result,
		"%s cannot be written to %s: %s; there has to be a directory that %s may write in",
		what, path, strerror(-result), name_user(test));
	add_fault(test, fault.line);
}

/* What is there already of the way to path. 0, or a negative errno: it cannot be seen. */
static int name_ancestor(const char *path, char ancestor[static PATH_MAX])
{
	char at[PATH_MAX];

	snprintf(at, sizeof(at), "%s", path);
	for (;;) {
		name_parent(at, ancestor);
		if (faccessat(AT_FDCWD, ancestor, F_OK, AT_EACCESS) == 0)
			return 0;
		if (errno != ENOENT || strcmp(at, ancestor) == 0)
			return -errno;
		memcpy(at, ancestor, sizeof(at));
	}
}

/* Who starts natbox creates it for natbox.user, who has to reach it then; or that user does, where
 * he could lead elsewhere. */
static int may_create(const struct host_test *test, const char *path)
{
	const bool is_led = rights_leads(&test->identity, path);
	char ancestor[PATH_MAX];
	int result = name_ancestor(path, ancestor);

	if (result == 0 && !is_led && faccessat(AT_FDCWD, ancestor, W_OK | X_OK, AT_EACCESS) != 0)
		result = -errno;
	return result ? result : user_may(test, ancestor, is_led ? W_OK | X_OK : X_OK);
}

static bool is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return is_locked;
}

static void test_state(struct host_test *test)
{
	const char *path = test->options->dry_run ? "" : test->config->state.path;
	struct stat status;
	struct fault fault;
	int result = 0;

	if (!*path)
		return;
	if (stat(path, &status) != 0)
		result = errno == ENOENT ? may_create(test, path) : -errno;
	else if (!S_ISDIR(status.st_mode))
		result = -ENOTDIR;
	else if (!rights_differ(&test->identity) || !state_would_give(path))
		result = user_may(test, path, R_OK | W_OK | X_OK);
	if (result == 0 && is_locked(path))
		result = -EWOULDBLOCK;
	if (result == 0)
		return;
	if (result == -EWOULDBLOCK)
		fault_set(&fault, result,
			"state cannot be kept in %s: another natbox uses it; give each its "
			"state.path",
			path);
	else
		fault_set(&fault, result,
			"state cannot be kept in %s: %s; state.path has to be a directory that %s "
			"may write in",
			path, strerror(-result), name_user(test));
	add_fault(test, fault.line);
}

static void test_metrics(struct host_test *test)
{
	const struct address *listen = &test->config->metrics.listen;
	struct metrics *metrics = NULL;
	struct fault fault;

	if (!listen->port)
		return;
	if (metrics_open(listen, &metrics, &fault) != 0 && !test->options->dry_run)
		add_fault(test, fault.line);
	metrics_close(metrics);
}

static void test_control(struct host_test *test)
{
	const struct config *config = test->config;
	const enum hosting_wish wish = hosting_wish(config, test->options->dry_run);
	struct fault fault;

	if (wish == HOSTING_NOT || control_examine(config->control.socket, config->metrics.group,
					   &test->identity, &fault) == 0)
		return;
	if (wish == HOSTING_OR_END)
		add_fault(test, fault.line);
	else
		log_warning("%s; nobody can control this natbox", fault.line);
}

/* Where another natbox does the work, the ports and files that it has are not told as well: they
 * have the same cause. */
static void test_what_is_shared(struct host_test *test)
{
	struct wire wire = {
		.kind = wire_kind_of(test->config),
		.handler = {.context = test, .notice = on_notice},
	};
	struct fault fault;

	wire_settings_read(test->config, &wire.settings);
	wire.settings.sends = !test->options->dry_run;
	if (wire_claim(&wire, test->identity.user, &fault) != 0) {
		add_fault(test, fault.line);
	} else {
		test_state(test);
		test_metrics(test);
		test_control(test);
	}
	wire_examine(&wire);
	wire_disclaim(&wire);
}

int host_test(const struct options *options, const struct config *config)
{
	struct host_test test = {.options = options, .config = config};
	struct fault fault;

	if (identity_find(config->user, &test.identity, &fault) != 0 ||
		privileges_examine(&test.identity, &fault) != 0) {
		add_fault(&test, fault.line);
		test.identity = (struct identity){"", geteuid(), getegid()};
	}
	if (options->dry_run && config->mode != MODE_SNIFF)
		add_fault(&test, "-n goes with natbox.mode = sniff");
	if (options->log_path)
		test_file(&test, "the log", options->log_path);
	if (*config->log.events && strcmp(config->log.events, "-") != 0)
		test_file(&test, "log.events", config->log.events);
	test_what_is_shared(&test);
	tell_idle_keys(config);
	return test.faults ? EXIT_USAGE : 0;
}
