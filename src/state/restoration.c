#include "restoration.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A million endpoints take half a second; what gives nothing for this long is a disk that stalls.
 */
enum { DISK_WAIT_S = 10 };

static void take_result(struct restoration *restoration, uint32_t row, int64_t slot)
{
	changes_remove(&restoration->rows->free, row);
	if (slot > 0) {
		restoration->restored++;
		restoration->rows->of_slot[slot] = row;
	} else if (slot == -ENOENT) {
		restoration->without_proxy++;
	} else if (slot == -EPERM) {
		restoration->unwanted++;
	} else {
		restoration->beyond_limits += slot == -ENOSPC;
		restoration->over += slot != -ENOSPC;
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
	options->add_proxy(options->context, &record->proxy);
}

static void put_back(struct restoration *restoration, struct batch *batch)
{
	int64_t slots[BATCH_RECORDS_MAX];

	for (unsigned i = 0; i < batch->count; i++)
		add_proxy_of(restoration, &batch->records[i]);
	records_restore(restoration->endpoints, batch->records, batch->count, slots);
	for (unsigned i = 0; i < batch->count; i++)
		take_result(restoration, batch->rows[i], slots[i]);
	batch_clear(batch);
}

/* Without a thread the disk is waited for here. */
static void begin(struct store *store, void *(*work)(void *store))
{
	if (job_start(&store->job, work, store) != 0)
		work(store);
}

/* A store whose disk stalls stays that of its job; where memory is short for another, the disk is
 * waited for. */
static void await(struct store **store)
{
	struct store *another = NULL;

	while (!another) {
		if (job_wait(&(*store)->job,
			    clock_us(CLOCK_MONOTONIC) + DISK_WAIT_S * UINT64_C(1000000)))
			return;
		another = store_new((*store)->directory.path);
	}
	another->directory = (*store)->directory;
	another->result = fault_set(
		&another->fault, -ETIMEDOUT, "the disk does not answer for %d s", DISK_WAIT_S);
	pthread_detach((*store)->job.thread);
	*store = another;
}

void restoration_look(struct store **store)
{
	begin(*store, store_look);
	await(store);
}

/* One batch is read while the one before it is put back. One that is read in part only is put back
 * as far as it goes. */
void restoration_run(struct restoration *restoration, struct store **store, int64_t now_us)
{
	struct batch *full;
	bool has_more;

	(*store)->reading.now_us = now_us;
	begin(*store, store_read);
	do {
		await(store);
		full = (*store)->batch;
		(*store)->batch = &(*store)->batches[full == (*store)->batches];
		has_more = (*store)->has_more;
		if (has_more)
			begin(*store, store_read);
		put_back(restoration, full);
	} while (has_more);
	records_resume(restoration->endpoints);
}
