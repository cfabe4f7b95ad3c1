#include "filter.h"

#include "../send/inject.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>

/* Ports are out of the filter's reach behind these: later fragments and the authentication header
 * (51), in IPv6 also hop-by-hop (0), routing (43), fragment (44) and destination options (60). */
static const char unreachable_ipv4[] = "ip proto 51 or (ip proto 17 and ip[6:2] & 0x1fff != 0)";
static const char unreachable_ipv6[] =
	"ip6[6] == 0 or ip6[6] == 43 or ip6[6] == 44 or ip6[6] == 51 or ip6[6] == 60";

/* As ip[6:2] has it. */
enum { DONT_FRAGMENT = 0x4000 };

/* The hosts that share a port and, where they are named, an IP version; port 0: any port. */
struct group {
	const struct filter_view *view;
	uint16_t port;
	bool ipv4;
};

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

static void write_host(FILE *out, const struct address *address, const char *direction)
{
	char host[ADDRESS_TEXT_MAX];

	address_format_host(address, host);
	if (!address_is_ipv4(address))
		host[strlen(host) - 1] = 0;
	fprintf(out, "%s host %s", direction, address_is_ipv4(address) ? host : host + 1);
}

static bool is_here(const struct filter_view *view, size_t proxy)
{
	return address_is_unspecified(&view->proxies[proxy]) || view->ways[proxy] == view->loopback;
}

/* Whether what comes from a proxy is believed only from where it can come. */
static bool is_doubted(const struct filter_view *view, size_t proxy)
{
	return view->interface == 0 || (is_here(view, proxy) && view->interface != view->loopback);
}

/* Whether two proxies are believed where the same is so. */
static bool share_origin(const struct filter_view *view, size_t a, size_t b)
{
	return is_doubted(view, a) == is_doubted(view, b) && view->ways[a] == view->ways[b];
}

/* What a packet has to be for that, and more. */
static void write_origin(FILE *out, const struct filter_view *view, size_t proxy)
{
	if (!is_doubted(view, proxy))
		return;
	if (view->interface == 0 && view->ways[proxy])
		fprintf(out, "(outbound or ifindex %u) and ", view->ways[proxy]);
	else
		fputs("outbound and ", out);
}

static bool belongs(const struct group *group, size_t proxy)
{
	const struct address *address = &group->view->proxies[proxy];

	return in_group(group, address) && address_is_ipv4(address) == group->ipv4;
}

/* Whether none before it shares its origin. */
static bool is_first(const struct group *group, size_t proxy)
{
	for (size_t i = 0; i < proxy; i++) {
		if (belongs(group, i) && share_origin(group->view, i, proxy))
			return false;
	}
	return true;
}

/* The hosts that packets come from or go to; of those they come from, which share an origin. */
static void write_names(
	FILE *out, const struct group *group, const char *direction, const size_t *sharing)
{
	const char *separator = "(";

	for (size_t i = 0; i < group->view->count; i++) {
		if (!belongs(group, i) || (sharing && !share_origin(group->view, i, *sharing)))
			continue;
		fputs(separator, out);
		write_host(out, &group->view->proxies[i], direction);
		separator = " or ";
	}
	fputc(')', out);
}

static void write_sources(FILE *out, const struct group *group)
{
	const char *separator = "(";

	for (size_t i = 0; i < group->view->count; i++) {
		if (!belongs(group, i) || !is_first(group, i))
			continue;
		fprintf(out, "%s(", separator);
		write_origin(out, group->view, i);
		write_names(out, group, "src", &i);
		fputc(')', out);
		separator = " or ";
	}
	fputc(')', out);
}

static void write_ports_or_unreachable(FILE *out, const struct group *group, const char *direction)
{
	fputs(" and (", out);
	write_ports(out, group, direction);
	fprintf(out, " or %s))", group->ipv4 ? unreachable_ipv4 : unreachable_ipv6);
}

static void write_hosts(FILE *out, const struct group *group)
{
	fprintf(out, "(%s and ((", group->ipv4 ? "ip" : "ip6");
	write_names(out, group, "dst", NULL);
	write_ports_or_unreachable(out, group, "dst");
	fputs(" or (", out);
	write_sources(out, group);
	write_ports_or_unreachable(out, group, "src");
	fputs("))", out);
}

static bool has_any(const struct group *group)
{
	for (size_t i = 0; i < group->view->count; i++) {
		if (belongs(group, i))
			return true;
	}
	return false;
}

