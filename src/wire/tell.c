#include "tell.h"

#include <stdarg.h>

void tell(const struct wire *wire, enum wire_notice notice, const char *format, ...)
{
	char line[WIRE_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	wire->handler.notice(wire->handler.context, notice, line);
}
