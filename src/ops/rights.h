/* With whose rights a file is opened, while natbox is root and is to become another user: what that
 * user can make a path lead to must not be opened with more rights than that user has. */
#ifndef NATBOX_RIGHTS_H
#define NATBOX_RIGHTS_H

#include <natbox/ops.h>

/* Whether natbox is root and will be another user. NULL: no. */
bool rights_differ(const struct identity *user);

/* Whether that user, when natbox is still root, can make this path lead elsewhere: a directory on
 * its way is his to change. Access control lists that go beyond the mode bits are not looked at.
 * NULL: no. */
bool rights_leads(const struct identity *user, const char *path);

/* From here to rights_return root has only the rights of that user; supplementary groups are gone
 * for good. 0 or a negative errno. */
int rights_take(const struct identity *user);
void rights_return(void);

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
