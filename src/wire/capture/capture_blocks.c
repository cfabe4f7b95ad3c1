#include "capture_blocks.h"

#include <byteswap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum {
	SECTION_HEADER = 0x0a0d0d0a, /* the same in either byte order */
	INTERFACE_DESCRIPTION = 1,
	OLD_PACKET = 2,
	SIMPLE_PACKET = 3, /* of the first interface */
	ENHANCED_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,

	/* What libpcap is told of every interface: Ethernet, and no limit of the length. */
	LINK_TYPE_SHOWN = 1,
	SNAPLEN_SHOWN = 0,

	/* Type, length, and of each kind of block what is of interest here. */
	HEAD = 12,
	INTERFACE_HEAD = 16,
	/* Packets of interfaces beyond are of no known link type; hosts have fewer. */
	INTERFACES_MAX = 4096,
};

struct blocks {
	FILE *file;
	bool swapped; /* this section, and all before it, is not in this machine's byte order */
	bool started; /* there was a section before the present one */
	bool ended;   /* at one in the other byte order */
	int link_types[INTERFACES_MAX];
	unsigned interfaces;
	int link_type;
	uint8_t head[INTERFACE_HEAD]; /* of the present block */
	size_t head_length, head_given;
	size_t rest; /* of the present block, after its head */
};

bool blocks_are_in(FILE *file)
{
	uint32_t type;
	bool are = fread(&type, sizeof(type), 1, file) == 1 && type == SECTION_HEADER;

	rewind(file);
	return are;
}

static uint32_t read_u32(const struct blocks *blocks, unsigned at)
{
	uint32_t number;

	memcpy(&number, blocks->head + at, sizeof(number));
	return blocks->swapped ? bswap_32(number) : number;
}

static uint16_t read_u16(const struct blocks *blocks, unsigned at)
{
	uint16_t number;

	memcpy(&number, blocks->head + at, sizeof(number));
	return blocks->swapped ? bswap_16(number) : number;
}

static void read_head(struct blocks *blocks, size_t length)
{
	blocks->head_length += fread(
		blocks->head + blocks->head_length, 1, length - blocks->head_length, blocks->file);
}

static void start_section(struct blocks *blocks)
{
	if (!blocks->started)
		blocks->swapped = read_u32(blocks, 8) != BYTE_ORDER_MAGIC;
	blocks->ended = read_u32(blocks, 8) == bswap_32(BYTE_ORDER_MAGIC);
	blocks->started = true;
	blocks->interfaces = 0;
}

static void add_interface(struct blocks *blocks)
{
	const uint16_t link_type = LINK_TYPE_SHOWN, swapped = bswap_16(LINK_TYPE_SHOWN);
	const uint32_t snaplen = SNAPLEN_SHOWN;

	read_head(blocks, INTERFACE_HEAD);
	if (blocks->head_length < INTERFACE_HEAD)
		return;
	if (blocks->interfaces < INTERFACES_MAX)
		blocks->link_types[blocks->interfaces++] = read_u16(blocks, 8);
	blocks->link_type = blocks->link_types[0];
	memcpy(blocks->head + 8, blocks->swapped ? &swapped : &link_type, sizeof(link_type));
	memcpy(blocks->head + 12, &snaplen, sizeof(snaplen));
}

static void start_packet(struct blocks *blocks, uint32_t interface)
{
	blocks->link_type = interface < blocks->interfaces ? blocks->link_types[interface] : -1;
}

/* What is no block, or is cut off, goes on to libpcap, which says so. */
static void next_block(struct blocks *blocks)
{
	uint32_t type, length;

	blocks->head_length = blocks->head_given = 0;
	read_head(blocks, HEAD);
	if (blocks->head_length < HEAD)
		return;
	type = read_u32(blocks, 0);
	if (type == SECTION_HEADER)
		start_section(blocks);
	if (blocks->ended) {
		blocks->head_length = 0;
		return;
	}
	length = read_u32(blocks, 4);
	if (type == INTERFACE_DESCRIPTION && length > INTERFACE_HEAD)
		add_interface(blocks);
	else if (type == ENHANCED_PACKET)
		start_packet(blocks, read_u32(blocks, 8));
	else if (type == OLD_PACKET)
		start_packet(blocks, read_u16(blocks, 8));
	else if (type == SIMPLE_PACKET)
		start_packet(blocks, 0);
	blocks->rest = length > blocks->head_length ? length - blocks->head_length : 0;
}

/* Gives out what there is of one block and no more: libpcap asks again when it has read all of
 * that, so the block that was begun last is always the one that it reads. */
static ssize_t on_read(void *context, char *buffer, size_t size)
{
	struct blocks *blocks = context;
	size_t given, length;

	if (!blocks->ended && blocks->head_given == blocks->head_length && blocks->rest == 0)
		next_block(blocks);
	given = blocks->head_length - blocks->head_given;
	if (given > size)
		given = size;
	memcpy(buffer, blocks->head + blocks->head_given, given);
	blocks->head_given += given;
	length = size - given < blocks->rest ? size - given : blocks->rest;
	length = fread(buffer + given, 1, length, blocks->file);
	blocks->rest -= length;
	return given + length == 0 && ferror(blocks->file) ? -1 : (ssize_t)(given + length);
}

static int on_close(void *context)
{
	struct blocks *blocks = context;
	int result = blocks->file ? fclose(blocks->file) : 0;

	free(blocks);
	return result;
}

FILE *blocks_open(FILE *file, struct blocks **out)
{
	static const cookie_io_functions_t functions = {.read = on_read, .close = on_close};
	struct blocks *blocks = calloc(1, sizeof(*blocks));
	FILE *stream = blocks ? fopencookie(blocks, "r", functions) : NULL;

	if (!stream) {
		free(blocks);
		return NULL;
	}
	blocks->file = file;
	blocks->link_type = -1;
	*out = blocks;
	return stream;
}

bool blocks_have_more(const struct blocks *blocks)
{
	return blocks->ended && blocks->file;
}

FILE *blocks_go_on(struct blocks *blocks, struct blocks **next)
{
	FILE *stream;

	if (fseek(blocks->file, -HEAD, SEEK_CUR))
		return NULL;
	stream = blocks_open(blocks->file, next);
	if (stream)
		blocks->file = NULL;
	return stream;
}

int blocks_link_type(const struct blocks *blocks)
{
	return blocks->link_type;
}
