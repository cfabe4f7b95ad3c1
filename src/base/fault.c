#include <natbox/base.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void write_line(struct fault *fault, enum fault_kind kind, const char *format,
	va_list arguments) __attribute__((format(printf, 3, 0)));

static void write_line(
	struct fault *fault, enum fault_kind kind, const char *format, va_list arguments)
{
	fault->kind = kind;
	vsnprintf(fault->line, sizeof(fault->line), format, arguments);
}

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(fault, FAULT_PASSING, format, arguments);
	va_end(arguments);
	return error;
}

int fault_set_kind(struct fault *fault, enum fault_kind kind, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(fault, kind, format, arguments);
	va_end(arguments);
	return error;
}

enum fault_kind fault_kind_of_path(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -EACCES:
	case -EPERM:
	case -ELOOP:
	case -ENAMETOOLONG:
		return FAULT_LASTING;
	default:
		return FAULT_PASSING;
	}
}
