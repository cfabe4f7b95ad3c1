/* Answers to keepalives: known by their status line and branch alone where those stand as most
 * write them, else by a scan of the whole message, with the same outcome. */
#include "border.h"
#include "calls.h"
#include "generate.h"
#include "sip_messages.h"

#include <natbox/sip.h>
#include <wire/capture/capture.h>

#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define ELSE  "203.0.113.1:5062"

enum { MESSAGES = 20000, PARTS_MAX = 1024 };

static struct sip_message message;

/* Of what a glance says, a scan says the same, or that there is something wrong. True when the
 * glance says anything. */
static bool agrees(struct text bytes)
{
	struct sip_glance glance;
	enum sip_defect defect;

	if (!sip_glance(bytes, &glance))
		return false;
	if (sip_scan(bytes.at, bytes.length, &message, &defect) != 0)
		return true;
	cr_assert(!message.is_request && message.status == glance.status &&
			  message.top_via.branch.at == glance.branch.at &&
			  message.top_via.branch.length == glance.branch.length,
		"%.*s", (int)bytes.length, bytes.at);
	return true;
}

Test(keepalive_answers, a_glance_and_a_scan_agree_on_generated_messages)
{
	static const struct generate_wish response = {.kind = GENERATE_RESPONSE};
	static const char *const scraps[] = {
		",", ";", "\"", "(", "\r\n ", "\n", ";branch=z9hG4bK", " ", "v:", "=", "\r"};
	static struct generated generated;
	struct generator generator;
	unsigned seen = 0;

	generator_seed(&generator, 17);
	for (int i = 0; i < MESSAGES; i++) {
		size_t at;
		const char *scrap =
			scraps[generator_below(&generator, sizeof(scraps) / sizeof(*scraps))];

		generate_message(&generator, &response, &generated);
		seen += agrees((struct text){generated.bytes, generated.length});
		at = generator_below(&generator, (uint32_t)generated.length);
		memcpy(generated.bytes + at, scrap,
			strlen(scrap) < generated.length - at ? strlen(scrap)
							      : generated.length - at);
		agrees((struct text){generated.bytes, generated.length});
	}
	/* Theirs are as odd as the grammar lets them be. */
	cr_assert_gt(seen, MESSAGES / 8, "%u", seen);
}

Test(keepalive_answers, a_glance_and_a_scan_agree_on_recorded_messages)
{
	struct datagram datagram;
	struct fault fault;
	unsigned seen = 0, responses = 0;
	glob_t captures;

	cr_assert_eq(glob("pcaps/*.pcap*", 0, NULL, &captures), 0, "no captures in pcaps/");
	for (size_t i = 0; i < captures.gl_pathc; i++) {
		struct capture *capture;

		cr_assert_eq(capture_open_file(captures.gl_pathv[i], &capture, &fault), 0);
		while (capture_next(capture, &datagram, &fault) == 1) {
			seen += agrees(datagram.bytes);
			responses += text_starts_with(datagram.bytes, TEXT("SIP/2.0 "));
		}
		capture_close(capture);
	}
	globfree(&captures);
	/* What real phones and proxies write is hardly ever written in another way. */
	cr_assert_gt(seen, responses * 9 / 10, "%u of %u", seen, responses);
}

/* What a keepalive has that its answer copies. */
struct copied {
	char via[PARTS_MAX], rest[PARTS_MAX];
};

static struct copied copy(const struct border *border)
{
	const struct border_sent *keepalive = keepalive_to(border, PHONE);
	struct copied copied;
	struct sip_message request = scanned(keepalive->bytes, keepalive->length);

	snprintf(copied.via, sizeof(copied.via), "%.*s", (int)request.top_via.value.length,
		request.top_via.value.at);
	snprintf(copied.rest, sizeof(copied.rest),
		"From: %.*s\r\nTo: %.*s;tag=ua\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n",
		(int)request.from.length, request.from.at, (int)request.to.length, request.to.at,
		(int)request.call_id.length, request.call_id.at, (int)request.cseq.length,
		request.cseq.at);
	return copied;
}

/* One that has been sent a keepalive. */
static struct border *border_with_phone(void)
{
	struct border *border = border_new();

	border->logs_keepalives = true;
	border_bind(border, PHONE, (struct registration){.expires = "3600"});
	border_wait(border, 25.05);
	cr_assert_eq(border->sent_count, 1);
	border_forget(border);
	return border;
}

static bool is_seen(const char *bytes)
{
	struct sip_glance glance;

	return sip_glance(text_from(bytes), &glance);
}

static void expect_same_counters(const struct border *one, const struct border *other)
{
	const struct engine_counters a = engine_counters(one->engine),
				     b = engine_counters(other->engine);

	cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
}

/* The same answer, once as it is and once after a line end, which no glance looks behind. */
static void expect_same(const char *start, const char *lines)
{
	struct border *glancing = border_with_phone(), *scanning = border_with_phone();
	const struct copied copied = copy(glancing);
	char answer[3 * PARTS_MAX];

	snprintf(answer, sizeof(answer), "%s\r\nVia: %s\r\n%s%s\r\n", start, copied.via,
		copied.rest, lines);
	cr_expect(is_seen(answer));
	for (unsigned again = 0; again < 2; again++) {
		border_in(glancing, PHONE, "%s", answer);
		border_in(scanning, PHONE, "\r\n%s", answer);
		cr_expect_eq(glancing->outcome.verdict, VERDICT_CONSUME);
		cr_expect_eq(scanning->outcome.verdict, VERDICT_CONSUME);
	}
	border_wait(glancing, 200);
	border_wait(scanning, 200);
	cr_expect_str_eq(glancing->log, scanning->log, "%s", start);
	expect_same_counters(glancing, scanning);
	border_free(glancing);
	border_free(scanning);
}

