/* The scanner against libosip2: on made messages and on what real peers sent. */
#include "generate.h"
#include "libosip2.h"

#include "wire/capture/capture.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <natbox/sip.h>
#include <string.h>

enum { GENERATED_MESSAGES = 5000 };

static struct sip_message message;
static enum sip_defect defect;

Test(sip_against_libosip2, agrees_on_generated_messages)
{
	static const struct generate_wish anything;
	static struct generated generated;
	struct generator generator;

	generator_seed(&generator, 3261);
	for (int i = 0; i < GENERATED_MESSAGES; i++) {
		const char *difference;

		generate_message(&generator, &anything, &generated);
		difference = libosip2_differs(generated.bytes, generated.length);
		cr_assert_null(difference, "message %d: %s\n%.*s", i, difference,
			(int)generated.length, generated.bytes);
	}
}

Test(sip_against_libosip2, generated_messages_are_read_as_they_were_made)
{
	static const struct generate_wish anything;
	static struct generated generated;
	struct generator generator;

	generator_seed(&generator, 4475);
	for (int i = 0; i < GENERATED_MESSAGES; i++) {
		generate_message(&generator, &anything, &generated);
		cr_assert_eq(sip_scan(generated.bytes, generated.length, &message, &defect), 0,
			"%s\n%.*s", sip_defect_names[defect], (int)generated.length,
			generated.bytes);
		cr_expect_eq(message.is_request, generated.is_request);
		cr_expect_eq(sip_count_values(&message, SIP_VIA), generated.vias);
		cr_expect_eq(sip_count_values(&message, SIP_CONTACT), generated.contacts);
		cr_expect_eq(message.body.length, generated.body_length);
	}
}

Test(sip_against_libosip2, a_difference_is_noticed)
{
	static const char bytes[] = "OPTIONS sip:a.org SIP/2.0\r\nVia: SIP/2.0/UDP b.org\r\n"
				    "From: <sip:c@c.org>;tag=1\r\nTo: <sip:d@d.org>\r\n"
				    "Call-ID: e\r\nCSeq: 1 INVITE\r\n\r\n";

	cr_expect_not_null(libosip2_differs(bytes, sizeof(bytes) - 1));
}

/* How many SIP messages the capture holds. */
static unsigned compare_capture(const char *path)
{
	struct datagram datagram;
	struct capture *capture;
	struct fault fault;
	unsigned count = 0;

	cr_assert_eq(capture_open_file(path, &capture, &fault), 0, "%s", fault.line);
	while (capture_next(capture, &datagram, &fault) == 1) {
		struct text bytes = datagram.bytes;
		const char *difference;

		if (sip_scan(bytes.at, bytes.length, &message, &defect) == -ENOMSG)
			continue;
		difference = libosip2_differs(bytes.at, bytes.length);
		cr_expect_null(
			difference, "%s: %s\n%.*s", path, difference, (int)bytes.length, bytes.at);
		count++;
	}
	capture_close(capture);
	return count;
}

Test(sip_against_libosip2, agrees_on_recorded_messages)
{
	glob_t captures;

	cr_assert_eq(glob("pcaps/*.pcap*", 0, NULL, &captures), 0, "no captures in pcaps/");
	for (size_t i = 0; i < captures.gl_pathc; i++)
		cr_expect_gt(compare_capture(captures.gl_pathv[i]), 0, "no SIP in %s",
			captures.gl_pathv[i]);
	globfree(&captures);
}
