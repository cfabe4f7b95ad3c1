#include <natbox/endpoints.h>

#include <errno.h>

static uint32_t words_for(uint32_t bits)
{
	return bits / 64 + 1;
}

int changes_init(struct changes *changes, uint32_t limit)
{
	uint32_t words = words_for(limit);

	*changes = (struct changes){
		.slots = table_new_backed(words, sizeof(uint64_t)),
		.words = table_new_backed(words_for(words), sizeof(uint64_t)),
		.limit = limit,
	};
	if (changes->slots && changes->words)
		return 0;
	changes_free(changes);
	return -ENOMEM;
}

void changes_free(struct changes *changes)
{
	const uint32_t words = words_for(changes->limit);

	table_free(changes->slots, words, sizeof(uint64_t));
	table_free(changes->words, words_for(words), sizeof(uint64_t));
	*changes = (struct changes){0};
}

void changes_remove(struct changes *changes, uint32_t slot)
{
	const uint32_t word = slot / 64;

	changes->slots[word] &= ~(1ull << slot % 64);
	if (!changes->slots[word])
		changes->words[word / 64] &= ~(1ull << word % 64);
}

uint32_t changes_take(struct changes *changes, uint32_t from)
{
	uint32_t words = words_for(changes->limit), word = from / 64;
	uint32_t word_end = (word + 1) * 64, slot;

	if (from > changes->limit)
		return 0;
	slot = bits_find(changes->slots, from, word_end);
	if (slot == word_end) {
		word = bits_find(changes->words, word + 1, words);
		if (word >= words)
			return 0;
		slot = word * 64 + (uint32_t)__builtin_ctzll(changes->slots[word]);
	}
	changes_remove(changes, slot);
	return slot;
}

bool changes_any(const struct changes *changes)
{
	uint32_t words = words_for(changes->limit);

	return changes->slots && bits_find(changes->words, 0, words) < words;
}
