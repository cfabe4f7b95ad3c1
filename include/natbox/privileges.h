/* Privileges: who natbox is once its sockets are open. */
#ifndef NATBOX_PRIVILEGES_H
#define NATBOX_PRIVILEGES_H

#include <natbox/fault.h>

#include <stdbool.h>
#include <sys/types.h>

struct identity {
	const char *name; /* as given; empty: whoever started natbox */
	uid_t user;
	gid_t group;
};

/* Looks up natbox.user. 0, or -ENOENT with *fault set. */
int identity_find(const char *name, struct identity *identity, struct fault *fault);

/* Becomes that user for good, with his group alone and no capability but, where asked for,
 * CAP_NET_ADMIN. An empty name, or root's own: everything stays as it is. 0 or a negative errno,
 * with *fault set. */
int privileges_drop(const struct identity *identity, bool keep_net_admin, struct fault *fault);

/* Neither this process nor a child of its gains a privilege by what it executes, for good. */
void privileges_freeze(void);

/* The calling thread gives up every capability for good, and so do the threads that it starts;
 * others keep theirs. 0 or -EPERM. */
int privileges_forgo(void);

#endif
