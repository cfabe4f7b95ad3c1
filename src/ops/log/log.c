#include "log.h"
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *path; /* NULL: standard error */
	struct output output;
	enum log_level level;
	int more; /* log_set_verbosity */
	bool never_waits;
	uint64_t lost;  /* lines, since the last that was written */
	int error;      /* why */
	bool is_broken; /* the last line was written in part */
	void (*listener)(void *context, enum log_level level, const char *line);
	void *listener_context;
	struct log_limit *limits; /* that have left out something */
} current = {
	.output = {.fd = STDERR_FILENO, .is_standard = true, .waits = true},
	.level = LOG_LEVEL_INFO,
};

const char *const log_level_names[] = {"error", "warning", "info", "debug", NULL};

/* sd-daemon(3): by which the journal knows what is urgent. */
static const char *const journal_priorities[] = {"<3>", "<4>", "<6>", "<7>"};

int log_open(const char *path, const struct identity *owner, struct fault *fault)
{
	struct output output;
	int result = output_open("log", path, STDERR_FILENO, owner, &output, fault);

	if (result != 0)
		return result;
	if (current.never_waits)
		output_stop_waiting(&output);
	output_close(&current.output);
	current.path = path;
	current.output = output;
	current.is_broken = false;
	return 0;
}

bool log_reopen(void)
{
	struct fault fault;

	if (!current.path || log_open(current.path, NULL, &fault) == 0)
		return true;
	log_error("%s; until then this log goes where it went", fault.line);
	return false;
}

int log_give(const struct identity *identity)
{
	return current.path ? rights_give(identity, current.output.fd, current.path) : 0;
}

void log_never_wait(void)
{
	current.never_waits = true;
	output_stop_waiting(&current.output);
}

void log_close(void)
{
	struct fault fault;

	log_open(NULL, NULL, &fault);
}

void log_set_verbosity(int more)
{
	current.more = more;
}

void log_configure(enum log_level level)
{
	int wanted = (int)level + current.more;

	if (wanted > LOG_LEVEL_DEBUG)
		wanted = LOG_LEVEL_DEBUG;
	current.level = wanted < LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR : (enum log_level)wanted;
}

void log_set_level(enum log_level level)
{
	current.level = level;
}

enum log_level log_get_level(void)
{
	return current.level;
}

/* Whether standard error is the journal: it says which stream it made of it (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	return strcmp(stream, own) == 0;
}

static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	if (!current.path) {
		bool named = level != LOG_LEVEL_INFO;

		return (size_t)snprintf(line, size, "%snatbox: %s%s",
			is_journal() ? journal_priorities[level] : "",
			named ? log_level_names[level] : "", named ? ": " : "");
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
	return length + (size_t)snprintf(line + length, size - length,
				".%03ldZ %s: ", now.tv_nsec / 1000000, log_level_names[level]);
}

/* Writes a line, if need be after the end of one that was written in part. */
static bool put_out(const char *line, size_t length)
{
	ssize_t written = current.is_broken ? output_write(&current.output, "\n", 1) : 1;

	if (written == 1) {
		current.is_broken = false;
		written = output_write(&current.output, line, length);
	}
	current.is_broken |= written > 0 && (size_t)written < length;
	if (written < 0)
		current.error = (int)written;
	return written == (ssize_t)length;
}

/* length: of the prefix that line begins with. */
static bool put_line(char line[static LOG_LINE_MAX + 1], size_t length, const char *message)
{
	length += text_plain(text_from(message), line + length, LOG_LINE_MAX - length);
	line[length++] = '\n';
	return put_out(line, length);
}

/* Whether nothing is lost, or it could be told how many lines are. */
static bool tell_lost(void)
{
	char line[LOG_LINE_MAX + 1], message[128];

	if (!current.lost)
		return true;
	snprintf(message, sizeof(message), "%llu lines of this log were lost: %s",
		(unsigned long long)current.lost, output_explain(current.error));
	if (!put_line(line, put_prefix(line, sizeof(line), LOG_LEVEL_WARNING), message))
		return false;
	current.lost = 0;
	return true;
}

/* One write a line, so that the lines of several processes on one terminal stay whole. */
static void write_line(enum log_level level, const char *message)
{
	char line[LOG_LINE_MAX + 1];

	if (!tell_lost() || !put_line(line, put_prefix(line, sizeof(line), level), message))
		current.lost++;
}

void log_refusal(const char *format, ...)
{
	char line[LOG_LINE_MAX + 1], message[LOG_LINE_MAX];
	const size_t prefix_length = (size_t)snprintf(
		line, sizeof(line), "%s", is_journal() ? journal_priorities[LOG_LEVEL_ERROR] : "");
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	put_line(line, prefix_length, message);
}

void log_listen(
	void (*listener)(void *context, enum log_level level, const char *line), void *context)
{
	current.listener = listener;
	current.listener_context = context;
}

void log_at(enum log_level level, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list arguments;

	if (level > current.level && !current.listener)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (level <= current.level)
		write_line(level, message);
	if (current.listener && level < LOG_LEVEL_DEBUG)
		current.listener(current.listener_context, level, message);
}

void log_answer(const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	write_line(LOG_LEVEL_INFO, message);
}

bool log_limit_has_room(const struct log_limit *limit, uint64_t now_us)
{
	return limit->logged < LOG_LIMIT_PER_SECOND || now_us / 1000000 + 1 > limit->second;
}

bool log_limit_take(struct log_limit *limit, uint64_t now_us)
{
	uint64_t second = now_us / 1000000 + 1;

	if (second > limit->second) {
		limit->second = second;
		limit->logged = 0;
	}
	if (limit->logged == LOG_LIMIT_PER_SECOND) {
		limit->left_out++;
		return false;
	}
	limit->logged++;
	return true;
}

static void wait_for_end(struct log_limit *limit)
{
	if (limit->is_waited_for)
		return;
	limit->is_waited_for = true;
	limit->next = current.limits;
	current.limits = limit;
}

static void tell_left_out(struct log_limit *limit)
{
	if (limit->left_out)
		log_at(limit->level, "%llu more like it left out: %s",
			(unsigned long long)limit->left_out, limit->last);
	limit->left_out = 0;
}

void log_limits_end(uint64_t now_us)
{
	for (struct log_limit **at = &current.limits, *limit; (limit = *at);) {
		if (now_us / 1000000 <= limit->second) {
			at = &limit->next;
			continue;
		}
		tell_left_out(limit);
		limit->is_waited_for = false;
		*at = limit->next;
	}
}

void log_limited(
	struct log_limit *limit, uint64_t now_us, enum log_level level, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list arguments;
	int length;

	if (level > current.level)
		return;
	if (!log_limit_take(limit, now_us)) {
		wait_for_end(limit);
		return;
	}
	va_start(arguments, format);
	length = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	limit->level = level;
	snprintf(limit->last, sizeof(limit->last), "%.127s", message);
	if (limit->left_out && length >= 0 && (size_t)length < sizeof(message))
		snprintf(message + length, sizeof(message) - (size_t)length,
			" (%llu more like it left out)", (unsigned long long)limit->left_out);
	limit->left_out = 0;
	write_line(level, message);
}
