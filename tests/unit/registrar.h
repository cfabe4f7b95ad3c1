/* Phones behind the border, and a registrar that tells what it has bound of sip:alice@example.com
 * and that answers. It compares Contacts as RFC 3261 19.1.4 says, or byte by byte. */
#ifndef NATBOX_TESTS_REGISTRAR_H
#define NATBOX_TESTS_REGISTRAR_H

#include "../programs/registrar/bindings.h"
#include "border.h"

extern struct border *phones_border;
extern struct bindings registrar;

/* For a test suite: a border that repairs, and nothing bound. */
void registrar_open(void);
void registrar_close(void);

/* Tells a story to a registrar of either kind. */
void for_both(void (*story)(void));

/* A test that is nothing but a story. */
#define TestOfBoth(suite, name)                                                                    \
	static void name##_story(void);                                                            \
	Test(suite, name)                                                                          \
	{                                                                                          \
		for_both(name##_story);                                                            \
	}                                                                                          \
	static void name##_story(void)

/* What natbox sends on of the datagram of the moment, which it has changed. */
struct sip_message passed_on(void);

/* A REGISTER, as the registrar sees it: 60 s, for this Contact, unless it says otherwise. Its
 * answer, with all that is bound. And both of them. */
#define OWN "<sip:alice@192.168.1.10:5060>"
struct sip_message sends(const char *client, struct registration request);
void is_answered(const char *client, struct registration request);
void exchange(const char *client, struct registration request);

/* Well-formed or not. */
unsigned contact_count(const struct sip_message *message);

/* Asserts that these URIs are bound, in this order, and nothing else. */
#define bound_are(...) bound_are_at(__LINE__, (const char *[]){__VA_ARGS__, NULL})
void bound_are_at(int line, const char *const *uris);

#endif
