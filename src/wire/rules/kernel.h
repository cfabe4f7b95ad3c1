/* Whether this host lets relay mode work, apart from its rules. */
#ifndef NATBOX_KERNEL_H
#define NATBOX_KERNEL_H

#include <natbox/base.h>

#include <stdbool.h>

/* 0, or -EPERM with *fault set. */
int kernel_check_privilege(struct fault *fault);

/* 0, or -ENOTSUP with *fault naming the sysctl that would have the kernel drop what is diverted. */
int kernel_check_sysctls(struct fault *fault);

/* Whether IPv6 is switched off on an interface, by its own sysctl; "all" is the one for every
 * interface. */
bool kernel_ipv6_is_off(const char *interface);

#endif
