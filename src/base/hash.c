#include <natbox/base.h>

#include <endian.h>

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void compress(struct hash *hash, uint64_t word)
{
	hash->v[3] ^= word;
	sip_round(hash->v);
	hash->v[0] ^= word;
}

static inline uint64_t load_little_endian(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

struct hash_key hash_key_from(const uint8_t seed[static 16])
{
	return (struct hash_key){{load_little_endian(seed), load_little_endian(seed + 8)}};
}

void hash_start(struct hash *hash, const struct hash_key *key)
{
	*hash = (struct hash){.v = {
				      key->k[0] ^ 0x736f6d6570736575,
				      key->k[1] ^ 0x646f72616e646f6d,
				      key->k[0] ^ 0x6c7967656e657261,
				      key->k[1] ^ 0x7465646279746573,
			      }};
}

/* At most eight bytes, little end first; what is above them in the word is 0. */
static inline void add_word(struct hash *hash, uint64_t word, unsigned length)
{
	const unsigned held = hash->length % 8 * 8;

	hash->length += length;
	hash->tail |= word << held;
	if (held + length * 8 < 64)
		return;
	compress(hash, hash->tail);
	hash->tail = held ? word >> (64 - held) : 0;
}

/* Fewer than eight bytes, little end first: in two or three loads, which may overlap. */
static inline uint64_t load_few(const uint8_t *at, size_t length)
{
	uint32_t low, high;

	if (length >= sizeof(low)) {
		memcpy(&low, at, sizeof(low));
		memcpy(&high, at + length - sizeof(high), sizeof(high));
		return le32toh(low) | (uint64_t)le32toh(high) << 8 * (length - sizeof(high));
	}
	if (length == 0)
		return 0;
	return at[0] | (uint64_t)at[length / 2] << 8 * (length / 2) |
	       (uint64_t)at[length - 1] << 8 * (length - 1);
}

/* Whole words, which leave as many bits held as there are. */
static inline void add_words(struct hash *hash, const uint8_t *at, size_t count)
{
	const unsigned held = hash->length % 8 * 8;

	for (hash->length += count * 8; count; at += 8, count--) {
		const uint64_t word = load_little_endian(at);

		compress(hash, hash->tail | word << held);
		hash->tail = held ? word >> (64 - held) : 0;
	}
}

static inline void add_bytes(struct hash *hash, const uint8_t *at, size_t length)
{
	const unsigned rest = length % 8;

	if (length == 0)
		return;
	add_words(hash, at, length / 8);
	add_word(hash, load_few(at + length - rest, rest), rest);
}

/* A copy stays in registers, what a pointer leads to does not. */
void hash_add(struct hash *hash, const void *bytes, size_t length)
{
	struct hash copy = *hash;

	add_bytes(&copy, bytes, length);
	*hash = copy;
}

void hash_add_number(struct hash *hash, uint64_t number)
{
	add_word(hash, number, 8);
}

void hash_add_text(struct hash *hash, struct text text)
{
	struct hash copy = *hash;

	add_bytes(&copy, (const uint8_t *)text.at, text.length);
	add_word(&copy, text.length, 8);
	*hash = copy;
}

uint64_t hash_end(struct hash *hash)
{
	compress(hash, hash->tail | hash->length << 56);
	hash->v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(hash->v);
	return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}
