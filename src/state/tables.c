#include "tables.h"

#include <errno.h>
#include <string.h>

/* Address space for the file to grow into: a reason takes about 250 bytes in half-full pages, so
 * this is enough for 60 million. */
static const size_t map_bytes = (size_t)16 << 30;

static const char *const table_names[STORE_TABLES] = {"meta", "reasons", "quiet"};

int tables_open(struct tables *tables, const char *path, bool writes)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | (writes ? 0 : MDB_RDONLY);
	int error = mdb_env_create(&tables->env);

	if (error)
		return error;
	tables->txn = NULL;
	mdb_env_set_maxdbs(tables->env, STORE_TABLES);
	mdb_env_set_mapsize(tables->env, map_bytes);
	error = mdb_env_open(tables->env, path, flags, 0600);
	if (!error)
		error = mdb_txn_begin(tables->env, NULL, writes ? 0 : MDB_RDONLY, &tables->txn);
	for (unsigned i = 0; i < STORE_TABLES && !error; i++)
		error = mdb_dbi_open(tables->txn, table_names[i],
			MDB_INTEGERKEY | (writes ? MDB_CREATE : 0), &tables->dbi[i]);
	if (error)
		tables_close(tables, false);
	return error;
}

int tables_close(struct tables *tables, bool commit)
{
	int error = 0;

	if (tables->txn && commit)
		error = mdb_txn_commit(tables->txn);
	else if (tables->txn)
		mdb_txn_abort(tables->txn);
	mdb_env_close(tables->env);
	return error;
}

int tables_errno(int error)
{
	return error > 0 ? -error : -EBADMSG;
}

size_t tables_last_write(const struct tables *tables)
{
	MDB_envinfo info;

	mdb_env_info(tables->env, &info);
	return info.me_last_txnid;
}

int tables_meta(struct tables *tables, struct store_meta *meta)
{
	uint32_t zero = 0;
	MDB_val key = {sizeof(zero), &zero}, value;
	int error = mdb_get(tables->txn, tables->dbi[STORE_META], &key, &value);

	if (error)
		return error;
	memset(meta, 0, sizeof(*meta));
	memcpy(meta, value.mv_data, value.mv_size < sizeof(*meta) ? value.mv_size : sizeof(*meta));
	return 0;
}

/* Against accidents only, and quick: a word at a time, each multiplied into all that came
 * before. */
uint32_t reason_check(const struct stored_reason *reason, const char *label)
{
	static const uint64_t odd = 0x9e3779b97f4a7c15;
	uint64_t sum = odd ^ reason->label_length, word;
	size_t left = reason->label_length;

	for (size_t i = 0; i + sizeof(word) <= offsetof(struct stored_reason, check); i += 8) {
		memcpy(&word, (const char *)reason + i, sizeof(word));
		sum = ((sum ^ word) * odd) ^ (sum >> 29);
	}
	for (; left; label += left < 8 ? left : 8, left -= left < 8 ? left : 8) {
		word = 0;
		memcpy(&word, label, left < 8 ? left : 8);
		sum = ((sum ^ word) * odd) ^ (sum >> 29);
	}
	return (uint32_t)(sum ^ sum >> 32);
}

bool reason_decode(const MDB_val *value, struct stored_reason *reason, const char **label)
{
	if (value->mv_size < sizeof(*reason))
		return false;
	memcpy(reason, value->mv_data, sizeof(*reason));
	*label = (const char *)value->mv_data + sizeof(*reason);
	return value->mv_size == sizeof(*reason) + reason->label_length;
}
