#include <natbox/table.h>

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *table_new(size_t count, size_t item_size)
{
	char *table = calloc(count, item_size);
	size_t size = count * item_size, skipped;

	if (!table || size < 2 * (size_t)HUGE_PAGE)
		return table;
	/* Whole huge pages only. Advice that is not taken costs nothing but speed. */
	skipped = -(uintptr_t)table % HUGE_PAGE;
	(void)madvise(table + skipped, (size - skipped) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	return table;
}
