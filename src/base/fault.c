#include <natbox/base.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fault_set_kind(struct fault *fault, enum fault_kind kind, int error, const char *format, ...)
{
	va_list arguments;

	fault->kind = kind;
	va_start(arguments, format);
	vsnprintf(fault->line, sizeof(fault->line), format, arguments);
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
	case -EROFS:
	case -ELOOP:
	case -ENAMETOOLONG:
		return FAULT_LASTING;
	default:
		return FAULT_PASSING;
	}
}
