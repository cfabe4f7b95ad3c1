#include "page.h"

#include "http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

int page_init(struct page *page, const struct address *listen)
{
	page->is_for_this_host = address_is_loopback(listen);
	pthread_mutex_init(&page->mutex, NULL);
	return errands_init(&page->errands);
}

void page_free(struct page *page)
{
	errands_free(&page->errands);
	pthread_mutex_destroy(&page->mutex);
}

/* As many bytes as a nonce has, which stand in its place. */
static const char place[] = "NONCE-NONCE-NONCE-NONC";

enum { NONCE_LENGTH = sizeof(place) - 1 };

/* 132 bits of chance, 6 a byte. */
static int draw_nonce(char nonce[static NONCE_LENGTH + 1])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	if (getrandom(nonce, NONCE_LENGTH, 0) != NONCE_LENGTH)
		return -1;
	for (unsigned i = 0; i < NONCE_LENGTH; i++)
		nonce[i] = digits[nonce[i] & 63];
	nonce[NONCE_LENGTH] = 0;
	return 0;
}

static void fill_in(char *text, const char *nonce)
{
	char *at = text;

	while ((at = memmem(at, (size_t)(text + page_text_length - at), place, NONCE_LENGTH)))
		memcpy(at, nonce, NONCE_LENGTH);
}

char *page_text_new(char policy[static PAGE_POLICY_MAX])
{
	char nonce[NONCE_LENGTH + 1];
	char *text = malloc(page_text_length);

	if (!text || draw_nonce(nonce) != 0) {
		free(text);
		return NULL;
	}
	memcpy(text, page_bytes, page_text_length);
	fill_in(text, nonce);
	snprintf(policy, PAGE_POLICY_MAX,
		"default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
		"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'",
		nonce, nonce);
	return text;
}

static enum MHD_Result send_json(
	struct MHD_Connection *connection, unsigned status, const char *bytes, size_t length)
{
	const struct http_answer answer = {
		.status = status, .type = "application/json", .bytes = bytes, .length = length};

	return http_send(connection, &answer);
}

static enum MHD_Result send_failure(
	struct MHD_Connection *connection, unsigned status, const char *why)
{
	char text[256];
	const int length = snprintf(text, sizeof(text), "{\"failed\":\"%s\"}\n", why);

	return send_json(connection, status, text, (size_t)length);
}

static enum MHD_Result send_page(struct MHD_Connection *connection)
{
	char policy[PAGE_POLICY_MAX];
	char *text = page_text_new(policy);
	const struct http_answer answer = {
		.status = MHD_HTTP_OK,
		.type = "text/html; charset=utf-8",
		.bytes = text,
		.length = page_text_length,
		.policy = policy,
	};
	enum MHD_Result result;

	if (!text)
		return send_failure(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory");
	result = http_send(connection, &answer);
	free(text);
	return result;
}

static enum MHD_Result send_status(
	struct page *page, struct MHD_Connection *connection, uint64_t now_us)
{
	struct json json = {.bytes = page->text};
	struct condition condition = {
		.snapshot = &page->snapshot, .history = &page->history, .now_us = now_us};

	pthread_mutex_lock(&page->mutex);
	condition.turned_us = atomic_load_explicit(&page->turned_us, memory_order_relaxed);
	status_write(&condition, clock_us(CLOCK_REALTIME), &json);
	pthread_mutex_unlock(&page->mutex);
	return send_json(connection, MHD_HTTP_OK, json.bytes, json.used);
}

static enum MHD_Result send_history(
	struct page *page, struct MHD_Connection *connection, uint64_t now_us)
{
	struct json json = {.bytes = page->text};

	pthread_mutex_lock(&page->mutex);
	history_write(&page->history, now_us, &json);
	pthread_mutex_unlock(&page->mutex);
	return send_json(connection, MHD_HTTP_OK, json.bytes, json.used);
}

static void suspend(void *connection)
{
	MHD_suspend_connection(connection);
}

void page_resume(void *connection)
{
	MHD_resume_connection(connection);
}

/* The connection is put aside until the packet loop has found the answer. */
static enum MHD_Result ask(struct page *page, struct MHD_Connection *connection,
	const struct survey_question *question, uint64_t now_us, void **request)
{
	*request = errand_ask(&page->errands, question, now_us, connection, suspend);
	if (*request)
		return MHD_YES;
	return send_failure(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		"too many ask at the same time: ask again");
}

static enum MHD_Result search(
	struct page *page, struct MHD_Connection *connection, uint64_t now_us, void **request)
{
	struct survey_question question = {.kind = SURVEY_SEARCH};
	const char *query = NULL;
	size_t length = 0;

	if (MHD_lookup_connection_value_n(
		    connection, MHD_GET_ARGUMENT_KIND, "q", 1, &query, &length) != MHD_YES ||
		!query || !length || length > sizeof(question.query))
		return send_failure(connection, MHD_HTTP_BAD_REQUEST,
			"q is to be a part of an address of record or of an address, 255 bytes at "
			"most");
	memcpy(question.query, query, length);
	question.query_length = length;
	return ask(page, connection, &question, now_us, request);
}

static enum MHD_Result send_errand(struct MHD_Connection *connection, struct errand *errand)
{
	if (errand_is_answered(errand))
		return send_json(
			connection, MHD_HTTP_OK, errand->answer.bytes, errand->answer.used);
	return send_failure(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		"the packet loop has found no time for it: ask again");
}

/* The host that a Host header names, without its port and the brackets of IPv6. */
static void host_of(const char *header, char *host, size_t size)
{
	const bool has_brackets = *header == '[';
	const size_t length = strcspn(header + has_brackets, has_brackets ? "]" : ":");

	snprintf(host, size, "%.*s", (int)(length < size ? length : size), header + has_brackets);
}

/* A page of elsewhere can have its own name lead a browser to this host, and then read what is for
 * this host alone. Then it asks for that name. */
static bool is_asked_for_by_name(struct MHD_Connection *connection)
{
	const char *header =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	uint8_t address[16];
	char host[64];

	if (!header)
		return false;
	host_of(header, host, sizeof(host));
	return strcasecmp(host, "localhost") != 0 && inet_pton(AF_INET, host, address) != 1 &&
	       inet_pton(AF_INET6, host, address) != 1;
}

enum MHD_Result page_answer(struct page *page, struct MHD_Connection *connection, const char *path,
	uint64_t now_us, void **request)
{
	static const struct survey_question lost = {.kind = SURVEY_LOST},
					    spread = {.kind = SURVEY_SPREAD};

	if (*request)
		return send_errand(connection, *request);
	if (page->is_for_this_host && is_asked_for_by_name(connection))
		return send_failure(connection, MHD_HTTP_FORBIDDEN,
			"this is for this host alone: ask for its address, or for localhost");
	if (strcmp(path, "/") == 0)
		return send_page(connection);
	if (strcmp(path, "/status.json") == 0)
		return send_status(page, connection, now_us);
	if (strcmp(path, "/history.json") == 0)
		return send_history(page, connection, now_us);
	if (strcmp(path, "/lost.json") == 0)
		return ask(page, connection, &lost, now_us, request);
	if (strcmp(path, "/spread.json") == 0)
		return ask(page, connection, &spread, now_us, request);
	if (strcmp(path, "/search") == 0)
		return search(page, connection, now_us, request);
	return http_send_line(connection, MHD_HTTP_NOT_FOUND,
		"here are the status page at /, /metrics and /healthz\n");
}

void page_completed(void *context, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code)
{
	struct page *page = context;

	(void)connection, (void)code;
	if (*request)
		errand_release(&page->errands, *request);
	*request = NULL;
}
