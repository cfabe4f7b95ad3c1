/* The LMDB environment of the state file, and the three tables in it. */
#ifndef TABLES_H
#define TABLES_H

#include "format.h"

#include <lmdb.h>

struct tables {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi[STORE_TABLES];
};

/* Opens the file and begins a transaction: 0, or an error of LMDB's, with nothing left open.
 * MDB_NOTFOUND: the file has no tables. writes: creates what is missing. */
int tables_open(struct tables *tables, const char *path, bool writes);

/* Ends the transaction and closes the file. commit: 0 or an error of LMDB's. */
int tables_close(struct tables *tables, bool commit);

/* One of LMDB's errors as a negative errno. */
int tables_errno(int error);

/* The number of the last transaction written to the file before this one. */
size_t tables_last_write(const struct tables *tables);

int tables_meta(struct tables *tables, struct store_meta *meta);

/* The check of a stored reason and its label. */
uint32_t reason_check(const struct stored_reason *reason, const char *label);

/* The reason in a value; false when it is none. The label is *label. */
bool reason_decode(const MDB_val *value, struct stored_reason *reason, const char **label);

/* Reads everything in the file once, in a process of its own, so that a broken file cannot take
 * natbox down (LMDB follows what is in a page without a doubt; a page beyond the end of the file is
 * a SIGBUS). 0: it is sound; -ENOENT: it is empty; -EBADMSG: it is not, *fault says what is wrong
 * with it; any other error: it cannot be read. */
int tables_examine(const char *path, struct fault *fault);

#endif
