/* What every room stands on, and what knows none of them. Below, in this order: text; hashes, pools
 * and tables, which all that is kept stands in; the ledger of what happened a short while ago;
 * faults, what a user is told; clocks and threads; ticks. address.h has addresses, settings.h what
 * the core can be told. */
#ifndef NATBOX_BASE_H
#define NATBOX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Text: a run of bytes inside somebody else's buffer. Never copied, never terminated. */

/* Points into the datagram it was found in and lives as long; at is NULL when there is none. */
struct text {
	const char *at;
	size_t length;
};

/* A text over a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

/* A text over a string, without its terminating zero. */
static inline struct text text_from(const char *string)
{
	return (struct text){string, strlen(string)};
}

static inline struct text text_between(const char *start, const char *end)
{
	return (struct text){start, (size_t)(end - start)};
}

/* Begins to fetch what stands there into the cache. Compilers take out the call of a function that
 * does nothing else, unless there is something in it that they cannot see through. */
static inline void prefetch(const void *at)
{
	__asm__ volatile("");
	__builtin_prefetch(at);
}

static inline const char *text_end(struct text text)
{
	return text.length ? text.at + text.length
			   : text.at; /* C adds nothing to NULL, not even 0 */
}

/* Its length for "%.*s", of which so much is shown at most. */
static inline int text_shown(struct text text, int most)
{
	return text.length < (size_t)most ? (int)text.length : most;
}

static inline char text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool text_equal(struct text a, struct text b);

/* ASCII case folded, as SIP compares tokens, header names and hosts (RFC 3261 7.3.1). */
bool text_equal_nocase(struct text a, struct text b);

bool text_starts_with(struct text text, struct text prefix);

/* Which of the names it is; count: none. */
unsigned text_find(struct text text, const char *const *names, unsigned count);

/* Without the spaces, tabs and line ends (of folded lines) at either end. */
struct text text_trim(struct text text);

/* Writes what is printable ASCII as it is and all else as \xNN, as much as there is room for; the
 * length. Bytes from 0x80 on are no better than control characters: those to 0x9f are such for many
 * a terminal, alone or within the UTF-8 of a letter. */
size_t text_plain(struct text text, char *out, size_t room);

/* Decimal digits only, nothing else. False when empty, not a number or above UINT32_MAX. */
bool text_number(struct text text, uint32_t *number);

/* Keyed hashing: SipHash-1-3 (Aumasson, Bernstein 2012, with the rounds that they give for hash
 * tables). Hostile senders choose what is hashed, so every table and every MAC of the core uses it
 * with a secret key. */

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

/* A pool: room for a fixed number of equal items, named by 32-bit indices. Index 0 is no item, and
 * reads as zeros. The memory is asked for at once and zero, so the kernel only backs what has been
 * used. */

struct pool {
	uint8_t *items;
	size_t item_size;
	uint32_t capacity;
	uint32_t limit; /* most items at a time; at most the capacity */
	uint32_t used;  /* indices above have never been handed out */
	uint32_t free; /* first of the list of items given back; linked through their first bytes */
	uint32_t count; /* items taken now */
};

/* Room for limit items; item_size is at least 4. 0 or -ENOMEM. */
int pool_init(struct pool *pool, size_t item_size, uint32_t limit);
void pool_free(struct pool *pool);

/* A zeroed item, or 0 when the limit is reached. */
uint32_t pool_take(struct pool *pool);

void pool_give(struct pool *pool, uint32_t index);

/* From now on this many at a time. False when there is not that much room: the limit is then all
 * there is. More may be taken already; they stay. */
bool pool_set_limit(struct pool *pool, uint32_t limit);

static inline void *pool_item(const struct pool *pool, uint32_t index)
{
	return pool->items + (size_t)index * pool->item_size;
}

/* Memory for the big tables: asked for whole at the start, and backed by the kernel only where it
 * is touched. They are read at random, so large ones ask for huge pages, for which a processor
 * needs to remember far fewer addresses. */

/* Zeroed. NULL when memory is short. A large one is not there in a child process that is forked. */
void *table_new(size_t count, size_t item_size);

/* So many items at least, as they are reached by a hash: a power of two, and start or more. */
static inline uint32_t table_size(uint32_t start, uint32_t least)
{
	while (start < least && start < 1u << 31)
		start *= 2;
	return start;
}

/* The same for a table that is reached at random from the first item on: all of it is backed now,
 * as to zero a huge page takes up to some milliseconds, and packets would wait for each. */
void *table_new_backed(size_t count, size_t item_size);

/* The count and size it was made with; NULL is fine. */
void table_free(void *table, size_t count, size_t item_size);

