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

void tell_growth(const struct wire *wire, uint64_t now, uint64_t *reported, const char *what)
{
	if (now > *reported)
		tell(wire, WIRE_WARNING, "%llu datagrams %s", (unsigned long long)(now - *reported),
			what);
	*reported = now;
}
