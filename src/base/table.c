#include <natbox/base.h>

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

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
	/* Advice that is not taken costs nothing but speed. */
	if (table)
		(void)madvise(table, huge_part(size), MADV_HUGEPAGE);
	return table;
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
