/* A pool: room for a fixed number of equal items, named by 32-bit indices. Index 0 is no item. The
 * memory is asked for at once and zero, so the kernel only backs what has been used. */
#ifndef NATBOX_POOL_H
#define NATBOX_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A zeroed item, or 0 when the limit is reached, or all the room has been taken or passed over. */
uint32_t pool_take(struct pool *pool);

/* Takes this item, which is above all that were ever taken. False when it is beyond the limit. */
bool pool_take_at(struct pool *pool, uint32_t index);

/* Passes over this item, which is above all that were ever taken: nobody gets it. False when it is
 * beyond the limit. */
bool pool_pass_over(struct pool *pool, uint32_t index);

void pool_give(struct pool *pool, uint32_t index);

/* From now on this many at a time. False when there is not that much room: the limit is then all
 * there is. More may be taken already; they stay. */
bool pool_set_limit(struct pool *pool, uint32_t limit);

static inline void *pool_item(const struct pool *pool, uint32_t index)
{
	return pool->items + (size_t)index * pool->item_size;
}

#endif
