/* natboxctl: asks a running natbox over its control socket, and shows what it answers. Its files:
 * main.c has the command line, link.c the connection, show.c what is told of endpoints, tell.c of
 * natbox itself and what happens, trace.c a phone's messages, top.c what goes on, text.c words. */
#ifndef NATBOX_CTL_H
#define NATBOX_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Exit statuses. */
enum { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_NOBODY = 3 };

enum { CTL_REQUEST_MAX = 4096 };

struct writer;

struct ctl {
	const char *socket;
	bool is_json;
	const char *command;
	char request[CTL_REQUEST_MAX];
	char options[CTL_REQUEST_MAX]; /* the words of the request that its options make */
	bool is_live;                  /* answers come when something happens */
	const char *file;              /* trace: a pcap file to write; NULL: the terminal */
	struct writer *writer;         /* of the file, once natbox traces */
	int failure;                   /* exit status of what could not be shown, 0: all could */
	unsigned shown;                /* things, of a table */
	json_t *last;                  /* the line that ends the answer */
};

/* Says what went wrong, on a line of standard error, and returns status. */
int ctl_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says why one cannot connect, and returns the exit status. */
int link_explain(const struct ctl *ctl, int error);

/* Sends a request with its line end. */
void link_say(int fd, const char *request);

/* Asks, and hands each line of the answer but the last to show, unless they are printed as they
 * are. Returns the exit status; what went wrong was said. */
int link_ask(struct ctl *ctl, void (*show)(struct ctl *ctl, const json_t *line));

/* A connection whose lines come while other things happen, as those of top. */
struct feed {
	int fd; /* -1: it is not connected */
	char *bytes;
	size_t used, size;
};

/* One that is not. False with errno set. */
bool feed_open(struct feed *feed, const struct ctl *ctl);
void feed_close(struct feed *feed);

/* Reads what is there, and hands each line on. False: it has ended, or is no natbox's. */
bool feed_read(struct feed *feed, void (*take)(void *context, const json_t *line), void *context);

/* A line of natbox's, to be let go by json_decref; NULL: it is none. */
json_t *line_of(const char *bytes, size_t length);

/* A text of a line, "" where there is none; nothing in it does anything to a terminal. Valid until
 * the eighth call after. */
const char *text_of(const json_t *line, const char *key);

/* The same of a text that is no line's, as the name of a member. */
const char *plain_of(const char *text);

/* The address of record of a line. Whoever has it knows that it is a SIP URI. */
const char *short_aor(const json_t *line);

uint64_t number_of(const json_t *line, const char *key);
bool is_true(const json_t *line, const char *key);

/* The time of a line in microseconds since 1970. */
uint64_t time_us_of(const json_t *line);

/* A span of time in a few letters: 7s, 12m30s, 3h05m, 4d02h. */
enum { SPAN_MAX = 32 };
const char *span_of(uint64_t seconds, char text[static SPAN_MAX]);

/* A time since 1970 as a clock of this host shows it, in a format of strftime(3). */
const char *local_of(time_t time, const char *format, char text[static SPAN_MAX])
	__attribute__((format(strftime, 2, 0)));

/* The time of a line as a clock of this host shows it, with so many decimals of its second, six at
 * most, and none of them rounded up. */
const char *clock_of(const json_t *line, unsigned decimals, char text[static SPAN_MAX]);

/* One for each command that has something to show, and what ends it. */
void show_endpoint(struct ctl *ctl, const json_t *line);
void show_lost(struct ctl *ctl, const json_t *line);
void show_one(struct ctl *ctl, const json_t *line);
void show_flushed(struct ctl *ctl, const json_t *line);
void show_count(const struct ctl *ctl);
void tell_status(struct ctl *ctl, const json_t *line);
void tell_stats(struct ctl *ctl, const json_t *line);
void tell_logged(struct ctl *ctl, const json_t *line);
void tell_version(struct ctl *ctl, const json_t *line);
void tell_event(struct ctl *ctl, const json_t *line);
void trace_message(struct ctl *ctl, const json_t *line);

/* An event as tell_event has it, without a line end; is_short: to a second, and without its
 * proxy. */
void write_event(FILE *out, const json_t *line, bool is_short);

/* Shows what goes on, on the terminal, until q. Returns the exit status; what went wrong was
 * said. */
int top_run(const struct ctl *ctl);

#endif
