#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAGE_HEAD = 16,
	NODE_HEAD = 8,
	META_PAGES = 2,
	SIZE_MIN = 256,
	SIZE_MAX_LMDB = 32768,

	PAGE_BRANCH = 1,
	PAGE_LEAF = 2,
	PAGE_OVERFLOW = 4,
	PAGE_META = 8,

	NODE_BIG = 1,   /* its data is the number of an overflow page */
	NODE_TABLE = 2, /* its data is a table */
};

struct page_head {
	uint64_t number;
	uint16_t unused, flags;
	uint16_t lower, upper; /* ends of the list of nodes and of free space; or how many pages */
};

struct node_head {
	uint16_t low, high; /* size of the data; or with flags, the number of a page */
	uint16_t flags, key_length;
};

struct table {
	uint32_t page_size; /* of the first table only */
	uint16_t flags, depth;
	uint64_t counts[4], root;
};

struct meta {
	struct page_head head;
	uint32_t magic, version;
	uint64_t address, map_size;
	struct table free_pages, tables;
	uint64_t last_page, transaction;
};

struct pages {
	const uint8_t *bytes;
	uint64_t size, count;
	uint8_t *used;     /* a bit a page */
	uint64_t *waiting; /* pages found, but not looked at yet; a page waits once at most */
	uint64_t waiting_count;
	bool is_free_list; /* what is walked is the table of lists of free pages */
};

/* False when it is none, or used already. */
static bool use(struct pages *pages, uint64_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);

	if (number < META_PAGES || number >= pages->count || pages->used[number / 8] & bit)
		return false;
	pages->used[number / 8] |= bit;
	return true;
}

static struct page_head head_of(const struct pages *pages, uint64_t number)
{
	struct page_head head;

	memcpy(&head, pages->bytes + number * pages->size, sizeof(head));
	return head;
}

/* The data of a node that is too big for its page; NULL when there is none of that length. */
static const uint8_t *use_overflow(struct pages *pages, uint64_t number, uint64_t length)
{
	struct page_head head;
	uint64_t more;

	if (!use(pages, number))
		return NULL;
	head = head_of(pages, number);
	more = (uint64_t)head.upper << 16 | head.lower;
	if (head.number != number || head.flags != PAGE_OVERFLOW ||
		more * pages->size < PAGE_HEAD + length)
		return NULL;
	for (uint64_t i = 1; i < more; i++)
		if (!use(pages, number + i))
			return NULL;
	return pages->bytes + number * pages->size + PAGE_HEAD;
}

/* A list of free pages, its length first. */
static bool use_list(struct pages *pages, const uint8_t *data, uint64_t length)
{
	uint64_t count = 0, number;

	if (length >= sizeof(count))
		memcpy(&count, data, sizeof(count));
	if (count > length / sizeof(number) - 1)
		return false;
	for (uint64_t i = 1; i <= count; i++) {
		memcpy(&number, data + i * sizeof(number), sizeof(number));
		if (!use(pages, number))
			return false;
	}
	return true;
}

/* A page of a tree: looked at later. */
static bool use_tree_page(struct pages *pages, uint64_t number)
{
	if (!use(pages, number))
		return false;
	pages->waiting[pages->waiting_count++] = number;
	return true;
}

static bool use_tree(struct pages *pages, uint64_t root)
{
	return root == UINT64_MAX /* empty */ || use_tree_page(pages, root);
}

/* What a node of a leaf holds, beyond its page. */
static bool use_data(struct pages *pages, const struct node_head *node, const uint8_t *data)
{
	uint64_t length = (uint64_t)node->high << 16 | node->low, number;
	struct table table;

	if (node->flags & NODE_BIG) {
		memcpy(&number, data, sizeof(number));
		data = use_overflow(pages, number, length);
	}
	if (!data)
		return false;
	if (!(node->flags & NODE_TABLE))
		return !pages->is_free_list || use_list(pages, data, length);
	if (length != sizeof(table))
		return false;
	memcpy(&table, data, sizeof(table));
	return use_tree(pages, table.root);
}

