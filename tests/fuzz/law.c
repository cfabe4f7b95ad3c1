/* Fuzzer of the law: what nat_repair does to a request, nat_restore undoes in an answer that is
 * made of it by another start line, byte for byte. The first byte of an input says how much is
 * repaired, and from where the rest of it, a message, has come. */
#include <natbox/nat.h>

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 8192, FORMS_MAX = 3 };

struct bytes {
	size_t length;
	char at[BYTES_MAX];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct edits edits;

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct address client_of(uint8_t byte)
{
	if (byte & 1)
		return (struct address){.ip = {0x20, 1, 0xd, 0xb8, [15] = 7}, .port = 40000};
	return (struct address){
		.ip = {[10] = 0xff, 0xff, 203, 0, 113, 7}, .port = byte & 2 ? 5060 : 40000};
}

static struct settings settings_of(uint8_t byte)
{
	return (struct settings){.nat = {.detect = (1u << NAT_TESTS) - 1,
					 .fix_via = byte % FORMS_MAX,
					 .fix_contact = byte / FORMS_MAX % 2,
					 .restore = true}};
}

static bool scan(const struct bytes *bytes, struct sip_message *message)
{
	enum sip_defect defect;

	return sip_scan(bytes->at, bytes->length, message, &defect) == 0;
}

/* False where it does not fit. */
static bool apply(const struct bytes *from, struct bytes *to)
{
	const long length =
		edits_apply(&edits, (struct text){from->at, from->length}, to->at, sizeof(to->at));

	to->length = length < 0 ? 0 : (size_t)length;
	return length >= 0;
}

static bool repair(const struct bytes *from, const struct address *client,
	const struct settings *settings, struct bytes *to)
{
	struct sip_message message;

	edits_reset(&edits);
	return scan(from, &message) && message.is_request &&
	       nat_repair(&message, client, settings, &edits) && apply(from, to);
}

/* The same but for its start line. */
static bool answer(const struct bytes *request, struct bytes *response)
{
	static const char start[] = "SIP/2.0 200 OK";
	const char *end = memchr(request->at, '\n', request->length);
	const size_t length = sizeof(start) - 1;
	size_t rest;

	if (!end)
		return false;
	end -= end > request->at && end[-1] == '\r';
	rest = request->length - (size_t)(end - request->at);
	if (length + rest > sizeof(response->at))
		return false;
	memcpy(response->at, start, length);
	memcpy(response->at + length, end, rest);
	response->length = length + rest;
	return true;
}

static void restore(const struct bytes *from, const struct address *client,
	const struct settings *settings, struct bytes *to)
{
	struct sip_message message;

	edits_reset(&edits);
	expect(scan(from, &message));
	nat_restore(&message, client, settings, &edits);
	expect(apply(from, to));
}

static void without_vias(const struct bytes *from, struct bytes *to)
{
	struct sip_message message;
	struct sip_cursor cursor = {0};
	struct text value;

	edits_reset(&edits);
	expect(scan(from, &message));
	while (sip_next_value(&message, SIP_VIA, &cursor, &value))
		edits_replace(&edits, value, (struct text){0});
	expect(apply(from, to));
}

static bool is_in(const struct bytes *bytes, const char *text)
{
	const size_t length = strlen(text);

	for (size_t i = 0; i + length <= bytes->length; i++) {
		if (text_equal_nocase((struct text){bytes->at + i, length}, text_from(text)))
			return true;
	}
	return false;
}

static void expect_same(const struct bytes *a, const struct bytes *b)
{
	expect(a->length == b->length && memcmp(a->at, b->at, a->length) == 0);
}

/* A Via that asked for rport comes back with what the repair has filled in. */
static void expect_restored(const struct bytes *original, const struct bytes *restored)
{
	static struct bytes before, after;

	if (!is_in(original, "rport") && !is_in(original, "received")) {
		expect_same(original, restored);
		return;
	}
	without_vias(original, &before);
	without_vias(restored, &after);
	expect_same(&before, &after);
}

/* What bears the parameter already has been repaired elsewhere, or says so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bytes original, repaired, asked, answered, restored;
	const uint8_t how = size ? *data : 0;
	const struct address client = client_of(how);
	const struct settings settings = settings_of(how);
	struct sip_message message;

	if (size < 2 || size > sizeof(original.at))
		return 0;
	original.length = size - 1;
	memcpy(original.at, data + 1, original.length);
	if (is_in(&original, "natbox") || !repair(&original, &client, &settings, &repaired))
		return 0;
	if (!answer(&original, &asked) || !scan(&asked, &message) || !answer(&repaired, &answered))
		return 0;
	restore(&answered, &client, &settings, &restored);
	expect_restored(&asked, &restored);
	return 0;
}
