/* Messages for people, one line each: to standard error, or to a file that is opened anew when the
 * operator has moved it away. There is one log in a process; before log_open it is standard error
 * at level info. Not for use by several threads at once.
 *
 * On standard error a line starts with "natbox: " and, unless it is an information, with its level;
 * where that is the journal, with the priority before it (sd-daemon(3)). In a file it starts with
 * the UTC time and the level. Whatever is not printable ASCII is shown as \xNN, so that nothing
 * from the wire can forge a second line or do something to a terminal.
 *
 * What cannot be written is lost; the next line that can is preceded by one that says how many. */
#ifndef NATBOX_LOG_H
#define NATBOX_LOG_H

#include <natbox/fault.h>
#include <natbox/privileges.h>

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Longest line; what is longer is cut. Holds a struct fault with words around it. */
enum { LOG_LINE_MAX = 1024 };

/* Logs to the file at path, which is created or added to; NULL: standard error. owner: as
 * rights_open. 0 or a negative errno: the log then stays what it was. path must live as long as the
 * log. */
int log_open(const char *path, const struct identity *owner, struct fault *fault);

/* From now on what a reader does not take is lost, instead of waited for. */
void log_never_wait(void);

/* Opens the file of log_open again, for log rotation. 0, also when there is no file, or a negative
 * errno: the log then goes on in the file it had. */
int log_reopen(struct fault *fault);

/* rights_give for the file, where there is one. */
int log_give(const struct identity *identity);

void log_close(void); /* back to standard error */

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What somebody has just asked for: as an information, and whatever the level. */
void log_answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Wrong usage or configuration, on standard error: the line as it is, whatever the level. */
void log_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Messages of one kind that the wire can cause at any rate share a limit; start with zeros. */
struct log_limit {
	uint64_t second; /* that the messages below were logged in, counted from 1 */
	unsigned logged;
	uint64_t left_out; /* since the last one logged */
};

/* Messages of one kind that are logged in one second: enough to see what goes on, too few to fill
 * a disk. */
enum { LOG_LIMIT_PER_SECOND = 4 };

/* Whether one more would be within the limit. */
bool log_limit_has_room(const struct log_limit *limit, uint64_t now_us);

/* Counts one more; whether it is still within the limit. Its taker says what was left out, and sets
 * that to 0. */
bool log_limit_take(struct log_limit *limit, uint64_t now_us);

/* Logs as above unless too many of this kind were logged in this second; says how many were left
 * out before it. now_us: any clock that does not jump back. */
void log_limited(struct log_limit *limit, uint64_t now_us, enum log_level level, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
