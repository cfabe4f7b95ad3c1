/* NAT: is a user agent behind one, and what in its messages has to be repaired on the way in and
 * given back on the way out. Stateless: all a restore needs travels in the message, so nothing is
 * lost at a restart, and any other border host can restore it.
 *
 * Nobody here asks whether the peer is in an exempt network: that is the caller's business. Edits
 * of a message that would grow too long are refused by edits_apply; it then goes on unchanged.
 *
 * What was there before travels in a parameter called natbox.
 *
 * In the URI of a Contact it follows the repaired host and port, and holds the original:
 *
 *     <sip:alice@192.168.1.10:5060;ob>
 *     <sip:alice@203.0.113.7:40000;natbox=192.168.1.10-5060;ob>
 *
 * Lower case letters, digits and dots stand for themselves, '-' for a colon, '_' and two
 * hexadecimal digits for a capital letter, '-', '_', '[' or ']'. Those are unreserved characters
 * (RFC 3261 25.1), which nobody has a reason to escape, and nothing is lost when a peer writes them
 * in lower case. A '-' in front says that the URI had no angle brackets; with the parameter it
 * needs them.
 *
 * A URI with maddr is sent to that, whatever its host. So it goes along, behind a star, and the
 * parameter stands where maddr stood:
 *
 *     <sip:alice@192.168.1.10;ob;maddr=192.168.1.10>
 *     <sip:alice@203.0.113.7:40000;ob;natbox=192.168.1.10*192.168.1.10>
 *
 * One that is written otherwise than ";maddr=host", in lower case and without blanks, or beside a
 * natbox parameter of the client's own, stays.
 *
 * In a Via it comes right after sent-by, and only when the client did not just ask for rport (RFC
 * 3581), in which case the proxy's answer to that is all the client wants to see:
 *
 *     ;rport or ;rport=         becomes ;rport=40000;received=203.0.113.7
 *     (neither)                 ;natbox;received=203.0.113.7;rport=40000
 *     ;received=R;rport=P       ;natbox=R*P, R and P as above, or empty where there was none
 *     ;maddr=M                  ;natbox=**M in its place, after R*P unless rport was asked for
 */
#ifndef NATBOX_NAT_H
#define NATBOX_NAT_H

#include <natbox/report.h>
#include <natbox/settings.h>

/* Which of tests hit for a message from a user agent at source. Set of enum nat_test.
 *
 * All apply to a user agent's own request, one with a single Via value; with more it came through
 * another proxy, and nothing hits. To a response only the Contact tests apply (its Vias are the
 * proxies'), and not in 3xx and 485, whose Contacts are other places. via-source hits for a port
 * alone only where the Via asks for rport or its host is private: without, the client may listen
 * there (RFC 3261 18.2.2). A Contact that names a domain, as below, tells of no place. sdp-private
 * looks at all c= lines of an application/sdp body, also inside a multipart. */
unsigned nat_detect(
	const struct sip_message *message, const struct address *source, unsigned tests);

/* Edits that let the proxy reach a natted user agent at source, on its way in, as settings ask.
 * Returns the set of enum rewritten_field edited; 0: nothing to do.
 *
 * Via: of the user agent's own requests. fix-via full: received and rport say where it is, whatever
 * it claimed itself, and there is no maddr, to which answers would go (RFC 3261 18.2.2); rport: the
 * proxy is asked to fill them in, by a Via that is left alone where it asks for that itself.
 *
 * Contact: of such requests, and of responses below 300. Host and port of a sip: URI over UDP
 * become source, when it is the user agent's own: it has the host of the Via's sent-by, a private
 * address, or source's address; in a response, where there is no such Via, a name is its own too.
 * One that is source already, with its maddr, stays, and so does what does not consist of valid
 * host and port; a public address that was repaired before, for another place; and what is the user
 * agent in a domain and no place of it, a GRUU (RFC 5627) or an address of record: a name that is
 * the host of From, To or Request-URI, or any name with the parameter gr. */
unsigned nat_repair(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits);

/* What a URI that has been repaired, here or by another natbox, says of where it came from; at is
 * NULL where it has not. */
struct text nat_origin(const struct sip_uri *uri);

static inline bool nat_is_repaired(const struct sip_uri *uri)
{
	return nat_origin(uri).at != NULL;
}

/* Its parameters as they were before the repair, but for maddr. */
struct text nat_params(struct text params, struct text origin);

/* The address that stood in it, with 5060 for a port that did not. False where there is no origin,
 * or that had a name or maddr. */
bool nat_origin_address(struct text origin, struct address *address);

/* Edits that have a REGISTER take back, before it does anything else, what the registrar knows this
 * Contact of it as while its user agent is at source: its repaired form, or itself where it is
 * source, with expires=0, in a header field in front of all its Contacts. own: the host that its
 * user agent's Contacts have, as that of its Via. False, and none, where a repair would leave it
 * alone or there is no room. After nat_repair of the same message. */
