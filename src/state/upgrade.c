#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A million endpoints take some ten seconds; what takes this long is a disk that stalls. */
enum { UPGRADE_WAIT_MS = 60000, UPGRADE_POLL_MS = 20 };

/* What stands in the tables of version 0.1, in host order: "meta" has one record, "reasons" one a
 * reason, its label behind it. */
struct old_meta {
	char magic[8];
	uint32_t version, unused;
	uint8_t seed[SEED_SIZE];
	int64_t state_us;
	struct timestamp timestamp;
	uint64_t interval_us;
};

struct old_reason {
	uint64_t key;
	int64_t expires_us, taken_us;
	uint64_t quiet_us;
	uint8_t client_ip[16], proxy_ip[16];
	uint16_t client_port, proxy_port;
	uint8_t nat, kind, early, unused;
	uint16_t label_length, unused_too;
	uint32_t check;
};

/* The file, and the batch that is filled from it. */
struct old_file {
	MDB_txn *txn;
	MDB_cursor *meta, *reasons;
	uint32_t row;
	struct batch *batch;
};

static bool open_table(struct old_file *file, const char *name, MDB_cursor **cursor)
{
	MDB_dbi table;

	return mdb_dbi_open(file->txn, name, MDB_INTEGERKEY, &table) == 0 &&
	       mdb_cursor_open(file->txn, table, cursor) == 0;
}

static bool open_old(struct old_file *file, const char *path)
{
	MDB_env *env;

	return mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 2) == 0 &&
	       mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_RDONLY, 0) == 0 &&
	       mdb_txn_begin(env, NULL, MDB_RDONLY, &file->txn) == 0 &&
	       open_table(file, "meta", &file->meta) && open_table(file, "reasons", &file->reasons);
}

static bool read_meta(struct old_file *file)
{
	MDB_val key, value;
	struct old_meta meta;

	if (mdb_cursor_get(file->meta, &key, &value, MDB_FIRST) || value.mv_size < sizeof(meta))
		return false;
	memcpy(&meta, value.mv_data, sizeof(meta));
	memcpy(file->batch->meta.seed, meta.seed, sizeof(meta.seed));
	file->batch->meta.state_us = meta.state_us;
	file->batch->meta.timestamp = meta.timestamp;
	file->batch->meta.interval_us = meta.interval_us;
	return strcmp(meta.magic, "natbox") == 0 && meta.version == 1;
}

/* A sum of its own, of all that stands before it, which is words, and the label. */
static uint32_t check_of(const struct old_reason *reason, struct text label)
{
	const size_t words = offsetof(struct old_reason, check) / sizeof(uint64_t);
	uint64_t sum = sum_words(SUM_ODD ^ label.length, reason, words * sizeof(uint64_t));

	return (uint32_t)sum_fold(sum_words(sum, label.at, label.length));
}

static bool take_reason(struct old_file *file, const MDB_val *value)
{
	const int64_t state_us = file->batch->meta.state_us;
	struct old_reason reason;
	struct record record;
	struct text label;

	if (value->mv_size < sizeof(reason))
		return false;
	memcpy(&reason, value->mv_data, sizeof(reason));
	label = (struct text){(const char *)value->mv_data + sizeof(reason), reason.label_length};
	if (value->mv_size != sizeof(reason) + label.length || label.length > LABEL_MAX ||
		reason.kind >= REASON_KINDS || reason.check != check_of(&reason, label))
		return false;
	record = (struct record){
		.client = address_ipv6(reason.client_ip, reason.client_port),
		.proxy = address_ipv6(reason.proxy_ip, reason.proxy_port),
		.nat = reason.nat,
		.kind = (enum reason_kind)reason.kind,
		.early = reason.early != 0,
		.proven = true, /* to its knowledge: a proxy took it */
		.key = reason.key,
		.id = label,
		.left_us = (uint64_t)(reason.expires_us - state_us),
		.quiet_us = (uint64_t)(state_us - reason.taken_us) + reason.quiet_us,
	};
	if (reason.expires_us > state_us)
		batch_add(file->batch, ++file->row, &record);
	return true;
}

/* What is damaged can end this process. */
static void upgrade_and_exit(struct store *store, const char *path)
{
	struct old_file file = {.batch = store->batch};
	MDB_val key, value;
	bool has_more;

	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (!open_old(&file, path) || !read_meta(&file))
		_exit(1);
	do {
		has_more = mdb_cursor_get(file.reasons, &key, &value, MDB_NEXT) == 0;
		if (has_more && !take_reason(&file, &value))
			_exit(1);
		if (has_more && batch_has_room(store->batch))
			continue;
		store_write(store);
		if (store->result < 0)
			_exit(2);
		batch_clear(store->batch);
	} while (has_more);
	_exit(0);
}

static const char is_damaged[] = "is damaged, or not natbox's";

/* NULL, or what is wrong. */
static const char *run_upgrade(struct store *store, const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		upgrade_and_exit(store, path);
	if (child < 0)
		return "cannot be read, as processes are short";
	for (unsigned waited_ms = 0; waitpid(child, &status, WNOHANG) == 0;
		waited_ms += UPGRADE_POLL_MS) {
		if (waited_ms >= UPGRADE_WAIT_MS) {
			kill(child, SIGKILL);
			return "cannot be read: the disk does not answer";
		}
		usleep(UPGRADE_POLL_MS * 1000);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 1)
		return is_damaged;
	return status == 0 ? NULL : "cannot be written anew as " STATE_FILE;
}

int upgrade(struct store *store, struct fault *fault)
{
	char path[PATH_MAX], name[ASIDE_NAME_MAX], other[ASIDE_NAME_MAX] = "";
	const char *wrong;
	bool is_sound;
	int moved;

	fault->line[0] = 0;
	snprintf(path, sizeof(path), "%.*s/" OLD_FILE, PATH_MAX - 16, store->directory.path);
	if (access(path, F_OK) != 0)
		return 0;
	/* Version 0.1 has been started again since; what cannot be moved cannot be written anew. */
	if (access(store->path, F_OK) == 0 &&
		directory_move_aside(&store->directory, STATE_FILE, "bad", other) != 0)
		*other = 0;
	wrong = run_upgrade(store, path);
	is_sound = wrong && wrong != is_damaged;
	if (wrong && *other) {
		directory_put_back(&store->directory, other, STATE_FILE);
		*other = 0;
	}
	moved = directory_move_aside(&store->directory, OLD_FILE, wrong ? "bad" : "read", name);
	return fault_set(fault, wrong ? -EBADMSG : 0, "state %.*s %s: %s%s%s%s%s", PATH_SHOWN_MAX,
		path, wrong ? wrong : "is version 0.1's, and has been read",
		moved == 0 ? "set aside as " : "it cannot be set aside: ",
		moved == 0 ? name : strerror(-moved),
		*other ? ", and so is " STATE_FILE ", which was beside it, as " : "", other,
		is_sound ? "; make that possible, name it " OLD_FILE " again and restart natbox"
			 : "");
}
