/* What a user is told when something cannot be done: one line, written where the cause is known,
 * saying what was tried, what failed and what to do. The caller decides where it is shown. */
#ifndef NATBOX_FAULT_H
#define NATBOX_FAULT_H

enum { FAULT_MAX = 512 };

/* Whether it is worth to try again later with nothing changed. */
enum fault_kind {
	FAULT_PASSING, /* it is: memory, a disk, a neighbour may be better then */
	FAULT_ABSENT,  /* while the host boots: an interface or address that it has not */
	FAULT_LASTING, /* not before somebody has mended the configuration, or the host's */
};

struct fault {
	enum fault_kind kind;
	char line[FAULT_MAX];
};

/* Writes the line of a passing fault, cut when too long, and returns error (a negative errno), to
 * be returned on. */
int fault_set(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same of another kind. */
int fault_set_kind(struct fault *fault, enum fault_kind kind, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The kind of an error (a negative errno) that open(2) has ended with, of a path that the user has
 * named: lasting where it is the path that has to be mended, or who may go there. */
enum fault_kind fault_kind_of_path(int error);

#endif
