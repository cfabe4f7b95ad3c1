#include "kernel.h"

#include "../hops/questions.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

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
static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static int read_sysctl(const char *configuration, const char *interface, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", configuration, interface, name);
	return read_number(path);
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

/* With dots sysctl(8) would not find an interface that has one in its name, as of a VLAN. */
static int check_marks(struct fault *fault)
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
				"sysctl -w net/ipv4/conf/%s/src_valid_mark=0",
				name, where, where);
	}
	closedir(directory);
	return error;
}

/* Where a bridge has netfilter look into what it carries, prerouting is over before a packet comes
 * up to this host, and the kernel forgets in between which socket it was diverted to. */
static int check_bridge(const char *name, const char *family, struct fault *fault)
{
	char own[PATH_MAX], all[PATH_MAX], mend[128];

	snprintf(own, sizeof(own), "/sys/class/net/%s/bridge/nf_call_%s", name, family);
	snprintf(all, sizeof(all), "/proc/sys/net/bridge/bridge-nf-call-%s", family);
	if (access(own, F_OK) != 0 || (!read_number(all) && !read_number(own)))
		return 0;
	if (read_number(all))
		snprintf(mend, sizeof(mend), "sysctl -w net.bridge.bridge-nf-call-%s=0", family);
	else
		snprintf(mend, sizeof(mend), "ip link set %s type bridge nf_call_%s 0", name,
			family);
	return fault_set(fault, -ENOTSUP,
		"relay mode cannot work over bridge %s: netfilter looks into it, and what is "
		"diverted gets lost; %s, or set natbox.mode to queue",
		name, mend);
}

int kernel_check_bridges(struct fault *fault)
{
	DIR *directory = opendir("/sys/class/net");
	int error = 0;

	if (!directory)
		return 0;
	for (struct dirent *entry; !error && (entry = readdir(directory));) {
		error = check_bridge(entry->d_name, "iptables", fault);
		if (!error)
			error = check_bridge(entry->d_name, "ip6tables", fault);
	}
	closedir(directory);
	return error;
}

/* The ways to phones are those to anywhere: to an address that no host has. Of IPv6, IPv4. */
static const struct address anywhere[] = {
	{.ip = {0x20, [15] = 1}}, {.ip = {[10] = 0xff, 0xff, 192, 88, 99, 1}}};

/* False: there is none. */
static bool find_way(const struct address *host, char name[static IF_NAMESIZE])
{
	unsigned interface;

	return ask_way(host, &interface) == 0 && if_indextoname(interface, name);
}

static int check_way(const struct address *host, struct fault *fault)
{
	char name[IF_NAMESIZE];

	if (!find_way(host, name))
		return 0;
	return check_bridge(name, address_is_ipv4(host) ? "iptables" : "ip6tables", fault);
}

static int check_ways(const struct address *proxies, size_t count, struct fault *fault)
{
	bool asked[2] = {false};
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		const bool ipv4 = address_is_ipv4(&proxies[i]);

		error = check_way(&proxies[i], fault);
		if (!error && !asked[ipv4])
			error = check_way(&anywhere[ipv4], fault);
		asked[ipv4] = true;
	}
	return error;
}

int kernel_check_sysctls(const struct address *proxies, size_t count, struct fault *fault)
{
	const int error = check_marks(fault);

	return error ? error : check_ways(proxies, count, fault);
}

bool kernel_ipv6_is_off(const char *interface)
{
	return read_sysctl(IPV6_CONFIGURATION, interface, "disable_ipv6") != 0;
}

/* IPv6 has one switch for all interfaces. */
static bool forwards(const char *interface, bool ipv4)
{
	return read_sysctl(ipv4 ? IPV4_CONFIGURATION : IPV6_CONFIGURATION, ipv4 ? interface : "all",
		       "forwarding") != 0;
}

static bool is_bridge(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", name);
	return access(path, F_OK) == 0;
}

bool kernel_keeps_from(const struct address *proxy, const char **sysctl)
{
	const bool ipv4 = address_is_ipv4(proxy);
	char way[IF_NAMESIZE], others[IF_NAMESIZE] = "";

	*sysctl = ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
	if (!find_way(proxy, way) || is_bridge(way) || forwards(way, ipv4))
		return false;
	find_way(&anywhere[ipv4], others);
	return strcmp(way, "lo") != 0 && strcmp(way, others) != 0;
}

bool kernel_is_way_of_loopback(const struct address *address)
{
	char way[IF_NAMESIZE];

	return find_way(address, way) && strcmp(way, "lo") == 0;
}
