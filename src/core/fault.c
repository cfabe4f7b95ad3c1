#include <natbox/fault.h>

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault->line, sizeof(fault->line), format, arguments);
	va_end(arguments);
	return error;
}
