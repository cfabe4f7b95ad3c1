#include <natbox/base.h>

#include <errno.h>

int pool_init(struct pool *pool, size_t item_size, uint32_t limit)
{
	*pool = (struct pool){.item_size = item_size, .capacity = limit, .limit = limit};
	pool->items = table_new((size_t)limit + 1, item_size);
	return pool->items ? 0 : -ENOMEM;
}

void pool_free(struct pool *pool)
{
	table_free(pool->items, (size_t)pool->capacity + 1, pool->item_size);
	pool->items = NULL;
}

uint32_t pool_take(struct pool *pool)
{
	uint32_t index = pool->free;

	if (pool->count >= pool->limit)
		return 0;
	if (index) {
		memcpy(&pool->free, pool_item(pool, index), sizeof(pool->free));
		memset(pool_item(pool, index), 0, pool->item_size);
	} else {
		index = ++pool->used;
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

bool pool_set_limit(struct pool *pool, uint32_t limit)
{
	pool->limit = limit < pool->capacity ? limit : pool->capacity;
	return limit <= pool->capacity;
}
