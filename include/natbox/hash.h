/* Keyed hashing: SipHash-1-3 (Aumasson, Bernstein 2012, with the rounds that they give for hash
 * tables). Hostile senders choose what is hashed, so every table and every MAC of the core uses it
 * with a secret key. */
#ifndef NATBOX_HASH_H
#define NATBOX_HASH_H

#include <natbox/text.h>

struct hash_key {
	uint64_t k[2];
};

struct hash {
	uint64_t v[4];
	uint64_t tail; /* bytes that do not fill a word yet, little end first */
	uint64_t length;
};

struct hash_key hash_key_from(const uint8_t seed[static 16]);

void hash_start(struct hash *hash, const struct hash_key *key);
void hash_add(struct hash *hash, const void *bytes, size_t length);
/* The text and its length, so that "ab","c" and "a","bc" differ. */
void hash_add_text(struct hash *hash, struct text text);
void hash_add_number(struct hash *hash, uint64_t number);
uint64_t hash_end(struct hash *hash);

#endif
