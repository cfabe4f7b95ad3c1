/* Requests and responses of calls and subscriptions as they pass a border, in the four directions
 * there are. A test tells its story with them, message by message. */
#ifndef NATBOX_TESTS_CALLS_H
#define NATBOX_TESTS_CALLS_H

#include "border.h"

/* What a request and its responses have in common. Zero and NULL stand for what most tests want. */
struct exchange {
	const char *call_id;  /* "call" */
	const char *from_tag; /* "a" */
	const char *to_tag;   /* none */
	unsigned cseq;        /* 1 */
	/* Made of Call-ID and CSeq number, so a CANCEL has its INVITE's; empty: there is none. */
	const char *branch;
	const char *phone; /* in the phone's own Via and Contact: "192.168.1.10:5060" */
	bool no_contact;
	const char *lines; /* more header fields, each with its line end */
};

/* A phone's request, and a response to it that the proxy hands on. */
void phone_asks(
	struct border *border, const char *client, const char *method, struct exchange exchange);
void proxy_answers(struct border *border, const char *client, unsigned status, const char *method,
	struct exchange exchange);

/* A request that the proxy hands on to a phone, and the phone's response. */
void proxy_asks(
	struct border *border, const char *client, const char *method, struct exchange exchange);
void phone_answers(struct border *border, const char *client, unsigned status, const char *method,
	struct exchange exchange);

/* A request of the one and a 200 of the other, both of that exchange. */
void phone_is_granted(
	struct border *border, const char *client, const char *method, struct exchange exchange);
void proxy_is_granted(
	struct border *border, const char *client, const char *method, struct exchange exchange);

/* The last keepalive that went to an address, NULL: none did. And a user agent's answer to it, from
 * wherever: its header fields, copied as RFC 3261 8.2.6 says. */
const struct border_sent *keepalive_to(const struct border *border, const char *client);
void phone_answers_keepalive(struct border *border, const char *client,
	const struct border_sent *keepalive, const char *status_line);

#endif
