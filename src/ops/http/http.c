#include "http.h"

#include <string.h>

/* A browser takes it for what it is called, keeps it nowhere, and shows it to no other page. */
static void add_headers(struct MHD_Response *response, const struct http_answer *answer)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Content-Security-Policy",
		answer->policy ? answer->policy : "default-src 'none'; frame-ancestors 'none'");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

enum MHD_Result http_send(struct MHD_Connection *connection, const struct http_answer *answer)
{
	/* Copied: neither an answer that waits for its reader nor a constant is in the way. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->length, (void *)answer->bytes, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(response, answer);
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result http_send_line(struct MHD_Connection *connection, unsigned status, const char *line)
{
	const struct http_answer answer = {.status = status,
		.type = "text/plain; charset=utf-8",
		.bytes = line,
		.length = strlen(line)};

	return http_send(connection, &answer);
}
