/* Damaged messages: whatever happens to the bytes, the scanner keeps its promises. */
#include "generate.h"
#include "sip_walk.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 1500, MUTANTS_EACH = 8, CHANGES_MAX = 3 };

/* What means something to the grammar, and what means nothing to anybody. */
static const char *const scraps[] = {"\"", "<", ">", ",", ";", ":", "=", "@", "[", "]", "(", ")",
	"\\", "\r", "\n", "\r\n", "\r\n ", "\r\n\r\n", " ", "\t", "/", "?", "*", "%", "\x80",
	"\xff", "Via: ", "SIP/2.0", "4294967296", "-1", "\r\nContact: <sip:a@[::1]:9>,",
	"\r\nl: 9999", "\r\nl: 0\r\nl: 0", "\r\nt: <sip:b>;tag=2", ";x=\"y, z\"", "; ",
	"branch=", " SIP/2.0\r\n"};

static size_t change(struct generator *generator, char *bytes, size_t length)
{
	const char *scrap = scraps[generator_below(generator, sizeof(scraps) / sizeof(*scraps))];
	size_t at = generator_below(generator, (uint32_t)length);
	size_t span = generator_below(generator, 20), scrap_length = strlen(scrap);

	if (span > length - at)
		span = length - at;
	switch (generator_below(generator, 5)) {
	case 0: /* another byte */
		bytes[at] = (char)generator_below(generator, 256);
		return length;
	case 1: /* a hole */
		memmove(bytes + at, bytes + at + span, length - at - span);
		return length - span;
	case 2: /* the same again */
		memmove(bytes + at + span, bytes + at, length - at);
		return length + span;
	case 3: /* cut off */
		return at + 1;
	default: /* a scrap too many */
		memmove(bytes + at + scrap_length, bytes + at, length - at);
		memcpy(bytes + at, scrap, scrap_length);
		return length + scrap_length;
	}
}

/* In memory of exactly its size, so that a sanitiser sees every byte read beyond the end. */
static bool walk_copy(const char *bytes, size_t length)
{
	char *copy = malloc(length);
	bool usable;

	cr_assert_not_null(copy);
	memcpy(copy, bytes, length);
	usable = sip_walk(copy, length);
	free(copy);
	return usable;
}

Test(sip_mutation, damaged_messages_break_no_promise)
{
	static const struct generate_wish anything;
	static char mutant[GENERATED_MAX + CHANGES_MAX * 64];
	static struct generated generated;
	struct generator generator;
	unsigned usable = 0, unusable = 0;

	generator_seed(&generator, 5118);
	for (int i = 0; i < MESSAGES; i++) {
		generate_message(&generator, &anything, &generated);
		cr_assert(walk_copy(generated.bytes, generated.length));
		for (int j = 0; j < MUTANTS_EACH; j++) {
			size_t length = generated.length;

			memcpy(mutant, generated.bytes, length);
			for (uint32_t k = generator_below(&generator, CHANGES_MAX) + 1; k > 0; k--)
				length = change(&generator, mutant, length);
			if (walk_copy(mutant, length))
				usable++;
			else
				unusable++;
		}
	}
	cr_expect_gt(usable, 100, "mutants that are still messages are the interesting ones");
	cr_expect_gt(unusable, 100);
}

Test(sip_mutation, a_message_may_end_anywhere)
{
	static const struct generate_wish anything;
	static struct generated generated;
	struct generator generator;

	generator_seed(&generator, 768);
	for (int i = 0; i < 4; i++) {
		generate_message(&generator, &anything, &generated);
		for (size_t length = 1; length < generated.length; length++)
			walk_copy(generated.bytes, length);
	}
}