Test(keepalive_answers, mean_the_same_whichever_way_they_are_read)
{
	expect_same("SIP/2.0 200 OK", "Content-Length: 0\r\n");
	expect_same("SIP/2.0 100 Trying", "");
	expect_same("SIP/2.0 404 Not Found", "User-Agent: phone/1.2\r\n");
	expect_same("SIP/2.0 481 No Subscription", "Contact: <sip:alice@192.168.1.10>\r\n");
	expect_same("SIP/2.0 603", "Record-Route: <sip:203.0.113.1:5061;lr>\r\n");
}

static void expect_read(bool seen, const char *format, const char *via)
{
	struct border *border = border_with_phone();
	const struct copied copied = copy(border);
	char answer[3 * PARTS_MAX];
	int length = snprintf(answer, sizeof(answer), "SIP/2.0 200 OK\r\n");

	length += snprintf(
		answer + length, sizeof(answer) - (size_t)length, format, via ? via : copied.via);
	snprintf(answer + length, sizeof(answer) - (size_t)length, "\r\n%s\r\n", copied.rest);
	cr_expect_eq(is_seen(answer), seen, "%s", answer);
	border_in(border, PHONE, "%s", answer);
	cr_expect_eq(border->outcome.verdict, VERDICT_CONSUME, "%s", answer);
	border_expect(border, "reply " PHONE " 200 50 ms\n");
	border_free(border);
}

Test(keepalive_answers, are_known_however_their_via_is_written)
{
	expect_read(true, "v:%s", NULL);
	expect_read(true, "VIA: %s;received=198.51.100.1;rport=5060", NULL);
	expect_read(true, "Allow: INVITE,\r\n\tACK\r\nVia: %s", NULL);
	expect_read(true, "Via: %s, SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK7", NULL);
	expect_read(false, "Via : %s", NULL);
	expect_read(false, "Via:\r\n %s", NULL);
	expect_read(false, "Vary: all\r\nVia: %s", NULL);
	expect_read(false, "Via: %s ;ttl=1", NULL);
}

static void expect_passed(const char *from, const char *start, const char *via, const char *branch)
{
	struct border *border = border_with_phone();
	const struct copied copied = copy(border);
	const char *own = strstr(copied.via, "z9hG4bK");

	border_in(border, from, "%s\r\nVia: %s%s\r\n%s\r\n", start, via, branch ? branch : own,
		copied.rest);
	cr_expect_eq(border->outcome.verdict, VERDICT_PASS, "%s %s", start, via);
	cr_expect_eq(engine_counters(border->engine).replies, 0);
	border_free(border);
}

Test(keepalive_answers, are_none_with_a_branch_that_was_not_sent_there)
{
	static const char via[] = "SIP/2.0/UDP 198.51.100.1:5060;branch=",
			  start[] = "SIP/2.0 200 OK";

	expect_passed(ELSE, start, via, NULL);
	expect_passed(PHONE, start, via, "z9hG4bKnatbox0000000000000000aaaaaaaaaaaaaaaa");
	expect_passed(
		PHONE, start, "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK7, SIP/2.0/UDP h;branch=", NULL);
	expect_passed(PHONE, start, "SIP/2.0/UDP 192.0.2.7;x=\";branch=", NULL);
	expect_passed(PHONE, "SIP/2.0 099 Low", via, NULL);
	expect_passed(PHONE, "SIP/2.0 700 High", via, NULL);
	expect_passed(PHONE, "SIP/2.0 2000 OK", via, NULL);
	expect_passed(PHONE, "SIP/2.0 200\rOK", via, NULL);
	expect_passed(PHONE, "SIP/2.0 200 OK\r\nContent-Length: 0\r\n", via, NULL);
}

/* One that says the same time, but not as natbox writes it. */
Test(keepalive_answers, are_none_with_a_branch_that_is_written_otherwise)
{
	enum { TIME_DIGITS = 16 };
	struct border *border = border_with_phone();
	struct copied copied = copy(border);
	char *time = strstr(copied.via, "z9hG4bKnatbox") + strlen("z9hG4bKnatbox");
	unsigned letters = 0;

	for (unsigned i = 0; i < TIME_DIGITS; i++) {
		letters += time[i] >= 'a';
		time[i] = (char)toupper(time[i]);
	}
	cr_assert(letters);
	border_in(border, PHONE, "SIP/2.0 200 OK\r\nVia: %s\r\n%s\r\n", copied.via, copied.rest);
	cr_expect_eq(border->outcome.verdict, VERDICT_PASS);
	cr_expect_eq(engine_counters(border->engine).replies, 0);
	border_free(border);
}

Test(keepalive_answers, end_here_whatever_stands_below_their_branch)
{
	struct border *border = border_with_phone();
	const struct copied copied = copy(border);

	border_in(
		border, PHONE, "SIP/2.0 200 OK\r\nVia: %s\r\nno header\r\n: nor this", copied.via);
	cr_assert_eq(border->outcome.verdict, VERDICT_CONSUME);
	border_expect(border, "reply " PHONE " 200 50 ms\n");
	border_free(border);
}

Test(keepalive_answers, above_the_limit_of_datagrams_are_not_looked_into)
{
	struct border *border = border_new();
	struct copied copied;

	border->settings.limits.datagram = 600;
	border->logs_keepalives = true;
	border_bind(border, PHONE, (struct registration){.expires = "3600"});
	border_wait(border, 25.05);
	copied = copy(border);
	border_forget(border);
	border_in(border, PHONE, "SIP/2.0 200 OK\r\nVia: %s\r\n%sX: %0600d\r\n\r\n", copied.via,
		copied.rest, 0);
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	border_expect(border, "");
	border_free(border);
}