/* One node of a page. *used grows by its size. */
static bool use_node(
	struct pages *pages, const struct page_head *page, unsigned index, uint64_t *used)
{
	const uint8_t *bytes = pages->bytes + page->number * pages->size;
	struct node_head node;
	uint64_t length;
	uint16_t at;

	memcpy(&at, bytes + PAGE_HEAD + index * sizeof(at), sizeof(at));
	if (at < page->upper || at + (uint64_t)NODE_HEAD > pages->size)
		return false;
	memcpy(&node, bytes + at, sizeof(node));
	length = NODE_HEAD + (uint64_t)node.key_length;
	if (page->flags == PAGE_LEAF)
		length += node.flags & NODE_BIG ? sizeof(uint64_t)
						: (uint64_t)node.high << 16 | node.low;
	if (at + length > pages->size)
		return false;
	*used += (length + 1) & ~(uint64_t)1;
	if (page->flags == PAGE_LEAF)
		return use_data(pages, &node, bytes + at + NODE_HEAD + node.key_length);
	return use_tree_page(
		pages, (uint64_t)node.flags << 32 | (uint64_t)node.high << 16 | node.low);
}

static bool check_page(struct pages *pages, uint64_t number)
{
	struct page_head page = head_of(pages, number);
	uint64_t used = 0;
	unsigned nodes;

	if (page.number != number || (page.flags != PAGE_BRANCH && page.flags != PAGE_LEAF) ||
		page.lower < PAGE_HEAD || page.lower > page.upper || page.upper > pages->size)
		return false;
	nodes = (page.lower - PAGE_HEAD) / 2u;
	for (unsigned i = 0; i < nodes; i++)
		if (!use_node(pages, &page, i, &used))
			return false;
	return used == pages->size - page.upper && (nodes > 0 || page.flags == PAGE_LEAF);
}

static bool walk(struct pages *pages, uint64_t root, bool is_free_list)
{
	pages->is_free_list = is_free_list;
	if (!use_tree(pages, root))
		return false;
	while (pages->waiting_count)
		if (!check_page(pages, pages->waiting[--pages->waiting_count]))
			return false;
	return true;
}

/* The newer of the two heads of the file, which LMDB has accepted. */
static bool find_meta(struct pages *pages, size_t file_size, size_t last_write, struct meta *meta)
{
	memcpy(meta, pages->bytes, sizeof(*meta));
	pages->size = meta->free_pages.page_size;
	if (pages->size < SIZE_MIN || pages->size > SIZE_MAX_LMDB ||
		file_size < META_PAGES * pages->size)
		return false;
	if (meta->transaction != last_write)
		memcpy(meta, pages->bytes + pages->size, sizeof(*meta));
	pages->count = meta->last_page + 1;
	return meta->transaction == last_write && meta->head.flags == PAGE_META;
}

static int check(const uint8_t *bytes, size_t file_size, size_t last_write)
{
	struct pages pages = {.bytes = bytes};
	struct meta meta;
	bool has_memory, sound;

	if (!find_meta(&pages, file_size, last_write, &meta) ||
		meta.last_page > file_size / SIZE_MIN)
		return -EBADMSG;
	pages.used = calloc(1, pages.count / 8 + 1);
	pages.waiting = calloc(pages.count, sizeof(*pages.waiting));
	has_memory = pages.used && pages.waiting;
	sound = has_memory && walk(&pages, meta.free_pages.root, true) &&
		walk(&pages, meta.tables.root, false);
	free(pages.used);
	free(pages.waiting);
	if (!has_memory)
		return -ENOMEM;
	return sound ? 0 : -EBADMSG;
}

int pages_check(const char *path, size_t last_write)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -EBADMSG;
	struct stat status;
	void *bytes;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && status.st_size >= (off_t)sizeof(struct meta)) {
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
		result = bytes == MAP_FAILED ? -errno
					     : check(bytes, (size_t)status.st_size, last_write);
		if (bytes != MAP_FAILED)
			munmap(bytes, (size_t)status.st_size);
	}
	close(fd);
	return result;
}
