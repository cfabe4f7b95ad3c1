#include <natbox/base.h>

#include <errno.h>
#include <string.h>

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

	if (pool->count >= pool->limit || (!index && pool->used >= pool->capacity))
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

static void put_on_free_list(struct pool *pool, uint32_t index)
{
	memcpy(pool_item(pool, index), &pool->free, sizeof(pool->free));
	pool->free = index;
}

bool pool_pass_over(struct pool *pool, uint32_t index)
{
	if (index <= pool->used || index > pool->limit)
		return false;
	while (++pool->used < index)
		put_on_free_list(pool, pool->used);
	return true;
}

bool pool_take_at(struct pool *pool, uint32_t index)
{
	if (!pool_pass_over(pool, index))
		return false;
	pool->count++;
	return true;
}

void pool_give(struct pool *pool, uint32_t index)
{
	put_on_free_list(pool, index);
	pool->count--;
}

bool pool_set_limit(struct pool *pool, uint32_t limit)
{
	pool->limit = limit < pool->capacity ? limit : pool->capacity;
	return limit <= pool->capacity;
}