bool nat_take_back(const struct sip_message *message, const struct sip_contact *contact,
	struct text own, const struct address *source, struct edits *edits);

/* The same for a Contact that the user agent had written with another host and port. Where that is
 * the default port, which may have stood there or not, both are taken back. */
bool nat_take_back_as(const struct sip_message *message, const struct sip_contact *contact,
	const struct address *as, const struct address *source, struct edits *edits);

/* Repairs a Contact that nat_repair has left alone, as its host is neither the Via's nor source nor
 * private, but that names where its user agent was until now. False where it is no Contact of that
 * kind. After nat_repair of the same message. */
bool nat_repair_moved(const struct sip_message *message, const struct sip_contact *contact,
	const struct address *source, struct edits *edits);

/* Once repaired, a Contact that a REGISTER takes back may equal one that it adds (RFC 3261 19.1.4
 * does not compare the natbox parameter), and a registrar goes through them in order (10.3). So
 * nat_repair leaves it as it is, and this has its repaired form taken back in front; the first one
 * that needs no repair goes there itself. Returns the set of enum rewritten_field edited. After
 * nat_repair of the same message. */
unsigned nat_repair_removals(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits);

/* Edits that give back, on the way out to client, what nat_repair changed. Returns the set of enum
 * rewritten_field edited.
 *
 * A URI is restored only when it points to the client the message goes to: then it is the client's
 * own. Any other repaired URI is how to reach somebody else (another phone behind the same border,
 * or an old binding of this one behind a mapping that is gone) and stays as it is, parameter and
 * all. Looked at are the Contacts of any message, and the Request-URI, Route and To of requests. To
 * in a response is what the client itself sent. From never carries a client's own Contact.
 *
 * The Via of a response that has no other is the client's. It is given back as sent, with rport and
 * received filled in only when the client asked; a received the proxy added twice goes.
 *
 * A forged parameter can do no more than a true one: put a validated host and port (in a Via: words
 * of letters, digits and ".-_:[]") in the place of the client's own address, and maddr with one in
 * its own, in a message that goes to that client anyway. */
unsigned nat_restore(const struct sip_message *message, const struct address *client,
	const struct settings *settings, struct edits *edits);

/* What a registrar's 2xx grants a phone: of as many of its Contacts as are looked for there. */

enum { GRANTS_MAX = 4 };

struct grant {
	const struct sip_contact *contact; /* in the 2xx; NULL: that lists nothing at all */
	uint32_t seconds;
};

struct grants {
	unsigned count;
	struct grant list[GRANTS_MAX];
};

/* Whether a phone may be told less than it is granted. */
static inline bool nat_shortens(const struct settings *settings)
{
	return (settings->nat.max_expires_us || settings->nat.spread_expires) &&
	       settings->nat.restore;
}

/* Edits that have a phone told less than it is granted (RFC 3261 10.3), so that it comes back
 * earlier, while the registrar goes on with what it has granted. It is told max-expires or what was
 * granted, whichever is less, and of that up to spread-expires percent less: draw says how much of
 * them, 0 nothing and UINT32_MAX all. It is told EXPIRES_FLOOR_S at least, unless it was granted
 * less.
 *
 * Changed is what the phone goes by: the expires of its Contact, else the Expires header; where
 * there is neither, or the header stands there twice, its Contact gets an expires. The Contacts of
 * others stay as they are. Returns the set of enum rewritten_field edited. */
unsigned nat_shorten(const struct sip_message *message, const struct grants *grants,
	const struct settings *settings, uint32_t draw, struct edits *edits);

/* Addresses that somebody behind a NAT was seen at a short while ago and that are no endpoint, or
 * not yet: a phone learns its public address from the answer to its first REGISTER, be that a
 * challenge (RFC 3581 4: received and rport), and none of the NAT tests hits when it then writes
 * that address itself. */

/* What a NAT should remember a binding for at least, RFC 4787 4.3 (REQ-5) recommends it. */
enum { NATTED_SECONDS = 300 };

struct natted {
	struct hash_key key;
	struct ledger ledger;
};

/* 0 or -ENOMEM. */
int natted_init(struct natted *natted, const struct hash_key *key);
void natted_free(struct natted *natted);

/* These tests (a set of enum nat_test) hit whoever is at client at this tick. call_id: of the
 * request that showed it, and only its sender is meant, as nobody has accepted it so far; empty:
 * anybody there is meant. */
void natted_note(struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id, unsigned nat);

/* The tests that were noted for client and one of these: the Call-ID, or anybody. */
unsigned natted_recall(const struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id);

#endif
