/* The nftables table that is natbox's own: that of the family inet, and no other of that name. */
#ifndef NATBOX_OWN_TABLE_H
#define NATBOX_OWN_TABLE_H

#include <netinet/in.h> /* before the next one, which would define the same */

#include <linux/netfilter.h>
#include <stdbool.h>
#include <string.h>

#define OWN_TABLE "natbox"

/* table: NULL is nobody's. */
static inline bool is_own_table(int family, const char *table)
{
	return family == NFPROTO_INET && table && strcmp(table, OWN_TABLE) == 0;
}

#endif
