/* The directory of the state file, locked against a second natbox, and what stands in it. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <natbox/base.h>

#include <limits.h>

#define STATE_FILE     "state.db"
#define JOURNAL_SUFFIX "-journal"
/* Empty, or what a write that was killed leaves behind for the next one to take it back. */
#define STATE_JOURNAL STATE_FILE JOURNAL_SUFFIX
/* The state file of version 0.1. */
#define OLD_FILE "state.mdb"

/* Bytes of a path in a line for people: the line has to have room for more. */
enum { PATH_SHOWN_MAX = 256 };

struct directory {
	char path[PATH_MAX];
	int fd;          /* holds the lock; -1 while there is none */
	bool locked_out; /* another natbox has it; this one never writes */
};

/* Opens and locks it, creating it; waits up to 3 s for a natbox that is just going. 0, also when
 * that has been done before and it is still the same one; or a negative errno, -EBUSY, without a
 * line, for one that was locked out before. */
int directory_lock(struct directory *directory, struct fault *fault);
void directory_close(struct directory *directory);

/* Moves a file of the directory out of the way, to FILE.HOW-TIME, which nothing is called yet. 0 or
 * a negative errno. */
enum { ASIDE_NAME_MAX = 64 };
int directory_move_aside(const struct directory *directory, const char *file, const char *how,
	char name[static ASIDE_NAME_MAX]);

/* And back again, in the place of whatever is there by now. */
void directory_put_back(const struct directory *directory, const char *name, const char *file);

#endif
