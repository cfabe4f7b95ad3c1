/* How often is tried what takes very many tries: all of them in the ordinary build, and one of so
 * many where a sanitiser watches, which makes each dear (tests/asan/run). */
#ifndef NATBOX_TESTS_TRIES_H
#define NATBOX_TESTS_TRIES_H

#ifndef ONE_TRY_OF
#define ONE_TRY_OF 1
#endif

#endif
