/* The directory of the state file, locked against a second natbox. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <natbox/base.h>

#include <limits.h>
#include <stdbool.h>

/* Bytes of a path in a line for people: the line has to have room for more. */
enum { PATH_SHOWN_MAX = 256 };

struct directory {
	char path[PATH_MAX];
	int fd;          /* holds the lock; -1 while there is none */
	bool locked_out; /* another natbox has it; this one never writes */
};

/* Creates a directory and those above it, which everybody may enter whatever the umask; *created:
 * this one was missing. 0 or a negative errno. */
int directory_make(const char *path, bool *created, struct fault *fault);

/* Opens and locks it, creating it; waits up to 3 s for a natbox that is just going. 0, also when
 * that has been done before and it is still the same one; or a negative errno, -EBUSY, without a
 * line, for one that was locked out before. */
int directory_lock(struct directory *directory, struct fault *fault);
void directory_close(struct directory *directory);

#endif