/* Tables that fill up from their first item on. Their memory is backed as they grow, and a little
 * before it is needed: where natbox runs in a virtual machine whose own memory comes as it is
 * touched, a huge page takes 6 ms, and now and then 60. */

struct filling {
	char *table;
	size_t count, item_size; /* it was made with */
	const uint32_t *used;    /* the highest index in use */
	uint32_t due;            /* from this one on more of it is wanted */
};

enum { FILLINGS_MAX = 8 };

struct fillings {
	unsigned count;
	struct filling list[FILLINGS_MAX];
};

/* All three live as long as the list is used. */
void fillings_add(struct fillings *fillings, void *table, size_t count, size_t item_size,
	const uint32_t *used);
void fillings_add_pool(struct fillings *fillings, const struct pool *pool);

static inline bool filling_is_due(const struct filling *filling)
{
	return *filling->used >= filling->due;
}

/* How many bytes of the table, from its beginning, are to be backed now; it is due again once that
 * is more. */
size_t filling_wants(struct filling *filling);

/* Backs this part of a table, which other threads may use meanwhile. Kernels before 5.14 cannot:
 * then it is backed once it is touched. */
void table_back(char *table, size_t from, size_t to);

/* A ledger of what happened a short while ago, by key: when it was, and a number. It has a fixed
 * number of entries; where there is no room for another, the oldest of a few gives way, so a key
 * that is not found may have been there. Keys are keyed hashes. */

struct ledger_entry;

struct ledger {
	struct ledger_entry *entries;
	uint32_t mask;
};

/* At least so many entries. 0 or -ENOMEM. */
int ledger_init(struct ledger *ledger, uint32_t entries);
void ledger_free(struct ledger *ledger);

/* Notes that it was at tick, in place of what was noted for this key before. */
void ledger_note(struct ledger *ledger, uint64_t key, uint32_t tick, uint32_t number);

/* Whether it is noted, with its tick and number, either of which may be NULL. */
bool ledger_find(const struct ledger *ledger, uint64_t key, uint32_t *tick, uint32_t *number);

/* Begins to fetch what ledger_note and ledger_find look at. */
void ledger_prefetch(const struct ledger *ledger, uint64_t key);

/* What a user is told when something cannot be done: one line, written where the cause is known,
 * saying what was tried, what failed and what to do. The caller decides where it is shown. */

enum { FAULT_MAX = 512 };

/* Whether it is worth to try again later with nothing changed. */
enum fault_kind {
	FAULT_PASSING, /* it is: memory, a disk, a neighbour may be better then */
	FAULT_ABSENT,  /* while the host boots: an interface or address that it has not */
	FAULT_LASTING, /* not before somebody has mended the configuration, or the host's */
};

struct fault {
	enum fault_kind kind;
	char line[FAULT_MAX];
};

/* Writes the line of a fault, cut when too long, and returns error (a negative errno), to be
 * returned on. */
int fault_set_kind(struct fault *fault, enum fault_kind kind, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same of a passing one, as most are. */
#define fault_set(fault, error, ...) fault_set_kind(fault, FAULT_PASSING, error, __VA_ARGS__)

/* The kind of an error (a negative errno) that open(2) has ended with, of a path that the user has
 * named: lasting where it is the path that has to be mended, or who may go there. */
enum fault_kind fault_kind_of_path(int error);

/* For those above the core, which itself reads no clock and has no threads. */

/* What a clock of clock_gettime(2) shows, in microseconds. */
uint64_t clock_us(clockid_t clock);

/* So many milliseconds from now, of CLOCK_MONOTONIC. */
struct timespec clock_in_ms(unsigned ms);

/* Signals go to other threads, as they are for the event loop: the one that is started has all of
 * them blocked, and so have those that it starts. 0 or a negative errno: threads may be short. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/* The first bit that is set in an array of words, from that one on and before end, or end. */
static inline uint32_t bits_find(const uint64_t *words, uint32_t from, uint32_t end)
{
	while (from < end) {
		const uint64_t bits = words[from / 64] >> from % 64;

		if (bits) {
			from += (uint32_t)__builtin_ctzll(bits);
			return from < end ? from : end;
		}
		from = (from / 64 + 1) * 64;
	}
	return end;
}

/* What the core counts time in. */
enum { TICK_US = 10000 };

/* A span of time in ticks, rounded up. */
static inline uint32_t ticks_of(uint64_t us)
{
	return (uint32_t)((us + TICK_US - 1) / TICK_US);
}

/* Ticks are 32 bits and wrap after 497 days; compare only ticks that are near each other. */
static inline bool tick_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Whether a is longer ago than b: both have passed, either of them maybe long ago. */
static inline bool tick_older(uint32_t now, uint32_t a, uint32_t b)
{
	return now - a > now - b;
}

#endif
