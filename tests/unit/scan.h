/* One message scanned, and what is expected of that. */
#ifndef NATBOX_TESTS_SCAN_H
#define NATBOX_TESTS_SCAN_H

#include <natbox/sip.h>

#define REQUEST   "OPTIONS sip:bob@example.com SIP/2.0\r\n"
#define VIA       "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM      "From: <sip:alice@example.com>;tag=1\r\n"
#define TO        "To: <sip:bob@example.com>\r\n"
#define CALL_ID   "Call-ID: abc@192.0.2.1\r\n"
#define CSEQ      "CSeq: 7 OPTIONS\r\n"
#define MANDATORY VIA FROM TO CALL_ID CSEQ
#define END       "\r\n"

/* Of the latest scan. */
extern struct sip_message message;
extern enum sip_defect defect;

/* As sip_scan returns. */
int scan(const char *text);

void expect_text(struct text text, const char *expected);
void expect_malformed(const char *text, const char *reason);
/* Can be read, but has this flaw; NULL: has none. */
void expect_flaw(const char *text, const char *flaw);
void expect_no_sip(const char *bytes, size_t length);

/* The values of a list, each followed by a bar. Lives until the next call. */
const char *values(enum sip_list list);

#endif
