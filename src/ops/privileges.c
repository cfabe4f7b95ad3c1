#include <natbox/ops.h>

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A service manager may start natbox as its user, with the capabilities that it needs to start. */
static int capabilities_drop(bool keep_net_admin, struct fault *fault)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (keep_net_admin)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return fault_set_kind(fault, FAULT_LASTING, -EPERM,
			"cannot give up capabilities: start natbox with CAP_NET_ADMIN in relay "
			"mode");
	return 0;
}

int identity_find(const char *name, struct identity *identity, struct fault *fault)
{
	const struct passwd *entry;

	*identity = (struct identity){.name = name, .user = geteuid(), .group = getegid()};
	if (!*name)
		return 0;
	errno = 0;
	entry = getpwnam(name);
	if (!entry && (errno == EIO || errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return fault_set(
			fault, -errno, "cannot look up user %s: %s", name, strerror(errno));
	if (!entry)
		return fault_set_kind(fault, FAULT_LASTING, -ENOENT,
			"there is no user %s to run as: create it (useradd --system %s), or set "
			"natbox.user to another or to nothing",
			name, name);
	identity->user = entry->pw_uid;
	identity->group = entry->pw_gid;
	return 0;
}

static int refuse_to_become(const struct identity *identity, struct fault *fault)
{
	return fault_set_kind(fault, FAULT_LASTING, -EPERM,
		"cannot become user %s: natbox needs CAP_SETUID, CAP_SETGID and CAP_SETPCAP to, or "
		"set natbox.user to nothing",
		identity->name);
}

static bool may_change_identity(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
}

int privileges_examine(const struct identity *identity, struct fault *fault)
{
	if (!*identity->name || identity->user == geteuid())
		return 0;
	if (geteuid() == 0)
		return may_change_identity() ? 0 : refuse_to_become(identity, fault);
	return fault_set_kind(fault, FAULT_LASTING, -EPERM,
		"cannot become user %s: start natbox as root, or set natbox.user to nothing",
		identity->name);
}

int privileges_drop(const struct identity *identity, bool keep_net_admin, struct fault *fault)
{
	if (!*identity->name)
		return 0;
	if (identity->user == geteuid())
		return identity->user == 0 ? 0 : capabilities_drop(keep_net_admin, fault);
	if (privileges_examine(identity, fault) != 0)
		return -EPERM;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_net_admin)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_change_id((int)identity->user, (int)identity->group,
		    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return refuse_to_become(identity, fault);
	return 0;
}

void privileges_freeze(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int privileges_forgo(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}
