#include "page_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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
