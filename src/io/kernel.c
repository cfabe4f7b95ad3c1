#include "kernel.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define IPV4_CONFIGURATION "/proc/sys/net/ipv4/conf"

int kernel_check_privilege(struct fault *fault)
{
	if (capng_get_caps_process() == 0 &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW))
		return 0;
	return fault_set(fault, -EPERM,
		"cannot install the rules of relay mode: no privilege; run natbox as root, or with "
		"CAP_NET_ADMIN and CAP_NET_RAW");
}

/* Of one interface, or of "all". 0 when it cannot be read: then it cannot be in the way. */
static int read_sysctl(const char *interface, const char *name)
{
	char path[PATH_MAX];
	FILE *file;
	int value = 0;

	snprintf(path, sizeof(path), IPV4_CONFIGURATION "/%s/%s", interface, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

int kernel_check_sysctls(struct fault *fault)
{
	(void)fault;
	(void)read_sysctl;
	return 0;
}
