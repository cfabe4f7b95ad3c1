/* A round takes every change once, in the order of the slots, and the quiet times whose turn it is,
 * in as many batches as it needs. */
#ifndef STATE_ROUND_H
#define STATE_ROUND_H

#include "batch.h"

/* Which row of the file has the reason in a slot; 0: none yet. A slot keeps its row for the next
 * reason. */
struct rows {
	uint32_t *of_slot;
	uint32_t last; /* the highest row that has been given away */
	/* Of rows, not slots. */
	struct changes unused; /* are to go: nobody has a use for what is in them */
	struct changes free;   /* nothing is in them: taken before one beyond the last */
};

struct round {
	struct endpoints *endpoints;
	struct rows rows;
	bool is_under_way;
	bool is_last; /* the quiet times of all are taken */
	uint64_t begun_us;
	uint32_t next_slot;
	uint32_t quiet_block;
	uint64_t quiet_due_us;
};

/* Up to the last row of the file all are free, until one is found in it. 0 or -ENOMEM. */
int round_init(
	struct round *round, struct endpoints *endpoints, uint64_t now_us, uint32_t last_row);
void round_free(struct round *round);

/* What fills up with the reasons. */
void round_list_fillings(const struct round *round, struct fillings *fillings);

/* Begins one; last: before a stop. */
void round_begin(struct round *round, uint64_t now_us, bool last);

/* A part of it: 100 us. True when the batch is to be written: the round is over, or it is full. */
bool round_gather(struct round *round, struct batch *batch, uint64_t now_us);

#endif
