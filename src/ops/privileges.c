#include <natbox/privileges.h>

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* A service manager may start natbox as its user, with the capabilities that it needs to start. */
static int capabilities_drop(bool keep_net_admin, struct fault *fault)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (keep_net_admin)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return fault_set(fault, -EPERM,
			"cannot give up capabilities: start natbox with CAP_NET_ADMIN in relay "
			"mode");
	return 0;
}

int privileges_drop(const char *user, bool keep_net_admin, struct fault *fault)
{
	const struct passwd *entry;

	if (!*user)
		return 0;
	entry = getpwnam(user);
	if (!entry)
		return fault_set(fault, -ENOENT,
			"there is no user %s to run as: create it (useradd --system %s), or set "
			"natbox.user to another or to nothing",
			user, user);
	if (entry->pw_uid == geteuid())
		return entry->pw_uid == 0 ? 0 : capabilities_drop(keep_net_admin, fault);
	if (geteuid() != 0)
		return fault_set(fault, -EPERM,
			"cannot become user %s: start natbox as root, or set natbox.user to "
			"nothing",
			user);
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_net_admin)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_change_id((int)entry->pw_uid, (int)entry->pw_gid,
		    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return fault_set(fault, -EPERM,
			"cannot become user %s: natbox needs CAP_SETUID, CAP_SETGID and "
			"CAP_SETPCAP "
			"to, or set natbox.user to nothing",
			user);
	return 0;
}
