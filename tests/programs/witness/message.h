/* The messages of the phones: as little SIP as they need. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "stories.h"

/* The request of a story's step, by its sender. */
void request_write(const struct stories *stories, struct story *story);

/* ACK to the 2xx that has opened a call. */
void ack_write(
	const struct stories *stories, const struct story *story, char ack[static MESSAGE_MAX]);

/* 200 to a request that has come to a phone. */
void answer_write(const struct stories *stories, const struct phone *phone, const char *request,
	char answer[static MESSAGE_MAX]);

/* Takes what belongs to the dialog from the 2xx that opens it. */
void dialog_read(struct story *story, const char *response);

#endif
