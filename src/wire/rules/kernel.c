#include "kernel.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define IPV4_CONFIGURATION "/proc/sys/net/ipv4/conf"
#define IPV6_CONFIGURATION "/proc/sys/net/ipv6/conf"

int kernel_check_privilege(struct fault *fault)
{
	if (capng_get_caps_process() == 0 &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW))
		return 0;
	return fault_set_kind(fault, FAULT_LASTING, -EPERM,
		"cannot install the kernel rules: no privilege; run natbox as root, or with "
		"CAP_NET_ADMIN and CAP_NET_RAW");
}

/* 0 when it cannot be read: then it cannot be in the way. */
static int read_sysctl(const char *configuration, const char *interface, const char *name)
{
	char path[PATH_MAX];
	FILE *file;
	int value = 0;

	snprintf(path, sizeof(path), "%s/%s/%s", configuration, interface, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* What counts on an interface: its own value or that of "all", whichever is larger. */
static int effective(const char *interface, const char *name)
{
	const int own = read_sysctl(IPV4_CONFIGURATION, interface, name);
	const int all = read_sysctl(IPV4_CONFIGURATION, "all", name);

	return own > all ? own : all;
}

/* With src_valid_mark the kernel looks the source of an arriving packet up with its mark, which is
 * ours and leads to a local route: a packet from a host with an address of this one, which it drops
 * unless accept_local allows it and no strict rp_filter looks at it again. Without src_valid_mark
 * no rp_filter sees our routing. */
static bool would_drop(const char *interface)
{
	return effective(interface, "src_valid_mark") &&
	       (!effective(interface, "accept_local") || effective(interface, "rp_filter") == 1);
}

static bool is_interface(const char *name)
{
	return name[0] != '.' && strcmp(name, "all") != 0 && strcmp(name, "default") != 0 &&
	       strcmp(name, "lo") != 0;
}

int kernel_check_sysctls(struct fault *fault)
{
	DIR *directory = opendir(IPV4_CONFIGURATION);
	int error = 0;

	if (!directory)
		return 0;
	for (struct dirent *entry; !error && (entry = readdir(directory));) {
		const char *name = entry->d_name;
		const char *where =
			read_sysctl(IPV4_CONFIGURATION, "all", "src_valid_mark") ? "all" : name;

		if (is_interface(name) && would_drop(name))
			error = fault_set(fault, -ENOTSUP,
				"relay mode cannot work on interface %s: with "
				"net.ipv4.conf.%s.src_valid_mark the kernel drops what is "
				"diverted; "
				"sysctl -w net.ipv4.conf.%s.src_valid_mark=0",
				name, where, where);
	}
	closedir(directory);
	return error;
}

bool kernel_ipv6_is_off(const char *interface)
{
	return read_sysctl(IPV6_CONFIGURATION, interface, "disable_ipv6") != 0;
}