/* Any of the origins of a group's proxies. */
static void write_origins(FILE *out, const struct group *group)
{
	const struct filter_view *view = group->view;

	for (size_t i = 0; i < view->count; i++) {
		if (in_group(group, &view->proxies[i]) && !is_doubted(view, i))
			return;
	}
	fputs(" and (outbound", out);
	for (size_t i = 0; i < view->count; i++) {
		const unsigned way = is_here(view, i) ? view->loopback : view->ways[i];

		if (in_group(group, &view->proxies[i]) && view->interface == 0 && way)
			fprintf(out, " or ifindex %u", way);
	}
	fputc(')', out);
}

/* " and " what keeps out a fragment that comes in with an address of this host, but for what it
 * sends itself: of one that has no ports only that tells which way it goes. */
static void write_not_forged(FILE *out, const struct filter_view *view, bool ipv4)
{
	bool has_begun = false;

	for (size_t i = 0; i < view->own_count && i < FILTER_HOSTS_MAX; i++) {
		if (address_is_ipv4(&view->own[i]) != ipv4)
			continue;
		if (has_begun)
			fputs(" or ", out);
		else if (view->interface == 0)
			fprintf(out, " and not (inbound and not ifindex %u and (", view->loopback);
		else
			fputs(" and not (inbound and (", out);
		write_host(out, &view->own[i], "src");
		has_begun = true;
	}
	if (has_begun)
		fputs("))", out);
}

static void write_unreachable(FILE *out, const struct group *group, bool ipv4)
{
	const struct filter_view *view = group->view;

	fprintf(out, " or (%s and (%s)", ipv4 ? "ip" : "ip6",
		ipv4 ? unreachable_ipv4 : unreachable_ipv6);
	if (view->interface != view->loopback)
		write_not_forged(out, view, ipv4);
	fputc(')', out);
}

static void write_any_host(FILE *out, const struct group *group)
{
	fputs("((", out);
	write_ports(out, group, "dst");
	fputs(") or (", out);
	write_ports(out, group, "src");
	write_origins(out, group);
	fputc(')', out);
	write_unreachable(out, group, true);
	write_unreachable(out, group, false);
	fputc(')', out);
}

static bool is_any_host(const struct group *group)
{
	const struct filter_view *view = group->view;

	for (size_t i = 0; i < view->count; i++) {
		if (in_group(group, &view->proxies[i]) && address_is_unspecified(&view->proxies[i]))
			return true;
	}
	return view->count > FILTER_HOSTS_MAX;
}

static void write_group(FILE *out, const struct filter_view *view, uint16_t port)
{
	const struct group ipv4 = {view, port, true}, ipv6 = {view, port, false};

	if (is_any_host(&ipv4)) {
		write_any_host(out, &ipv4);
		return;
	}
	if (has_any(&ipv4))
		write_hosts(out, &ipv4);
	if (has_any(&ipv4) && has_any(&ipv6))
		fputs(" or ", out);
	if (has_any(&ipv6))
		write_hosts(out, &ipv6);
}

/* Whether none before it has its port. */
static bool has_new_port(const struct filter_view *view, size_t proxy)
{
	for (size_t i = 0; i < proxy; i++) {
		if (view->proxies[i].port == view->proxies[proxy].port)
			return false;
	}
	return true;
}

static void write_proxies(FILE *out, const struct filter_view *view)
{
	size_t ports = 0;

	for (size_t i = 0; i < view->count; i++)
		ports += has_new_port(view, i);
	if (ports > FILTER_PORTS_MAX) {
		write_group(out, view, 0);
		return;
	}
	for (size_t i = 0; i < view->count; i++) {
		if (!has_new_port(view, i))
			continue;
		if (i)
			fputs(" or ", out);
		write_group(out, view, view->proxies[i].port);
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

char *filter_write(const struct filter_view *view)
{
	char *plain = NULL, *tagged = NULL;
	size_t length;
	FILE *out = open_memstream(&plain, &length);

	if (!out)
		return NULL;
	fputc('(', out);
	write_proxies(out, view);
	fputs(") and not (", out);
	write_keepalives(out);
	fputc(')', out);
	if (fclose(out)) {
		free(plain);
		return NULL;
	}
	if (view->link_type != DLT_EN10MB)
		return plain;
	/* What stands after a "vlan" looks behind the tag. */
	if (asprintf(&tagged, "(%s) or (vlan and ((%s) or (vlan and (%s))))", plain, plain, plain) <
		0)
		tagged = NULL;
	free(plain);
	return tagged;
}
