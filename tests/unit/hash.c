#include <natbox/hash.h>

#include <criterion/criterion.h>

/* The test vectors of the SipHash paper, appendix A: key 00..0f, input 00..0e. */
Test(hash, agrees_with_the_papers_test_vector)
{
	uint8_t seed[16], input[15];
	struct hash_key key;
	struct hash hash;

	for (uint8_t i = 0; i < 16; i++)
		seed[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		input[i] = i;
	key = hash_key_from(seed);
	hash_start(&hash, &key);
	hash_add(&hash, input, sizeof(input));
	cr_assert_eq(hash_end(&hash), 0xa129ca6149be45e5);
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
