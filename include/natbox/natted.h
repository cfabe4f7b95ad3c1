/* Places that somebody behind a NAT was seen at a short while ago and that are no endpoint, or not
 * yet: a phone learns its public address from the answer to its first REGISTER, be that a challenge
 * (RFC 3581 4: received and rport), and none of the NAT tests hits when it then writes that address
 * itself. */
#ifndef NATBOX_NATTED_H
#define NATBOX_NATTED_H

#include <natbox/address.h>
#include <natbox/hash.h>
#include <natbox/ledger.h>

/* What a NAT should remember a binding for at least, RFC 4787 4.3 (REQ-5) recommends it. */
enum { NATTED_SECONDS = 300 };

struct natted {
	struct hash_key key;
	struct ledger ledger;
};

/* 0 or -ENOMEM. */
int natted_init(struct natted *natted, const struct hash_key *key);
void natted_free(struct natted *natted);

/* These tests (a set of enum nat_test) hit whoever is at client at this tick. call_id: of the request that
 * showed it, and only its sender is meant, as nobody has accepted it so far; empty: anybody there
 * is meant. */
void natted_note(struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id, unsigned nat);

/* The tests that were noted for client and one of these: the Call-ID, or anybody. */
unsigned natted_recall(const struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id);

#endif
