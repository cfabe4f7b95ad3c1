#include "pages.h"
#include "tables.h"

#include <natbox/report.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A million endpoints take a third of a second; what takes this long is a disk that stalls. */
enum { EXAMINE_WAIT_MS = 10000 };

/* What the examining process tells the one that waits for it. */
struct finding {
	int result;
	struct fault fault;
};

static int find_fault(struct fault *fault, const char *what)
{
	return fault_set(fault, -EBADMSG, "%s", what);
}

typedef int value_check(const MDB_val *value, struct fault *fault);

static int check_reason(const MDB_val *value, struct fault *fault)
{
	struct stored_reason reason;
	const char *label;

	if (!reason_decode(value, &reason, &label) || reason.kind > REASON_DIALOG ||
		reason.check != reason_check(&reason, label))
		return find_fault(fault, "is corrupt: the check of a record does not match");
	return 0;
}

static int check_quiet(const MDB_val *value, struct fault *fault)
{
	if (value->mv_size != sizeof(struct stored_quiet))
		return find_fault(fault, "is corrupt: a record has the wrong size");
	return 0;
}

/* A list of free pages, its length first. */
static int check_list(const MDB_val *value, struct fault *fault)
{
	if (value->mv_size < sizeof(size_t))
		return find_fault(fault, "is corrupt: the list of free pages is");
	return 0;
}

/* Visits every record of a table; keys that do not ascend are those of pages in a circle. */
static int check_table(MDB_txn *txn, MDB_dbi dbi, value_check *check, struct fault *fault)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t last = 0;
	int error = mdb_cursor_open(txn, dbi, &cursor), result = 0;

	for (bool first = true; !error && result == 0; first = false) {
		size_t number = 0;

		error = mdb_cursor_get(cursor, &key, &value, first ? MDB_FIRST : MDB_NEXT);
		if (error)
			break;
		memcpy(&number, key.mv_data,
			key.mv_size < sizeof(number) ? key.mv_size : sizeof(number));
		if (!first && number <= last)
			return find_fault(fault, "is corrupt: its records are out of order");
		last = number;
		result = check(&value, fault);
	}
	if (error && error != MDB_NOTFOUND)
		return fault_set(fault, -EBADMSG, "is corrupt: %s", mdb_strerror(error));
	return result;
}

static int check_meta(struct tables *tables, struct fault *fault)
{
	struct store_meta meta;
	int error = tables_meta(tables, &meta);

	if (error || memcmp(meta.magic, "natbox\0", sizeof(meta.magic)) != 0)
		return find_fault(fault, "is not natbox's");
	if (meta.version != STORE_VERSION)
		return fault_set(fault, -EBADMSG,
			"has format version %u, this natbox knows version %d only", meta.version,
			STORE_VERSION);
	return 0;
}

/* A file that was begun, but never written to. */
static bool has_no_records(const char *path)
{
	MDB_env *env;
	MDB_stat stat = {.ms_entries = 1};

	if (mdb_env_create(&env))
		return false;
	if (!mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_RDONLY, 0))
		mdb_env_stat(env, &stat);
	mdb_env_close(env);
	return stat.ms_entries == 0;
}

static int check_tables(struct tables *tables, struct fault *fault)
{
	static value_check *const checks[STORE_TABLES] = {
		[STORE_REASONS] = check_reason, [STORE_QUIET] = check_quiet};
	int result = check_meta(tables, fault);

	for (unsigned i = STORE_REASONS; i < STORE_TABLES && result == 0; i++)
		result = check_table(tables->txn, tables->dbi[i], checks[i], fault);
	if (result == 0) /* LMDB's own table, always number 0 */
		result = check_table(tables->txn, 0, check_list, fault);
	return result;
}

static int check_pages(const char *path, size_t last_write, struct fault *fault)
{
	int result = pages_check(path, last_write);

	if (result == -EBADMSG)
		return find_fault(fault, "is corrupt: its pages make no sense");
	return result == 0 ? 0 : fault_set(fault, result, "%s", strerror(-result));
}

static int examine(const char *path, struct fault *fault)
{
	struct tables tables;
	int error = tables_open(&tables, path, false), result;

	if (error == MDB_NOTFOUND && has_no_records(path))
		return -ENOENT;
	if (error == MDB_NOTFOUND || error == MDB_INVALID || error == MDB_INCOMPATIBLE ||
		error == MDB_VERSION_MISMATCH)
		return find_fault(fault, "is not natbox's");
	if (error)
		return fault_set(fault, tables_errno(error), "%s", mdb_strerror(error));
	result = check_tables(&tables, fault);
	if (result == 0)
		result = check_pages(path, tables_last_write(&tables), fault);
	tables_close(&tables, false);
	return result;
}

static void examine_and_exit(const char *path, int out)
{
	static const int deadly[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL};
	struct finding finding = {0};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (unsigned i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	finding.result = examine(path, &finding.fault);
	_exit(write(out, &finding, sizeof(finding)) == sizeof(finding) ? 0 : 1);
}

/* Whether the examining process has something to say before the time is over. */
static bool has_answer(int in)
{
	struct pollfd polled = {.fd = in, .events = POLLIN};
	int result;

	do {
		result = poll(&polled, 1, EXAMINE_WAIT_MS);
	} while (result < 0 && errno == EINTR);
	return result > 0;
}

/* One that waits for its disk cannot be killed before that answers; nobody waits for it. */
static int give_up(pid_t child, struct fault *fault)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, WNOHANG);
	return fault_set(
		fault, -ETIMEDOUT, "the disk does not answer for %d s", EXAMINE_WAIT_MS / 1000);
}

static int take_finding(int in, pid_t child, struct fault *fault)
{
	struct finding finding;
	ssize_t length = read(in, &finding, sizeof(finding));
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (length != sizeof(finding))
		return fault_set(fault, -EBADMSG,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS
				? "is corrupt: it is shorter than it says"
				: "is corrupt: its pages make no sense");
	*fault = finding.fault;
	return finding.result;
}

int tables_examine(const char *path, struct fault *fault)
{
	int ends[2], result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set(fault, -errno, "%s", strerror(errno));
	child = fork();
	if (child == 0)
		examine_and_exit(path, ends[1]);
	close(ends[1]);
	if (child < 0)
		result = fault_set(fault, -EAGAIN, "%s", strerror(EAGAIN));
	else if (has_answer(ends[0]))
		result = take_finding(ends[0], child, fault);
	else
		result = give_up(child, fault);
	close(ends[0]);
	return result;
}
