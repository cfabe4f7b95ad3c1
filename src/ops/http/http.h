/* Answers over HTTP. */
#ifndef NATBOX_HTTP_H
#define NATBOX_HTTP_H

#include <microhttpd.h>
#include <stddef.h>

struct http_answer {
	unsigned status;
	const char *type;
	const char *bytes;
	size_t length;
	/* Content-Security-Policy; NULL: nothing is to come of it in a browser. */
	const char *policy;
};

/* Sends it; everything it points to is copied. */
enum MHD_Result http_send(struct MHD_Connection *connection, const struct http_answer *answer);

/* Sends a line of plain text. */
enum MHD_Result http_send_line(
	struct MHD_Connection *connection, unsigned status, const char *line);

#endif
