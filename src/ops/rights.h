/* Files that are opened with the rights of another user, where that user can make a path lead to
 * them. */
#ifndef NATBOX_RIGHTS_H
#define NATBOX_RIGHTS_H

#include <natbox/ops.h>

/* open, with the rights of that user where he can lead path elsewhere. A symbolic link as the last
 * part of path is followed when it is root's or natbox's own; any other is -ELOOP. Returns the
 * descriptor or a negative errno. */
int rights_open(const struct identity *user, const char *path, int flags, mode_t mode);

/* What to say of that error. */
const char *rights_explain(int error);

/* Gives an open file to that user, who is to open it again. 0, also where that would give away what
 * is not natbox's: where path is no regular file's only name, where the file is not natbox's own,
 * or where he can lead path elsewhere; or a negative errno. */
int rights_give(const struct identity *user, int fd, const char *path);

#endif
