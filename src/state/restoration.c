#include "restoration.h"

#include "database.h"
#include "job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* One batch is read, in a thread of its own, while the one before it is put back. Where the disk
 * stalls, all of this is left to that thread. */
struct restoration {
	char path[PATH_MAX];
	struct job reader;
	struct database database;
	struct reading reading;
	struct batch batches[2], *filled;
	int result; /* of reading into the batch that is being filled */

	const struct state_options *options;
	struct endpoints *endpoints;
	struct rows *rows;
	struct restored restored;
	struct address proxy; /* of the last record */
};

static void take_result(struct restoration *restoration, uint32_t row, int64_t slot)
{
	struct restored *restored = &restoration->restored;

	if (row > restoration->rows->last)
		restoration->rows->last = row;
	if (slot > 0) {
		restored->restored++;
		restoration->rows->of_slot[slot] = row;
	} else if (slot == -ENOENT) {
		restored->without_proxy++;
	} else if (slot == -EPERM) {
		restored->unwanted++;
	} else {
		restored->beyond_limits += slot == -ENOSPC;
		restored->over += slot != -ENOSPC;
		changes_add(&restoration->rows->unused, row);
	}
}

/* Some proxies become one only now. */
static void add_proxy_of(struct restoration *restoration, const struct record *record)
{
	const struct state_options *options = restoration->options;

	if (address_equal(&record->proxy, &restoration->proxy) || !options->add_proxy)
		return;
	restoration->proxy = record->proxy;
	if (proxies_find(restoration->endpoints->proxies, &record->proxy) == PROXY_NONE)
		options->add_proxy(options->context, &record->proxy);
}

static void put_back(struct restoration *restoration, const struct batch *batch)
{
	int64_t slots[RECORDS_AT_ONCE];

	for (unsigned i = 0, count; i < batch->count; i += count) {
		count = batch->count - i < RECORDS_AT_ONCE ? batch->count - i : RECORDS_AT_ONCE;
		for (unsigned j = i; j < i + count; j++)
			add_proxy_of(restoration, &batch->records[j]);
		records_restore(restoration->endpoints, &batch->records[i], count, slots);
		for (unsigned j = 0; j < count; j++)
			take_result(restoration, batch->rows[i + j], slots[j]);
	}
}

/* Opens the file at first. Its records are read where there is something to put them into. */
static void *read_some(void *context)
{
	struct restoration *restoration = context;
	struct database *database = &restoration->database;
	int result = 0;

	batch_clear(restoration->filled);
	if (!database->handle)
		result = database_open(database, restoration->path, &restoration->reading.meta);
	if (result == 0 && restoration->endpoints)
		result = database_read(database, &restoration->reading, restoration->filled);
	restoration->result = result;
	return NULL;
}

/* Without a thread the disk is waited for here. */
static void start(struct restoration *restoration)
{
	if (job_start(&restoration->reader, read_some, restoration) != 0)
		read_some(restoration);
}

static int await(struct restoration *restoration)
{
	const uint64_t until_us = clock_us(CLOCK_MONOTONIC) + DISK_WAIT_S * UINT64_C(1000000);

	if (job_wait(&restoration->reader, until_us))
		return restoration->result;
	job_leave(&restoration->reader);
	return -ETIMEDOUT;
}

/* Says what came of it, and frees what no thread holds any more. */
static int end(struct restoration *restoration, int result, struct fault *what)
{
	if (result == -ETIMEDOUT)
		return fault_set(what, result, "the disk does not answer for %d s", DISK_WAIT_S);
	*what = restoration->database.what;
	database_close(&restoration->database);
	free(restoration->reading.quiet_ms);
	free(restoration);
	return result;
}

static struct restoration *restoration_new(const char *path, struct fault *what)
{
	struct restoration *restoration = calloc(1, sizeof(*restoration));

	if (!restoration) {
		fault_set(what, -ENOMEM, "%s", strerror(ENOMEM));
		return NULL;
	}
	snprintf(restoration->path, sizeof(restoration->path), "%s", path);
	restoration->filled = restoration->batches;
	return restoration;
}

int restoration_look(const char *path, struct meta *meta, struct fault *what)
{
	struct restoration *restoration = restoration_new(path, what);
	int result;

	if (!restoration)
		return -ENOMEM;
	start(restoration);
	result = await(restoration);
	if (result == 0)
		*meta = restoration->reading.meta;
	return end(restoration, result, what);
}

/* Where memory is short no row is given up before its time is over. */
static void watch_rows(struct restoration *restoration)
{
	struct changes *unused = &restoration->rows->unused;

	if (!unused->slots)
		(void)changes_init(unused, restoration->reading.last_row);
}

/* A batch that is read in part only is put back as far as it goes. */
static int restore_all(struct restoration *restoration)
{
	int result;

	start(restoration);
	while ((result = await(restoration)) != -ETIMEDOUT) {
		const struct batch *full = restoration->filled;

		watch_rows(restoration);
		restoration->filled = &restoration->batches[full == restoration->batches];
		if (result > 0)
			start(restoration);
		put_back(restoration, full);
		if (result <= 0)
			break;
	}
	return result;
}

int restoration_run(const char *path, const struct state_options *options,
	struct endpoints *endpoints, int64_t now_us, struct rows *rows, struct restored *restored,
	struct fault *what)
{
	struct restoration *restoration = restoration_new(path, what);
	int result;

	if (!restoration)
		return -ENOMEM;
	restoration->options = options;
	restoration->endpoints = endpoints;
	restoration->reading.now_us = now_us;
	restoration->rows = rows;
	result = restore_all(restoration);
	records_resume(endpoints);
	*restored = restoration->restored;
	return end(restoration, result, what);
}
