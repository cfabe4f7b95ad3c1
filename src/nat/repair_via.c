#include "repair_parts.h"

/* Of a Via that is repaired: it gets three more, and more from the proxy, and is to be read when it
 * comes back. */
enum { REPAIRED_PARAMS_MAX = SIP_PARAMS_MAX - 8 };

static struct text text_after(struct text text)
{
	return (struct text){text_end(text), 0};
}

static struct text received_text(const struct repair *repair)
{
	return sip_received(
		(struct text){repair->text, repair->host_port.length - repair->port.length - 1});
}

/* What a user agent's Via says itself about where its answers are to go. */
struct seen_at {
	bool has_received, has_rport, has_maddr;
	struct text received, rport, maddr;
	struct text rport_span, maddr_span;
};

static struct seen_at read_seen_at(const struct sip_via *via)
{
	struct seen_at said = {
		.has_received = via->received.whole.at,
		.has_rport = via->rport.whole.at,
		.received = via->received.value,
		.rport = via->rport.value,
		.rport_span = via->rport.whole,
	};

	said.has_maddr = via->has_others && maddr_find(via->params, &said.maddr, &said.maddr_span);
	return said;
}

/* "natbox", and what the user agent had written where it had written anything. */
static bool splice_put_seen_at(struct splice *splice, const struct seen_at *said)
{
	splice_put(splice, origin_param);
	if (!said->has_received && !said->has_rport && !said->has_maddr)
		return true;
	splice_put(splice, TEXT("="));
	if (said->has_received && !splice_put_origin(splice, said->received))
		return false;
	splice_put(splice, TEXT("*"));
	if (said->has_rport && !splice_put_origin(splice, said->rport))
		return false;
	if (!said->has_maddr)
		return true;
	splice_put(splice, TEXT("**"));
	return splice_put_origin(splice, said->maddr);
}

/* The natbox parameter takes maddr's place, where there is one; else it begins added, which is to
 * follow sent-by. */
static bool begin_via(struct repair *repair, const struct seen_at *said, struct splice *added)
{
	splice_start(added, said->has_maddr ? TEXT("") : TEXT(";"));
	if (!splice_put_seen_at(added, said))
		return false;
	if (said->has_maddr) {
		splice_edit(added, repair->edits, said->maddr_span);
		added->length = 0;
	}
	return true;
}

/* Answers would go to maddr, whatever received and rport say (RFC 3261 18.2.2). */
static void hide_maddr(struct repair *repair, const struct seen_at *said)
{
	struct splice hidden;

	splice_start(&hidden, origin_param);
	splice_put(&hidden, TEXT("=**"));
	if (splice_put_origin(&hidden, said->maddr))
		splice_edit(&hidden, repair->edits, said->maddr_span);
}

/* ";rport" or ";rport=": RFC 3581 has it answered, so the answer can stay without an origin. */
static bool answer_rport(struct repair *repair, const struct seen_at *said)
{
	struct splice answer;

	if (said->has_received && said->received.length == 0)
		return false;
	if (said->has_maddr)
		hide_maddr(repair, said);
	splice_start(&answer, said->rport.at ? TEXT("") : TEXT("="));
	splice_put(&answer, repair->port);
	if (!said->has_received) {
		splice_put(&answer, TEXT(";received="));
		splice_put(&answer, received_text(repair));
	} else {
		edits_replace(repair->edits, said->received, received_text(repair));
	}
	splice_edit(&answer, repair->edits, text_after(said->rport_span));
	return true;
}

static bool is_right(const struct repair *repair, const struct seen_at *said)
{
	uint32_t port;

	return host_is_at(said->received, repair->source) && text_number(said->rport, &port) &&
	       port == repair->source->port;
}

static bool repair_via_full(struct repair *repair, const struct sip_via *via)
{
	struct seen_at said = read_seen_at(via);
	struct splice added;

	if (said.has_rport && said.rport.length == 0)
		return answer_rport(repair, &said);
	if ((is_right(repair, &said) && !said.has_maddr) || !begin_via(repair, &said, &added))
		return false;
	if (said.has_received) {
		edits_replace(repair->edits, said.received, received_text(repair));
	} else {
		splice_put(&added, TEXT(";received="));
		splice_put(&added, received_text(repair));
	}
	if (said.has_rport) {
		edits_replace(repair->edits, said.rport, repair->port);
	} else {
		splice_put(&added, TEXT(";rport="));
		splice_put(&added, repair->port);
	}
	splice_edit(&added, repair->edits, text_after(via->sent_by));
	return true;
}

static bool ask_for_rport(struct repair *repair, const struct sip_via *via)
{
	struct seen_at said = read_seen_at(via);
	struct splice added;

	if (said.has_rport || !begin_via(repair, &said, &added))
		return false;
	splice_put(&added, TEXT(";rport"));
	splice_edit(&added, repair->edits, text_after(via->sent_by));
	return true;
}

bool repair_via(struct repair *repair, const struct sip_via *via, enum nat_fix_via fix)
{
	if (via->param_count > REPAIRED_PARAMS_MAX)
		return false;
	switch (fix) {
	case FIX_VIA_FULL:
		return repair_via_full(repair, via);
	case FIX_VIA_RPORT:
		return ask_for_rport(repair, via);
	case FIX_VIA_NO:
		break;
	}
	return false;
}
