/* State that survives: endpoints and reasons are written to a file while natbox runs, and put back
 * when it starts again. A kill at any moment loses at most the changes of the last sync interval
 * and the time one write takes, never the file.
 *
 * Order of calls: state_prepare while natbox may still do everything; state_open; engine_new with
 * state_seed; engine_add_proxy; state_start; then, in the event loop, state_run whenever state_next
 * says; state_close before engine_free. All from one thread. Writing is done by a thread of the
 * store's own: none of these but state_open, state_start and state_close ever waits for a disk.
 * While a disk stalls, changes gather in the engine, a bit each, and the newest state of each
 * reason is what is written in the end.
 *
 * The file is PATH/state.db, mode 0600, an SQLite database. natbox.8 describes its tables, and
 * src/state/store.c makes them. Records go by the keys of their reasons; those that this natbox
 * has no use for now, as they belong to other proxies for one, stay in the file until their time is
 * over. Each row has a check.
 *
 * Times in it are on the state clock. That is the wall clock of the moment when the file was begun,
 * going on since then with the boot clock while natbox runs, and over a restart with
 * timestamp_elapsed: a wall clock that is set, back or forth, ends nothing.
 *
 * The keys of reasons are keyed hashes, so the engine's seed is kept with them.
 *
 * A file that cannot be read as the above (foreign, truncated, corrupt, of another format version)
 * is renamed to state.db.bad-TIME and never touched again, and what could be read of it is written
 * anew; so is one that is replaced, or written to by another natbox, while natbox runs. PATH itself
 * is locked (flock) against a second natbox. Whatever else fails, natbox runs on in memory, tries
 * again every sync interval, and when it succeeds writes all there is. */
#ifndef NATBOX_STATE_H
#define NATBOX_STATE_H

#include <natbox/base.h>
#include <natbox/engine.h>

#include <sys/types.h>

/* STATE_TAKEN: a fault of state_open, that another natbox has the directory. Where natbox does not
 * start for another reason it has the same cause, most of the time, and need not be told. */
enum state_notice { STATE_INFO, STATE_FAULT, STATE_TAKEN };

struct state_options {
	const char *path; /* directory; empty: keep nothing, every call does nothing */
	uint64_t sync_us; /* longest time a change waits before it is written */
	void *context;
	/* One line for people: what has been restored, what cannot be done, that it can be done
	 * again. A fault that stays is told once. */
	void (*notice)(void *context, enum state_notice notice, const char *line);
	/* Told of proxies in the file, which the engine may have or be given now. NULL: never. */
	void (*add_proxy)(void *context, const struct address *proxy);
};

struct state;

/* Creates the directory where it is missing, and gives it and the file to the user that natbox will
 * run as; so too a directory that holds a state and nothing else, left by a natbox that ran as
 * somebody else. 0 or a negative errno: what this cannot do state_open or the writer meets again,
 * and tells. */
int state_prepare(const char *path, uid_t user, gid_t group);

/* Whether state_prepare would give that directory, which is there, to whomever it is told. */
bool state_would_give(const char *path);

/* Locks the directory, waiting up to 3 s for one that is just going, and reads what the file says
 * of itself, for 10 s at most; what version 0.1 has left there is taken over. NULL only when memory
 * is short. */
struct state *state_open(const struct state_options *options);

/* The seed for engine_new: that of the file, or a random one. */
const uint8_t *state_seed(const struct state *state);

/* Puts back what is in the file, waiting 10 s for a disk that stalls. The engine must have its
 * proxies and must not have seen a packet; now_us is the engine's present. It must outlive the
 * state. 0 or -ENOMEM. */
int state_start(struct state *state, struct engine *engine, uint64_t now_us);

/* The tables that fill up while packets come (base.h). */
void state_list_fillings(const struct state *state, struct fillings *fillings);

/* Gathers changes and hands them to the writer: a little at a time, some 100 us at most. */
void state_run(struct state *state, uint64_t now_us);

/* Another state_options.sync_us from now on. */
void state_set_sync(struct state *state, uint64_t sync_us);

/* When state_run has something to do next; UINT64_MAX: never. */
uint64_t state_next(const struct state *state);

/* The age of the oldest change that may not be on the disk yet; 0 when all are. */
uint64_t state_lag(const struct state *state, uint64_t now_us);

/* Writes what there is, waiting a few seconds for the disk at most, and frees. NULL is fine. */
void state_close(struct state *state, uint64_t now_us);

#endif
