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
	bool has_more; /* than is in the batch that is being filled */

	const struct state_options *options;
	struct endpoints *endpoints;
	struct rows *rows;
	struct restored *restored;
	struct address proxy; /* of the last record */
};

/* Where memory is short no row is given up before its time is over. */
static void give_up(const struct restoration *restoration, uint32_t row)
{
	struct changes *unused = &restoration->rows->unused;

	if (!unused->slots)
		(void)changes_init(unused, restoration->reading.last_row);
	changes_add(unused, row);
}

static void take_result(struct restoration *restoration, uint32_t row, int64_t slot)
{
	struct restored *restored = restoration->restored;

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
		give_up(restoration, row);
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

/* Opens the file at first. */
static void *read_some(void *context)
{
	struct restoration *restoration = context;
	struct database *database = &restoration->database;

	batch_clear(restoration->filled);
	if (database->handle) {
		restoration->has_more =
			database_read(database, &restoration->reading, restoration->filled);
	} else {
		database_open(database, restoration->path);
		database_look(database, &restoration->reading.meta);
	}
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
		return restoration->database.result;
	job_leave(&restoration->reader);
	return -ETIMEDOUT;
}

void restoration_free(struct restoration *restoration)
{
	if (!restoration)
		return;
	database_close(&restoration->database);
	free(restoration->reading.quiet_ms);
	free(restoration);
}

/* Says what came of it, and frees what no thread holds any more. */
static int end(struct restoration *restoration, int result, struct fault *what)
{
	if (result == -ETIMEDOUT)
		return fault_set(what, result, "the disk does not answer for %d s", DISK_WAIT_S);
	*what = restoration->database.what;
	restoration_free(restoration);
	return result;
}

int restoration_begin(
	const char *path, struct restoration **begun, struct meta *meta, struct fault *what)
{
	struct restoration *restoration = calloc(1, sizeof(*restoration));
	int result;

	if (!restoration)
		return fault_set(what, -ENOMEM, "%s", strerror(ENOMEM));
	snprintf(restoration->path, sizeof(restoration->path), "%s", path);
	restoration->filled = restoration->batches;
	start(restoration);
	result = await(restoration);
	if (result != 0)
		return end(restoration, result, what);
	*meta = restoration->reading.meta;
	*begun = restoration;
	return 0;
}

/* A batch that is read in part only is put back as far as it goes. */
int restoration_end(struct restoration *restoration, const struct state_options *options,
	struct endpoints *endpoints, int64_t now_us, struct rows *rows, struct restored *restored,
	struct fault *what)
{
	int result;
	bool has_more = true;

	restoration->options = options;
	restoration->endpoints = endpoints;
	restoration->reading.now_us = now_us;
	restoration->rows = rows;
	restoration->restored = restored;
	start(restoration);
	while (has_more && (result = await(restoration)) != -ETIMEDOUT) {
		const struct batch *full = restoration->filled;

		has_more = restoration->has_more;
		restoration->filled = &restoration->batches[full == restoration->batches];
		if (has_more)
			start(restoration);
		put_back(restoration, full);
	}
	records_resume(endpoints);
	return end(restoration, result, what);
}
