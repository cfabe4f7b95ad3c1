/* What a user is told when something cannot be done: one line, written where the cause is known,
 * saying what was tried, what failed and what to do. The caller decides where it is shown. */
#ifndef NATBOX_FAULT_H
#define NATBOX_FAULT_H

enum { FAULT_MAX = 512 };

struct fault {
	char line[FAULT_MAX];
};

/* Writes the line, cut when too long, and returns error (a negative errno), to be returned on. */
int fault_set(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
