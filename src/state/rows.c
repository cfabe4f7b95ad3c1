#include "rows.h"

/* What natbox reads of a record: the columns that people read take three times as long. Times are
 * on the state clock; no byte of it is unused. In the tail stands the user of the Contact where
 * there is one; and behind a zero byte, which a user has not, the name of the class where there is
 * one. */
enum { TAIL_MAX = LABEL_USER_MAX + 1 + CLASS_NAME_MAX - 1 };
struct stored {
	uint64_t key;
	int64_t expires_us, heard_us;
	uint8_t client_ip[16], proxy_ip[16];
	uint16_t client_port, proxy_port, nat;
	uint8_t kind, flags;
	uint32_t binding, written;
	int64_t sum; /* of all the above, the row's number, the id and the tail */
	char tail[TAIL_MAX];
};
enum { STORED_HEAD = offsetof(struct stored, tail) };

enum {
	STORED_EARLY = 1 << 0,
	STORED_UNPROVEN = 1 << 1,
	STORED_LOST = 1 << 2,
};

uint64_t sum_words(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (; length; at += sizeof(uint64_t)) {
		size_t part = length < sizeof(uint64_t) ? length : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, at, part);
		sum = ((sum ^ word) * SUM_ODD) ^ (sum >> 29);
		length -= part;
	}
	return sum;
}

static int64_t sum_of(int64_t before, const void *bytes, size_t length)
{
	return (int64_t)sum_fold(sum_words((uint64_t)before ^ SUM_ODD ^ length, bytes, length));
}

static int64_t sum_of_record(
	uint32_t number, const struct stored *stored, struct text id, struct text tail)
{
	int64_t sum = sum_of(number, stored, offsetof(struct stored, sum));

	sum = sum_of(sum, id.at, id.length);
	return tail.length ? sum_of(sum, tail.at, tail.length) : sum;
}

void row_put_meta(sqlite3_stmt *row, const struct meta *meta)
{
	sqlite3_bind_blob(row, 1, meta, sizeof(*meta), SQLITE_STATIC);
	sqlite3_bind_int64(row, 2, sum_of(0, meta, sizeof(*meta)));
}

bool row_get_meta(sqlite3_stmt *row, struct meta *meta)
{
	const void *blob = sqlite3_column_blob(row, 0);

	if (!blob || sqlite3_column_bytes(row, 0) != (int)sizeof(*meta))
		return false;
	memcpy(meta, blob, sizeof(*meta));
	return sqlite3_column_int64(row, 1) == sum_of(0, meta, sizeof(*meta));
}

static void put_address(sqlite3_stmt *row, int column, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	size_t length = address_format(address, text);

	sqlite3_bind_text(row, column, text, (int)length, SQLITE_TRANSIENT);
}

static struct text put_tail(const struct record *record, char out[static TAIL_MAX])
{
	const struct text user = record->user, class = record->class;
	struct text tail = {out, user.length};

	if (user.length)
		memcpy(out, user.at, user.length);
	if (class.length) {
		out[tail.length++] = 0;
		memcpy(out + tail.length, class.at, class.length);
		tail.length += class.length;
	}
	return tail;
}

static void get_tail(struct text tail, struct record *record)
{
	const char *zero = tail.length ? memchr(tail.at, 0, tail.length) : NULL;

	record->user = tail;
	if (!zero)
		return;
	record->user.length = (size_t)(zero - tail.at);
	record->class = (struct text){zero + 1, tail.length - record->user.length - 1};
}

void row_put_record(
	sqlite3_stmt *row, uint32_t number, const struct record *record, int64_t state_us)
{
	struct stored stored = {
		.key = record->key,
		.expires_us = state_us + (int64_t)record->left_us,
		.heard_us = state_us - (int64_t)record->quiet_us,
		.client_port = record->client.port,
		.proxy_port = record->proxy.port,
		.nat = (uint16_t)record->nat,
		.kind = (uint8_t)record->kind,
		.flags = (uint8_t)((record->early ? STORED_EARLY : 0) |
				   (record->proven ? 0 : STORED_UNPROVEN) |
				   (record->lost ? STORED_LOST : 0)),
		.binding = record->binding,
		.written = record->written,
	};
	const struct text tail = put_tail(record, stored.tail);

	memcpy(stored.client_ip, record->client.ip, sizeof(stored.client_ip));
	memcpy(stored.proxy_ip, record->proxy.ip, sizeof(stored.proxy_ip));
	stored.sum = sum_of_record(number, &stored, record->id, tail);
	sqlite3_bind_int64(row, 1, number);
	sqlite3_bind_text(row, 2, record->id.at, (int)record->id.length, SQLITE_STATIC);
	sqlite3_bind_blob(row, 3, &stored, STORED_HEAD + (int)tail.length, SQLITE_TRANSIENT);
	sqlite3_bind_text(row, 4, reason_kind_names[record->kind], -1, SQLITE_STATIC);
	put_address(row, 5, &record->client);
	put_address(row, 6, &record->proxy);
	sqlite3_bind_int64(row, 7, stored.expires_us / 1000000);
}

