#include <natbox/pool.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pool_init(struct pool *pool, size_t item_size, uint32_t limit)
{
	*pool = (struct pool){.item_size = item_size, .limit = limit};
	pool->items = calloc((size_t)limit + 1, item_size);
	return pool->items ? 0 : -ENOMEM;
}

void pool_free(struct pool *pool)
{
	free(pool->items);
	pool->items = NULL;
}

uint32_t pool_take(struct pool *pool)
{
	uint32_t index = pool->free;

	if (index) {
		memcpy(&pool->free, pool_item(pool, index), sizeof(pool->free));
		memset(pool_item(pool, index), 0, pool->item_size);
	} else if (pool->used < pool->limit) {
		index = ++pool->used;
	} else {
		return 0;
	}
	pool->count++;
	return index;
}

void pool_give(struct pool *pool, uint32_t index)
{
	memcpy(pool_item(pool, index), &pool->free, sizeof(pool->free));
	pool->free = index;
	pool->count--;
}
