/* The status page, and what it asks for while it is shown. */
#ifndef NATBOX_PAGE_H
#define NATBOX_PAGE_H

#include "errands.h"
#include "history.h"
#include "status.h"

#include <microhttpd.h>

struct page {
	bool is_for_this_host; /* it is served on a loopback address */
	struct history history;
	struct errands errands;
	/* What the loop leaves, with its history, is looked at with the mutex. */
	pthread_mutex_t mutex;
	struct metrics_snapshot snapshot;
	atomic_ullong turned_us;
	char text[HISTORY_JSON_MAX]; /* the thread's own that answers */
};

/* A zeroed one. 0 or a negative errno. */
int page_init(struct page *page, const struct address *listen);
void page_free(struct page *page);

/* Answers a request for one of the page's paths, or with 404. *request is the connection's own. */
enum MHD_Result page_answer(struct page *page, struct MHD_Connection *connection, const char *path,
	uint64_t now_us, void **request);

/* MHD_RequestCompletedCallback of a page: the request is over, however it ended. */
void page_completed(void *page, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code);

/* The text of the page. src/ops/http/page has it, in parts; the Makefile puts them together, and
 * makes page_bytes of that. */
extern const unsigned char page_bytes[];
extern const size_t page_text_length;

enum { PAGE_POLICY_MAX = 512 };

/* A copy with a nonce of its own (CSP 3, 2.3), and the policy that lets what bears it do something
 * and nothing else. The caller frees it. NULL when memory is short. */
char *page_text_new(char policy[static PAGE_POLICY_MAX]);

/* For errands_wake and errands_close. */
void page_resume(void *connection);

#endif