/* What natbox reads of a record, with its tail. */
static bool get_stored(sqlite3_stmt *row, struct stored *stored, struct text *tail)
{
	const char *blob = sqlite3_column_blob(row, 2);
	const int size = sqlite3_column_bytes(row, 2);

	if (!blob || size < STORED_HEAD || size > STORED_HEAD + TAIL_MAX)
		return false;
	memcpy(stored, blob, STORED_HEAD);
	*tail = (struct text){blob + STORED_HEAD, (size_t)size - STORED_HEAD};
	return true;
}

bool row_get_record(
	sqlite3_stmt *row, const struct reading *reading, uint32_t *number, struct record *record)
{
	const int64_t place = sqlite3_column_int64(row, 0);
	const char *id = (const char *)sqlite3_column_text(row, 1);
	struct stored stored;
	struct text tail;
	int64_t last_us;

	*number = (uint32_t)place;
	*record = (struct record){.id = {id, (size_t)sqlite3_column_bytes(row, 1)}};
	if (place < 1 || place > reading->last_row || !id || !get_stored(row, &stored, &tail) ||
		stored.kind >= REASON_KINDS ||
		sum_of_record(*number, &stored, record->id, tail) != stored.sum)
		return false;
	get_tail(tail, record);
	if (record->id.length + record->user.length > LABEL_MAX ||
		record->class.length >= CLASS_NAME_MAX)
		return false;
	record->client = address_ipv6(stored.client_ip, stored.client_port);
	record->proxy = address_ipv6(stored.proxy_ip, stored.proxy_port);
	record->nat = stored.nat;
	record->kind = (enum reason_kind)stored.kind;
	record->early = stored.flags & STORED_EARLY;
	record->proven = !(stored.flags & STORED_UNPROVEN);
	record->lost = stored.flags & STORED_LOST;
	record->key = stored.key;
	record->binding = stored.binding;
	record->written = stored.written;
	if (stored.expires_us > reading->now_us)
		record->left_us = (uint64_t)(stored.expires_us - reading->now_us);
	last_us = reading->last_us[*number];
	if (last_us < stored.heard_us)
		last_us = stored.heard_us;
	if (last_us < reading->now_us)
		record->quiet_us = (uint64_t)(reading->now_us - last_us);
	return true;
}

void row_put_quiet(sqlite3_stmt *row, const struct quiet_block *block, int64_t state_us)
{
	const size_t length = block->count * sizeof(block->quiets[0]);

	sqlite3_bind_int64(row, 1, block->number);
	sqlite3_bind_int64(row, 2, state_us);
	sqlite3_bind_blob(row, 3, block->quiets, (int)length, SQLITE_STATIC);
	sqlite3_bind_int64(row, 4, sum_of(state_us, block->quiets, length));
}

/* When an endpoint was last heard, or sent a keepalive. If that became due after it was noted how
 * long it had been quiet, while natbox still ran, it got one since; when is not known, but not
 * before that was noted. Of one that is slow it is not known when it was due. */
static int64_t last_of(const struct meta *meta, const struct quiet *quiet, int64_t noted_us)
{
	const int64_t last_us = noted_us - (quiet->quiet_ms & ~QUIET_IS_SLOW) * INT64_C(1000);
	const int64_t due_us = last_us + (int64_t)meta->interval_us;
	const bool is_slow = quiet->quiet_ms & QUIET_IS_SLOW;

	return !is_slow && noted_us < due_us && due_us <= meta->state_us ? noted_us : last_us;
}

bool row_get_quiets(sqlite3_stmt *row, const struct meta *meta, struct reading *reading)
{
	const int64_t noted_us = sqlite3_column_int64(row, 0);
	const char *quiets = sqlite3_column_blob(row, 1);
	const size_t length = (size_t)sqlite3_column_bytes(row, 1);
	struct quiet quiet;
	int64_t last_us;

	if (sqlite3_column_int64(row, 2) != sum_of(noted_us, quiets, length))
		return false;
	for (size_t at = 0; at + sizeof(quiet) <= length; at += sizeof(quiet)) {
		memcpy(&quiet, quiets + at, sizeof(quiet));
		last_us = last_of(meta, &quiet, noted_us);
		if (quiet.row <= reading->last_row && last_us > reading->last_us[quiet.row])
			reading->last_us[quiet.row] = last_us;
	}
	return true;
}
