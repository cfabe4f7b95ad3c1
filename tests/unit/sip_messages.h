/* What the tests of the NAT room share: addresses and scanned messages from plain text. */
#ifndef NATBOX_TESTS_SIP_MESSAGES_H
#define NATBOX_TESTS_SIP_MESSAGES_H

#include <natbox/sip.h>

/* "1.2.3.4:5060"; the test fails when it is none. */
struct address at(const char *text);

/* Scans a whole message, which must outlive what is returned; the test fails when it is no SIP. */
struct sip_message scanned(const char *bytes, size_t length);

/* A request with these Via and Contact values (no Contact field when NULL), with lines of the
 * caller's own (each ended by CRLF) and a body. Lives until the next call. */
struct sip_message request(const char *method, const char *via, const char *contact,
	const char *lines, const char *body);

/* The same for a response; start is its status and reason, "200 OK". */
struct sip_message response(
	const char *start, const char *method, const char *via, const char *contact);

/* The value of the one header field that holds all values of a list. */
struct text field_of(const struct sip_message *message, enum sip_list list);

#endif
