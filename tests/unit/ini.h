/* For tests of what natbox makes of a natbox.ini: it is read from a file of its own. */
#ifndef TESTS_INI_H
#define TESTS_INI_H

#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config config;
static struct config_errors errors;
static char path[] = "/tmp/natbox-config-XXXXXX";
enum { PATH_LENGTH = sizeof(path) - 1 };

/* Reads text as a natbox.ini, with the given overrides up to NULL. */
static int read_text(const char *text, size_t length, ...)
{
	const char *overrides[8];
	struct config_source source = {.path = path, .overrides = overrides};
	va_list arguments;
	int fd, result;

	memset(path + PATH_LENGTH - 6, 'X', 6);
	fd = mkstemp(path);
	cr_assert(fd >= 0 && write(fd, text, length) == (ssize_t)length);
	close(fd);
	va_start(arguments, length);
	while ((overrides[source.override_count] = va_arg(arguments, const char *)))
		source.override_count++;
	va_end(arguments);
	result = config_read(&source, &config, &errors);
	unlink(path);
	return result;
}

static void expect_ok(const char *text)
{
	int result = read_text(text, strlen(text), NULL);

	cr_assert(result == 0, "%s", errors.list[0].line);
}

/* The error at this place in the list, without the file's name. */
static const char *error_line(unsigned i)
{
	cr_assert(i < errors.count, "only %u errors", errors.count);
	return errors.list[i].line +
	       (strncmp(errors.list[i].line, path, strlen(path)) == 0 ? strlen(path) : 0);
}

static void expect_error(const char *text, const char *error)
{
	cr_expect(read_text(text, strlen(text), NULL) < 0, "taken: %s", text);
	cr_expect_eq(errors.count, 1);
	cr_expect_str_eq(error_line(0), error);
}

#endif
