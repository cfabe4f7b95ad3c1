#include <natbox/schedule.h>

#include <stdlib.h>

/* Slots a block, whose bits fill one word; slots a group of blocks. Senders are counted by slot, by
 * block and by group, so that a search for room passes over what is full in long steps. */
enum { BLOCK = 64, GROUP = BLOCK * 64 };

struct link {
	uint32_t next, previous; /* a ring; previous is 0 when the item stands nowhere */
	uint32_t tick : 24, sender : 1, pace : 7;
};

struct pace {
	uint32_t senders, interval;
};

struct wheel {
	uint32_t items, longest;
	uint32_t now;
	uint32_t mask; /* slots - 1; a slot is a tick & mask */
	uint32_t placed, senders;
	unsigned pace_count; /* those from this one on have never had a sender */
	struct pace paces[PACES_MAX];
	uint32_t next; /* no item wakes before; only while next_known */
	bool next_known;
	struct link *links;
	uint32_t *heads;
	uint32_t *slot_senders;
	uint32_t *block_senders;
	uint32_t *group_senders;
	uint64_t *occupied; /* a bit a slot */
};

/* No item waits so long: an hour is 360 000 ticks. */
enum { TICK_BITS = (1 << 24) - 1 };

struct wheel *wheel_new(uint32_t items, uint32_t longest, uint32_t now)
{
	struct wheel *wheel = calloc(1, sizeof(*wheel));
	uint32_t slots = table_size(GROUP, longest + 2);

	if (!wheel)
		return NULL;
	*wheel = (struct wheel){.items = items, .longest = longest, .now = now, .mask = slots - 1};
	wheel->links = table_new((size_t)items + 1, sizeof(*wheel->links));
	wheel->heads = calloc(slots, sizeof(*wheel->heads));
	wheel->slot_senders = calloc(slots, sizeof(*wheel->slot_senders));
	wheel->block_senders = calloc(slots / BLOCK, sizeof(*wheel->block_senders));
	wheel->group_senders = calloc(slots / GROUP, sizeof(*wheel->group_senders));
	wheel->occupied = calloc(slots / BLOCK, sizeof(*wheel->occupied));
	if (!wheel->links || !wheel->heads || !wheel->slot_senders || !wheel->block_senders ||
		!wheel->group_senders || !wheel->occupied) {
		wheel_free(wheel);
		return NULL;
	}
	return wheel;
}

void wheel_free(struct wheel *wheel)
{
	if (!wheel)
		return;
	table_free(wheel->links, (size_t)wheel->items + 1, sizeof(*wheel->links));
	free(wheel->heads);
	free(wheel->slot_senders);
	free(wheel->block_senders);
	free(wheel->group_senders);
	free(wheel->occupied);
	free(wheel);
}

void wheel_list_fillings(const struct wheel *wheel, const uint32_t *used, struct fillings *fillings)
{
	fillings_add(fillings, wheel->links, (size_t)wheel->items + 1, sizeof(*wheel->links), used);
}

/* Ticks are kept in 24 bits: widened again, they are the ones nearest to now. */
uint32_t wheel_tick_of(const struct wheel *wheel, uint32_t item)
{
	uint32_t ahead = (wheel->links[item].tick - wheel->now) & TICK_BITS;

	return wheel->now + ahead;
}

bool wheel_is_sender(const struct wheel *wheel, uint32_t item)
{
	return wheel->links[item].sender;
}

uint32_t wheel_senders_at(const struct wheel *wheel, uint32_t tick)
{
	return wheel->slot_senders[tick & wheel->mask];
}

/* One sender more or, with -1, less. */
static void count_sender(struct wheel *wheel, uint32_t slot, unsigned pace, uint32_t more)
{
	wheel->slot_senders[slot] += more;
	wheel->block_senders[slot / BLOCK] += more;
	wheel->group_senders[slot / GROUP] += more;
	wheel->senders += more;
	wheel->paces[pace].senders += more;
}

void wheel_remove(struct wheel *wheel, uint32_t item)
{
	struct link *link = &wheel->links[item];
	uint32_t slot = link->tick & wheel->mask;

	if (!link->previous)
		return;
	if (link->next == item) {
		wheel->heads[slot] = 0;
		wheel->occupied[slot / BLOCK] &= ~(1ull << slot % BLOCK);
	} else {
		wheel->links[link->next].previous = link->previous;
		wheel->links[link->previous].next = link->next;
		if (wheel->heads[slot] == item)
			wheel->heads[slot] = link->next;
	}
	if (link->sender)
		count_sender(wheel, slot, link->pace, -1u);
	wheel->placed--;
	*link = (struct link){0};
}

static uint32_t clamp(const struct wheel *wheel, uint32_t tick)
{
	if (!tick_before(wheel->now, tick))
		return wheel->now + 1;
	if (tick - wheel->now > wheel->longest)
		return wheel->now + wheel->longest;
	return tick;
}

