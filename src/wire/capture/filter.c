#include "filter.h"

#include "../send/inject.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ports are out of the filter's reach behind these: later fragments and the authentication header
 * (51), in IPv6 also hop-by-hop (0), routing (43), fragment (44) and destination options (60). */
static const char unreachable_ipv4[] = "ip proto 51 or (ip proto 17 and ip[6:2] & 0x1fff != 0)";
static const char unreachable_ipv6[] =
	"ip6[6] == 0 or ip6[6] == 43 or ip6[6] == 44 or ip6[6] == 51 or ip6[6] == 60";

/* As ip[6:2] has it. */
enum { DONT_FRAGMENT = 0x4000 };

/* The hosts that share a port; port 0: any port. */
struct group {
	const struct address *proxies;
	size_t count;
	uint16_t port;
	bool any_host;
};

static bool is_any_host(const struct address *address)
{
	static const struct address any_ipv6;
	struct address any_ipv4 = address_ipv4("\0\0\0", 0);

	return address_same_host(address, &any_ipv6) || address_same_host(address, &any_ipv4);
}

static bool in_group(const struct group *group, const struct address *proxy)
{
	return group->port == 0 || proxy->port == group->port;
}

static void write_ports(FILE *out, const struct group *group, const char *direction)
{
	if (group->port)
		fprintf(out, "udp %s port %u", direction, group->port);
	else
		fputs("udp", out);
}

static void write_direction(FILE *out, const struct group *group, bool ipv4, const char *direction)
{
	const char *separator = "((";
	char host[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < group->count; i++) {
		const struct address *proxy = &group->proxies[i];

		if (!in_group(group, proxy) || address_is_ipv4(proxy) != ipv4)
			continue;
		address_format_host(proxy, host);
		if (!ipv4)
			host[strlen(host) - 1] = 0;
		fprintf(out, "%s%s host %s", separator, direction, ipv4 ? host : host + 1);
		separator = " or ";
	}
	fputs(") and (", out);
	write_ports(out, group, direction);
	fprintf(out, " or %s))", ipv4 ? unreachable_ipv4 : unreachable_ipv6);
}

static void write_hosts(FILE *out, const struct group *group, bool ipv4)
{
	fprintf(out, "(%s and (", ipv4 ? "ip" : "ip6");
	write_direction(out, group, ipv4, "dst");
	fputs(" or ", out);
	write_direction(out, group, ipv4, "src");
	fputs("))", out);
}

static bool has_version(const struct group *group, bool ipv4)
{
	for (size_t i = 0; i < group->count; i++) {
		if (in_group(group, &group->proxies[i]) &&
			address_is_ipv4(&group->proxies[i]) == ipv4)
			return true;
	}
	return false;
}

static void write_group(FILE *out, const struct group *group)
{
	if (group->any_host) {
		fputc('(', out);
		write_ports(out, group, "");
		fprintf(out, " or (ip and (%s)) or (ip6 and (%s)))", unreachable_ipv4,
			unreachable_ipv6);
		return;
	}
	if (has_version(group, true))
		write_hosts(out, group, true);
	if (has_version(group, true) && has_version(group, false))
		fputs(" or ", out);
	if (has_version(group, false))
		write_hosts(out, group, false);
}

/* The distinct ports; FILTER_PORTS_MAX + 1 says too many. */
static size_t list_ports(
	const struct address *proxies, size_t count, uint16_t ports[static FILTER_PORTS_MAX])
{
	size_t listed = 0, j;

	for (size_t i = 0; i < count; i++) {
		for (j = 0; j < listed && ports[j] != proxies[i].port; j++)
			continue;
		if (j < listed)
			continue;
		if (listed == FILTER_PORTS_MAX)
			return FILTER_PORTS_MAX + 1;
		ports[listed++] = proxies[i].port;
	}
	return listed;
}

static void write_proxies(FILE *out, const struct address *proxies, size_t count)
{
	uint16_t ports[FILTER_PORTS_MAX];
	size_t port_count = list_ports(proxies, count, ports);

	if (port_count > FILTER_PORTS_MAX) {
		ports[0] = 0;
		port_count = 1;
	}
	for (size_t i = 0; i < port_count; i++) {
		struct group group = {proxies, count, ports[i], count > FILTER_HOSTS_MAX};

		for (size_t j = 0; j < count; j++)
			group.any_host |= in_group(&group, &proxies[j]) && is_any_host(&proxies[j]);
		if (i)
			fputs(" or ", out);
		write_group(out, &group);
	}
}

/* Begins as NOTIFY, OPTIONS, CRLF or ZERO do. */
static void write_beginning(FILE *out, const char *payload)
{
	fprintf(out, "(%s = 0x4e4f5449 or %s = 0x4f505449 or %s = 0x0d0a0d0a or %s = 0)", payload,
		payload, payload, payload);
}

static void write_keepalives(FILE *out)
{
	fprintf(out, "(ip[4:4] = %#x and ", INJECT_LABEL << 16 | DONT_FRAGMENT);
	write_beginning(out, "udp[8:4]");
	fprintf(out, ") or (ip6[0:4] & 0xfffff = %#x and ip6[6] = 17 and ", INJECT_LABEL);
	write_beginning(out, "ip6[48:4]");
	fputc(')', out);
}

char *filter_write(const struct address *proxies, size_t count, int link_type)
{
	char *plain = NULL, *tagged = NULL;
	size_t length;
	FILE *out = open_memstream(&plain, &length);

	if (!out)
		return NULL;
	fputc('(', out);
	write_proxies(out, proxies, count);
	fputs(") and not (", out);
	write_keepalives(out);
	fputc(')', out);
	if (fclose(out)) {
		free(plain);
		return NULL;
	}
	if (link_type != DLT_EN10MB)
		return plain;
	/* What stands after a "vlan" looks behind the tag. */
	if (asprintf(&tagged, "(%s) or (vlan and ((%s) or (vlan and (%s))))", plain, plain, plain) <
		0)
		tagged = NULL;
	free(plain);
	return tagged;
}
