#include <natbox/base.h>

#include <criterion/criterion.h>

/* What another implementation makes of a zero key and the input 00..0e: CPython 3.11 with
 * PYTHONHASHSEED=0, hash(bytes(range(15))). */
Test(hash, agrees_with_another_implementation)
{
	struct hash_key key = {{0, 0}};
	uint8_t input[15];
	struct hash hash;

	for (uint8_t i = 0; i < 15; i++)
		input[i] = i;
	hash_start(&hash, &key);
	hash_add(&hash, input, sizeof(input));
	cr_assert_eq(hash_end(&hash), 0xf30eb725bb91c9ea);
}

Test(hash, is_the_same_in_whatever_pieces_the_input_comes)
{
	const char input[] = "one input, hashed whole and in pieces of every length";
	struct hash_key key = {{1, 2}};
	struct hash whole;
	uint64_t expected;

	hash_start(&whole, &key);
	hash_add(&whole, input, sizeof(input));
	expected = hash_end(&whole);
	for (size_t first = 0; first <= sizeof(input); first++) {
		for (size_t second = first; second <= sizeof(input); second++) {
			struct hash pieces;

			hash_start(&pieces, &key);
			hash_add(&pieces, input, first);
			hash_add(&pieces, input + first, second - first);
			hash_add(&pieces, input + second, sizeof(input) - second);
			cr_assert_eq(hash_end(&pieces), expected);
		}
	}
}

Test(hash, tells_texts_apart_by_where_they_are_cut)
{
	struct hash_key key = {{3, 4}};
	struct hash a, b;

	hash_start(&a, &key);
	hash_add_text(&a, TEXT("ab"));
	hash_add_text(&a, TEXT("c"));
	hash_start(&b, &key);
	hash_add_text(&b, TEXT("a"));
	hash_add_text(&b, TEXT("bc"));
	cr_assert_neq(hash_end(&a), hash_end(&b));
}
