/* The text of the status page. src/ops/http/page has it, in parts; the Makefile puts them
 * together, and makes page_bytes of that. */
#ifndef NATBOX_PAGE_TEXT_H
#define NATBOX_PAGE_TEXT_H

#include <stddef.h>

extern const unsigned char page_bytes[];
extern const size_t page_text_length;

enum { PAGE_POLICY_MAX = 512 };

/* A copy with a nonce of its own (CSP 3, 2.3), and the policy that lets what bears it do something
 * and nothing else. The caller frees it. NULL when memory is short. */
char *page_text_new(char policy[static PAGE_POLICY_MAX]);

#endif