static void append(struct wheel *wheel, uint32_t item, uint32_t tick, bool sender, unsigned pace)
{
	struct link *link = &wheel->links[item];
	uint32_t slot = tick & wheel->mask;
	uint32_t head = wheel->heads[slot];

	link->tick = tick & TICK_BITS;
	link->sender = sender;
	link->pace = pace % PACES_MAX;
	if (head) {
		uint32_t tail = wheel->links[head].previous;

		link->next = head;
		link->previous = tail;
		wheel->links[tail].next = item;
		wheel->links[head].previous = item;
	} else {
		link->next = link->previous = item;
		wheel->heads[slot] = item;
		wheel->occupied[slot / BLOCK] |= 1ull << slot % BLOCK;
	}
	if (sender)
		count_sender(wheel, slot, pace, 1);
	wheel->placed++;
	if (wheel->next_known && tick_before(tick, wheel->next))
		wheel->next = tick;
}

void wheel_place(struct wheel *wheel, uint32_t item, uint32_t tick)
{
	wheel_remove(wheel, item);
	append(wheel, item, clamp(wheel, tick), false, 0);
}

/* How many slots back from this one, its own included, are known to be crowded: those of a whole
 * group or block that ends with it, or itself. 0 when it has room. */
static uint32_t crowded_slots(const struct wheel *wheel, uint32_t slot, uint32_t crowded)
{
	if (slot % GROUP == GROUP - 1 && wheel->group_senders[slot / GROUP] >= GROUP * crowded)
		return GROUP;
	if (slot % BLOCK == BLOCK - 1 && wheel->block_senders[slot / BLOCK] >= BLOCK * crowded)
		return BLOCK;
	return wheel->slot_senders[slot] >= crowded;
}

/* From how many senders on a slot is crowded, so far ahead and down to last ahead. */
struct share {
	uint32_t crowded, last;
};

/* Senders whose interval is shorter than a slot is ahead do not stand there yet. What each pace
 * brings a slot is added up in fractions of one sender. */
static struct share share_of(const struct wheel *wheel, uint32_t ahead)
{
	enum { FRACTION = 1 << 16 };
	uint64_t sum = 0;
	uint32_t last = 0;

	for (unsigned i = 0; i < wheel->pace_count; i++) {
		const struct pace *pace = &wheel->paces[i];

		if (!pace->senders)
			continue;
		if (pace->interval >= ahead)
			sum += (uint64_t)pace->senders * (5 * FRACTION / 4) / pace->interval;
		else if (pace->interval > last)
			last = pace->interval;
	}
	return (struct share){.crowded = 1 + (uint32_t)(sum / FRACTION), .last = last};
}

/* The last slot from earliest to latest that is not crowded, or latest. */
static uint32_t find_room(
	const struct wheel *wheel, uint32_t earliest, uint32_t latest, uint32_t interval)
{
	struct share share = {
		.crowded = 1 + (uint32_t)((uint64_t)wheel->senders * 5 / 4 / interval)};
	uint32_t tick = latest, back;

	if (wheel->pace_count > 1)
		share = share_of(wheel, latest - wheel->now);
	while (!tick_before(tick, earliest)) {
		back = crowded_slots(wheel, tick & wheel->mask, share.crowded);
		if (!back)
			return tick;
		if (share.last && tick - wheel->now - share.last <= back) {
			tick = wheel->now + share.last;
			share = share_of(wheel, share.last);
		} else {
			tick -= back;
		}
	}
	return latest;
}

void wheel_place_sender(struct wheel *wheel, uint32_t item, uint32_t earliest, uint32_t latest,
	uint32_t interval, unsigned pace)
{
	wheel_remove(wheel, item);
	wheel->paces[pace].interval = interval;
	if (pace >= wheel->pace_count)
		wheel->pace_count = pace + 1;
	earliest = clamp(wheel, earliest);
	latest = clamp(wheel, latest);
	append(wheel, item, find_room(wheel, earliest, latest, interval), true, pace);
}

bool wheel_next(struct wheel *wheel, uint32_t *tick)
{
	const uint32_t from = (wheel->now + 1) & wheel->mask, slots = wheel->mask + 1;
	uint32_t slot;

	if (!wheel->placed)
		return false;
	if (!wheel->next_known) {
		slot = bits_find(wheel->occupied, from, slots);
		if (slot == slots)
			slot = bits_find(wheel->occupied, 0, from);
		wheel->next = wheel->now + 1 + ((slot - from) & wheel->mask);
		wheel->next_known = true;
	}
	*tick = wheel->next;
	return true;
}

void wheel_turn(struct wheel *wheel, uint32_t tick)
{
	wheel->now = tick;
	if (wheel->next_known && !tick_before(tick, wheel->next))
		wheel->next_known = false;
}

void wheel_prefetch(const struct wheel *wheel, uint32_t item)
{
	prefetch(&wheel->links[item]);
}

uint32_t wheel_peek(const struct wheel *wheel)
{
	uint32_t item = wheel->heads[wheel->now & wheel->mask];

	prefetch(&wheel->links[wheel->links[item].next]);
	return item;
}

uint32_t wheel_peek_after(const struct wheel *wheel, uint32_t item)
{
	const uint32_t next = wheel->links[item].next;

	prefetch(&wheel->links[wheel->links[next].next]);
	return next == wheel->heads[wheel->now & wheel->mask] ? 0 : next;
}

uint32_t wheel_pop(struct wheel *wheel, bool *sender)
{
	uint32_t item = wheel->heads[wheel->now & wheel->mask];

	if (item) {
		*sender = wheel->links[item].sender;
		wheel_remove(wheel, item);
	}
	return item;
}
