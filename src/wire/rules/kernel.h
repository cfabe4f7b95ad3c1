/* Whether this host lets relay mode work, apart from its rules. */
#ifndef NATBOX_KERNEL_H
#define NATBOX_KERNEL_H

#include <natbox/address.h>

/* 0, or -EPERM with *fault set. */
int kernel_check_privilege(struct fault *fault);

/* 0, or -ENOTSUP with *fault naming the sysctl that has the kernel drop what is diverted: on any
 * interface, or on a bridge on the way to one of these proxies or to phones. */
int kernel_check_sysctls(const struct address *proxies, size_t count, struct fault *fault);

/* 0, or -ENOTSUP with *fault naming a bridge that netfilter looks into, wherever it leads. */
int kernel_check_bridges(struct fault *fault);

/* Whether IPv6 is switched off on an interface, by its own sysctl; "all" is the one for every
 * interface. */
bool kernel_ipv6_is_off(const char *interface);

/* Whether this proxy is on another way than phones, and this host does not forward to it: then
 * *sysctl is what would have it do so. A bridge needs none, nor does an address that moves between
 * hosts where phones come in. */
bool kernel_keeps_from(const struct address *proxy, const char **sysctl);

/* Whether what this host sends to an address stays on it. */
bool kernel_is_way_of_loopback(const struct address *address);

#endif
