#include "sip_lex.h"

#include <errno.h>

void edits_reset(struct edits *edits)
{
	edits->count = 0;
	edits->used = 0;
	edits->overflow = false;
}

void edits_replace(struct edits *edits, struct text span, struct text with)
{
	if (edits->count == EDITS_MAX || with.length > EDITS_BYTES_MAX - edits->used) {
		edits->overflow = true;
		return;
	}
	edits->list[edits->count++] = (struct edit){
		.replaced = span,
		.offset = (uint16_t)edits->used,
		.length = (uint16_t)with.length,
	};
	if (with.length)
		memcpy(edits->bytes + edits->used, with.at, with.length);
	edits->used += with.length;
}

void edits_cut_value(struct edits *edits, const struct sip_message *message, struct text value)
{
	const char *end = text_end(message->whole), *feed;
	const char *from = value.at, *to = text_end(value), *next = to;

	/* At the latest the colon of its header field stops this. */
	while (lex_is(from[-1], LEX_BLANK))
		from--;
	while (next < end && lex_is(*next, LEX_BLANK))
		next++;
	if (from[-1] == ',') {
		from--;
	} else if (next < end && *next == ',') {
		from = value.at;
		for (to = next + 1; to < end && lex_is(*to, LEX_BLANK); to++)
			;
	} else {
		while (from[-1] != '\n')
			from--;
		feed = lex_feed(to, end);
		to = feed ? feed + 1 : end;
	}
	edits_replace(edits, text_between(from, to), (struct text){0});
}

/* At one place inserts come first, then what replaces the bytes there. */
static bool comes_before(const struct edit *a, const struct edit *b)
{
	uintptr_t a_at = (uintptr_t)a->replaced.at, b_at = (uintptr_t)b->replaced.at;

	if (a_at != b_at)
		return a_at < b_at;
	return a->replaced.length == 0 && b->replaced.length > 0;
}

/* By insertion: the list is short, mostly in order, and equals keep theirs. */
static void sort(struct edits *edits)
{
	for (unsigned i = 1; i < edits->count; i++) {
		struct edit edit = edits->list[i];
		unsigned place = i;

		for (; place > 0 && comes_before(&edit, &edits->list[place - 1]); place--)
			edits->list[place] = edits->list[place - 1];
		edits->list[place] = edit;
	}
}

static bool put(char *out, size_t size, size_t *used, const char *bytes, size_t length)
{
	if (length > size - *used)
		return false;
	if (length)
		memcpy(out + *used, bytes, length);
	*used += length;
	return true;
}

long edits_apply(struct edits *edits, struct text message, char *out, size_t size)
{
	uintptr_t start = (uintptr_t)message.at;
	size_t done = 0, used = 0;

	if (edits->overflow)
		return -ENOBUFS;
	sort(edits);
	for (unsigned i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];
		size_t at = (uintptr_t)edit->replaced.at - start;

		if (at < done || at > message.length || edit->replaced.length > message.length - at)
			return -EINVAL;
		if (!put(out, size, &used, message.at + done, at - done) ||
			!put(out, size, &used, edits->bytes + edit->offset, edit->length))
			return -ENOBUFS;
		done = at + edit->replaced.length;
	}
	if (!put(out, size, &used, message.at + done, message.length - done))
		return -ENOBUFS;
	return (long)used;
}
