#include <natbox/base.h>

#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, SMALL_PAGE = 4096 };

/* What is backed at once of one table: heads of lists for 16 million endpoints. */
enum { BACKED_MAX = 64 << 20 };

/* How much of a table that fills up is still free when more of it is backed: an eighth of a page
 * has room for what some thousand new phones need. */
enum { AHEAD = HUGE_PAGE / 8 };

/* How much of a table goes into huge pages: its last one where at least half of it is needed. */
static size_t huge_part(size_t size)
{
	return (size + HUGE_PAGE / 2) / HUGE_PAGE * HUGE_PAGE;
}

static size_t mapped_size(size_t size)
{
	return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* Where a huge page can begin. NULL when memory is short. */
static char *map_aligned(size_t size)
{
	char *area = mmap(
		NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t skipped = -(uintptr_t)area % HUGE_PAGE;

	if (area == MAP_FAILED)
		return NULL;
	if (skipped)
		munmap(area, skipped);
	munmap(area + skipped + size, HUGE_PAGE - skipped);
	return area + skipped;
}

void *table_new(size_t count, size_t item_size)
{
	size_t size;
	char *table;

	if (__builtin_mul_overflow(count, item_size, &size) || size > SIZE_MAX / 2)
		return NULL;
	if (!huge_part(size))
		return calloc(count, item_size);
	table = map_aligned(mapped_size(size));
	if (!table)
		return NULL;
	/* Advice that is not taken costs nothing but speed. What a child process shares, until it
	 * ends, would be written to by way of a fault for each page. */
	(void)madvise(table, huge_part(size), MADV_HUGEPAGE);
	(void)madvise(table, mapped_size(size), MADV_DONTFORK);
	*(volatile char *)table = 0; /* the first item will come while packets wait */
	return table;
}

void *table_new_backed(size_t count, size_t item_size)
{
	volatile char *table = table_new(count, item_size);
	const size_t size = count * item_size;
	const size_t page = huge_part(size) ? HUGE_PAGE : SMALL_PAGE;

	for (size_t at = 0; table && at < size && at < BACKED_MAX; at += page)
		table[at] = 0;
	return (void *)table;
}

void table_back(char *table, size_t from, size_t to)
{
	(void)madvise(table + from, to - from, MADV_POPULATE_WRITE);
}

void fillings_add(struct fillings *fillings, void *table, size_t count, size_t item_size,
	const uint32_t *used)
{
	fillings->list[fillings->count++] = (struct filling){
		.table = table, .count = count, .item_size = item_size, .used = used};
}

void fillings_add_pool(struct fillings *fillings, const struct pool *pool)
{
	fillings_add(
		fillings, pool->items, (size_t)pool->capacity + 1, pool->item_size, &pool->used);
}

/* Small ones are backed by small pages, which take no time. */
size_t filling_wants(struct filling *filling)
{
	const size_t all = huge_part(filling->count * filling->item_size);
	const size_t reached = ((size_t)*filling->used + 1) * filling->item_size;
	const size_t wanted = (reached + AHEAD + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

	filling->due = UINT32_MAX;
	if (wanted >= all)
		return all;
	filling->due = (uint32_t)((wanted - AHEAD) / filling->item_size);
	return wanted;
}

void table_free(void *table, size_t count, size_t item_size)
{
	size_t size = count * item_size;

	if (!table)
		return;
	if (huge_part(size))
		munmap(table, mapped_size(size));
	else
		free(table);
}
