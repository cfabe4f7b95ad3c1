#include <natbox/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *path; /* NULL: standard error */
	int fd;
	enum log_level level;
} current = {NULL, STDERR_FILENO, LOG_LEVEL_INFO};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static int open_file(const char *path, struct fault *fault)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		return fault_set_kind(fault, fault_kind_of_path(-errno), -errno,
			"cannot open log %s: %s; natbox needs to be allowed to write there", path,
			strerror(errno));
	return fd;
}

int log_open(const char *path, struct fault *fault)
{
	int fd = path ? open_file(path, fault) : STDERR_FILENO;

	if (fd < 0)
		return fd;
	log_close();
	current.path = path;
	current.fd = fd;
	return 0;
}

int log_reopen(struct fault *fault)
{
	return current.path ? log_open(current.path, fault) : 0;
}

int log_give(const struct identity *identity)
{
	return current.path ? identity_give(identity, current.fd, current.path) : 0;
}

void log_close(void)
{
	if (current.path)
		close(current.fd);
	current.path = NULL;
	current.fd = STDERR_FILENO;
}

void log_set_level(enum log_level level)
{
	current.level = level;
}

enum log_level log_get_level(void)
{
	return current.level;
}

static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	if (!current.path) {
		bool named = level == LOG_LEVEL_WARNING || level == LOG_LEVEL_DEBUG;

		return (size_t)snprintf(line, size, "natbox: %s%s", named ? level_names[level] : "",
			named ? ": " : "");
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
	return length + (size_t)snprintf(line + length, size - length,
				".%03ldZ %s: ", now.tv_nsec / 1000000, level_names[level]);
}

/* Copies a message with its control characters escaped; returns the end of what was written. */
static char *put_message(char *out, const char *end, const char *message)
{
	static const char digits[] = "0123456789abcdef";

	for (; *message && end - out >= 4; message++) {
		unsigned char c = (unsigned char)*message;

		if (c >= ' ' && c != 0x7f) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	return out;
}

/* One write a line, so that the lines of several processes on one terminal stay whole. A log that
 * cannot be written has nobody left to be told. */
static void write_line(enum log_level level, const char *message)
{
	char line[LOG_LINE_MAX + 1];
	size_t prefix = put_prefix(line, sizeof(line), level);
	char *end = put_message(line + prefix, line + LOG_LINE_MAX, message);
	ssize_t written;

	*end++ = '\n';
	do {
		written = write(current.fd, line, (size_t)(end - line));
	} while (written < 0 && errno == EINTR);
}

static void write_arguments(enum log_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void write_arguments(enum log_level level, const char *format, va_list arguments)
{
	char message[LOG_LINE_MAX];

	vsnprintf(message, sizeof(message), format, arguments);
	write_line(level, message);
}

static void write_wanted(enum log_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void write_wanted(enum log_level level, const char *format, va_list arguments)
{
	if (level <= current.level)
		write_arguments(level, format, arguments);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_wanted(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_wanted(LOG_LEVEL_WARNING, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_wanted(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_wanted(LOG_LEVEL_DEBUG, format, arguments);
	va_end(arguments);
}

void log_answer(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_arguments(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
}

/* Counts one more message of this kind; whether it is still within the limit. */
static bool limit_take(struct log_limit *limit, uint64_t now_us)
{
	uint64_t second = now_us / 1000000 + 1;

	if (second != limit->second) {
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

void log_limited(
	struct log_limit *limit, uint64_t now_us, enum log_level level, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list arguments;
	int length;

	if (level > current.level || !limit_take(limit, now_us))
		return;
	va_start(arguments, format);
	length = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (limit->left_out && length >= 0 && (size_t)length < sizeof(message))
		snprintf(message + length, sizeof(message) - (size_t)length,
			" (%llu more like it left out)", (unsigned long long)limit->left_out);
	limit->left_out = 0;
	write_line(level, message);
}
