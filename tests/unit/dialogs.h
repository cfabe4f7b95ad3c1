/* Calls as the tests of dialogs tell them: who stands where, and how a call begins and ends. */
#ifndef NATBOX_TESTS_DIALOGS_H
#define NATBOX_TESTS_DIALOGS_H

#include "calls.h"
#include "own_border.h"

#define PHONE  "203.0.113.1:5061"
#define SECOND "203.0.113.2:5061"
#define PUBLIC "203.0.113.77:5060"

#define CALLER                 "endpoint-add " PHONE " via-source,contact-private\n"
#define CALLEE(client)         "endpoint-add " client " contact-private\n"
#define ADD(client, seconds)   "reason-add " client " dialog call " seconds "\n"
#define AGAIN(client, seconds) "reason-refresh " client " dialog call " seconds "\n"
#define END(client, why)       "reason-end " client " dialog call " why "\n"
#define GONE(client, why)      "endpoint-remove " client " " why "\n"
#define TWELVE_HOURS           "43200"
#define PROXY2                 "198.51.100.2:5060"
#define THERE                  PHONE " at " PROXY2

/* For a test suite: opens the border that all of them pass. */
void dialog_setup(void);

struct exchange tagged(const char *from_tag, const char *to_tag, unsigned cseq);
struct exchange forked(const char *branch, const char *to_tag);
struct exchange timed(struct exchange exchange, const char *session_expires);

/* The phone calls somebody, who rings and takes the call; it then has the tag a, the other b. */
void phone_calls(void);

/* The phone is called, rings and takes the call; it then has the tag b, the other a. */
void phone_is_called(void);

void phone_hangs_up(struct exchange exchange);
void far_end_hangs_up(struct exchange exchange);

/* A known endpoint, by a registration for an hour. */
void phone_registers(const char *client, const char *call_id);

/* Final responses that are neither a challenge nor success; FAILURES of them. */
enum { FAILURES = 28 };
extern const unsigned failures[FAILURES];

#endif
