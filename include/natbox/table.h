/* Memory for the big tables: asked for whole at the start, and backed by the kernel only where it
 * is touched. They are read at random, so large ones ask for huge pages, for which a processor
 * needs to remember far fewer addresses. */
#ifndef NATBOX_TABLE_H
#define NATBOX_TABLE_H

#include <stddef.h>

/* Zeroed. NULL when memory is short. */
void *table_new(size_t count, size_t item_size);

/* The count and size it was made with; NULL is fine. */
void table_free(void *table, size_t count, size_t item_size);

#endif
